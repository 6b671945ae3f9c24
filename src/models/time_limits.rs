//! How long a task may wait for its model.

use super::http::{IDLE, RequestError};
use std::time::{Duration, Instant};

/// The default time limit of a task, its repair included.
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
    /// The limits of a task that begins now. A task with a `timeout` may expect slow answers, so a pause may last as
    /// long as the timeout.
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

    /// The error when no time is left.
    pub(super) fn exceeded(&self) -> RequestError {
        let seconds = self.total.as_secs_f64();
        RequestError::timeout(format!("no answer within timeout_s = {seconds}"))
    }
}
