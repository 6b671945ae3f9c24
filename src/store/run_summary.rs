//! What a list of runs shows of a run: the row of the list, and the totals that a journal keeps up with its events.
//!
//! The totals are those of [`RunState`](crate::run::RunState), without its memory: a journal does not hold a
//! second picture of a run with a million steps.

use crate::run::{EventKind, RunEvent, RunOutcome};
use crate::units::{Micros, Money};
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// The status of a recorded run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunWord {
    /// Its process is running it.
    Running,
    /// Its process is gone and it had not ended.
    Interrupted,
    /// Every step that was to run succeeded.
    Succeeded,
    /// A step failed.
    Failed,
    /// A limit stopped it.
    LimitExceeded,
    /// The user or a signal stopped it.
    Cancelled,
}

impl RunWord {
    /// The word itself.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::LimitExceeded => "limit_exceeded",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it has an end on record.
    pub const fn has_ended(self) -> bool {
        !matches!(self, Self::Running | Self::Interrupted)
    }
}

impl From<RunOutcome> for RunWord {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Succeeded => Self::Succeeded,
            RunOutcome::Failed => Self::Failed,
            RunOutcome::LimitExceeded => Self::LimitExceeded,
            RunOutcome::Cancelled => Self::Cancelled,
        }
    }
}

/// A run in a list of runs. As JSON: the fields that `plandeck runs --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    /// The run's id.
    pub run_id: Arc<str>,
    /// The plan's name.
    pub plan: Arc<str>,
    /// Its status.
    pub status: RunWord,
    /// When it started, RFC 3339.
    pub started_at: Arc<str>,
    /// What it cost; `None` where that is not known or not tracked.
    pub cost: Option<Money>,
    /// Wall-clock time less held time, in milliseconds, up to its last event.
    #[serde(rename = "latency_ms", serialize_with = "milliseconds")]
    pub latency: Micros,
    /// Steps that succeeded.
    pub steps_completed: u64,
    /// The plan's steps.
    pub steps: u64,
    /// Events on record.
    #[serde(skip)]
    pub events: u64,
    /// The run that it resumed.
    #[serde(skip)]
    pub resumed_from: Option<Arc<str>>,
    /// The run that it was forked from, or that the line it resumes was forked from.
    #[serde(skip)]
    pub forked_from: Option<Arc<str>>,
    /// Steps that failed.
    #[serde(skip)]
    pub steps_failed: u64,
    /// The worker that ran `model` tools; `None` in runs of versions that did not record it.
    #[serde(skip)]
    pub worker: Option<Arc<str>>,
    #[serde(skip)]
    pub(super) row: i64,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a field by reference"
)]
fn milliseconds<S: Serializer>(latency: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(latency.ms())
}

/// Rows that an event may add beyond a doubling of those there are.
const MOST_NEW_ROWS: usize = 1 << 20;

/// Figures of a run so far.
#[derive(Debug, Default)]
pub struct RunTotals {
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
    running: usize,
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
    pub fn apply(&mut self, event: &RunEvent) {
        self.at = self.at.max(event.at);
        match &event.kind {
            EventKind::RunStarted(header) => {
                self.tracked = header.track_cost;
                self.steps = header.steps.len();
                self.rows = vec![Standing::Other; self.steps];
            }
            EventKind::StepReady { step } => self.set(step.ix.at(), Standing::CouldGoOn),
            EventKind::AttemptStarted { step, .. } => {
                self.running += 1;
                self.set(step.ix.at(), Standing::Other);
            }
            EventKind::AttemptEnded(end) => {
                self.running = self.running.saturating_sub(1);
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
        let holds = self.running == 0 && a_person_holds;
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
    pub fn steps_completed(&self) -> u64 {
        self.completed
    }

    /// Those that failed.
    pub fn steps_failed(&self) -> u64 {
        self.failed
    }

    /// What it cost; `None` where that is not known or not tracked.
    pub fn cost(&self) -> Option<Money> {
        (self.tracked && !self.unpriced).then_some(self.spent)
    }

    /// Wall-clock time less held time, up to the last event.
    pub fn latency(&self) -> Micros {
        let open = self.held_since.map_or(Micros(0), |since| self.at - since);
        self.at - self.held - open
    }

    /// How it ended, where it has.
    pub fn outcome(&self) -> Option<RunOutcome> {
        match self.phase {
            Phase::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }
}
