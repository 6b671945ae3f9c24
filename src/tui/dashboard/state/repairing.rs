//! A correction of the plan after a failure, for which the planner is asked.

use super::correction::{Correction, RepairPrice};
use std::sync::Arc;

/// How far it is.
#[derive(Debug, PartialEq)]
pub(crate) enum RepairStage {
    /// The price is shown, where it is known by now.
    Priced(Option<RepairPrice>),
    /// The planner is asked; this is what it has said last about how far it is.
    Asking(Option<String>),
    /// The correction is shown.
    Shown(Box<Correction>),
    /// There is none, for this reason.
    Failed(Arc<str>),
}

/// A correction that is asked for.
#[derive(Debug)]
pub struct Repairing {
    /// The number of the question.
    pub(crate) number: u64,
    /// The step that failed.
    pub(crate) step: Arc<str>,
    pub(crate) stage: RepairStage,
    pub(crate) scroll: usize,
}
