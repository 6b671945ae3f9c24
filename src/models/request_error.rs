//! Why a request failed, and whether it is worth a retry.

use std::time::Duration;

/// The maximum wait before a retry. A server that asks for a longer one is not asked again.
const MAX_WAIT: Duration = Duration::from_hours(1);

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// What went wrong.
    pub message: String,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// When the server asks to be called again.
    pub retry_after: Option<Duration>,
    /// Whether a time limit ended it.
    pub timed_out: bool,
    /// Whether the request may have reached a server.
    pub sent: bool,
}

impl RequestError {
    /// An error that the same request would cause again.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            retryable: false,
            retry_after: None,
            timed_out: false,
            sent: false,
        }
    }

    /// An error that may not occur again on a retry.
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            retryable: true,
            ..Self::permanent(message)
        }
    }

    /// An error of a request that a time limit ended.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self {
            timed_out: true,
            sent: true,
            ..Self::transient(message)
        }
    }

    /// The error of a request that a server answered with a failure, and the wait that the server asks for. One that
    /// is longer than a run can be expected to wait makes the error permanent.
    pub fn refused(message: String, retryable: bool, wait: Option<Duration>) -> Self {
        let overlong = wait.is_some_and(|wait| wait > MAX_WAIT) && retryable;
        let message = if overlong {
            let hours = MAX_WAIT.as_secs() / 3600;
            format!(
                "{message}; it is not retried, because the server asks to wait for longer than {hours} h: resume the \
                 run later"
            )
        } else {
            message
        };
        Self {
            retryable: retryable && !overlong,
            retry_after: wait.filter(|_| !overlong),
            sent: true,
            ..Self::permanent(message)
        }
    }

    /// The same error, of a request that has reached a server.
    #[must_use]
    pub fn sent(self) -> Self {
        Self { sent: true, ..self }
    }

    /// The same error with `place` before its message.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        Self {
            message: format!("{place}: {}", self.message),
            ..self
        }
    }
}
