//! The status of a step.

use serde::{Deserialize, Serialize};

/// The status of a step.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// A dependency has not ended.
    #[default]
    Pending,
    /// It could start; something holds it.
    Ready,
    /// An attempt is running, or the backoff between two.
    Running,
    /// It has an output.
    Succeeded,
    /// No attempt is left.
    Failed,
    /// It will not run.
    Skipped,
    /// It was running when the run was stopped.
    Cancelled,
    /// It was being called when whoever made the call died: this process before it was resumed, or a worker elsewhere.
    Unknown,
}

impl StepStatus {
    /// Every status, in the order of the contract.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Ready,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Skipped,
        Self::Cancelled,
        Self::Unknown,
    ];

    /// The word of the contract.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it has no output because of an error, or because its outcome is unknown.
    pub(crate) const fn went_wrong(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown)
    }

    /// Whether nothing more will happen to the step by itself.
    pub const fn has_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Ready | Self::Running)
    }
}
