//! The totals that a journal keeps up with its events, for the list of runs.
//!
//! They are those of [`RunState`](crate::run::RunState), without its memory: a journal does not hold a second picture of
//! a run with a million steps.

use crate::plan::StepIx;
use crate::run::{EventKind, RunEvent, RunOutcome};
use crate::units::{Micros, Money};
use std::collections::{BTreeMap, BTreeSet};

/// Rows that an event may add beyond a doubling of those there are.
const MOST_NEW_ROWS: usize = 1 << 20;

/// Figures of a run so far.
#[derive(Debug, Default)]
pub(super) struct RunTotals {
    tracked: bool,
    /// The status of each row; the rows of elements come after those of the plan's steps.
    rows: Vec<Standing>,
    steps: usize,
    completed: u64,
    failed: u64,
    /// Rows of every kind that could continue by themselves, and rows whose outcome is unknown.
    could_go_on: usize,
    unknown: usize,
    spent: Money,
    unpriced: bool,
    /// What is reserved for each running attempt, by its row: mostly a few rows.
    running: BTreeMap<StepIx, Money>,
    /// Those of them whose code waits for its calls.
    suspended: BTreeSet<StepIx>,
    phase: Phase,
    at: Micros,
    held: Micros,
    held_since: Option<Micros>,
}

/// The status of a row, as far as the figures need it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    /// Anything that matters to no figure.
    #[default]
    Other,
    /// Ready, or between two attempts.
    CouldGoOn,
    Unknown,
    Succeeded,
    Failed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Running,
    Paused,
    Stopping,
    Ended(RunOutcome),
}

impl RunTotals {
    /// Takes in the next event.
    pub(super) fn apply(&mut self, event: &RunEvent) {
        self.at = self.at.max(event.at);
        match &event.kind {
            EventKind::RunStarted(header) => {
                self.tracked = header.track_cost;
                self.steps = header.steps.len();
                self.rows = vec![Standing::Other; self.steps];
            }
            EventKind::StepReady { step } => self.set(step.ix.at(), Standing::CouldGoOn),
            EventKind::AttemptStarted { step, reserved, .. } => {
                self.running.insert(step.ix, *reserved);
                self.set(step.ix.at(), Standing::Other);
            }
            EventKind::ReservationRaised { step, reserved, .. } => {
                if let Some(running) = self.running.get_mut(&step.ix) {
                    *running = *reserved;
                }
            }
            EventKind::AttemptSuspended { step, .. } if self.running.contains_key(&step.ix) => {
                self.suspended.insert(step.ix);
            }
            EventKind::AttemptContinued { step, .. } => drop(self.suspended.remove(&step.ix)),
            EventKind::AttemptEnded(end) => {
                self.running.remove(&end.step.ix);
                self.suspended.remove(&end.step.ix);
                if end.retry_in.is_some() {
                    self.set(end.step.ix.at(), Standing::CouldGoOn);
                }
                match end.cost {
                    Some(cost) => self.spent += cost,
                    None => self.unpriced |= self.tracked,
                }
            }
            EventKind::StepSucceeded { step, .. } => self.set(step.ix.at(), Standing::Succeeded),
            EventKind::StepFailed { step, .. } => self.set(step.ix.at(), Standing::Failed),
            EventKind::StepUnknown { step, .. } => self.set(step.ix.at(), Standing::Unknown),
            EventKind::StepReset { step }
            | EventKind::StepExpanded { step, .. }
            | EventKind::StepSkipped { step, .. }
            | EventKind::StepCancelled { step } => self.set(step.ix.at(), Standing::Other),
            EventKind::StepsAdded { steps } => self.steps += steps.len(),
            EventKind::RunPaused => self.phase = Phase::Paused,
            EventKind::LimitReached { .. } | EventKind::StopRequested => {
                self.phase = Phase::Stopping;
            }
            EventKind::RunResumed | EventKind::RunReopened => self.phase = Phase::Running,
            EventKind::RunEnded { status, .. } => self.phase = Phase::Ended(*status),
            _ => {}
        }
        self.keep_clock(event.at);
    }

    fn set(&mut self, row: usize, now: Standing) {
        // An event about a row that is nowhere announced must not take memory for all rows before it.
        if row > self.rows.len().saturating_mul(2) + MOST_NEW_ROWS {
            return;
        }
        if row >= self.rows.len() {
            self.rows.resize(row + 1, Standing::Other);
        }
        let of_plan = u64::from(row < self.steps);
        let before = std::mem::replace(&mut self.rows[row], now);
        match before {
            Standing::Other => {}
            Standing::CouldGoOn => self.could_go_on -= 1,
            Standing::Unknown => self.unknown -= 1,
            Standing::Succeeded => self.completed -= of_plan,
            Standing::Failed => self.failed -= of_plan,
        }
        match now {
            Standing::Other => {}
            Standing::CouldGoOn => self.could_go_on += 1,
            Standing::Unknown => self.unknown += 1,
            Standing::Succeeded => self.completed += of_plan,
            Standing::Failed => self.failed += of_plan,
        }
    }

    fn keep_clock(&mut self, at: Micros) {
        let a_person_holds = match self.phase {
            Phase::Paused | Phase::Ended(_) => true,
            Phase::Running => self.unknown > 0 && self.could_go_on == 0,
            Phase::Stopping => false,
        };
        let holds = self.running.len() == self.suspended.len() && a_person_holds;
        match (holds, self.held_since) {
            (true, None) => self.held_since = Some(at),
            (false, Some(since)) => {
                self.held += at - since;
                self.held_since = None;
            }
            _ => {}
        }
    }

    /// Those that succeeded.
    pub(super) fn steps_completed(&self) -> u64 {
        self.completed
    }

    /// Those that failed.
    pub(super) fn steps_failed(&self) -> u64 {
        self.failed
    }

    /// What it cost, with the upper bound of what is running; `None` where that is not known or not tracked.
    pub(super) fn cost(&self) -> Option<Money> {
        let running: Money = self.running.values().copied().sum();
        (self.tracked && !self.unpriced).then_some(self.spent + running)
    }

    /// Wall-clock time less held time, up to the last event.
    pub(super) fn latency(&self) -> Micros {
        let open = self.held_since.map_or(Micros(0), |since| self.at - since);
        self.at - self.held - open
    }

    /// How it ended, where it has.
    pub(super) fn outcome(&self) -> Option<RunOutcome> {
        match self.phase {
            Phase::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }
}
