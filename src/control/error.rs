//! Why the control interface refuses something.

use serde_json::{Value, json};

/// Why something that was asked of a run is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The request itself is wrong.
    #[error("{0}")]
    BadRequest(String),
    /// The token is missing or wrong.
    #[error(
        "the token is missing or wrong: send `Authorization: Bearer TOKEN` with the token that the run printed"
    )]
    Unauthorized,
    /// There is nothing of this name.
    #[error("{0}")]
    NotFound(String),
    /// The run has no such step.
    #[error("{0}")]
    NoSuchStep(String),
    /// The command makes no sense in the present state of the run.
    #[error("{0}")]
    NotNow(String),
    /// Too many commands wait; this one may be sent again.
    #[error("the run is busy: send the command again")]
    Busy,
    /// The run takes no commands any more.
    #[error("the run takes no commands any more: it has ended")]
    Over,
    /// What is asked for cannot be read, because the journal of the run failed.
    #[error("what happened earlier cannot be read: {0}")]
    Unreadable(String),
}

impl ControlError {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::Unauthorized => 401,
            Self::NotFound(_) | Self::NoSuchStep(_) => 404,
            Self::NotNow(_) | Self::Over => 409,
            Self::Busy => 429,
            Self::Unreadable(_) => 503,
        }
    }

    /// Its name in answers.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BadRequest",
            Self::Unauthorized => "Unauthorized",
            Self::NotFound(_) => "NotFound",
            Self::NoSuchStep(_) => "NoSuchStep",
            Self::NotNow(_) => "NotPossibleNow",
            Self::Over => "RunOver",
            Self::Busy => "Busy",
            Self::Unreadable(_) => "Unreadable",
        }
    }

    /// The body of an answer: `{"error": {"type", "message"}}`.
    pub fn body(&self) -> Value {
        json!({"error": {"type": self.kind(), "message": self.to_string()}})
    }
}
