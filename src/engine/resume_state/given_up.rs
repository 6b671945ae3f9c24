//! What an earlier run left, and what is of no account any more.

use super::ResumeState;
use crate::engine::prior_steps::EarlierRun;
use crate::engine::step_digest::StepDigest;
use crate::plan::ExecutionPlan;
use crate::run::RunState;
use crate::units::Money;

impl ResumeState {
    /// Of a run that has nothing before it.
    pub(crate) fn of_nothing(plan: &ExecutionPlan, definitions: &[StepDigest]) -> Self {
        let nothing = EarlierRun {
            states: &[RunState::default()],
            is_running: false,
            definitions: &[],
            unrecorded: false,
            origin: None,
            renews_keys: true,
            before: None,
        };
        Self::new(&nothing, plan, definitions)
    }

    /// The calls that the code of this row made are made again.
    pub(in crate::engine) fn forget_calls(&mut self, id: &str) {
        self.prior.forget_calls(id);
    }

    /// What is counted as spent for the interrupted call of a row in case it happened; from now on nothing is.
    pub(in crate::engine) fn release(&mut self, id: &str) -> Money {
        let released = self.prior.release(id);
        self.spent -= released;
        released
    }
}
