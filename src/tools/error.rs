//! Why a call failed.

use crate::run::ErrorKind;
use crate::text::message::{clean, is_clean};
use std::time::Duration;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    /// The kind of error, as the result names it.
    pub kind: ErrorKind,
    /// What went wrong and what to do; no secrets, no control characters but line feeds.
    pub message: String,
    /// Whether the same call could succeed if it is made again.
    pub retryable: bool,
    /// When the other side asks to be called again (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl ToolError {
    /// An error that a retry does not fix.
    pub fn permanent(message: impl Into<String>) -> Self {
        let message = message.into();
        // Names and values from plans and catalogs get into messages; nothing in them reaches a terminal raw.
        let message = if is_clean(&message) {
            message
        } else {
            clean(&message, usize::MAX)
        };
        Self {
            kind: ErrorKind::ToolExecutionError,
            message,
            retryable: false,
            retry_after: None,
        }
    }

    /// An error that may not occur again on a retry.
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            retryable: true,
            ..Self::permanent(message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_carry_no_control_characters() {
        assert_eq!(
            ToolError::transient("a\u{1b}[31mb\u{0}\nc").message,
            "ab\nc"
        );
    }
}
