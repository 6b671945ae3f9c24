//! What events change that bring rows: further steps, and the elements of `for_each` steps.

use super::RunState;
use crate::plan::StepIx;
use crate::run::row_info::RowInfo;
use crate::run::{StepInfo, StepKey, StepState, StepStatus};
use crate::units::Micros;
use std::sync::Arc;

impl RunState {
    /// More steps of the plan are known.
    pub(super) fn add_steps(&mut self, more: &Arc<[StepInfo]>) {
        let Some(header) = &mut self.header else {
            return;
        };
        let is_of_plan = |step: &StepInfo| step.parent.is_none();
        if header.steps.len() != self.steps.len() || !more.iter().all(is_of_plan) {
            return;
        }
        let header = Arc::make_mut(header);
        header.steps = header.steps.iter().chain(more.iter()).cloned().collect();
        self.steps.extend(RowInfo::each(more).map(StepState::new));
        self.callable += more.len();
        self.most_callable = self.most_callable.max(self.callable);
        self.counts[StepStatus::Pending as usize] += more.len();
    }

    pub(super) fn expand(
        &mut self,
        at: Micros,
        step: &StepKey,
        count: u32,
        elements: &Arc<[StepInfo]>,
    ) {
        self.let_go(step.ix);
        let first = self.steps.len() as u32;
        let added = (first..first + elements.len() as u32).map(StepIx);
        let kind = self
            .steps
            .get(step.ix.at())
            .map(|row| row.info.kind.clone());
        let of_this_step = elements.iter().cloned().map(|info| StepInfo {
            parent: Some(step.ix),
            // The event that names the elements does not carry the kind of their tool.
            kind: kind
                .clone()
                .filter(|_| info.kind.is_empty())
                .unwrap_or(info.kind),
            ..info
        });
        let of_this_step: Arc<[StepInfo]> = of_this_step.collect();
        let rows = RowInfo::each(&of_this_step).map(StepState::new);
        self.steps.extend(rows);
        if let Some(row) = self.set_status(step, StepStatus::Running) {
            row.wait_no_more(at);
            row.add_elements(added);
            row.started.get_or_insert(at);
        }
        self.set_count(step, Some(count));
    }

    /// The list of a `for_each` step became known, or is not known any more.
    pub(super) fn set_count(&mut self, step: &StepKey, count: Option<u32>) {
        let calls = |count: Option<u32>| count.map_or(1, |count| count as usize);
        let row = self.steps.get_mut(step.ix.at());
        if let Some(row) = row.filter(|row| row.info.parent.is_none()) {
            self.callable =
                (self.callable + calls(count)).saturating_sub(calls(row.element_count()));
            row.set_element_count(count);
        }
        self.most_callable = self.most_callable.max(self.callable);
    }
}
