//! Where a run stands as a whole.

use super::RunOutcome;

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunPhase {
    /// No event yet.
    #[default]
    Empty,
    /// Steps start and end.
    Running,
    /// Nothing starts; attempts may still be under way.
    Paused,
    /// A limit, a person or a signal stops it; attempts may still be under way.
    Stopping,
    /// Nothing is left to do.
    Ended(RunOutcome),
}
