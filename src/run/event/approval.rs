//! What events record of approvals: calls that are made only when somebody says so.

use serde::{Deserialize, Serialize};

/// Who decided about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// An answer that was given with the command line before the run began.
    Flag,
    /// The user in the dashboard.
    Screen,
    /// Another process or program.
    Other,
}

/// Why a call that had been approved needs another approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// It would be called with something else now.
    Changed,
    /// It was approved too long ago.
    Expired,
}
