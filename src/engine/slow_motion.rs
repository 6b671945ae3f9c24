//! Slow motion: steps that would be over before the eye sees them are shown as running for a moment.
//!
//! Only what can be made again is held: a call that could cost or change something is on record as soon as it has
//! ended. The service times are those of the calls, and the run's clock stands still while slow motion holds
//! everything, so that the figures of the run are the same at any pace.

use super::attempt::AttemptDone;
use crate::plan::StepIx;
use crate::units::Micros;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The elements of a list together are held no longer than so many steps one after the other: a list of hundreds is
/// no spectacle.
const STEPS_OF_A_LIST: u64 = 10;

/// The ends of calls that are held back.
pub(super) struct SlowMotion {
    /// How long a step is shown as running at least.
    pace: Option<Micros>,
    origin: Instant,
    due: BTreeSet<(Micros, StepIx)>,
    held: HashMap<StepIx, (Micros, AttemptDone)>,
}

impl SlowMotion {
    /// No end is held yet; moments count from `origin`.
    pub(super) fn new(pace: Option<Duration>, origin: Instant) -> Self {
        Self {
            pace: pace.map(Micros::from).filter(|pace| pace.0 > 0),
            origin,
            due: BTreeSet::new(),
            held: HashMap::new(),
        }
    }

    /// The moment until which a call is shown as running that began at `started` and has ended at `now`; `None` where
    /// it may end. `siblings` is the length of the list of which its step is an element, or 1.
    pub(super) fn until(&self, started: Micros, now: Micros, siblings: u64) -> Option<Micros> {
        let pace = self.pace?.0;
        let shared = pace.saturating_mul(STEPS_OF_A_LIST) / siblings.max(1);
        let until = started + Micros(pace.min(shared));
        (until > now).then_some(until)
    }

    /// Holds the end of a row's call.
    pub(super) fn hold(&mut self, row: StepIx, until: Micros, done: AttemptDone) {
        self.due.insert((until, row));
        self.held.insert(row, (until, done));
    }

    /// The end of a row's call, where it is held: it comes now.
    pub(super) fn release(&mut self, row: StepIx) -> Option<AttemptDone> {
        let (until, done) = self.held.remove(&row)?;
        self.due.remove(&(until, row));
        Some(done)
    }

    /// The next end that is due by `now`.
    pub(super) fn take_due(&mut self, now: Micros) -> Option<(StepIx, AttemptDone)> {
        let (until, row) = *self.due.first()?;
        if until > now {
            return None;
        }
        self.release(row).map(|done| (row, done))
    }

    /// Ends once an end may be due; never where none is held.
    pub(super) async fn wait(&self) {
        match self.due.first() {
            Some((until, _)) => sleep_until(self.origin + Duration::from(*until)).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::CallReport;
    use serde_json::Value;

    fn slow(ms: u64) -> SlowMotion {
        SlowMotion::new(Some(Duration::from_millis(ms)), Instant::now())
    }

    fn done() -> AttemptDone {
        AttemptDone::free(CallReport::free(Ok(Value::Null)))
    }

    #[test]
    fn what_took_longer_than_the_pace_is_not_held() {
        let slow = slow(500);
        let (started, pace) = (Micros(1_000), Micros(500_000));
        assert_eq!(slow.until(started, started, 1), Some(started + pace));
        assert_eq!(slow.until(started, started + pace, 1), None);
        let without = SlowMotion::new(None, Instant::now());
        assert_eq!(without.until(started, started, 1), None);
    }

    #[test]
    fn a_long_list_takes_no_longer_than_a_few_steps() {
        let slow = slow(500);
        assert_eq!(slow.until(Micros(0), Micros(0), 10), Some(Micros(500_000)));
        assert_eq!(slow.until(Micros(0), Micros(0), 500), Some(Micros(10_000)));
    }

    #[tokio::test(start_paused = true)]
    async fn ends_come_when_they_are_due_and_at_once_when_the_call_is_cancelled() {
        let mut slow = slow(500);
        slow.hold(StepIx(0), Micros(500_000), done());
        slow.hold(StepIx(1), Micros(400_000), done());
        slow.hold(StepIx(2), Micros(600_000), done());
        assert!(slow.take_due(Micros(399_999)).is_none());
        slow.wait().await;
        let now = Micros::from(slow.origin.elapsed());
        assert_eq!(slow.take_due(now).map(|(row, _)| row), Some(StepIx(1)));
        assert!(slow.take_due(now).is_none());
        assert!(slow.release(StepIx(0)).is_some());
        assert!(slow.release(StepIx(0)).is_none());
        slow.wait().await;
        let now = Micros::from(slow.origin.elapsed());
        assert_eq!(slow.take_due(now).map(|(row, _)| row), Some(StepIx(2)));
    }
}
