//! Who hears of events: sinks, and the log that readers follow at their own pace.

use crate::run::RunEvent;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Somebody who hears of every event, in order, on the engine's own task. It may block (see
/// [`Engine::run`](super::Engine::run)); the run waits for it, and nothing else does.
///
/// What was accepted before a call is made has been heard before the call is made.
pub trait EventSink: Send {
    /// Takes the next events.
    fn accept(&mut self, events: &[RunEvent]);

    /// Returns once what was accepted survives the death of this process.
    ///
    /// Asked before a call is made that can cost or change something, and after such a call has ended before
    /// any later sink hears of it. An error says why nothing can be kept any more: from then on no such call
    /// is made, and the steps that need one fail.
    fn settle(&mut self) -> Result<(), Arc<str>> {
        Ok(())
    }

    /// Whether `accept` or `settle` may wait for a file, a database or somebody who reads; then the engine makes
    /// room on its thread first.
    fn may_block(&self) -> bool {
        true
    }
}

/// Everything that happened in a run so far. The engine appends and never waits for a reader; each reader
/// keeps its own place, so nothing is dropped and nothing is queued twice.
#[derive(Debug, Default)]
pub struct EventLog {
    events: Mutex<Vec<RunEvent>>,
    grown: Notify,
}

impl EventLog {
    /// An empty log.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A reader that begins with the first event.
    pub fn reader(self: &Arc<Self>) -> EventReader {
        EventReader {
            log: Arc::clone(self),
            next: 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RunEvent>> {
        // A reader that panicked while it copied has not changed the log.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for Arc<EventLog> {
    fn accept(&mut self, events: &[RunEvent]) {
        self.lock().extend_from_slice(events);
        self.grown.notify_waiters();
    }

    fn may_block(&self) -> bool {
        false
    }
}

/// A place in an [`EventLog`].
#[derive(Debug)]
pub struct EventReader {
    log: Arc<EventLog>,
    next: usize,
}

impl EventReader {
    /// Appends what came since the last call to `into`, at most `most` events.
    pub fn take(&mut self, into: &mut Vec<RunEvent>, most: usize) {
        let events = self.log.lock();
        let end = events.len().min(self.next.saturating_add(most));
        into.extend_from_slice(&events[self.next..end]);
        self.next = end;
    }

    /// Ends when there is something to take.
    pub async fn changed(&mut self) {
        loop {
            let grown = self.log.grown.notified();
            tokio::pin!(grown);
            // Registered before the look, so that nothing appended in between is missed.
            grown.as_mut().enable();
            if self.log.lock().len() > self.next {
                return;
            }
            grown.await;
        }
    }
}
