//! What every screen with a registry of actions does with it: what a key means, the hints of the footer, the list of
//! actions, and doing what is chosen there.

use super::action::{Action, Run, change};
use super::key::Key;
use super::keymap::Keymap;
use super::palette::{Listed, Palette, filtered, with_argument};
use crate::text::fuzzy::Found;
use crossterm::event::{KeyCode, KeyEvent};

/// The actions of a screen in the order of its registry, in which the first one possible has a key.
pub(crate) struct Registry<M: 'static, E: 'static, S: 'static> {
    /// Every entry.
    pub actions: Vec<&'static Action<M, E, S>>,
    /// The place of an action's group in the list of actions, and its heading.
    pub group: fn(&Action<M, E, S>) -> (usize, &'static str),
    /// Whether an action is possible now.
    pub possible: fn(&Action<M, E, S>, &M) -> bool,
    /// What an action that is not possible needs.
    pub lacks: fn(&Action<M, E, S>, &M) -> &'static str,
}

/// A hint of the footer: the key, its word, and the action.
pub(crate) type Hint<'a, M, E, S> = (Key, &'static str, &'a Action<M, E, S>);

/// An action that was chosen in the list, with what was typed after its name, or why it cannot be done.
pub(crate) enum Choice<M: 'static, E: 'static, S: 'static> {
    /// Do this.
    Do(&'static Action<M, E, S>, String),
    /// It lacks something, in words.
    Lacks(String),
    /// Nothing is listed.
    Nothing,
}

impl<M, E, S: Copy> Registry<M, E, S> {
    /// What `event` does now, of the keys that `counts` takes.
    pub(crate) fn meaning(
        &self,
        model: &M,
        keymap: &Keymap,
        event: &KeyEvent,
        counts: impl Fn(&Key) -> bool,
    ) -> Option<&'static Action<M, E, S>> {
        let mut actions = self.actions.iter().copied();
        actions.find(|action| keymap.has(action, event, &counts) && (self.possible)(action, model))
    }

    /// The hints of the possible actions that are `in_front`, each with its first key. Of several with the same key,
    /// the first.
    pub(crate) fn hints(
        &self,
        model: &M,
        keymap: &Keymap,
        in_front: impl Fn(&Action<M, E, S>) -> bool,
    ) -> Vec<Hint<'static, M, E, S>> {
        let mut hints: Vec<Hint<'static, M, E, S>> = Vec::new();
        for action in self.actions.iter().copied() {
            let Some((key, word)) = keymap.footer(action) else {
                continue;
            };
            let shows = in_front(action) && (self.possible)(action, model);
            if shows && !hints.iter().any(|(taken, ..)| *taken == key) {
                hints.push((key, word, action));
            }
        }
        hints
    }

    /// The action of this name that is possible now.
    pub(crate) fn possible(&self, model: &M, name: &str) -> Option<&'static Action<M, E, S>> {
        let mut actions = self.actions.iter().copied();
        actions.find(|action| action.name == name && (self.possible)(action, model))
    }

    /// Every action, by the groups, whatever was typed.
    pub(crate) fn lines(&self, model: &M, keymap: &Keymap) -> Vec<Listed> {
        let mut actions: Vec<&'static Action<M, E, S>> = Vec::new();
        for action in self.actions.iter().copied() {
            if !actions.iter().any(|known| known.name == action.name) {
                actions.push(action);
            }
        }
        actions.sort_by_key(|action| (self.group)(action).0);
        let lines = actions.into_iter().map(|action| {
            let now = self.possible(model, action.name);
            Listed {
                name: action.name,
                keys: keymap.written(self.actions.iter().copied(), action.name),
                description: now.unwrap_or(action).description,
                group: (self.group)(action).1,
                lacks: now
                    .is_none()
                    .then(|| (self.lacks)(action, model).to_owned()),
                takes_argument: action.takes_argument(),
                found: Found::default(),
            }
        });
        lines.collect()
    }

    /// The actions that fit what was typed into the list of them, which is not in the model while this is asked.
    pub(crate) fn listed(&self, model: &M, keymap: &Keymap, typed: &str) -> Vec<Listed> {
        filtered(self.lines(model, keymap), typed)
    }

    /// What is chosen of the actions that are `listed`.
    pub(crate) fn chosen(
        &self,
        model: &M,
        listed: &[Listed],
        palette: &Palette,
    ) -> Choice<M, E, S> {
        let last = listed.len().saturating_sub(1);
        let Some(line) = listed.get(palette.chosen.min(last)) else {
            return Choice::Nothing;
        };
        let Some(action) = self.possible(model, line.name) else {
            let needs = line.lacks.as_deref().unwrap_or_default();
            return Choice::Lacks(format!("{} needs {needs}", line.name));
        };
        let argument = with_argument(palette.field.text()).filter(|(name, _)| *name == line.name);
        let argument = argument.map_or("", |(_, argument)| argument);
        Choice::Do(action, argument.to_owned())
    }
}

/// A screen whose list of actions opens over everything else.
pub(crate) trait WithPalette: Sized + 'static {
    /// The list of actions, where it is open.
    fn palette(&mut self) -> &mut Option<Palette>;
    /// Where notices are told.
    fn notice(&mut self) -> &mut Option<String>;
    /// Whether the list is open.
    fn is_listing(&self) -> bool;
}

/// Does what is chosen in the list of actions; if it is not possible, says why and stays open.
pub(crate) fn choose<M: WithPalette, E, S: Copy>(
    model: &mut M,
    registry: &Registry<M, E, S>,
    keymap: &Keymap,
) -> Vec<E> {
    let Some(palette) = model.palette().take() else {
        return Vec::new();
    };
    let listed = registry.listed(model, keymap, palette.field.text());
    match registry.chosen(model, &listed, &palette) {
        Choice::Do(action, argument) => return action.run_with(model, &argument),
        Choice::Lacks(why) => *model.notice() = Some(why),
        Choice::Nothing => {}
    }
    *model.palette() = Some(palette);
    Vec::new()
}

fn in_list<M: WithPalette>(model: &mut M, choose: impl FnOnce(&mut Palette)) {
    if let Some(palette) = model.palette() {
        choose(palette);
    }
}

const CHOOSE: &[Key] = &[Key::code(KeyCode::Enter)];
const UP: &[Key] = &[
    Key::code(KeyCode::Up),
    Key::control('p'),
    Key::code(KeyCode::BackTab),
];
const DOWN: &[Key] = &[
    Key::code(KeyCode::Down),
    Key::control('n'),
    Key::code(KeyCode::Tab),
];
const PAGE_UP: &[Key] = &[Key::code(KeyCode::PageUp)];
const PAGE_DOWN: &[Key] = &[Key::code(KeyCode::PageDown)];
const CLOSE: &[Key] = &[Key::code(KeyCode::Esc)];

/// The actions of an open list of actions.
#[rustfmt::skip]
pub(crate) const fn of_palette<M: WithPalette, E: 'static, S: Copy + 'static>(scope: S) -> [Action<M, E, S>; 6] {
    [
        Action::new("palette-choose", CHOOSE, scope, "do what is chosen", M::is_listing, Run::Chosen).hint("do it"),
        change("palette-up", UP, scope, "choose the action above", M::is_listing, |m| in_list(m, |p| p.move_by(-1))).hint("up"),
        change("palette-down", DOWN, scope, "choose the action below", M::is_listing, |m| in_list(m, |p| p.move_by(1))).hint("down"),
        change("palette-page-up", PAGE_UP, scope, "choose an action a page above", M::is_listing, |m| in_list(m, |p| p.move_page(-1))),
        change("palette-page-down", PAGE_DOWN, scope, "choose an action a page below", M::is_listing, |m| in_list(m, |p| p.move_page(1))),
        change("palette-close", CLOSE, scope, "close the list of actions", M::is_listing, |m| *m.palette() = None).hint("close"),
    ]
}
