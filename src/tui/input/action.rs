//! An action as a registry has it: what it is called, its keys, when it is possible and what it runs, in one entry.
//! Key handling, help, footer and palette are all read from such entries.

use super::key::Key;

/// What an action does: it changes the model `M`, and may ask for effects `E`.
pub(crate) enum Run<M: 'static, E: 'static> {
    /// It changes the model only.
    Change(fn(&mut M)),
    /// It asks for something to be done outside of the model.
    Ask(fn(&mut M) -> Vec<E>),
    /// It takes what was typed after its name in the list of actions; empty where nothing was.
    Take(fn(&mut M, &str) -> Vec<E>),
    /// It does what is chosen in the list of actions, which only the owner of the registry can look up.
    Chosen,
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
        self.run_with(model, "")
    }

    /// The same with what was typed after its name.
    pub(crate) fn run_with(&self, model: &mut M, argument: &str) -> Vec<E> {
        match self.run {
            Run::Change(change) => {
                change(model);
                Vec::new()
            }
            Run::Ask(ask) => ask(model),
            Run::Take(take) => take(model, argument),
            Run::Chosen => Vec::new(),
        }
    }

    /// Whether it takes what is typed after its name.
    pub(crate) const fn takes_argument(&self) -> bool {
        matches!(self.run, Run::Take(_))
    }
}

/// An action that changes the model only.
pub(crate) const fn change<M, E, S: Copy>(
    name: &'static str,
    keys: &'static [Key],
    scope: S,
    description: &'static str,
    enabled: fn(&M) -> bool,
    run: fn(&mut M),
) -> Action<M, E, S> {
    Action::new(name, keys, scope, description, enabled, Run::Change(run))
}

/// An action that asks for something to be done outside of the model.
pub(crate) const fn ask<M, E, S: Copy>(
    name: &'static str,
    keys: &'static [Key],
    scope: S,
    description: &'static str,
    enabled: fn(&M) -> bool,
    run: fn(&mut M) -> Vec<E>,
) -> Action<M, E, S> {
    Action::new(name, keys, scope, description, enabled, Run::Ask(run))
}

/// An action that takes what is typed after its name in the list of actions.
pub(crate) const fn take<M, E, S: Copy>(
    name: &'static str,
    keys: &'static [Key],
    scope: S,
    description: &'static str,
    enabled: fn(&M) -> bool,
    run: fn(&mut M, &str) -> Vec<E>,
) -> Action<M, E, S> {
    Action::new(name, keys, scope, description, enabled, Run::Take(run))
}
