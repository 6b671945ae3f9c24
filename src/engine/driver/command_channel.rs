//! Where the commands of the user come from.

use crate::run::RunCommand;
use tokio::sync::mpsc;

/// The channel of commands, and whether more are expected.
pub(super) struct Commands {
    pub from: mpsc::Receiver<RunCommand>,
    /// Whether a sender is left.
    pub open: bool,
    /// Whether the run may end: [`RunCommand::Close`] came, or every sender of commands is gone.
    pub closed: bool,
}

impl Commands {
    /// Those that come; `closed` where the run may end without [`RunCommand::Close`].
    pub(super) fn new(from: mpsc::Receiver<RunCommand>, closed: bool) -> Self {
        Self {
            from,
            open: true,
            closed,
        }
    }
}
