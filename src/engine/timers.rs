//! The moments that the scheduler waits for.

use super::Timer;
use crate::units::Micros;
use futures::FutureExt;
use std::future::poll_fn;
use std::time::Duration;
use tokio::task::unconstrained;
use tokio::time::Instant;
use tokio_util::time::DelayQueue;

/// The queue refuses what is more than two years away; what is further than this is looked at again then.
const FURTHEST: Duration = Duration::from_hours(24 * 365);

/// Timers, on the clock of the run.
pub(super) struct Timers {
    queue: DelayQueue<(Micros, Timer)>,
    /// Taken from the queue and not handed on yet.
    expired: Vec<(Micros, Timer)>,
    origin: Instant,
}

impl Timers {
    /// No timers; moments count from `origin`.
    pub(super) fn new(origin: Instant) -> Self {
        Self {
            queue: DelayQueue::new(),
            expired: Vec::new(),
            origin,
        }
    }

    /// Has `timer` be due at this moment.
    pub(super) fn set(&mut self, at: Micros, timer: Timer) {
        let furthest = Instant::now() + FURTHEST;
        let when = self.origin.checked_add(at.into()).unwrap_or(furthest);
        self.queue.insert_at((at, timer), when.min(furthest));
    }

    /// Takes the timers that are due by `now`, the earliest first.
    pub(super) fn take_due(&mut self, now: Micros) -> Vec<Timer> {
        if self.queue.is_empty() && self.expired.is_empty() {
            return Vec::new();
        }
        // Not a wait: the task's budget for waits does not apply here.
        while let Some(Some(expired)) =
            unconstrained(poll_fn(|context| self.queue.poll_expired(context))).now_or_never()
        {
            self.expired.push(expired.into_inner());
        }
        let mut expired = std::mem::take(&mut self.expired);
        // The queue gives what is due in one millisecond in any order.
        expired.sort_unstable();
        let later = expired.split_off(expired.partition_point(|(at, _)| *at <= now));
        for (at, timer) in later {
            self.set(at, timer);
        }
        expired.into_iter().map(|(_, timer)| timer).collect()
    }

    /// Ends once a timer may be due; never where there is none.
    pub(super) async fn wait(&mut self) {
        match poll_fn(|context| self.queue.poll_expired(context)).await {
            Some(expired) => self.expired.push(expired.into_inner()),
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StepIx;

    #[tokio::test(start_paused = true)]
    async fn timers_come_in_order_and_the_furthest_moment_is_no_danger() {
        let origin = Instant::now();
        let mut timers = Timers::new(origin);
        let backoff = |at| Timer::Backoff(StepIx(at), 1);
        timers.set(Micros(u64::MAX), Timer::Deadline);
        timers.set(Micros(5_200), backoff(1));
        timers.set(Micros(5_100), backoff(2));
        timers.set(Micros(5_100), backoff(0));
        timers.set(Micros(9_000), backoff(3));
        assert_eq!(timers.take_due(Micros(0)), []);
        timers.wait().await;
        let now = Micros::from(origin.elapsed());
        assert!((5_100..7_000).contains(&now.0), "{now:?}");
        assert_eq!(timers.take_due(now), [backoff(0), backoff(2), backoff(1)]);
        timers.wait().await;
        assert_eq!(timers.take_due(origin.elapsed().into()), [backoff(3)]);
        timers.wait().await;
        // A year later it is set again.
        assert_eq!(timers.take_due(origin.elapsed().into()), []);
    }
}
