//! What keeps a command from doing its work: exit code 2, and nothing ran.

use crate::plan::PlanFaults;

/// Why nothing ran.
#[derive(Debug)]
pub enum Failure {
    /// One sentence: bad usage, a file that cannot be read, a bad setting.
    Usage(String),
    /// Faults with places, of a catalog, a plan, or both.
    Faults(Vec<PlanFaults>),
}

impl Failure {
    /// A failure in one sentence that says what to do.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }
}

impl From<PlanFaults> for Failure {
    fn from(faults: PlanFaults) -> Self {
        Self::Faults(vec![faults])
    }
}
