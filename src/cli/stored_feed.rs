//! The events of a run that another task or process is writing, read from the store as they come.

use crate::run::{CommandError, EventKind, RunCommand, RunEvent, RunSummary};
use crate::store::{EventCursor, Store};
use crate::tui::Feed;
use crate::units::Micros;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// How often the store is looked at.
const EVERY: Duration = Duration::from_millis(150);

/// A recorded run that may go on. It takes no commands.
pub(super) struct StoredFeed {
    store: Store,
    cursor: EventCursor,
    /// Events that were read and not taken.
    read: Vec<RunEvent>,
    started: Option<Timestamp>,
    ended: bool,
    /// When the last event happened.
    at: Micros,
    next_look: Instant,
}

impl StoredFeed {
    /// The events of this run.
    pub(super) fn new(store: Store, run: &RunSummary) -> Self {
        Self {
            cursor: store.cursor(run),
            store,
            read: Vec::new(),
            started: run.started_at.parse().ok(),
            ended: false,
            at: Micros(0),
            next_look: Instant::now() + EVERY,
        }
    }
}

impl Feed for StoredFeed {
    fn take(&mut self, into: &mut Vec<RunEvent>, most: usize) {
        if self.read.is_empty() {
            // What cannot be read now may be readable later, and what was read before stands.
            let _ = self.cursor.read_some(&self.store, &mut self.read, most);
        }
        let count = self.read.len().min(most);
        for event in self.read.drain(..count) {
            self.at = event.at;
            match event.kind {
                EventKind::RunEnded { .. } => self.ended = true,
                EventKind::RunReopened => self.ended = false,
                _ => {}
            }
            into.push(event);
        }
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        // Whoever asks more often than that, for a screen that moves, does not put the next look off.
        async move {
            if self.read.is_empty() {
                tokio::time::sleep_until(self.next_look).await;
                self.next_look = Instant::now() + EVERY;
            }
        }
        .boxed()
    }

    fn command(&mut self, _: RunCommand) -> Result<(), CommandError> {
        Err(CommandError::RunOver)
    }

    fn now(&self) -> Micros {
        let passed = self.started.filter(|_| !self.ended).map(|started| {
            let passed = Timestamp::now().duration_since(started);
            u64::try_from(passed.as_micros()).unwrap_or(0)
        });
        passed.map_or(self.at, |passed| Micros(passed).max(self.at))
    }
}
