//! A recorded run to look at: all of its events for the dashboard, which plays them itself, or one after another
//! at their times, or at any other speed, for plain progress.

use crate::run::{RunCommand, RunEvent};
use crate::tui::Feed;
use crate::units::Micros;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Every event at once, for a dashboard that shows what it likes of them.
pub struct Tape {
    events: std::vec::IntoIter<RunEvent>,
    begin: Instant,
}

impl Tape {
    /// The events of a run.
    pub fn new(events: Vec<RunEvent>) -> Self {
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

    fn command(&mut self, _: RunCommand) -> bool {
        false
    }

    fn now(&self) -> Micros {
        self.begin.elapsed().into()
    }
}

/// A tape of events and how far it has been played. Pause, resume and single steps move the tape; nothing
/// else can be asked of a run that is over.
pub struct ReplayFeed {
    events: Vec<RunEvent>,
    next: usize,
    /// How many times as fast as it was.
    speed: f64,
    /// The place on the tape when its clock was last set, and the moment of that.
    at: Micros,
    since: Option<Instant>,
}

impl ReplayFeed {
    /// A tape that begins to play now, `speed` times as fast as it was recorded; a speed that is not a positive
    /// number plays everything at once.
    pub fn new(events: Vec<RunEvent>, speed: f64) -> Self {
        Self {
            events,
            next: 0,
            speed: if speed > 0.0 { speed } else { f64::INFINITY },
            at: Micros(0),
            since: Some(Instant::now()),
        }
    }

    /// Whether everything has been taken.
    pub fn is_over(&self) -> bool {
        self.next == self.events.len()
    }

    fn end(&self) -> Micros {
        self.events.last().map_or(Micros(0), |event| event.at)
    }

    /// The place on the tape.
    fn place(&self) -> Micros {
        let played = self
            .since
            .map_or(0.0, |since| since.elapsed().as_secs_f64() * self.speed);
        let played = Micros((played * 1e6) as u64);
        (self.at + played).min(self.end())
    }

    /// The time until the next event is due; `None` where none is.
    fn due(&self) -> Option<Duration> {
        let next = self.events.get(self.next)?;
        let wait = next.at - self.place();
        if wait == Micros(0) {
            return Some(Duration::ZERO);
        }
        self.since?;
        Some(Duration::from_secs_f64(
            (wait.seconds() / self.speed).clamp(0.0, 1e9),
        ))
    }

    fn set(&mut self, place: Micros, playing: bool) {
        self.at = place;
        self.since = playing.then(Instant::now);
    }
}

impl Feed for ReplayFeed {
    fn take(&mut self, into: &mut Vec<RunEvent>, most: usize) {
        let place = self.place();
        let due = self.events[self.next..].iter().take(most);
        let due = due.take_while(|event| event.at <= place).count();
        into.extend_from_slice(&self.events[self.next..self.next + due]);
        self.next += due;
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        match self.due() {
            Some(wait) => sleep(wait).boxed(),
            None => std::future::pending().boxed(),
        }
    }

    fn command(&mut self, command: RunCommand) -> bool {
        let place = self.place();
        match command {
            RunCommand::Pause => self.set(place, false),
            RunCommand::Resume => self.set(place, true),
            RunCommand::StepOnce(_) => {
                let next = self.events.get(self.next).map_or(place, |event| event.at);
                self.set(next, false);
            }
            _ => return false,
        }
        true
    }

    fn now(&self) -> Micros {
        self.place()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Fact;

    fn tape() -> Vec<RunEvent> {
        [0, 1000, 1000, 5000]
            .into_iter()
            .enumerate()
            .map(|(seq, ms)| RunEvent {
                seq: seq as u64,
                at: Micros(ms * 1000),
                fact: Fact::RunPaused,
            })
            .collect()
    }

    fn taken(feed: &mut ReplayFeed) -> Vec<u64> {
        let mut events = Vec::new();
        feed.take(&mut events, 100);
        events.iter().map(|event| event.seq).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn events_come_at_their_times() {
        let start = Instant::now();
        let mut feed = ReplayFeed::new(tape(), 2.0);
        assert_eq!(taken(&mut feed), [0]);
        feed.changed().await;
        assert_eq!(
            (start.elapsed().as_millis(), taken(&mut feed)),
            (500, vec![1, 2])
        );
        feed.changed().await;
        assert_eq!(
            (start.elapsed().as_millis(), taken(&mut feed)),
            (2500, vec![3])
        );
        assert_eq!(feed.now(), Micros(5_000_000));
        assert!(feed.changed().now_or_never().is_none());
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(feed.now(), Micros(5_000_000), "the run is over");
    }

    #[tokio::test(start_paused = true)]
    async fn the_tape_stops_goes_on_and_is_stepped() {
        let mut feed = ReplayFeed::new(tape(), 1.0);
        taken(&mut feed);
        tokio::time::advance(Duration::from_millis(400)).await;
        assert!(feed.command(RunCommand::Pause));
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(feed.now(), Micros(400_000));
        assert!(feed.changed().now_or_never().is_none());
        assert!(feed.command(RunCommand::StepOnce(None)));
        feed.changed().await;
        assert_eq!(
            taken(&mut feed),
            [1, 2],
            "what happened at the same moment comes together"
        );
        assert!(feed.command(RunCommand::Resume));
        feed.changed().await;
        assert_eq!(taken(&mut feed), [3]);
        assert!(!feed.command(RunCommand::Stop));
    }

    #[tokio::test(start_paused = true)]
    async fn everything_at_once() {
        let mut feed = ReplayFeed::new(tape(), 0.0);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(taken(&mut feed), [0, 1, 2, 3]);
    }
}
