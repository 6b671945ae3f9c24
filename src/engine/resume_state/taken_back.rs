//! Rows that run again, and what that means for those that depend on them.

use super::{Fate, ResumeState};
use crate::engine::prior_steps::PriorStep;
use crate::engine::redaction::any_value;
use crate::engine::redaction::holds_mark;
use crate::plan::StepIx;
use crate::run::StepKey;
use serde_json::Value;
use std::sync::Arc;

impl ResumeState {
    /// A row is to run, whatever was before; what it had come to is remembered.
    pub(super) fn take_back(&mut self, id: &Arc<str>) {
        let before = self.prior.rows.insert(Arc::clone(id), PriorStep::Rerun);
        if let Some(PriorStep::Output { output, .. }) = before {
            self.came_to.insert(Arc::clone(id), output);
        }
    }

    /// Everything after these steps runs again, even where they come to the same as before.
    pub(in crate::engine) fn refresh_after(&mut self, steps: impl IntoIterator<Item = StepIx>) {
        self.refreshed.extend(steps);
    }

    /// A step of the plan that ran again came to this. Where that is what it had come to before, and the run is the same,
    /// what depends on it is taken over.
    pub(in crate::engine) fn ended(&mut self, step: StepIx, id: &str, output: &Arc<Value>) {
        let is_open = self.stops_early && !self.refreshed.contains(&step);
        if !is_open || !self.rerun.contains(&step) {
            return;
        }
        let before = match self.prior.rows.get(id) {
            Some(PriorStep::Output { output, .. }) => Some(output),
            _ => self.came_to.get(id),
        };
        // Two outputs of which secrets were left out may differ there.
        let is_known = || !any_value(&Arc::clone(output).into(), &holds_mark);
        if before == Some(output) && is_known() {
            self.rerun.remove(&step);
        }
    }

    /// The user wants this row to run, whatever was before.
    pub(in crate::engine) fn forget(&mut self, row: &StepKey) {
        self.take_back(&row.id);
        if let Some(Fate::Failed(_)) = self.fates.remove(&row.id) {
            // What is called now is another call.
            self.prior.interrupted_attempts.forget(&row.id);
        }
    }

    /// The user supplies a row's output: what depends on it is done again, unless it is the one of the earlier
    /// run.
    pub(in crate::engine) fn note_output(&mut self, id: &str, step: StepIx, output: &Arc<Value>) {
        let same = match self.prior.rows.get(id) {
            Some(PriorStep::Output { output: before, .. }) => before == output,
            _ => false,
        };
        if !same {
            self.rerun.insert(step);
        }
    }
}
