//! The phase of a whole run.

use super::RunOutcome;

/// The phase of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunPhase {
    /// No event yet.
    #[default]
    Empty,
    /// Steps start and end.
    Running,
    /// Nothing starts; attempts may still be running.
    Paused,
    /// A limit, the user or a signal stops it; attempts may still be running.
    Stopping,
    /// Nothing is left to do.
    Ended(RunOutcome),
}
