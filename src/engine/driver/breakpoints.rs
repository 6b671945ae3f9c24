//! Conditions of breakpoints: whether they hold of a call.

use super::Driver;
use crate::engine::prepare::{OwnCall, RunScope};
use crate::plan::{StepInput, StepIx};
use crate::tools::CallReport;
use serde_json::json;
use std::sync::Arc;

impl Driver {
    /// The condition of a breakpoint that holds of the call that is about to be made.
    pub(super) fn breaks_before(&self, row: StepIx, input: &StepInput) -> Option<Arc<str>> {
        if self.break_conditions.is_empty() {
            return None;
        }
        let rows = &self.emitter.state().steps;
        let made = rows.get(row.at()).map_or(0, |row| row.attempts.len());
        let (input, attempt) = (input.to_value(), json!(made + 1));
        let own = OwnCall {
            input: Some(&input),
            attempt: Some(&attempt),
            ..OwnCall::default()
        };
        self.that_holds(row, false, own)
    }

    /// The condition of a breakpoint that holds of a call that has ended.
    pub(super) fn breaks_after(&self, row: StepIx, report: &CallReport) -> Option<Arc<str>> {
        if self.break_conditions.is_empty() {
            return None;
        }
        let state = self.emitter.state().steps.get(row.at())?;
        let input = state.input().map(StepInput::to_value);
        let attempt = json!(state.attempts.len());
        let cost = report.cost.map(|cost| json!(cost));
        let rejected = report.rejected.as_ref();
        let own = OwnCall {
            input: input.as_deref(),
            output: report.whole_output().or(rejected).map(|output| &**output),
            cost: cost.as_ref(),
            attempt: Some(&attempt),
        };
        self.that_holds(row, true, own)
    }

    /// One that cannot be evaluated holds, and says why.
    fn that_holds(&self, row: StepIx, after: bool, own: OwnCall<'_>) -> Option<Arc<str>> {
        let instance = self.instance(row);
        let id = instance.key().id;
        let scope = RunScope {
            own,
            ..instance.scope()
        };
        let mut conditions = self.break_conditions.of(&id, after);
        conditions.find_map(|condition| match condition.is_true(&scope) {
            Ok(true) => Some(Arc::clone(&condition.source)),
            Ok(false) => None,
            Err(error) => Some(error.message.into()),
        })
    }

    /// Reads the conditions of the breakpoints that are set before the run begins.
    pub(super) fn note_breakpoints(&mut self) {
        let set: Vec<_> = self.scheduler.breakpoints().cloned().collect();
        for breakpoint in set {
            self.break_conditions.note(&self.plan, &breakpoint, true);
        }
    }
}
