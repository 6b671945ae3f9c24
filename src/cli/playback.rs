//! The events of a recorded run: all at once for the dashboard, which plays them itself, or each at its time for plain
//! progress.

use crate::run::{CommandError, RunCommand, RunEvent};
use crate::tui::Feed;
use crate::units::Micros;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A feed of all events at once; the dashboard decides what it shows.
pub(super) struct Tape {
    events: std::vec::IntoIter<RunEvent>,
    begin: Instant,
}

impl Tape {
    /// A feed of these events of one run.
    pub(super) fn new(events: Vec<RunEvent>) -> Self {
        Self {
            events: events.into_iter(),
            begin: Instant::now(),
        }
    }
}

impl Feed for Tape {
    fn take(&mut self, into: &mut Vec<RunEvent>, most: usize) {
        into.extend(self.events.by_ref().take(most));
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        if self.events.len() > 0 {
            std::future::ready(()).boxed()
        } else {
            std::future::pending().boxed()
        }
    }

    fn command(&mut self, _: RunCommand) -> Result<(), CommandError> {
        Err(CommandError::RunOver)
    }

    fn now(&self) -> Micros {
        self.begin.elapsed().into()
    }
}

/// Plays back the events of a run at its speed, or at a multiple of it.
pub(super) struct Playback {
    events: Vec<RunEvent>,
    next: usize,
    /// The speed, as a multiple of the original.
    speed: f64,
    begin: Instant,
}

impl Playback {
    /// Starts playback now, `speed` times as fast as recorded. A speed that is not a positive number plays everything
    /// at once.
    pub(super) fn new(events: Vec<RunEvent>, speed: f64) -> Self {
        Self {
            events,
            next: 0,
            speed: if speed > 0.0 { speed } else { f64::INFINITY },
            begin: Instant::now(),
        }
    }

    /// Whether every event has been taken.
    pub(super) fn is_over(&self) -> bool {
        self.next == self.events.len()
    }

    /// The position in the recorded run.
    fn position(&self) -> Micros {
        Micros((self.begin.elapsed().as_secs_f64() * self.speed * 1e6) as u64)
    }

    /// Appends the events that are due.
    pub(super) fn take(&mut self, into: &mut Vec<RunEvent>) {
        let position = self.position();
        let rest = self.events.get(self.next..).unwrap_or_default();
        let due = rest.iter().take_while(|event| event.at <= position);
        let before = into.len();
        into.extend(due.cloned());
        self.next += into.len() - before;
    }

    /// Completes when the next event is due; never, after the last one.
    pub(super) async fn due(&self) {
        let Some(next) = self.events.get(self.next) else {
            return std::future::pending().await;
        };
        let wait = next.at - self.position();
        if wait > Micros(0) {
            sleep(Duration::from_secs_f64(
                (wait.seconds() / self.speed).clamp(0.0, 1e9),
            ))
            .await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::EventKind;

    fn tape() -> Vec<RunEvent> {
        [0, 1000, 1000, 5000]
            .into_iter()
            .enumerate()
            .map(|(seq, ms)| RunEvent {
                seq: seq as u64,
                at: Micros(ms * 1000),
                kind: EventKind::RunPaused,
            })
            .collect()
    }

    fn taken(feed: &mut Playback) -> Vec<u64> {
        let mut events = Vec::new();
        feed.take(&mut events);
        events.iter().map(|event| event.seq).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn events_come_at_their_times() {
        let start = Instant::now();
        let mut feed = Playback::new(tape(), 2.0);
        assert_eq!(taken(&mut feed), [0]);
        feed.due().await;
        assert_eq!(
            (start.elapsed().as_millis(), taken(&mut feed)),
            (500, vec![1, 2])
        );
        feed.due().await;
        assert_eq!(
            (start.elapsed().as_millis(), taken(&mut feed)),
            (2500, vec![3])
        );
        assert!(feed.is_over());
        assert!(feed.due().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn everything_at_once() {
        let mut feed = Playback::new(tape(), 0.0);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(taken(&mut feed), [0, 1, 2, 3]);
    }
}
