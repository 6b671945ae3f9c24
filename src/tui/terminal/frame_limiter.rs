//! When the next frame may be drawn.

use std::time::{Duration, Instant};

/// At most about thirty frames a second; the first change after a rest is drawn at once.
#[derive(Debug, Default)]
pub(super) struct FrameLimiter {
    last: Option<Instant>,
}

impl FrameLimiter {
    /// The time between two frames.
    const APART: Duration = Duration::from_millis(33);

    /// The earliest time for the next frame; in the past if there is nothing to wait for.
    pub(super) fn next(&self, now: Instant) -> Instant {
        self.last.map_or(now, |last| last + Self::APART)
    }

    /// Says that a frame was drawn.
    pub(super) fn drawn(&mut self, now: Instant) {
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_apart_and_the_first_is_at_once() {
        let start = Instant::now();
        let mut limiter = FrameLimiter::default();
        assert_eq!(limiter.next(start), start);
        limiter.drawn(start);
        assert_eq!(limiter.next(start), start + FrameLimiter::APART);
        let later = start + Duration::from_secs(1);
        assert!(limiter.next(later) < later);
    }
}
