//! How long a task may wait for its model.

use super::http::{IDLE, RequestError};
use std::time::{Duration, Instant};

/// The time that a task may take where nothing says otherwise, its repair included.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);

/// The time limits of a task that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeLimits {
    began: Instant,
    total: Duration,
    /// The longest pause within an answer.
    pub(super) idle: Duration,
}

impl TimeLimits {
    /// The limits of a task that begins now. Who gives a task `timeout` expects answers that are long in coming, so
    /// a pause may be as long.
    pub(super) fn begin(timeout: Option<Duration>) -> Self {
        Self {
            began: Instant::now(),
            total: timeout.unwrap_or(DEFAULT_TIMEOUT),
            idle: timeout.unwrap_or(IDLE),
        }
    }

    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        self.total.saturating_sub(self.began.elapsed())
    }

    /// What is reported when no time is left.
    pub(super) fn exceeded(&self) -> RequestError {
        let seconds = self.total.as_secs_f64();
        RequestError::timeout(format!("no answer within timeout_s = {seconds}"))
    }
}
