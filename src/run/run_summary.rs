//! What a list of runs shows of a run.

use super::RunOutcome;
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
    /// It ended before an approval was given, or at a breakpoint.
    Waiting,
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
            Self::Waiting => "waiting",
        }
    }
}

impl From<RunOutcome> for RunWord {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Succeeded => Self::Succeeded,
            RunOutcome::Failed => Self::Failed,
            RunOutcome::LimitExceeded => Self::LimitExceeded,
            RunOutcome::Cancelled => Self::Cancelled,
            RunOutcome::Waiting => Self::Waiting,
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
    /// Where the store has it.
    #[serde(skip)]
    pub(crate) row: i64,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a field by reference"
)]
fn milliseconds<S: Serializer>(latency: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(latency.ms())
}
