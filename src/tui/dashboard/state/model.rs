//! The state of the dashboard: the run as its events tell it, and what the person looks at.

use super::run_index::Live;
use super::time_travel::Travel;
use crate::plan::StepIx;
use crate::run::{
    AttemptState, Figures, Forecast, RunPhase, RunState, StepState, StepStatus, figures, forecast,
};
use crate::tui::dashboard::panes::cost::CostPane;
use crate::tui::dashboard::panes::graph::GraphPane;
use crate::tui::dashboard::panes::table::Table;
use crate::tui::dashboard::panes::timeline::Timeline;
use crate::tui::dashboard::update::compare::Compare;
use crate::tui::dashboard::update::editor::Editor;
use crate::tui::dashboard::update::palette::Palette;
use crate::tui::dashboard::update::search::Search;
use crate::tui::theme::Theme;
use crate::units::Micros;
use ratatui::layout::{Position, Size};
use std::collections::{BTreeSet, HashMap};
use tui_tree_widget::TreeState;

/// How often figures are worked out at the most, for a small run.
const FIGURES_EVERY: Micros = Micros(100_000);
/// How often a moving screen moves.
const MOVE_EVERY: Micros = Micros(100_000);
/// The same where motion is not wanted.
const MOVE_SELDOM: Micros = Micros(500_000);
/// How soon a layout that is being worked out is looked for.
const LAYOUT_IN: Micros = Micros(33_000);
/// How long the shape of a running step stays.
const TURN: u64 = 250_000;
/// How many trees remember what was folded.
const TREES: usize = 200;

/// What has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The DAG.
    #[default]
    Graph,
    /// The inspector.
    Inspector,
}

/// A view of the run: what stands in the pane beside the inspector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum View {
    /// The DAG.
    #[default]
    Graph,
    /// Attempts over time.
    Timeline,
    /// A step a row.
    Table,
    /// Where the money went.
    Cost,
}

impl View {
    /// Every view, in order.
    pub const ALL: [Self; 4] = [Self::Graph, Self::Timeline, Self::Table, Self::Cost];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Timeline => "timeline",
            Self::Table => "table",
            Self::Cost => "cost",
        }
    }
}

/// The pages of the inspector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tab {
    /// State, times, cost, neighbours.
    #[default]
    Overview,
    /// The parameters.
    Input,
    /// What came of it.
    Output,
    /// What a model was asked and answered, or the request and the response.
    Prompt,
    /// Every try, with what the tool said.
    Attempts,
    /// Why it failed, or why it was skipped.
    Error,
}

impl Tab {
    /// Every tab, in order.
    pub const ALL: [Self; 6] = [
        Self::Overview,
        Self::Input,
        Self::Output,
        Self::Prompt,
        Self::Attempts,
        Self::Error,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Input => "input",
            Self::Output => "output",
            Self::Prompt => "prompt",
            Self::Attempts => "attempts",
            Self::Error => "error",
        }
    }

    /// Its name where there is less room.
    pub const fn medium(self) -> &'static str {
        match self {
            Self::Attempts => "tries",
            other => other.name(),
        }
    }

    /// Its name where there is little room.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Overview => "over",
            Self::Input => "in",
            Self::Output => "out",
            Self::Prompt => "ask",
            Self::Attempts => "tries",
            Self::Error => "err",
        }
    }

    /// The tab `by` places on, going around.
    #[must_use]
    pub fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// Something that is asked before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Leave while the run has not ended.
    Quit,
    /// Stop the run.
    Stop,
    /// Skip this step.
    Skip(StepIx),
    /// Fork the run from this step.
    Fork(StepIx),
}

/// What lies over the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// The keys, scrolled by this many lines.
    Help(usize),
    /// A question.
    Question(Question),
    /// Two attempts of the selected step, or the step in two runs, beside each other.
    Beside,
    /// The runs to choose one from to compare with.
    Runs,
    /// Why the selected step was called, scrolled by this many lines.
    Explain(usize),
    /// The search for a step.
    Search,
    /// Nothing to see: keys are typed into the filter of the table.
    Filter,
    /// Every action by its name.
    Palette,
    /// A value that is being edited.
    Editor,
    /// Whether this step happened, which nobody knows.
    Unknown(StepIx),
}

/// The inspector's own state.
#[derive(Debug, Default)]
pub struct Inspector {
    /// The page shown.
    pub tab: Tab,
    /// Whether the run as a whole is shown instead of a step.
    pub of_run: bool,
    /// Whether values are shown as text instead of a tree.
    pub raw: bool,
    /// Lines scrolled down, on pages of text.
    pub scroll: usize,
    /// Lines of the page and of the pane when it was last drawn.
    pub extent: (usize, usize),
    trees: HashMap<(StepIx, Tab), TreeState<usize>>,
}

impl Inspector {
    /// What is folded and selected in the tree of this page; made by `fresh` when it is first looked at.
    pub fn tree(
        &mut self,
        step: StepIx,
        fresh: impl FnOnce() -> TreeState<usize>,
    ) -> &mut TreeState<usize> {
        let key = (step, self.tab);
        if self.trees.len() >= TREES && !self.trees.contains_key(&key) {
            self.trees.clear();
        }
        self.trees.entry(key).or_insert_with(fresh)
    }

    /// Scrolls text by `lines`, within the page.
    pub fn scroll_by(&mut self, lines: isize) {
        let (total, height) = self.extent;
        let most = total.saturating_sub(height);
        self.scroll = self.scroll.saturating_add_signed(lines).min(most);
    }
}

/// Everything the dashboard knows.
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Debug)]
pub struct Model {
    /// The run at the moment shown, folded from its events.
    pub run: RunState,
    /// Its other moments.
    pub travel: Travel,
    /// What is held against what.
    pub compare: Compare,
    /// The plan's name, shown until the run says its own.
    pub title: String,
    /// The moment that is shown, counted from the start of the run.
    pub now: Micros,
    /// The time of the feed, whatever moment is shown.
    pub(crate) clock: Micros,
    /// The figures, worked out some time before `now`.
    pub figures: Figures,
    /// What the rest of the run can cost, worked out with the figures.
    pub forecast: Option<Forecast>,
    /// Indexes beside the run.
    pub live: Live,
    /// The step that the run waits for.
    pub blocker: Option<StepIx>,
    /// What stands in the pane beside the inspector.
    pub view: View,
    /// The DAG pane.
    pub graph: GraphPane,
    /// The timeline.
    pub timeline: Timeline,
    /// The table.
    pub table: Table,
    /// The cost view.
    pub cost: CostPane,
    /// The selected step.
    pub selected: Option<StepIx>,
    /// The room that the DAG had when it was last drawn.
    pub(crate) graph_size: Size,
    /// What has the keys.
    pub focus: Focus,
    /// Whether the pane that has the focus takes all the room.
    pub maximised: bool,
    /// Whether the selection goes with what runs.
    pub follow: bool,
    /// Steps with a breakpoint that was set here.
    pub breakpoints: BTreeSet<StepIx>,
    /// The inspector.
    pub inspector: Inspector,
    /// What lies over the panes.
    pub overlay: Option<Overlay>,
    /// The search for a step, while it goes on.
    pub search: Option<Search>,
    /// The value that is being edited.
    pub editor: Option<Editor>,
    /// Whether a person can say what became of steps that nobody knows the end of: the run waits for that.
    pub asks: bool,
    /// Such steps whose question was put off.
    pub put_off: BTreeSet<StepIx>,
    /// What was typed into the palette, and what is chosen in it.
    pub palette: Palette,
    /// Whether the run is on record, so that it can be forked.
    pub forkable: bool,
    /// A word to the person, until the next key.
    pub notice: Option<String>,
    /// Whether the dashboard is left as soon as the run has ended.
    pub leaving: bool,
    /// Where the pointer was last while it drags the DAG.
    pub drag: Option<Position>,
    /// Whether the pointer holds the line of moments.
    pub(crate) scrubbing: bool,
    /// Whether it drags the frame of the map.
    pub drag_map: bool,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Styles and shapes.
    pub theme: Theme,
    /// Whether shapes may move.
    pub motion: bool,
    /// Whether the screen is behind the model.
    pub dirty: bool,
    figures_at: Option<Micros>,
    figures_behind: bool,
}

impl Model {
    /// A dashboard before the first event of its run.
    pub fn new(title: impl Into<String>, theme: Theme, motion: bool, size: (u16, u16)) -> Self {
        Self {
            run: RunState::default(),
            travel: Travel::default(),
            compare: Compare::default(),
            title: title.into(),
            now: Micros(0),
            clock: Micros(0),
            figures: Figures::default(),
            forecast: None,
            live: Live::default(),
            blocker: None,
            view: View::default(),
            graph: GraphPane::new(),
            timeline: Timeline::default(),
            table: Table::default(),
            cost: CostPane::default(),
            selected: None,
            graph_size: Size::ZERO,
            focus: Focus::Graph,
            maximised: false,
            follow: false,
            breakpoints: BTreeSet::new(),
            inspector: Inspector::default(),
            overlay: None,
            search: None,
            editor: None,
            asks: false,
            put_off: BTreeSet::new(),
            palette: Palette::default(),
            forkable: false,
            notice: None,
            leaving: false,
            drag: None,
            scrubbing: false,
            drag_map: false,
            size,
            theme,
            motion,
            dirty: true,
            figures_at: None,
            figures_behind: false,
        }
    }

    /// The selected row.
    pub fn row(&self) -> Option<&StepState> {
        self.run.steps.get(self.selected?.at())
    }

    /// The last try of the selected row.
    pub fn attempt(&self) -> Option<&AttemptState> {
        self.row()?.last_attempt()
    }

    /// Whether the run has begun and not ended, whatever moment of it is shown. One that is replayed has.
    pub fn in_progress(&self) -> bool {
        let over = matches!(self.latest().phase, RunPhase::Empty | RunPhase::Ended(_));
        !over && !self.is_replay()
    }

    /// Whether something on the screen changes with time alone.
    pub fn moves(&self) -> bool {
        if !self.goes_on() {
            return false;
        }
        match self.run.phase {
            RunPhase::Empty => false,
            RunPhase::Running | RunPhase::Stopping => true,
            RunPhase::Paused | RunPhase::Ended(_) => {
                self.run.running > 0
                    || self
                        .live
                        .next_retry(&self.run)
                        .is_some_and(|(_, at)| at > self.now)
            }
        }
    }

    /// In how long the screen is to be looked at again without anything happening; `None` where it stands
    /// still and no timer is needed.
    pub fn wake_in(&self) -> Option<Micros> {
        let figures = self.figures_behind.then(|| self.figures_due() - self.clock);
        let motion = self
            .moves()
            .then_some(if self.motion { MOVE_EVERY } else { MOVE_SELDOM });
        let layout = self.is_drawn_later().then_some(LAYOUT_IN);
        [figures, motion, layout, self.next_played()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether a frame drawn a little later shows more although nothing happens: a layout is being worked out,
    /// or the view shown looks at the rows of a large run only now and then.
    pub(crate) fn is_drawn_later(&self) -> bool {
        match self.view {
            View::Graph => self.graph.is_busy(),
            View::Timeline => self.timeline.is_behind(),
            View::Table => self.table.is_behind(),
            View::Cost => self.cost.is_behind(),
        }
    }

    /// Says that the figures no longer fit the run.
    pub(crate) fn outdate_figures(&mut self) {
        self.figures_behind = true;
    }

    /// Works the figures out where they are behind and it is time to.
    pub(crate) fn keep_figures(&mut self) {
        let due = self.clock >= self.figures_due();
        let behind = self.figures_behind || self.moves();
        let ended = self.run.has_ended() && !self.is_past();
        if behind && (due || self.figures_behind && ended) {
            self.figures = figures(&self.run, self.now);
            self.forecast = forecast(&self.run);
            self.figures_at = Some(self.clock);
            self.figures_behind = false;
            self.dirty = true;
        }
    }

    /// When the figures are to be worked out, by the feed's clock.
    fn figures_due(&self) -> Micros {
        if self.goes_on() {
            let every = self.figures_every();
            self.figures_at.map_or(Micros(0), |at| at + every)
        } else {
            self.settles_at()
        }
    }

    /// The figures look at every row, so a large run has them less often.
    fn figures_every(&self) -> Micros {
        Micros(FIGURES_EVERY.0 * (1 + self.run.steps.len() as u64 / 2_000))
    }

    /// Gives the shape of running steps its turn.
    pub(crate) fn turn(&mut self) {
        if self.motion && self.run.running > 0 {
            self.theme.turn(self.now.0 / TURN);
        } else {
            self.theme.rest();
        }
    }

    /// Selects a step and brings it into view.
    pub fn select(&mut self, step: StepIx) {
        if step.at() >= self.run.steps.len() {
            return;
        }
        if self.selected != Some(step) {
            self.inspector.scroll = 0;
        }
        self.selected = Some(step);
        self.inspector.of_run = false;
        self.keep_visible();
    }

    /// Brings the selected step into view, in every view.
    pub(crate) fn keep_visible(&mut self) {
        if let Some(step) = self.selected {
            self.graph.keep_visible(step);
        }
        self.timeline.keep_visible();
        self.table.keep_visible();
        self.cost.keep_visible();
    }

    /// Selects what the run waits for, where the selection goes with it and what is selected has ended.
    pub(crate) fn follow_run(&mut self) {
        let stays = |row: &StepState| row.status == StepStatus::Running;
        if !self.follow || self.row().is_some_and(stays) {
            return;
        }
        if let Some(blocker) = self.blocker {
            self.select(blocker);
        }
    }
}
