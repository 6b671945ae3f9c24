//! The entries of the dashboard's registry: an action with its group, and over which overlays it is reachable.

use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::input::action::{self, Action, Run};
use crate::tui::input::key::Key;

/// What an action has to do with, for the list of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// The run.
    Run,
    /// Moving about in the DAG.
    Graph,
    /// Earlier events, and replay.
    Time,
    /// The other views of the run.
    Views,
    /// Things side by side.
    Compare,
    /// The inspector.
    Inspector,
    /// The dashboard itself.
    Dashboard,
    /// Answers to a question.
    Question,
    /// An open search.
    Search,
    /// Moving about in the list of actions.
    Palette,
    /// The list of themes.
    Themes,
    /// The editor.
    Editor,
}

impl Group {
    /// The groups in the order of the list of actions.
    pub(crate) const ALL: [Self; 12] = [
        Self::Run,
        Self::Graph,
        Self::Time,
        Self::Views,
        Self::Compare,
        Self::Inspector,
        Self::Dashboard,
        Self::Question,
        Self::Search,
        Self::Editor,
        Self::Palette,
        Self::Themes,
    ];

    /// Its heading.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::Graph => "Graph",
            Self::Time => "Time travel and replay",
            Self::Views => "Views",
            Self::Compare => "Comparing",
            Self::Inspector => "Inspector",
            Self::Dashboard => "Dashboard",
            Self::Question => "Question",
            Self::Search => "Search",
            Self::Palette => "List of actions",
            Self::Themes => "List of themes",
            Self::Editor => "Editor",
        }
    }
}

/// Over which overlays an action is reachable that does not answer them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Over none: nothing else may lie over the panes.
    None,
    /// Over pages of text.
    Text,
    /// Over whatever scrolls.
    Scroll,
    /// Over all but those that are typed into and take the key for themselves.
    Quit,
    /// Over all but the editor.
    All,
}

/// What the dashboard sorts its actions by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    /// What the action has to do with.
    pub group: Group,
    /// Over which overlays it is reachable.
    pub over: Over,
}

/// An action of the dashboard.
pub(crate) type Entry = Action<Model, Effect, Scope>;

const fn scope(group: Group) -> Scope {
    Scope {
        group,
        over: Over::None,
    }
}

/// An action that changes the model only.
pub(crate) const fn change(
    name: &'static str,
    keys: &'static [Key],
    group: Group,
    description: &'static str,
    enabled: fn(&Model) -> bool,
    run: fn(&mut Model),
) -> Entry {
    action::change(name, keys, scope(group), description, enabled, run)
}

/// An action that asks for something to be done outside of the model.
pub(crate) const fn ask(
    name: &'static str,
    keys: &'static [Key],
    group: Group,
    description: &'static str,
    enabled: fn(&Model) -> bool,
    run: fn(&mut Model) -> Vec<Effect>,
) -> Entry {
    action::ask(name, keys, scope(group), description, enabled, run)
}

/// An action that takes what is typed after its name in the list of actions.
pub(crate) const fn take(
    name: &'static str,
    keys: &'static [Key],
    group: Group,
    description: &'static str,
    enabled: fn(&Model) -> bool,
    run: fn(&mut Model, &str) -> Vec<Effect>,
) -> Entry {
    action::take(name, keys, scope(group), description, enabled, run)
}

/// The action that does what is chosen in the list of actions.
pub(crate) const fn chosen(
    name: &'static str,
    keys: &'static [Key],
    group: Group,
    description: &'static str,
    enabled: fn(&Model) -> bool,
) -> Entry {
    Action::new(name, keys, scope(group), description, enabled, Run::Chosen)
}

/// The condition of an action that is always possible.
pub(crate) fn always(_: &Model) -> bool {
    true
}

impl Entry {
    /// The same, reachable over more overlays.
    pub(crate) const fn over(mut self, over: Over) -> Self {
        self.scope.over = over;
        self
    }

    /// Whether it is possible now. Commands apply to the run as it is now: they are not possible while an earlier
    /// event is shown, nor in a replay.
    pub(crate) fn is_possible(&self, model: &Model) -> bool {
        (self.enabled)(model) && !(self.scope.group == Group::Run && model.is_past())
    }

    /// What it needs, when it is not possible.
    pub(crate) fn lacks(&self, model: &Model) -> &'static str {
        match self.scope.group {
            Group::Run if model.is_replay() => "a live run; this is a replay",
            Group::Run if model.is_past() => "the run as it is now: press end",
            _ => self.needs,
        }
    }
}
