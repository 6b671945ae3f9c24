//! What `execute_plan` returns and `plandeck run --json` prints.

use super::figures::figures_without_potential;
use super::{
    Figures, Limit, RunError, RunOutcome, RunPhase, RunState, SkipReason, StepSource, StepState,
    StepStatus,
};
use crate::plan::StepIx;
use crate::units::{Micros, Money, Tokens};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// The result of a run. Times are milliseconds, money is dollars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionResult {
    /// The run's id.
    pub run_id: Arc<str>,
    /// The plan's name.
    pub plan: Arc<str>,
    /// How it ended.
    pub status: RunOutcome,
    /// The final result, `null` where there is none.
    pub result: Arc<Value>,
    /// Every step in the plan's order; the elements of a `for_each` step, and the calls that the code of a step made,
    /// follow it.
    pub steps: Vec<StepResult>,
    /// What it cost, with the upper bound of what a server did not report and of what was running when the run was cut
    /// short; `None` without cost tracking or where a model has no price.
    pub cost: Option<Money>,
    /// W: wall-clock time less held time.
    pub latency_ms: f64,
    /// Steps that succeeded, elements of `for_each` steps not counted.
    pub steps_completed: usize,
    /// max(T∞, T1 / P) / W.
    pub parallel_efficiency: Option<f64>,
    /// T1 / W.
    pub speedup: Option<f64>,
    /// T1 / (P · W).
    pub slot_utilisation: Option<f64>,
    /// The ids along the longest path.
    pub critical_path: Vec<Arc<str>>,
    /// The field names of the limits that were reached.
    pub exceeded_limits: Option<Vec<Limit>>,
    /// The first error, where it did not succeed.
    pub error: Option<Box<RunError>>,
    /// The worker that ran `model` tools.
    pub worker: Arc<str>,
    /// Whether outputs were simulated.
    pub simulated: bool,
}

/// One step of a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepResult {
    /// The step's id.
    pub id: Arc<str>,
    /// The tool.
    pub tool: Arc<str>,
    /// Its status.
    pub status: StepStatus,
    /// Where its output came from.
    pub source: Option<StepSource>,
    /// Its output; with an `ExpectationError` the one that is not as expected.
    pub output: Option<Arc<Value>>,
    /// Its last error.
    pub error: Option<Box<RunError>>,
    /// Why it was skipped.
    pub reason: Option<SkipReason>,
    /// What its attempts cost.
    pub cost: Option<Money>,
    /// The service time of its attempts.
    pub latency_ms: f64,
    /// When its first attempt started.
    pub started_ms: Option<f64>,
    /// When it ended.
    pub ended_ms: Option<f64>,
    /// Attempts made.
    pub attempts: u32,
    /// The model that answered.
    pub model: Option<Arc<str>>,
    /// Tokens, for a model call.
    pub tokens: Option<Tokens>,
}

impl ExecutionResult {
    /// The result of `state`: of a run that ended, or partial.
    pub fn of(state: &RunState) -> Self {
        let figures = figures_without_potential(state, state.at);
        let header = state.header.as_deref();
        let tracked = header.is_none_or(|h| h.track_cost);
        let Figures {
            speedup,
            parallel_efficiency,
            slot_utilisation,
            wall,
            critical_path,
            ..
        } = figures;
        let id_of = |ix: crate::plan::StepIx| state.steps.get(ix.at()).map(|s| s.info.id.clone());
        Self {
            run_id: header.map_or_else(|| "".into(), |h| h.run_id.clone()),
            plan: header.map_or_else(|| "".into(), |h| h.plan.clone()),
            status: match state.phase {
                RunPhase::Ended(outcome) => outcome,
                _ => RunOutcome::Cancelled,
            },
            result: state.result.clone().unwrap_or_default(),
            steps: rows_in_order(state)
                .map(|row| StepResult::of(row, tracked))
                .collect(),
            // What was running when the run was interrupted may have been billed.
            cost: (tracked && !state.unpriced).then_some(state.spent + state.reserved),
            latency_ms: wall.ms(),
            steps_completed: state
                .steps
                .iter()
                .filter(|s| s.info.parent.is_none() && s.status == StepStatus::Succeeded)
                .count(),
            parallel_efficiency,
            speedup,
            slot_utilisation,
            critical_path: critical_path.into_iter().filter_map(id_of).collect(),
            exceeded_limits: (!state.exceeded.is_empty()).then(|| state.exceeded.clone()),
            error: state.error.clone(),
            worker: header.map_or_else(|| "".into(), |h| h.worker.clone()),
            simulated: header.is_some_and(|h| h.simulated),
        }
    }
}

/// The plan's order, each step followed by its elements and by the calls that its code made. The plan's steps are the
/// first rows.
fn rows_in_order(state: &RunState) -> impl Iterator<Item = &StepState> {
    state
        .steps
        .iter()
        .filter(|row| row.info.parent.is_none())
        .zip(0..)
        .flat_map(|(row, at)| {
            let under = state.under(StepIx(at)).into_iter();
            let under = under.filter_map(|ix| state.steps.get(ix.at()));
            std::iter::once(row).chain(under)
        })
}

impl StepResult {
    fn of(row: &StepState, tracked: bool) -> Self {
        Self {
            id: row.info.id.clone(),
            tool: row.info.tool.clone(),
            status: row.status,
            source: row.source,
            output: row.made().cloned(),
            error: row.error.clone(),
            reason: row.reason,
            cost: row.cost.filter(|_| tracked).map(|cost| {
                let running = row.running_attempt();
                cost + running.map_or(Money::ZERO, |attempt| attempt.reserved)
            }),
            latency_ms: row.service.ms(),
            started_ms: row.started_at().map(Micros::ms),
            ended_ms: row.ended_at().map(Micros::ms),
            attempts: row.attempts.len() as u32,
            model: row.model().cloned(),
            tokens: row.tokens.as_deref().copied(),
        }
    }
}
