//! An action as a registry has it: what it is called, its keys, when it is possible and what it runs, in one entry.
//! Key handling, help, footer and palette are all read from such entries.

use super::key::Key;
use crossterm::event::KeyEvent;

/// What an action does: it changes the model `M`, and may ask for effects `E`.
pub(crate) enum Run<M: 'static, E: 'static> {
    /// It changes the model only.
    Change(fn(&mut M)),
    /// It asks for something to be done outside of the model.
    Ask(fn(&mut M) -> Vec<E>),
}

/// An action on a model `M` with effects `E`; `S` is what else its screen sorts actions by.
pub(crate) struct Action<M: 'static, E: 'static, S: 'static> {
    /// A name for settings and the palette. Entries of one name are one action in several situations.
    pub name: &'static str,
    /// The keys it has by default.
    pub keys: &'static [Key],
    /// What it does, for the help.
    pub description: &'static str,
    /// What it has to do with.
    pub scope: S,
    /// A word for the footer; those without one are only in the help.
    pub hint: Option<&'static str>,
    /// What is missing where it is not possible, in a few words; empty where nothing need be said.
    pub needs: &'static str,
    /// Whether it is possible now.
    pub enabled: fn(&M) -> bool,
    /// What it does.
    pub run: Run<M, E>,
}

impl<M, E, S: Copy> Action<M, E, S> {
    /// An entry that stands only in the help.
    pub(crate) const fn new(
        name: &'static str,
        keys: &'static [Key],
        scope: S,
        description: &'static str,
        enabled: fn(&M) -> bool,
        run: Run<M, E>,
    ) -> Self {
        Self {
            name,
            keys,
            description,
            scope,
            hint: None,
            needs: "",
            enabled,
            run,
        }
    }

    /// The same with a word for the footer.
    #[must_use]
    pub(crate) const fn hint(mut self, word: &'static str) -> Self {
        self.hint = Some(word);
        self
    }

    /// The same with what is missing where it is not possible.
    #[must_use]
    pub(crate) const fn needs(mut self, what: &'static str) -> Self {
        self.needs = what;
        self
    }

    /// Does it. Whoever calls this has asked whether it is possible.
    pub(crate) fn run(&self, model: &mut M) -> Vec<E> {
        match self.run {
            Run::Change(change) => {
                change(model);
                Vec::new()
            }
            Run::Ask(ask) => ask(model),
        }
    }

    /// Whether one of its keys that `counts` was pressed.
    pub(crate) fn has_key(&self, event: &KeyEvent, counts: impl Fn(&Key) -> bool) -> bool {
        let mut keys = self.keys.iter();
        keys.any(|key| key.matches(event) && counts(key))
    }

    /// What the footer shows of it: its first key and its word.
    pub(crate) fn footer(&self) -> Option<(Key, &'static str)> {
        Some((*self.keys.first()?, self.hint?))
    }
}
