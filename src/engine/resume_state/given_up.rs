//! What an earlier run left, and what is of no account any more.

use super::ResumeState;
use crate::units::Money;

impl ResumeState {
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
