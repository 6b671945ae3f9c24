//! Every action of the dashboard: its name, keys, description and when it is possible.
//!
//! This one table feeds key handling, the footer and the help. Where several actions share a key, the first
//! that is possible is taken.

use super::state::model::{Focus, Model, Overlay, Question, Tab, View};
use crate::run::{RunPhase, StepStatus};
use crate::tui::input::key::Key;
use crossterm::event::{KeyCode, KeyEvent};

/// Something a person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the registry describes each")]
pub enum Action {
    Up,
    Down,
    Left,
    Right,
    First,
    Last,
    PageUp,
    PageDown,
    NextFailure,
    PreviousFailure,
    Follow,
    Search,
    Bottleneck,
    FoldSteps,
    Centre,
    ZoomIn,
    ZoomOut,
    Fit,
    Turn,
    View(View),
    Rows,
    LookEarlier,
    LookLater,
    SortLeft,
    SortRight,
    Reverse,
    Filter,
    KeepFilter,
    DropFilter,
    Accounts,
    Pause,
    Resume,
    StepOnce,
    Retry,
    RetryFailed,
    Skip,
    Breakpoint,
    Refresh,
    Pin,
    EditInput,
    EditOutput,
    Explain,
    Fork,
    Stop,
    Earlier,
    Later,
    EarlierEnd,
    LaterEnd,
    FirstMoment,
    Now,
    Play,
    Hold,
    Slower,
    Faster,
    Compare,
    ChooseRun,
    TakeRun,
    PreviousPair,
    NextPair,
    CloseCompare,
    Inspect,
    Show(Tab),
    NextTab,
    PreviousTab,
    ScrollUp,
    ScrollDown,
    Fold,
    Unfold,
    Toggle,
    ScrollPageUp,
    ScrollPageDown,
    ScrollTop,
    ScrollBottom,
    Raw,
    Copy,
    Back,
    /// Look at the run as a whole.
    TheRun,
    Maximise,
    Help,
    Redraw,
    Suspend,
    Quit,
    Confirm,
    Decline,
    Accept,
    Cancel,
    NextAnswer,
    PreviousAnswer,
    Palette,
    PaletteUp,
    PaletteDown,
    PaletteChoose,
    PaletteClose,
    AssumeDone,
    RunAgain,
    SkipUnknown,
    PutOff,
    Resolve,
    EditorApply,
    EditorLeave,
}

/// What an action has to do with, for the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The run.
    Run,
    /// Moving about in the DAG.
    Graph,
    /// Other moments of the run than now.
    Time,
    /// The other views of the run.
    Views,
    /// Things beside each other.
    Compare,
    /// The inspector.
    Inspector,
    /// The dashboard itself.
    Dashboard,
    /// Answers to a question.
    Question,
    /// A search that goes on.
    Search,
    /// Moving about in the palette.
    Palette,
    /// The editor.
    Editor,
}

impl Group {
    /// The groups in the order of the help.
    pub const ALL: [Self; 7] = [
        Self::Run,
        Self::Graph,
        Self::Time,
        Self::Views,
        Self::Compare,
        Self::Inspector,
        Self::Dashboard,
    ];

    /// Its heading.
    pub const fn name(self) -> &'static str {
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
            Self::Palette => "Palette",
            Self::Editor => "Editor",
        }
    }
}

/// An action as the registry has it.
pub struct Entry {
    /// The action.
    pub action: Action,
    /// A name for settings and the palette.
    pub name: &'static str,
    /// The keys it has by default.
    pub keys: &'static [Key],
    /// What it does, for the help.
    pub description: &'static str,
    /// What it has to do with.
    pub group: Group,
    /// A word for the footer; those without one are only in the help.
    pub hint: Option<&'static str>,
    /// Whether it is possible now.
    pub enabled: fn(&Model) -> bool,
    /// What is missing where it is not possible, in a few words; empty where nothing need be said.
    pub needs: &'static str,
}

const fn code(code: KeyCode) -> Key {
    Key::code(code)
}

const fn key(c: char) -> Key {
    Key::char(c)
}

fn on_graph(model: &Model) -> bool {
    model.focus == Focus::Graph && !model.run.steps.is_empty()
}

fn shows(model: &Model, view: View) -> bool {
    model.view == view
}

fn zooms(model: &Model) -> bool {
    shows(model, View::Graph) || shows(model, View::Timeline)
}

fn filtering(model: &Model) -> bool {
    model.overlay == Some(Overlay::Filter)
}

fn on_inspector(model: &Model) -> bool {
    model.focus == Focus::Inspector && model.selected.is_some()
}

fn scrolls(model: &Model) -> bool {
    on_inspector(model)
        || matches!(
            model.overlay,
            Some(Overlay::Help(_) | Overlay::Explain(_) | Overlay::Beside | Overlay::Runs)
        )
}

fn in_tree(model: &Model) -> bool {
    on_inspector(model)
        && !model.inspector.raw
        && matches!(model.inspector.tab, Tab::Input | Tab::Output)
}

fn on_text(model: &Model) -> bool {
    on_inspector(model) && !in_tree(model)
}

fn selected(model: &Model) -> bool {
    model.row().is_some()
}

fn status_is(model: &Model, test: fn(StepStatus) -> bool) -> bool {
    model.row().is_some_and(|row| test(row.status))
}

fn can_retry(model: &Model) -> bool {
    status_is(model, StepStatus::has_ended) && model.run.phase != RunPhase::Stopping
}

fn can_skip(model: &Model) -> bool {
    model.in_progress()
        && status_is(model, |status| {
            matches!(status, StepStatus::Pending | StepStatus::Ready)
        })
}

/// Whether the selected row came to an output of its own.
fn has_own_output(model: &Model) -> bool {
    let row = model.row();
    row.is_some_and(|row| row.status == StepStatus::Succeeded && row.elements().is_empty())
}

fn can_edit(model: &Model) -> bool {
    let row = model.row();
    model.run.phase != RunPhase::Stopping
        && row.is_some_and(|row| row.under_way().is_none() && row.elements().is_empty())
}

fn can_fork(model: &Model) -> bool {
    let over = model.is_replay() || model.run.has_ended();
    model.forkable && over && selected(model)
}

fn failed(model: &Model) -> bool {
    model.live.failures() > 0
}

fn always(_: &Model) -> bool {
    true
}

fn is_before_the_last(model: &Model) -> bool {
    model.moment() < model.travel.history().len()
}

fn beside(model: &Model) -> bool {
    model.overlay == Some(Overlay::Beside)
}

fn choosing_run(model: &Model) -> bool {
    model.overlay == Some(Overlay::Runs)
}

fn asked(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Question(_)))
}

fn searching(model: &Model) -> bool {
    model.overlay == Some(Overlay::Search)
}

fn at_the_graph(model: &Model) -> bool {
    !can_go_back(model)
}

fn asked_unknown(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Unknown(_)))
}

fn in_editor(model: &Model) -> bool {
    model.overlay == Some(Overlay::Editor)
}

/// Whether keys are typed into something.
fn types(model: &Model) -> bool {
    in_palette(model) || in_editor(model)
}

fn in_palette(model: &Model) -> bool {
    model.overlay == Some(Overlay::Palette)
}

fn can_go_back(model: &Model) -> bool {
    model.compare.against.is_some()
        || model.overlay.is_some()
        || model.maximised
        || model.focus == Focus::Inspector
}

fn stoppable(model: &Model) -> bool {
    model.in_progress() && model.run.phase != RunPhase::Stopping
}

/// An entry that stands only in the help.
const fn entry(
    action: Action,
    name: &'static str,
    keys: &'static [Key],
    group: Group,
    description: &'static str,
    enabled: fn(&Model) -> bool,
) -> Entry {
    Entry {
        action,
        name,
        keys,
        description,
        group,
        hint: None,
        enabled,
        needs: "",
    }
}

impl Entry {
    const fn hint(mut self, word: &'static str) -> Self {
        self.hint = Some(word);
        self
    }

    const fn needs(mut self, what: &'static str) -> Self {
        self.needs = what;
        self
    }

    /// Whether it is possible now. What is asked of a run is asked of it as it is now: not while another moment
    /// is shown, and never of one that is replayed.
    pub fn is_possible(&self, model: &Model) -> bool {
        (self.enabled)(model) && !(self.group == Run && model.is_past())
    }

    /// What is missing where it is not possible.
    pub fn lacks(&self, model: &Model) -> &'static str {
        match self.group {
            Run if model.is_replay() => "a live run; this is a replay",
            Run if model.is_past() => "the run as it is now: end goes back to it",
            _ => self.needs,
        }
    }
}

use Action as A;
use Group::{
    Compare, Dashboard, Editor, Graph, Inspector, Palette, Question as Asked, Run,
    Search as Searching, Time, Views,
};

/// The registry. The footer shows the hints in this order.
#[rustfmt::skip]
pub static REGISTRY: &[Entry] = &[
    entry(A::Confirm, "confirm", &[key('y'), code(KeyCode::Enter)], Asked, "do it", asked).hint("yes"),
    entry(A::Decline, "decline", &[code(KeyCode::Esc), key('n')], Asked, "leave it", asked).hint("no"),

    entry(A::Accept, "accept", &[code(KeyCode::Enter)], Searching, "stay with this step", searching).hint("go there"),
    entry(A::Cancel, "cancel", &[code(KeyCode::Esc), Key::control('c')], Searching, "back to where you were", searching)
        .hint("back"),
    entry(A::NextAnswer, "next-answer", &[code(KeyCode::Down), code(KeyCode::Tab), Key::control('n')], Searching,
        "the next step found", searching).hint("next"),
    entry(A::PreviousAnswer, "previous-answer", &[code(KeyCode::Up), code(KeyCode::BackTab), Key::control('p')], Searching,
        "the step found before", searching).hint("previous"),
    entry(A::FirstMoment, "first-event", &[code(KeyCode::Home)], Time, "while at an earlier moment: go to the first event",
        Model::is_past),
    entry(A::Now, "now", &[code(KeyCode::End)], Time, "go back to now; in a replay, to its end",
        |m| m.is_past() && !m.is_replay()).hint("now"),
    entry(A::Now, "now", &[code(KeyCode::End)], Time, "to the end of the replay",
        |m| m.is_replay() && is_before_the_last(m)).hint("to the end"),
    entry(A::Play, "play", &[key(' ')], Time, "in a replay: play on", |m| m.is_replay() && !m.goes_on())
        .hint("play"),
    entry(A::Hold, "hold", &[key(' ')], Time, "in a replay: hold", |m| m.is_replay() && m.goes_on())
        .hint("hold"),
    entry(A::KeepFilter, "keep-filter", &[code(KeyCode::Enter)], Asked, "keep the filter", filtering).hint("keep"),
    entry(A::DropFilter, "drop-filter", &[code(KeyCode::Esc)], Asked, "show every step again", filtering).hint("show all"),
    entry(A::AssumeDone, "it-happened", &[key('O'), key('o')], Asked, "it happened: give its output", asked_unknown)
        .hint("it happened"),
    entry(A::RunAgain, "run-again", &[key('r')], Asked, "run it again", asked_unknown).hint("run again"),
    entry(A::SkipUnknown, "skip-it", &[key('S'), key('s')], Asked,
        "skip it, and what depends on it", asked_unknown).hint("skip"),
    entry(A::PutOff, "put-off", &[code(KeyCode::Esc), key('u')], Asked, "later: u asks again", asked_unknown).hint("later"),
    entry(A::EditorApply, "apply", &[Key::control('s')], Editor, "use this value", in_editor).hint("use it"),
    entry(A::EditorLeave, "leave-editor", &[code(KeyCode::Esc)], Editor, "forget it", in_editor).hint("leave"),

    entry(A::PaletteChoose, "palette-choose", &[code(KeyCode::Enter)], Palette, "do it", in_palette).hint("do it"),
    entry(A::PaletteUp, "palette-up", &[code(KeyCode::Up), Key::control('p'), code(KeyCode::BackTab)], Palette, "up", in_palette).hint("up"),
    entry(A::PaletteDown, "palette-down", &[code(KeyCode::Down), Key::control('n'), code(KeyCode::Tab)], Palette, "down", in_palette).hint("down"),
    entry(A::PaletteClose, "palette-close", &[code(KeyCode::Esc)], Palette, "close", in_palette).hint("close"),

    entry(A::Pause, "pause", &[key(' ')], Run, "pause: start nothing more, let what is under way finish",
        |m| m.run.phase == RunPhase::Running).hint("pause").needs("a run in progress"),
    entry(A::Resume, "resume", &[key(' ')], Run, "resume", |m| m.run.phase == RunPhase::Paused)
        .hint("resume").needs("a run in progress"),
    entry(A::StepOnce, "step", &[key('s')], Run, "while paused: start the selected ready step, or the next one",
        |m| m.run.phase == RunPhase::Paused).hint("step").needs("a paused run"),
    entry(A::Retry, "retry", &[key('r')], Run, "run the selected step again, with everything that depends on it",
        can_retry).hint("retry").needs("a selected step that has ended"),
    entry(A::RetryFailed, "retry-failed", &[key('R')], Run, "run every failed step again",
        failed).hint("retry failed").needs("a failed step"),
    entry(A::NextFailure, "next-failure", &[key('n')], Graph, "go to the next failure",
        failed).hint("failure").needs("a failed step"),
    entry(A::PreviousFailure, "previous-failure", &[key('N')], Graph, "go to the previous failure",
        failed).needs("a failed step"),
    entry(A::Breakpoint, "breakpoint", &[key('b')], Run, "hold the selected step before its next attempt, or let it go",
        |m| selected(m) && m.in_progress()).needs("a selected step in a run in progress"),
    entry(A::Skip, "skip", &[key('S')], Run, "skip the selected step (asks)",
        can_skip).needs("a selected step that has not started"),
    entry(A::Resolve, "resolve", &[key('u')], Run, "say what became of a step that was under way when an earlier run died",
        |m| m.asks && m.in_progress() && !m.live.unknown().is_empty()).hint("unknown").needs("an unknown step in a run in progress"),
    entry(A::Refresh, "refresh", &[Key::control('r')], Run, "run the selected step and what depends on it again, without kept outputs",
        can_retry).needs("a selected step that has ended"),
    entry(A::Pin, "pin", &[key('p')], Run, "use the selected step's output for the same call whatever happens, or stop that",
        has_own_output).needs("a selected step that has succeeded"),
    entry(A::EditInput, "edit-input", &[key('I')], Run, "edit the selected step's input and run it again",
        can_edit).needs("a selected step that is not being called"),
    entry(A::EditOutput, "set-output", &[key('O')], Run, "set the selected step's output, without a call",
        can_edit).needs("a selected step that is not being called"),
    entry(A::Fork, "fork", &[key('F')], Dashboard, "fork: another run that runs again from the selected step (asks)",
        can_fork).needs("a selected step of a recorded run that has ended"),
    entry(A::Stop, "stop", &[key('x')], Run, "stop the run: cancel what is under way (asks)",
        stoppable).needs("a run in progress"),

    entry(A::Up, "up", &[code(KeyCode::Up), key('k')], Graph, "go up", on_graph),
    entry(A::Down, "down", &[code(KeyCode::Down), key('j')], Graph, "go down", on_graph),
    entry(A::Left, "left", &[code(KeyCode::Left), key('h')], Graph, "go left", on_graph),
    entry(A::Right, "right", &[code(KeyCode::Right), key('l')], Graph, "go right", on_graph),
    entry(A::First, "first", &[key('g'), code(KeyCode::Home)], Graph, "go to the first step", on_graph),
    entry(A::Last, "last", &[key('G'), code(KeyCode::End)], Graph, "go to the last step", on_graph),
    entry(A::PageUp, "page-up", &[code(KeyCode::PageUp)], Graph, "move the view up", on_graph),
    entry(A::PageDown, "page-down", &[code(KeyCode::PageDown)], Graph, "move the view down", on_graph),
    entry(A::Search, "find", &[key('/')], Graph, "find a step by its id, tool or description",
        |m| !m.run.steps.is_empty()).hint("find"),
    entry(A::Bottleneck, "bottleneck", &[key('w')], Graph, "go to the bottleneck: the step whose time could save most",
        |m| !m.figures.critical_path.is_empty()).needs("a step that has been called"),
    entry(A::FoldSteps, "fold-steps", &[key('o')], Graph,
        "fold or unfold: a for_each step, alike steps, else what waits for this step alone",
        |m| on_graph(m) && selected(m) && (shows(m, View::Graph) || shows(m, View::Table)))
        .needs("a selected step in the graph or the table"),
    entry(A::Follow, "follow", &[key('f')], Graph, "let the selection follow what runs, or stop following", always),
    entry(A::Centre, "centre", &[key('c')], Graph, "bring the selected step to the middle", selected),
    entry(A::ZoomIn, "zoom-in", &[key('+'), key('=')], Graph, "more detail", zooms),
    entry(A::ZoomOut, "zoom-out", &[key('-')], Graph, "less detail", zooms),
    entry(A::Turn, "turn", &[key('t')], Graph, "turn the graph: top-down or left-right",
        |m| on_graph(m) && shows(m, View::Graph)),
    entry(A::Fit, "fit", &[key('0')], Graph, "the detail that fits the pane", zooms),

    entry(A::View(View::Graph), "graph", &[key('D')], Views, "the graph", always),
    entry(A::View(View::Timeline), "timeline", &[key('T')], Views, "the timeline: attempts over time; again: the graph", always),
    entry(A::View(View::Table), "table", &[key('L')], Views, "the table: a step a row; again: the graph", always),
    entry(A::View(View::Cost), "cost", &[key('$')], Views, "the cost: where the money went; again: the graph", always),
    entry(A::Rows, "timeline-rows", &[key('t')], Views, "timeline: a line for each slot, or for each step",
        |m| shows(m, View::Timeline)).hint("slots/steps"),
    entry(A::LookEarlier, "look-earlier", &[key(',')], Views, "timeline: look at earlier times",
        |m| shows(m, View::Timeline) && m.timeline.is_zoomed()).hint("earlier"),
    entry(A::LookLater, "look-later", &[key('.')], Views, "timeline: look at later times",
        |m| shows(m, View::Timeline) && m.timeline.is_zoomed()).hint("later"),
    entry(A::SortLeft, "sort-left", &[key(',')], Views, "table: sort by the column on the left",
        |m| shows(m, View::Table)).needs("the table"),
    entry(A::SortRight, "sort-right", &[key('.')], Views, "table: sort by the column on the right",
        |m| shows(m, View::Table)).hint("sort").needs("the table"),
    entry(A::Reverse, "reverse", &[key('!')], Views, "table: sort the other way round",
        |m| shows(m, View::Table)).hint("reverse").needs("the table"),
    entry(A::Filter, "filter", &[key('&')], Views, "table: type words to see fewer rows; is:failed, -without",
        |m| shows(m, View::Table)).hint("filter").needs("the table"),
    entry(A::Accounts, "accounts", &[key('t')], Views, "cost: by step, by tool or by model",
        |m| shows(m, View::Cost)).hint("step/tool/model"),

    entry(A::Earlier, "earlier", &[key('[')], Time, "one event back", |m| m.moment() > 1)
        .hint("earlier").needs("an earlier event"),
    entry(A::Later, "later", &[key(']')], Time, "one event on; after the last it is now again", is_before_the_last)
        .needs("an earlier moment"),
    entry(A::EarlierEnd, "earlier-end", &[key('{')], Time, "back to where a step had just ended", |m| m.moment() > 1)
        .needs("an earlier event"),
    entry(A::LaterEnd, "later-end", &[key('}')], Time, "on to where a step has just ended", is_before_the_last)
        .needs("an earlier moment"),
    entry(A::Slower, "slower", &[key('<')], Time, "in a replay: half as fast", Model::is_replay).needs("a replay"),
    entry(A::Faster, "faster", &[key('>')], Time, "in a replay: twice as fast", Model::is_replay)
        .hint("faster").needs("a replay"),

    entry(A::CloseCompare, "close", &[code(KeyCode::Esc), key('d')], Compare, "close what is compared",
        |m| beside(m) || choosing_run(m)).hint("back"),
    entry(A::Compare, "compare", &[key('d')], Compare,
        "attempts of the selected step beside each other, or the step in two runs; else choose another run to compare with",
        |m| m.overlay.is_none() && selected(m)).hint("compare").needs("a selected step"),
    entry(A::PreviousPair, "previous-pair", &[code(KeyCode::Left), key('h')], Compare, "the pair before",
        |m| beside(m) && m.pairs().len() > 1).hint("pair before"),
    entry(A::NextPair, "next-pair", &[code(KeyCode::Right), key('l')], Compare, "the next pair",
        |m| beside(m) && m.pairs().len() > 1).hint("next pair"),
    entry(A::ChooseRun, "choose-run", &[code(KeyCode::Tab)], Compare, "choose another run of the plan to compare with",
        beside).hint("another run"),
    entry(A::TakeRun, "take-run", &[code(KeyCode::Enter)], Compare, "compare with this run", choosing_run).hint("compare"),

    entry(A::Inspect, "inspect", &[code(KeyCode::Enter)], Inspector, "look into the selected step",
        |m| m.focus == Focus::Graph && selected(m)).hint("inspect"),
    entry(A::Explain, "explain", &[key('e')], Inspector, "why the selected step was called, or why it was not", selected)
        .hint("why"),
    entry(A::Toggle, "toggle", &[code(KeyCode::Enter)], Inspector, "fold or unfold", in_tree).hint("fold"),
    entry(A::ScrollUp, "scroll-up", &[code(KeyCode::Up), key('k')], Inspector, "up", scrolls),
    entry(A::ScrollDown, "scroll-down", &[code(KeyCode::Down), key('j')], Inspector, "down", scrolls),
    entry(A::Fold, "fold", &[code(KeyCode::Left), key('h')], Inspector, "fold, or go to what it is in", in_tree),
    entry(A::Unfold, "unfold", &[code(KeyCode::Right), key('l')], Inspector, "unfold", in_tree),
    entry(A::PreviousTab, "previous-tab", &[code(KeyCode::BackTab)], Inspector, "previous page", selected),
    entry(A::PreviousTab, "previous-tab", &[code(KeyCode::Left), key('h')], Inspector, "previous page", on_text),
    entry(A::NextTab, "next-tab", &[code(KeyCode::Tab)], Inspector, "next page", selected).hint("page"),
    entry(A::NextTab, "next-tab", &[code(KeyCode::Right), key('l')], Inspector, "next page", on_text),
    entry(A::Show(Tab::Overview), "overview", &[key('1')], Inspector, "overview", selected),
    entry(A::Show(Tab::Input), "input", &[key('2')], Inspector, "input", selected),
    entry(A::Show(Tab::Output), "output", &[key('3')], Inspector, "output", selected),
    entry(A::Show(Tab::Prompt), "prompt", &[key('4')], Inspector, "prompt and answer", selected),
    entry(A::Show(Tab::Attempts), "attempts", &[key('5')], Inspector, "attempts and what they logged", selected),
    entry(A::Show(Tab::Error), "error", &[key('6')], Inspector, "error", selected),
    entry(A::ScrollPageUp, "scroll-page-up", &[code(KeyCode::PageUp)], Inspector, "a page up", scrolls),
    entry(A::ScrollPageDown, "scroll-page-down", &[code(KeyCode::PageDown)], Inspector, "a page down", scrolls),
    entry(A::ScrollTop, "scroll-top", &[key('g'), code(KeyCode::Home)], Inspector, "to the top", scrolls),
    entry(A::ScrollBottom, "scroll-bottom", &[key('G'), code(KeyCode::End)], Inspector, "to the bottom", scrolls),
    entry(A::Raw, "raw", &[key('v')], Inspector, "show values as text or as a tree",
        |m| selected(m) && matches!(m.inspector.tab, Tab::Input | Tab::Output)).hint("text/tree").needs("the page input or output"),
    entry(A::Copy, "copy", &[key('y')], Inspector, "copy the page to the clipboard", selected).hint("copy"),

    entry(A::Back, "back", &[code(KeyCode::Esc)], Dashboard, "back", can_go_back).hint("back"),
    entry(A::TheRun, "the-run", &[code(KeyCode::Esc)], Dashboard, "the run as a whole: money, slots, critical path", at_the_graph),
    entry(A::Maximise, "maximise", &[key('z')], Dashboard, "give the pane all the room, or give it back", always),
    entry(A::Palette, "palette", &[key(':')], Dashboard, "any action by its name", always),
    entry(A::Help, "help", &[key('?')], Dashboard, "these keys", always).hint("help"),
    entry(A::Redraw, "redraw", &[Key::control('l')], Dashboard, "draw everything again", always),
    entry(A::Suspend, "suspend", &[Key::control('z')], Dashboard, "suspend, as any program", always),
    entry(A::Quit, "quit", &[key('q'), Key::control('c')], Dashboard, "leave (asks while the run goes on)", always).hint("quit"),
];

/// What a key means now.
#[derive(Clone, Copy)]
pub enum Meaning {
    /// It does this.
    Does(&'static Entry),
    /// It would do this, which is not possible now.
    Not(&'static Entry),
    /// Nothing.
    Nothing,
}

/// What `event` means in this state.
pub fn meaning(model: &Model, event: &KeyEvent) -> Meaning {
    // What is typed belongs to the line that is typed into; keys with control still act.
    let typed = |entry: &Entry, key: &Key| {
        types(model) && !matches!(entry.group, Palette | Editor) && !key.control
    };
    let has_key = |entry: &&Entry| {
        let mut keys = entry.keys.iter();
        keys.any(|key| key.matches(event) && !typed(entry, key))
    };
    let mut blocked = None;
    for entry in REGISTRY.iter().filter(has_key) {
        if reachable(model, entry) && entry.is_possible(model) {
            return Meaning::Does(entry);
        }
        if !entry.needs.is_empty() {
            blocked = blocked.or(Some(entry));
        }
    }
    match (blocked, model.overlay) {
        (Some(entry), None) => Meaning::Not(entry),
        _ => Meaning::Nothing,
    }
}

/// While something lies over the panes, only what answers it is reachable.
fn reachable(model: &Model, entry: &Entry) -> bool {
    match model.overlay {
        None => !matches!(entry.group, Asked | Searching | Palette | Editor),
        Some(Overlay::Search) => {
            entry.group == Searching || matches!(entry.action, A::Redraw | A::Suspend)
        }
        Some(Overlay::Filter) => {
            matches!(
                entry.action,
                A::KeepFilter | A::DropFilter | A::Quit | A::Redraw | A::Suspend
            )
        }
        Some(Overlay::Editor) => entry.group == Editor,
        Some(Overlay::Unknown(_)) => {
            entry.group == Asked || matches!(entry.action, A::Quit | A::Redraw | A::Suspend)
        }
        Some(Overlay::Palette) => {
            entry.group == Palette || matches!(entry.action, A::Quit | A::Redraw | A::Suspend)
        }
        Some(Overlay::Question(question)) => {
            let asking = match question {
                Question::Quit => A::Quit,
                Question::Stop => A::Stop,
                Question::Skip(_) => A::Skip,
                Question::Fork(_) => A::Fork,
            };
            entry.group == Asked
                || entry.action == asking
                || matches!(entry.action, A::Quit | A::Redraw | A::Suspend)
        }
        Some(Overlay::Beside | Overlay::Runs) => {
            entry.group == Compare
                || matches!(
                    entry.action,
                    A::Quit
                        | A::Redraw
                        | A::Suspend
                        | A::ScrollUp
                        | A::ScrollDown
                        | A::ScrollPageUp
                        | A::ScrollPageDown
                        | A::ScrollTop
                        | A::ScrollBottom
                )
        }
        Some(Overlay::Help(_) | Overlay::Explain(_)) => {
            let own = match model.overlay {
                Some(Overlay::Explain(_)) => A::Explain,
                _ => A::Help,
            };
            entry.action == own
                || matches!(
                    entry.action,
                    A::Back
                        | A::Quit
                        | A::Redraw
                        | A::Suspend
                        | A::ScrollUp
                        | A::ScrollDown
                        | A::ScrollPageUp
                        | A::ScrollPageDown
                        | A::ScrollTop
                        | A::ScrollBottom
                )
        }
    }
}

/// What the footer shows: the hints of what is possible now, each with its first key.
pub fn hints(model: &Model) -> impl Iterator<Item = (Key, &'static str)> + '_ {
    REGISTRY.iter().filter_map(move |entry| {
        let hint = entry.hint?;
        let key = entry.keys.first()?;
        let typed = types(model) && !matches!(entry.group, Palette | Editor);
        (!typed && reachable(model, entry) && entry.is_possible(model)).then_some((*key, hint))
    })
}

/// Whether an action of this name is possible in some form, as if nothing lay over the panes.
pub fn possible(model: &Model, name: &str) -> bool {
    let mut entries = REGISTRY.iter().filter(|entry| entry.name == name);
    entries.any(|entry| entry.is_possible(model))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_name_stands_for_one_action() {
        let mut names = HashMap::new();
        for entry in REGISTRY {
            let known = names.insert(entry.name, entry.action);
            assert!(
                known.is_none_or(|known| known == entry.action),
                "{}",
                entry.name
            );
            assert!(!entry.keys.is_empty(), "{} has no key", entry.name);
            assert!(
                !entry.description.is_empty(),
                "{} has no description",
                entry.name
            );
        }
    }
}
