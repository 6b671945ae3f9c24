//! The rows of a run: the plan's steps in its order, then the elements of `for_each` steps as they appeared.

use super::graph::Graph;
use super::steps::Steps;
use crate::plan::{Mode, Step, StepIx, Trigger};
use crate::run::StepStatus;
use crate::units::Money;
use serde_json::Value;
use std::collections::VecDeque;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// What a row is doing, beside its status; with what is known only while it does that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of its own: its trigger is not met, its elements run, or it has ended.
    #[default]
    Idle,
    /// In the queue.
    Queued,
    /// Taken from the queue and held at a breakpoint.
    AtBreakpoint,
    /// Taken from the queue; the run is on its way to a step that does not need it.
    Aside,
    /// Taken from the queue; its upper bound does not fit into the free money.
    Parked {
        /// What one call of it can cost.
        upper_bound: Money,
        /// Whether that is an estimate.
        estimated: bool,
    },
    /// Taken from the queue; a rate of its model or pool is used up.
    Throttled,
    /// Taken from the queue; no more calls may be made.
    OutOfCalls,
    /// Between two attempts.
    Backoff {
        /// The attempt that has ended.
        attempt: u32,
    },
    /// It has a slot, and its preparation is asked for.
    Preparing {
        /// The slot.
        slot: u32,
        /// Whether it may start although the run is paused.
        permitted: bool,
    },
    /// It has a slot, and its attempt is running. Few rows do so at a time; the others take no room for it.
    Calling(Box<Calling>),
    /// A `for_each` step that goes back to the beginning once the calls of its elements have ended.
    Draining {
        /// How many calls have to end.
        left: u32,
    },
    /// It may or may not have happened, and the user is asked.
    Asked,
    /// Its call needs an approval.
    Unapproved,
    /// The row of an element that the list does not have at present.
    Dormant,
}

/// What is known of a row while its attempt is running.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each can be true beside the others"
)]
pub(super) struct Calling {
    /// The slot; `None` while its code waits for calls that it has made.
    pub slot: Option<u32>,
    /// What is reserved for the call.
    pub upper_bound: Money,
    /// What of the upper bound is there because of the bills of other calls.
    pub learned_excess: Money,
    /// Held back beside the upper bound.
    pub headroom: Money,
    /// Whether the upper bound is an estimate.
    pub estimated: bool,
    /// Whether its upper bound is known, because its model has a price.
    pub priced: bool,
    /// It asked for more money than there was.
    pub denied: bool,
    /// It is being cancelled, and goes back to the beginning once it has ended.
    pub rerun: bool,
}

/// Who decided how an ended row ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum EndedBy {
    /// Its own call, its condition, or a skipped dependency.
    #[default]
    Itself,
    /// A failure somewhere above: it was skipped for that.
    UpstreamFailed,
    /// The user skipped it or supplied its output: that stays until the row itself is retried.
    UserOverride,
    /// The run was stopped before it could start.
    Stop,
}

/// A row's dependencies, counted by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DependencyCounts {
    /// They have not ended.
    open: u32,
    ended: u32,
    /// They ended, and succeeded.
    succeeded: u32,
    /// They ended, and failed or were skipped because of a failure.
    failed: u32,
}

/// What a step's trigger makes of its dependencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A dependency that has not ended decides.
    Wait,
    /// The step may run.
    Go,
    /// The step will not run.
    Never,
}

impl DependencyCounts {
    fn of(open: usize) -> Self {
        Self {
            open: open as u32,
            ..Self::default()
        }
    }

    /// Takes note of how a dependency ended.
    pub(super) fn note(&mut self, succeeded: bool, failed: bool) {
        self.open = self.open.saturating_sub(1);
        self.ended += 1;
        self.succeeded += u32::from(succeeded);
        self.failed += u32::from(failed);
    }

    fn verdict(&self, trigger: Trigger) -> Verdict {
        match trigger {
            // What ended and did not succeed failed or was skipped.
            Trigger::AllSuccess if self.ended > self.succeeded => Verdict::Never,
            Trigger::NoneFailed if self.failed > 0 => Verdict::Never,
            Trigger::OneSuccess if self.succeeded > 0 => Verdict::Go,
            Trigger::OneSuccess if self.open == 0 && self.ended > 0 => Verdict::Never,
            _ if self.open == 0 => Verdict::Go,
            _ => Verdict::Wait,
        }
    }
}

/// What the scheduler knows of one row.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// Its public status.
    pub status: StepStatus,
    /// What it is doing.
    pub stage: Stage,
    trigger: Trigger,
    /// It overlaps nothing.
    pub sequential: bool,
    /// Its dependents know that it has ended.
    pub dependents_notified: bool,
    /// Who decided that, once it has ended.
    pub ended_by: EndedBy,
    /// Its dependencies, counted by status.
    pub dependencies: DependencyCounts,
    /// Attempts in all.
    pub attempts: u32,
    /// Attempts since the last reset.
    pub attempts_since_reset: u32,
    /// Its output, once it succeeded.
    pub output: Option<Arc<Value>>,
}

impl Row {
    fn of(step: &Step) -> Self {
        Self {
            trigger: step.settings.trigger,
            sequential: step.settings.mode == Mode::Sequential,
            ..Self::default()
        }
    }

    /// What its trigger makes of its dependencies.
    pub(super) fn verdict(&self) -> Verdict {
        self.dependencies.verdict(self.trigger)
    }

    /// Whether its attempt is running.
    pub(super) fn is_calling(&self) -> bool {
        matches!(self.stage, Stage::Calling(_))
    }

    /// Whether it goes back to the beginning once what is running has ended.
    pub(super) fn begins_again(&self) -> bool {
        match &self.stage {
            Stage::Calling(call) => call.rerun,
            Stage::Draining { .. } => true,
            _ => false,
        }
    }

    /// Whether it has ended: one that the user is asked about has not.
    pub(super) fn is_over(&self) -> bool {
        self.status.has_ended() && self.stage != Stage::Asked
    }

    /// Failed, cancelled, unknown for good, or skipped because of that.
    pub(super) fn is_failed(&self) -> bool {
        let failed = match self.status {
            StepStatus::Failed | StepStatus::Cancelled => true,
            StepStatus::Unknown => self.stage != Stage::Asked,
            _ => false,
        };
        failed || self.ended_by == EndedBy::UpstreamFailed
    }

    /// Whether a stop kept it from ending.
    pub(super) fn is_incomplete(&self) -> bool {
        self.ended_by == EndedBy::Stop || self.status == StepStatus::Cancelled
    }

    /// Whether it can continue by itself: neither the user nor the end of a call is needed first.
    pub(super) fn can_continue(&self) -> bool {
        !matches!(
            self.stage,
            Stage::Idle
                | Stage::Asked
                | Stage::Unapproved
                | Stage::Dormant
                | Stage::Calling(_)
                | Stage::Draining { .. }
        )
    }

    /// Forgets what it came to.
    pub(super) fn clear(&mut self) {
        self.status = StepStatus::Pending;
        self.ended_by = EndedBy::Itself;
        self.dependents_notified = false;
        self.attempts_since_reset = 0;
        self.output = None;
    }
}

/// All rows by position.
#[derive(Debug)]
pub(super) struct Rows {
    all: Vec<Row>,
    /// How many have not ended, dormant ones left out.
    pub unfinished: usize,
    /// Rows that have ended and whose dependents have not been notified yet.
    ended: VecDeque<StepIx>,
}

impl Rows {
    /// A row for each step.
    pub(super) fn new(steps: &Steps) -> Self {
        let row = |step: &Step| Row {
            dependencies: DependencyCounts::of(step.depends_on.len()),
            ..Row::of(step)
        };
        Self {
            all: steps.iter().map(row).collect(),
            unfinished: steps.len(),
            ended: VecDeque::new(),
        }
    }

    /// Whether there is such a row.
    pub(super) fn exists(&self, row: StepIx) -> bool {
        row.at() < self.all.len()
    }

    /// The row at a position.
    pub(super) fn get(&self, row: StepIx) -> Option<&Row> {
        self.all.get(row.at())
    }

    /// What a row is doing; nothing where there is none.
    pub(super) fn stage(&self, row: StepIx) -> &Stage {
        self.get(row).map_or(&Stage::Idle, |row| &row.stage)
    }

    /// Every row, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.all.iter()
    }

    /// Every row with its position, in order.
    pub(super) fn positions(&self) -> impl Iterator<Item = StepIx> + use<> {
        (0..self.all.len() as u32).map(StepIx)
    }

    /// What a row is doing, to change it.
    pub(super) fn stage_mut(&mut self, row: StepIx) -> Option<&mut Stage> {
        self.all.get_mut(row.at()).map(|row| &mut row.stage)
    }

    /// A row for an element of a `for_each` step, or for a call that code makes.
    pub(super) fn add_element(&mut self, step: &Step) -> StepIx {
        self.all.push(Row::of(step));
        StepIx(self.all.len() as u32 - 1)
    }

    /// A row has come to its end; it waits for nothing any more and has no slot.
    pub(super) fn end(&mut self, row: StepIx, status: StepStatus) {
        self[row].status = status;
        self[row].stage = Stage::Idle;
        self.unfinished -= 1;
        self.ended.push_back(row);
    }

    /// The dependents of a row that has just ended are not to know it yet.
    pub(super) fn hold_back(&mut self, row: StepIx) {
        if let Some(at) = self.ended.iter().rposition(|ended| *ended == row) {
            self.ended.remove(at);
        }
    }

    /// They may know it now.
    pub(super) fn let_go(&mut self, row: StepIx) {
        self.ended.push_back(row);
    }

    /// A row that has ended and whose dependents do not know it yet.
    pub(super) fn next_ended(&mut self) -> Option<StepIx> {
        let row = self.ended.pop_front()?;
        self[row].dependents_notified = true;
        Some(row)
    }

    /// Counts a row's dependencies by their present status.
    pub(super) fn recount(&mut self, row: StepIx, graph: &Graph) {
        let before = graph.before(row);
        let mut counts = DependencyCounts::of(before.len());
        for dependency in before {
            let dependency = &self[*dependency];
            if dependency.dependents_notified {
                let succeeded = dependency.status == StepStatus::Succeeded;
                counts.note(succeeded, dependency.is_failed());
            }
        }
        self[row].dependencies = counts;
    }

    /// Whether a dependency of a row failed, notified of or not.
    pub(super) fn follows_a_failure(&self, row: StepIx, graph: &Graph) -> bool {
        let mut before = graph.before(row).iter();
        before.any(|from| self[*from].is_failed())
    }

    /// The first dependency that ended without success.
    pub(super) fn first_in_the_way(&self, row: StepIx, graph: &Graph) -> Option<StepIx> {
        let mut before = graph.before(row).iter().copied();
        before.find(|row| {
            let row = &self[*row];
            row.is_over() && row.status != StepStatus::Succeeded
        })
    }
}

impl Index<StepIx> for Rows {
    type Output = Row;

    fn index(&self, row: StepIx) -> &Row {
        &self.all[row.at()]
    }
}

impl IndexMut<StepIx> for Rows {
    fn index_mut(&mut self, row: StepIx) -> &mut Row {
        &mut self.all[row.at()]
    }
}
