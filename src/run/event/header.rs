//! What events record of a run as a whole: what it was started with, and how it ended.

use super::StepInfo;
use crate::plan::Dialect;
use crate::run::{Rates, ResourceLimits};
use crate::units::{Micros, Money};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What is known when a run starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The run's id.
    pub run_id: Arc<str>,
    /// The plan's name.
    pub plan: Arc<str>,
    /// How the plan was written.
    pub dialect: Dialect,
    /// When it started, RFC 3339.
    pub started_at: Arc<str>,
    /// Who carries out `model` tools: `openai/gpt-4o-mini`, `offline`, `simulated`.
    pub worker: Arc<str>,
    /// Whether outputs are simulated.
    pub simulated: bool,
    /// Whether cost is tracked.
    pub track_cost: bool,
    /// The limits in force.
    pub limits: ResourceLimits,
    /// The rates in force.
    #[serde(default, skip_serializing_if = "Rates::is_empty")]
    pub rates: Rates,
    /// Whether the steps carry the prices of their calls.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub priced: bool,
    /// The context that the references see.
    #[serde(default)]
    pub context: Arc<Value>,
    /// The plan's steps, in its order.
    pub steps: Arc<[StepInfo]>,
    /// The run that it was forked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<Arc<str>>,
    /// What the runs that it resumes have spent, in dollars as JSON: it counts against the limit. What was running when
    /// they were interrupted counts with its upper bound.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spent_before: Money,
    /// How long steps that take no time are shown as running, in slow motion; `None` at full speed.
    #[serde(rename = "pace_ms", default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Micros>,
}

impl RunHeader {
    /// Whether this is the header of the same run, which may have got steps in between. It goes by what such headers share, so
    /// that a run that starts again under its id is another one.
    pub(crate) fn is_of_same_run(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.run_id, &other.run_id) && Arc::ptr_eq(&self.started_at, &other.started_at)
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a field by reference"
)]
fn is_zero(money: &Money) -> bool {
    money.is_zero()
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Every step that was to run succeeded.
    Succeeded,
    /// A step failed.
    Failed,
    /// A limit stopped it.
    LimitExceeded,
    /// The user or a signal stopped it.
    Cancelled,
    /// What is left waits for an approval or at a breakpoint, and nobody is there to answer; it can be resumed.
    Waiting,
}
