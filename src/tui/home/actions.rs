//! Every action of the home screen: its name, keys, description and when it is possible. Letters are typed
//! into the filter, so actions have other keys.

use super::item::{PlanPlace, Standing};
use super::list::Selected;
use super::model::Model;
use crate::tui::input::key::Key;
use crossterm::event::{KeyCode, KeyEvent};

/// Something a person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the registry describes each")]
pub enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    NextPart,
    PreviousPart,
    Open,
    Resume,
    Play,
    Fork,
    Again,
    Restore,
    Read,
    Clear,
    Back,
    Help,
    Redraw,
    Suspend,
    Quit,
}

/// An action as the registry has it.
pub struct Entry {
    /// The action.
    pub action: Action,
    /// A name for people.
    pub name: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// What it does, for the help.
    pub description: &'static str,
    /// A word for the footer; those without one are only in the help.
    pub hint: Option<&'static str>,
    /// Whether it is possible now.
    pub enabled: fn(&Model) -> bool,
}

const fn code(code: KeyCode) -> Key {
    Key::code(code)
}

const fn entry(
    action: Action,
    name: &'static str,
    keys: &'static [Key],
    description: &'static str,
    enabled: fn(&Model) -> bool,
) -> Entry {
    Entry {
        action,
        name,
        keys,
        description,
        hint: None,
        enabled,
    }
}

impl Entry {
    const fn hint(mut self, word: &'static str) -> Self {
        self.hint = Some(word);
        self
    }
}

fn always(_: &Model) -> bool {
    true
}

fn covered(model: &Model) -> bool {
    model.help.is_some() || model.trouble.is_some()
}

fn in_list(model: &Model) -> bool {
    !covered(model) && !model.rows.is_empty()
}

fn on_plan(model: &Model) -> bool {
    !covered(model) && matches!(model.selected(), Some(Selected::Plan(_)))
}

fn on_run(model: &Model) -> bool {
    !covered(model) && model.run().is_some()
}

/// Whether the selected run can be gone on with.
fn resumable(model: &Model) -> bool {
    on_run(model)
        && model
            .run()
            .is_some_and(|run| run.standing == Standing::Interrupted)
}

fn ended(model: &Model) -> bool {
    on_run(model)
        && model
            .run()
            .is_some_and(|run| !matches!(run.standing, Standing::Running | Standing::Interrupted))
}

fn on_file_of_sample(model: &Model) -> bool {
    let selected = model.selected();
    on_plan(model)
        && matches!(selected, Some(Selected::Plan(plan)) if matches!(plan.place, PlanPlace::Sample(_)))
}

use Action as A;

/// The registry. The footer shows the hints in this order.
#[rustfmt::skip]
pub static REGISTRY: &[Entry] = &[
    entry(A::Resume, "go on", &[code(KeyCode::Enter)],
        "go on with an interrupted run: what it had done is not done again", resumable).hint("go on"),
    entry(A::Open, "run", &[code(KeyCode::Enter)], "run the selected plan", on_plan).hint("run"),
    entry(A::Open, "look", &[code(KeyCode::Enter)], "look at the selected run as it ended", on_run).hint("look"),
    entry(A::Play, "play", &[Key::control('p')], "play the selected run again, as it went", on_run).hint("play"),
    entry(A::Fork, "fork", &[Key::control('f')],
        "a new run from the selected one: what succeeded in it is taken over, the rest runs", ended).hint("fork"),
    entry(A::Again, "anew", &[Key::control('n')], "run the plan of the selected run anew", on_run).hint("run anew"),
    entry(A::Restore, "restore", &[Key::control('o')],
        "put the selected sample back as it was, and run it", on_file_of_sample).hint("restore"),
    entry(A::Up, "up", &[code(KeyCode::Up)], "up", always),
    entry(A::Down, "down", &[code(KeyCode::Down)], "down", always),
    entry(A::PageUp, "page up", &[code(KeyCode::PageUp)], "a page up", always),
    entry(A::PageDown, "page down", &[code(KeyCode::PageDown)], "a page down", always),
    entry(A::First, "first", &[code(KeyCode::Home)], "to the first", in_list),
    entry(A::Last, "last", &[code(KeyCode::End)], "to the last", in_list),
    entry(A::NextPart, "next part", &[code(KeyCode::Tab)],
        "to the next part: plans, runs, samples", in_list).hint("next part"),
    entry(A::PreviousPart, "previous part", &[code(KeyCode::BackTab)], "to the previous part", in_list),
    entry(A::Read, "read", &[code(KeyCode::F(5)), Key::control('r')], "read everything again", always),
    entry(A::Back, "back", &[code(KeyCode::Esc)], "back to the list", covered).hint("back"),
    entry(A::Clear, "clear", &[code(KeyCode::Esc)], "forget what was typed",
        |m| !covered(m) && !m.field.is_empty()).hint("clear"),
    entry(A::Quit, "leave", &[code(KeyCode::Esc), Key::control('c'), Key::control('q')], "leave", always).hint("leave"),
    entry(A::Help, "help", &[code(KeyCode::F(1)), Key::char('?')], "these keys", always).hint("help"),
    entry(A::Redraw, "redraw", &[Key::control('l')], "draw everything again", always),
    entry(A::Suspend, "suspend", &[Key::control('z')], "suspend, as any program", always),
];

/// What `event` does in this state; `None` where it is for the filter.
pub fn meaning(model: &Model, event: &KeyEvent) -> Option<Action> {
    // A letter is typed; the question mark is one as soon as something was typed before it.
    let typed =
        |key: &Key| matches!(key.code, KeyCode::Char(_)) && !key.control && !model.field.is_empty();
    let has_key = |entry: &&Entry| {
        entry
            .keys
            .iter()
            .any(|key| key.matches(event) && !typed(key))
    };
    let mut entries = REGISTRY.iter().filter(has_key);
    entries
        .find(|entry| (entry.enabled)(model))
        .map(|entry| entry.action)
}

/// What the footer shows: the hints of what is possible now, each with its first key; of those that share a
/// key the first.
pub fn hints(model: &Model) -> Vec<(Key, &'static str)> {
    let mut hints: Vec<(Key, &'static str)> = Vec::new();
    for entry in REGISTRY.iter().filter(|entry| (entry.enabled)(model)) {
        let (Some(hint), Some(key)) = (entry.hint, entry.keys.first()) else {
            continue;
        };
        if !hints.iter().any(|(taken, _)| taken == key) {
            hints.push((*key, hint));
        }
    }
    hints
}
