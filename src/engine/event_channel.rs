//! Events for a reader in this process that takes them at its own pace.
//!
//! The engine appends and never waits for the reader; what the reader takes is its own and is kept nowhere else.
//! Nothing is dropped while there is a reader, so what it does not take stays in memory; once it is gone, nothing is
//! gathered any more.

use super::EventSink;
use crate::run::RunEvent;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::Notify;

/// A sink and the reader of what it accepts.
pub fn event_channel() -> (EventSender, EventReader) {
    let buffer = Arc::<Buffer>::default();
    let sender = EventSender(Arc::downgrade(&buffer));
    (sender, EventReader(buffer))
}

/// Events that the reader has not taken yet.
#[derive(Debug, Default)]
struct Buffer {
    events: Mutex<VecDeque<RunEvent>>,
    grown: Notify,
}

impl Buffer {
    fn lock(&self) -> MutexGuard<'_, VecDeque<RunEvent>> {
        // A panic in between leaves only whole events behind.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine's end of an [`event_channel`].
#[derive(Debug)]
pub struct EventSender(Weak<Buffer>);

impl EventSender {
    /// Hands events over without a copy.
    pub(crate) fn append(&self, events: Vec<RunEvent>) {
        if let Some(buffer) = self.0.upgrade() {
            buffer.lock().extend(events);
            buffer.grown.notify_waiters();
        }
    }
}

impl EventSink for EventSender {
    fn accept(&mut self, events: &[RunEvent]) {
        if self.0.strong_count() > 0 {
            self.append(events.to_vec());
        }
    }

    fn may_block(&self) -> bool {
        false
    }
}

/// The reader's end of an [`event_channel`].
#[derive(Debug)]
pub struct EventReader(Arc<Buffer>);

impl EventReader {
    /// Moves what came since the last call to the end of `into`, at most `most` events.
    pub fn take(&mut self, into: &mut Vec<RunEvent>, most: usize) {
        let mut events = self.0.lock();
        if events.len() <= most {
            let all = std::mem::take(&mut *events);
            drop(events);
            into.extend(all);
        } else {
            into.extend(events.drain(..most));
        }
    }

    /// Ends when there is something to take.
    pub async fn changed(&mut self) {
        loop {
            let grown = self.0.grown.notified();
            tokio::pin!(grown);
            // Registered before the look, so that nothing appended in between is missed.
            grown.as_mut().enable();
            if !self.0.lock().is_empty() {
                return;
            }
            grown.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::EventKind;
    use crate::units::Micros;
    use futures::FutureExt;

    fn events(seqs: std::ops::Range<u64>) -> Vec<RunEvent> {
        let event = |seq| RunEvent {
            seq,
            at: Micros(0),
            kind: EventKind::RunPaused,
        };
        seqs.map(event).collect()
    }

    #[test]
    fn what_is_taken_is_handed_over_in_order_and_kept_nowhere_else() {
        let (mut sender, mut reader) = event_channel();
        assert!(reader.changed().now_or_never().is_none());
        sender.accept(&events(0..3));
        sender.accept(&events(3..5));
        assert!(reader.changed().now_or_never().is_some());
        let mut taken = Vec::new();
        reader.take(&mut taken, 2);
        assert_eq!((taken.len(), reader.0.lock().len()), (2, 3));
        reader.take(&mut taken, usize::MAX);
        assert_eq!(taken, events(0..5));
        assert_eq!(reader.0.lock().capacity(), 0);
        assert!(reader.changed().now_or_never().is_none());
    }

    #[test]
    fn without_a_reader_nothing_is_gathered() {
        let (mut sender, reader) = event_channel();
        drop(reader);
        sender.accept(&events(0..3));
        assert!(sender.0.upgrade().is_none());
    }
}
