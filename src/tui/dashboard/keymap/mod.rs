//! What keys mean, what the footer hints at, and what is possible: all read from one registry.

pub(crate) mod conditions;
pub(crate) mod entry;
pub(crate) mod footer;
pub(crate) mod palette;
pub(crate) mod registry;
pub(crate) mod rules;

use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::{Overlay, Question};
use crate::tui::input::key::Key;
use conditions::types;
use crossterm::event::KeyEvent;
use entry::{Entry, Group, Over};
use registry::entries;

/// What a key means now.
#[derive(Clone, Copy)]
pub(crate) enum Meaning {
    /// It does this.
    Does(&'static Entry),
    /// It would do this, which is not possible now.
    Not(&'static Entry),
    /// Nothing.
    Nothing,
}

/// What `event` means in this state.
pub(crate) fn meaning(model: &Model, event: &KeyEvent) -> Meaning {
    // Letters go into the open text field; keys with control or alt still run actions.
    let counts = |entry: &Entry, key: &Key| !is_typed(model, entry) || !key.is_typed();
    let keymap = &model.keymap;
    let mut blocked = None;
    for entry in entries().filter(|entry| keymap.has(entry, event, |key| counts(entry, key))) {
        if reachable(model, entry) && entry.is_possible(model) {
            return Meaning::Does(entry);
        }
        if !entry.needs.is_empty() {
            blocked = blocked.or(Some(entry));
        }
    }
    match (blocked, &model.overlay) {
        (Some(entry), None) => Meaning::Not(entry),
        _ => Meaning::Nothing,
    }
}

/// Whether the keys of an entry are typed into something instead.
fn is_typed(model: &Model, entry: &Entry) -> bool {
    types(model) && !matches!(entry.scope.group, Group::Palette | Group::Editor)
}

/// While something lies over the panes, only what answers it is reachable.
fn reachable(model: &Model, entry: &Entry) -> bool {
    use Overlay as O;
    let group = entry.scope.group;
    let Some(overlay) = &model.overlay else {
        return !matches!(
            group,
            Group::Question | Group::Search | Group::Palette | Group::Themes | Group::Editor
        );
    };
    let own = match overlay {
        O::Search(_) | O::Filter | O::PageSearch | O::JsonFilter => Some(Group::Search),
        O::Unknown(_)
        | O::Approval(_)
        | O::Question(_)
        | O::PlanEdit(_)
        | O::Structure(_)
        | O::SaveEdits(_)
        | O::Trying(_)
        | O::Repairing(_)
        | O::Previewed(_) => Some(Group::Question),
        O::Palette(_) => Some(Group::Palette),
        O::Themes(_) => Some(Group::Themes),
        O::Editor(_) | O::Settings(_) | O::Break(_) | O::Watches(_) | O::Answer(_) => {
            Some(Group::Editor)
        }
        O::SideBySide(_) | O::Runs(_) => Some(Group::Compare),
        O::Explain(_) | O::Result(_) | O::Bare(_) => None,
    };
    let over = match entry.scope.over {
        Over::None => false,
        Over::Text => matches!(overlay, O::Explain(_) | O::Result(_)),
        Over::Scroll => {
            matches!(
                overlay,
                O::Explain(_)
                    | O::Result(_)
                    | O::SideBySide(_)
                    | O::Runs(_)
                    | O::Bare(_)
                    | O::PlanEdit(_)
                    | O::Structure(_)
                    | O::SaveEdits(_)
                    | O::Repairing(_)
                    | O::Previewed(_)
            )
        }
        Over::Quit => !matches!(
            overlay,
            O::Search(_)
                | O::PageSearch
                | O::JsonFilter
                | O::Bare(_)
                | O::Editor(_)
                | O::Answer(_)
                | O::Break(_)
                | O::Watches(_)
        ),
        Over::All => !matches!(overlay, O::Editor(_)),
    };
    own == Some(group) || over || opened_by(overlay) == Some(entry.name)
}

/// The action that opened what lies over the panes, where the same key again answers or closes it.
const fn opened_by(overlay: &Overlay) -> Option<&'static str> {
    Some(match overlay {
        Overlay::Explain(_) => "explain",
        Overlay::Result(_) => "result",
        Overlay::Question(Question::Quit) => "quit",
        Overlay::Question(Question::Stop) => "stop",
        Overlay::Question(Question::Raise) => "settings",
        Overlay::Question(Question::Skip(_)) => "skip",
        Overlay::Question(Question::Fork(_)) => "fork",
        _ => return None,
    })
}

/// What the footer shows: the hints of what is possible now, each with its first key and its action. A key that means
/// several things is shown once, with what it does now.
pub(crate) fn hints(
    model: &Model,
) -> impl Iterator<Item = (Key, &'static str, &'static Entry)> + '_ {
    let mut shown: Vec<Key> = Vec::new();
    entries().filter_map(move |entry| {
        let (key, word) = model.keymap.footer(entry)?;
        let works = !is_typed(model, entry) && reachable(model, entry) && entry.is_possible(model);
        if !works || shown.contains(&key) {
            return None;
        }
        shown.push(key);
        Some((key, word, entry))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StepIx;

    #[test]
    fn what_an_overlay_is_opened_by_is_in_the_registry() {
        let step = StepIx(0);
        let questions = [
            Question::Quit,
            Question::Stop,
            Question::Skip(step),
            Question::Fork(step),
        ];
        let overlays = questions.map(Overlay::Question);
        for overlay in overlays
            .iter()
            .chain(&[Overlay::Explain(0), Overlay::Result(0)])
        {
            let name = opened_by(overlay).unwrap();
            assert!(entries().any(|entry| entry.name == name), "{name}");
        }
    }
}
