//! The call of a recorded run that another run repeats, as it is recorded.

use crate::engine::StepDigest;
use std::sync::Arc;

/// The call that a run repeats.
#[derive(Clone, Debug)]
pub(super) struct RepeatedCall {
    /// The run whose call it is.
    pub run_id: Arc<str>,
    /// The digest of the step's definition; `None` where it is called otherwise than its plan has it.
    pub definition: Option<String>,
    /// The filter by which its answers are compared; `None` where they are compared as they are.
    pub by: Option<String>,
}

/// The digest of a definition as it is recorded.
pub(super) fn of_definition(digest: &StepDigest) -> String {
    format!("{:032x}", u128::from_be_bytes(*digest))
}
