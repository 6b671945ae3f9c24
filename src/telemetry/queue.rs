//! What waits to be sent, and how much of it arrived.

use crate::report::otlp::Signal;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// A span or a log record.
pub(super) type Waiting = (Signal, Box<Value>);

/// How many spans and log records there were, and how many arrived.
#[derive(Debug, Default)]
pub(super) struct Counts {
    spans: Count,
    records: Count,
}

#[derive(Debug, Default)]
struct Count {
    made: AtomicU64,
    arrived: AtomicU64,
}

impl Counts {
    fn of(&self, signal: Signal) -> &Count {
        match signal {
            Signal::Logs => &self.records,
            Signal::Traces | Signal::Metrics => &self.spans,
        }
    }

    /// So many more arrived.
    pub(super) fn arrived(&self, signal: Signal, count: u64) {
        self.of(signal).arrived.fetch_add(count, Ordering::Relaxed);
    }

    /// How many did not arrive, in words; `None` where all did.
    pub(super) fn lost(&self) -> Option<String> {
        let lost = |count: &Count| {
            let arrived = count.arrived.load(Ordering::Relaxed);
            count.made.load(Ordering::Relaxed).saturating_sub(arrived)
        };
        let parts = [(&self.spans, "span"), (&self.records, "log record")];
        let parts = parts.map(|(count, word)| (lost(count), word));
        let words = parts.iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = words
            .map(|(count, word)| format!("{count} {word}{}", if *count == 1 { "" } else { "s" }))
            .collect();
        (!words.is_empty()).then(|| words.join(" and "))
    }
}

/// The end of the queue that the engine has.
#[derive(Debug)]
pub(super) struct Queue {
    sender: mpsc::Sender<Waiting>,
}

impl Queue {
    /// A queue with room for `most`, and its other end.
    pub(super) fn new(most: usize) -> (Self, mpsc::Receiver<Waiting>) {
        let (sender, receiver) = mpsc::channel(most);
        (Self { sender }, receiver)
    }

    /// Puts it in, where there is room. Never waits.
    pub(super) fn put(&self, counts: &Counts, signal: Signal, value: Value) {
        counts.of(signal).made.fetch_add(1, Ordering::Relaxed);
        // What has no room does not arrive, and is counted so.
        let _ = self.sender.try_send((signal, Box::new(value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_lost_and_counted() {
        let (counts, (queue, mut sent)) = (Counts::default(), Queue::new(3));
        for _ in 0..5 {
            queue.put(&counts, Signal::Traces, Value::Null);
        }
        queue.put(&counts, Signal::Logs, Value::Null);
        assert_eq!(counts.lost().unwrap(), "5 spans and 1 log record");
        while sent.try_recv().is_ok() {
            counts.arrived(Signal::Traces, 1);
        }
        assert_eq!(counts.lost().unwrap(), "2 spans and 1 log record");
        counts.arrived(Signal::Traces, 2);
        counts.arrived(Signal::Logs, 1);
        assert_eq!(counts.lost(), None);
    }
}
