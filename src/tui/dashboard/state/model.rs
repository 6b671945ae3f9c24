//! The state of the dashboard: the run as its events describe it, and what the user looks at.

use super::break_marks::BreakMarks;
use super::comparison::Against;
use super::inspector::Inspector;
use super::overlay::Overlay;
use super::presentation::Presentation;
use super::preview_questions::Questions;
use super::previewed::Previews;
use super::raw_bodies::RawBodies;
use super::run_index::RunIndex;
use super::step_names::StepNames;
use super::strip::Strip;
use super::structure::Structure;
use super::time_travel::TimeTravel;
use super::trail::Trail;
use crate::plan::StepIx;
use crate::run::{
    Figures, Forecast, LiveAnswer, LiveAnswers, Reliability, RunPhase, RunState, Savings,
    StepState, StepStatus, UsualTimes, figures, forecast, time_left,
};
use crate::tui::dashboard::panes::pane::Pane;
use crate::tui::dashboard::panes::{Panes, View};
use crate::tui::input::keymap::Keymap;
use crate::tui::theme::Theme;
use crate::tui::theme::look::Look;
use crate::units::Micros;
use ratatui::layout::Position;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The shortest time between two computations of the figures, for a small run.
const FIGURES_EVERY: Micros = Micros(100_000);
/// How often a moving screen moves.
const MOVE_EVERY: Micros = Micros(100_000);
/// The same where motion is not wanted.
const MOVE_SELDOM: Micros = Micros(500_000);
/// How soon a layout that is being worked out is looked for.
const LAYOUT_IN: Micros = Micros(33_000);
/// How often the files of themes are looked at while one is chosen.
const THEMES_EVERY: Micros = Micros(1_000_000);
/// How long the shape of a running step stays.
const TURN: u64 = 250_000;

/// What has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The DAG.
    #[default]
    Graph,
    /// The inspector.
    Inspector,
}

/// What the pointer holds while its button is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drag {
    /// The line of events.
    Scrubber,
    /// The frame of the map.
    Map,
    /// The border between the view and the inspector.
    Inspector,
    /// The border above the waterfall.
    Strip,
    /// The view, and where the pointer was last.
    Pane(Position),
}

/// When the figures were worked out.
#[derive(Debug, Default)]
struct FiguresClock {
    worked_out: Option<Micros>,
    /// Whether something happened since.
    behind: bool,
}

/// Steps that were running when an earlier run died, so that their results are unknown.
#[derive(Debug, Default)]
pub struct UnknownSteps {
    /// Whether the run waits for the user to resolve them.
    pub asks: bool,
    /// Those whose question was put off.
    pub put_off: BTreeSet<StepIx>,
}

/// What the plan of the run saves.
#[derive(Debug)]
pub(crate) struct SavingsOfRun {
    /// The end of the run for which it was asked.
    pub at: Micros,
    /// The answer, or why there is none.
    pub known: Option<Result<Box<Savings>, Arc<str>>>,
}

/// Everything the dashboard knows.
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Debug)]
pub struct Model {
    /// The run at the event shown, folded from its events.
    pub run: RunState,
    /// Its other events.
    pub time_travel: TimeTravel,
    /// The run that the one shown is compared with.
    pub against: Option<Against>,
    /// The plan's name, shown until the run says its own.
    pub title: String,
    /// The time shown, counted from the start of the run.
    pub now: Micros,
    /// The time of the feed, whatever event is shown.
    pub(crate) clock: Micros,
    /// The figures, worked out some time before `now`.
    pub figures: Figures,
    /// How long the rest of the run is likely to take, worked out with the figures.
    pub time_left: Option<Micros>,
    /// What earlier runs of the plan took.
    pub usual: UsualTimes,
    /// What the rest of the run can cost, worked out with the figures.
    pub forecast: Option<Forecast>,
    /// How reliable the plan is, once the page of the run has asked for it; `None` in it where nothing is on record.
    pub(crate) reliability: Option<Result<Option<Box<Reliability>>, Arc<str>>>,
    /// What the plan saves, once the page of the run has asked for it.
    pub(crate) savings: Option<SavingsOfRun>,
    /// What the selected step sent and received, while the page of it is shown.
    pub(crate) bodies: Option<RawBodies>,
    /// The ids of the steps there are by now, cut alike wherever one is too long.
    pub names: StepNames,
    /// Indexes beside the run.
    pub run_index: RunIndex,
    /// The step that the run waits for.
    pub blocker: Option<StepIx>,
    /// What stands in the pane beside the inspector.
    pub view: View,
    /// Every view.
    pub panes: Panes,
    /// The waterfall below the graph.
    pub strip: Box<Strip>,
    /// How many cells the inspector has more than by default, or fewer.
    pub(crate) inspector_wider: i16,
    /// The presentation, while the run is presented.
    pub(crate) presentation: Option<Presentation>,
    /// The selected step.
    pub selected: Option<StepIx>,
    /// The steps that were left along an edge.
    pub trail: Trail,
    /// What has the keys.
    pub focus: Focus,
    /// Whether the pane that has the focus takes all the room.
    pub maximised: bool,
    /// Whether the selection goes with what runs.
    pub follow: bool,
    /// Whether the first failure has been gone to.
    pub(super) failure_shown: bool,
    /// Whether the banner with the result of the run is shown; the next key closes it.
    pub banner: bool,
    /// Steps with a breakpoint of their own.
    pub breakpoints: BTreeSet<StepIx>,
    pub(crate) break_marks: BreakMarks,
    pub(crate) watches: super::watches::Watches,
    /// What has arrived of the answers of running attempts.
    pub live: LiveAnswers,
    /// The inspector.
    pub inspector: Inspector,
    /// What lies over the panes.
    pub overlay: Option<Overlay>,
    /// Steps whose result is unknown.
    pub unknown: UnknownSteps,
    /// What was typed for the command that was given last, until the next key: the run may not take it.
    pub(crate) typed: Option<Box<super::editor::Editor>>,
    /// How often calls were repeated, to tell the answers apart.
    pub(crate) trial_numbers: u64,
    /// Who tells what a command would do, before it is given.
    pub previews: Option<Previews>,
    /// What the process of the run was asked about commands.
    pub(crate) preview_questions: Questions,
    /// Whether the run is on record, so that it can be forked.
    pub forkable: bool,
    /// Where requests to models go, if a project and not the user says so.
    pub address: Option<String>,
    /// Why the worker was chosen, where the user did not choose it.
    pub worker_reason: Option<String>,
    /// Whether the user's editor has the plan.
    pub(crate) edits_plan: bool,
    /// The edit of the plan's structure that is being written in the editor.
    pub(crate) written: Option<Box<Structure>>,
    /// A notice to the user, until the next key.
    pub notice: Option<String>,
    /// Whether it was opened from the home screen, and leads back there.
    pub from_home: bool,
    /// Whether it is a fork made in the dashboard of another run, and leads back to that.
    pub from_parent: bool,
    /// Whether it is opened from the view of its batch, and leads back there.
    pub from_batch: bool,
    /// Whether the run is of another process, which goes on when the dashboard is left.
    pub attached: bool,
    /// How much of a long record is read, in percent, until it is.
    pub read_percent: Option<u8>,
    /// Whether captions name the next key.
    pub tour: bool,
    /// Whether the dashboard is left as soon as the run has ended.
    pub leaving: bool,
    /// Where and when the view was clicked last.
    pub(crate) clicked: Option<(Position, Micros)>,
    /// What the pointer holds.
    pub drag: Option<Drag>,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Where the theme comes from.
    pub look: Look,
    /// The keys of actions.
    pub keymap: Arc<Keymap>,
    /// Styles and shapes.
    pub theme: Theme,
    /// Whether shapes may move.
    pub motion: bool,
    /// Whether the screen is behind the model.
    pub dirty: bool,
    figures_clock: FiguresClock,
}

impl Model {
    /// A dashboard before the first event of its run.
    pub fn new(title: impl Into<String>, theme: Theme, motion: bool, size: (u16, u16)) -> Self {
        Self {
            run: RunState::default(),
            time_travel: TimeTravel::default(),
            against: None,
            title: title.into(),
            now: Micros(0),
            clock: Micros(0),
            figures: Figures::default(),
            time_left: None,
            usual: UsualTimes::default(),
            forecast: None,
            reliability: None,
            savings: None,
            bodies: None,
            names: StepNames::default(),
            run_index: RunIndex::default(),
            blocker: None,
            view: View::default(),
            panes: Panes::default(),
            strip: Box::default(),
            inspector_wider: 0,
            presentation: None,
            selected: None,
            focus: Focus::Graph,
            maximised: false,
            trail: Trail::default(),
            follow: true,
            failure_shown: false,
            banner: false,
            breakpoints: BTreeSet::new(),
            break_marks: BreakMarks::default(),
            watches: super::watches::Watches::default(),
            live: LiveAnswers::new(),
            inspector: Inspector::default(),
            overlay: None,
            unknown: UnknownSteps::default(),
            typed: None,
            trial_numbers: 0,
            previews: None,
            preview_questions: Questions::default(),
            forkable: false,
            address: None,
            worker_reason: None,
            edits_plan: false,
            written: None,
            notice: None,
            from_home: false,
            from_parent: false,
            from_batch: false,
            attached: false,
            read_percent: None,
            tour: false,
            leaving: false,
            clicked: None,
            drag: None,
            size,
            look: Look::of(theme.clone()),
            keymap: Arc::default(),
            theme,
            motion,
            dirty: true,
            figures_clock: FiguresClock::default(),
        }
    }

    /// The selected row.
    pub fn row(&self) -> Option<&StepState> {
        self.run.steps.get(self.selected?.at())
    }

    /// Takes in what arrived of the answers of models.
    pub(crate) fn take_live(&mut self, answers: LiveAnswers) {
        for (step, more) in answers {
            match self.live.get_mut(&step) {
                Some(answer) => answer.extend(more),
                None => {
                    self.live.insert(step, more);
                }
            }
        }
        self.keep_live();
    }

    /// Forgets the answers of attempts that have ended: their events have them.
    pub(crate) fn keep_live(&mut self) {
        if self.live.is_empty() {
            return;
        }
        let latest = self.time_travel.latest.as_deref();
        let run = latest.unwrap_or(&self.run);
        self.live.retain(|step, answer| {
            let row = run.steps.get(step.at());
            let running = row.and_then(StepState::running_attempt);
            running.is_some_and(|attempt| attempt.number == answer.attempt)
        });
        if latest.is_none() {
            self.panes.graph.set_live(&self.live, &self.run);
        } else {
            self.panes.graph.set_live(&LiveAnswers::new(), &self.run);
        }
    }

    /// What has arrived of the answer of this row's running attempt, where that is shown.
    pub(crate) fn live_of(&self, step: StepIx) -> Option<&LiveAnswer> {
        self.live.get(&step).filter(|_| !self.is_past())
    }

    /// Whether the run has begun and not ended, whatever event is shown. A replayed run counts as ended.
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
                        .run_index
                        .next_retry(&self.run)
                        .is_some_and(|(_, at)| at > self.now)
            }
        }
    }

    /// In how long the screen is to be looked at again without anything happening; `None` where it stands
    /// still and no timer is needed.
    pub fn wake_in(&self) -> Option<Micros> {
        let figures = self
            .figures_clock
            .behind
            .then(|| self.figures_due() - self.clock);
        let motion = self.moves().then(|| match self.motion_turn() {
            Some(_) => MOVE_EVERY,
            None => MOVE_SELDOM,
        });
        let layout = self.is_drawn_later().then_some(LAYOUT_IN);
        let themes = matches!(self.overlay, Some(Overlay::Themes(_))).then_some(THEMES_EVERY);
        [figures, motion, layout, themes, self.next_played()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether a frame drawn a little later shows more although nothing happens: a layout is being worked out,
    /// or the view shown looks at the rows of a large run only now and then.
    pub(crate) fn is_drawn_later(&self) -> bool {
        let strip = !self.strip.area.is_empty() && self.strip.pane.is_behind();
        strip || self.panes.get(self.view).is_behind()
    }

    /// Says that the figures no longer fit the run.
    pub(crate) fn outdate_figures(&mut self) {
        self.figures_clock.behind = true;
    }

    /// Works the figures out where they are behind and it is time to.
    pub(crate) fn keep_figures(&mut self) {
        let due = self.clock >= self.figures_due();
        let behind = self.figures_clock.behind || self.moves();
        let ended = self.run.has_ended() && !self.is_past();
        if behind && (due || self.figures_clock.behind && ended) {
            self.figures = figures(&self.run, self.now);
            self.forecast = forecast(&self.run);
            self.time_left = time_left(&self.run, &self.usual, self.now);
            self.figures_clock.worked_out = Some(self.clock);
            self.figures_clock.behind = false;
            self.dirty = true;
        }
    }

    /// When the figures are to be worked out, by the feed's clock.
    fn figures_due(&self) -> Micros {
        if self.goes_on() {
            let every = self.figures_every();
            self.figures_clock
                .worked_out
                .map_or(Micros(0), |at| at + every)
        } else {
            self.settles_at()
        }
    }

    /// The figures look at every row, so a large run has them less often.
    fn figures_every(&self) -> Micros {
        Micros(FIGURES_EVERY.0 * (1 + self.run.steps.len() as u64 / 2_000))
    }

    /// The turn of what moves, four a second, while something runs; `None` where nothing is to move.
    pub(crate) fn motion_turn(&self) -> Option<u64> {
        let moves = self.motion && self.run.running > 0 && self.moves();
        moves.then_some(self.clock.0 / TURN)
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
            self.inspector.rewind();
        }
        self.selected = Some(step);
        self.inspector.of_run = false;
        self.keep_visible();
    }

    /// Brings the selected step into view, in every view.
    pub(crate) fn keep_visible(&mut self) {
        for pane in self.panes.each_mut() {
            pane.keep_visible(self.selected);
        }
        self.strip.pane.keep_visible(self.selected);
    }

    /// Selects what the run waits for, where the selection goes with it and what is selected has ended.
    pub(crate) fn follow_run(&mut self) {
        let stays = |row: &StepState| row.status == StepStatus::Running;
        if !self.follow {
            return;
        }
        // The first failure is gone to, and stays in view: what runs next would take it away at once.
        if !self.failure_shown
            && let Some(failed) = self.run_index.failure(None, true)
        {
            self.failure_shown = true;
            self.select(failed);
            self.follow = false;
            return;
        }
        if self.row().is_some_and(stays) {
            return;
        }
        if let Some(blocker) = self.blocker {
            self.select(blocker);
        }
    }
}
