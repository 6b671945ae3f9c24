//! How long a task may wait for its model.

use super::http::{IDLE, RequestError};
use std::time::Duration;
use tokio::time::Instant;

/// The default time limit of a task, its repair included.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);

/// The time limits of a task that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeLimits {
    began: Instant,
    total: Duration,
    /// The longest pause within an answer.
    pub(super) stall: Duration,
    /// Whether the user chose that pause.
    is_chosen: bool,
}

impl TimeLimits {
    /// The limits of a task that begins now.
    pub(super) fn begin(timeout: Option<Duration>, stall: Option<Duration>) -> Self {
        Self {
            began: Instant::now(),
            total: timeout.unwrap_or(DEFAULT_TIMEOUT),
            stall: stall.unwrap_or(IDLE),
            is_chosen: stall.is_some(),
        }
    }

    /// How long the first byte of an answer may take. A server may load the model first, or think, so that only a pause
    /// that the user chose counts before it.
    pub(super) fn before_first_byte(&self) -> Duration {
        if self.is_chosen {
            self.stall
        } else {
            Duration::MAX
        }
    }

    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        self.total.saturating_sub(self.began.elapsed())
    }

    /// The error when no time is left, and so many bytes of the answer have arrived.
    pub(super) fn exceeded(&self, arrived: usize) -> RequestError {
        let seconds = self.total.as_secs_f64();
        let kept = if arrived == 0 {
            String::new()
        } else {
            kept(arrived)
        };
        RequestError::timeout(format!("no answer within timeout_s = {seconds}{kept}"))
    }

    /// The error of an answer of which nothing came for this long, after so many bytes of it.
    pub(super) fn stalled(pause: Duration, arrived: usize) -> RequestError {
        let seconds = pause.as_secs_f64();
        let kept = kept(arrived);
        RequestError::timeout(format!(
            "the answer stalled: no data for stall_timeout_s = {seconds}{kept}. Where the model needs longer pauses, raise \
             `stall_timeout_s` of the tool or in plandeck.toml"
        ))
    }
}

/// What became of the bytes of an answer that was cut off, to be added to a message.
pub(super) fn kept(bytes: usize) -> String {
    match bytes {
        0 => "; nothing of the answer had arrived".to_owned(),
        bytes => {
            format!("; the {bytes} bytes of the answer that had arrived are kept with the attempt")
        }
    }
}
