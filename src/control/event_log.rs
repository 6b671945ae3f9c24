//! The events of a live run, for readers that come at any time.
//!
//! The latest events are kept here; earlier ones are in the journal, which is written before this is. The engine only
//! appends a shared batch. What readers need as text is written once, by the first that needs it.

use crate::engine::EventSink;
use crate::run::RunEvent;
use axum::body::Bytes;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::watch;

/// The latest events that are kept. The journal's thread is never that far behind.
const KEPT: usize = 1 << 16;

/// Events as the engine gave them, none of which is empty.
#[derive(Debug)]
pub(super) struct Batch {
    /// The events.
    pub events: Arc<Vec<RunEvent>>,
    text: OnceLock<Bytes>,
}

impl Batch {
    fn first(&self) -> u64 {
        self.events.first().map_or(0, |event| event.seq)
    }

    /// The number after the last event.
    pub(super) fn next(&self) -> u64 {
        self.events.last().map_or(0, |event| event.seq + 1)
    }

    /// The batch as text, by `write` unless another reader has written it already.
    pub(super) fn text(&self, write: impl FnOnce(&[RunEvent]) -> Bytes) -> Bytes {
        self.text.get_or_init(|| write(&self.events)).clone()
    }
}

/// How far the run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// How many events there are: the number of the next.
    pub events: u64,
    /// Whether no more will come.
    pub ended: bool,
}

/// What the log has from an event on.
#[derive(Debug)]
pub(super) enum Found {
    /// These batches; the first holds the event.
    Batches(Vec<Arc<Batch>>),
    /// It is in the journal.
    Earlier,
    /// It has not happened.
    NotYet,
    /// It will not happen: the run is over.
    Over,
}

#[derive(Debug, Default)]
struct Tail {
    batches: VecDeque<Arc<Batch>>,
    events: usize,
}

/// The events of a live run.
#[derive(Debug)]
pub(super) struct EventLog {
    tail: Mutex<Tail>,
    reached: watch::Sender<Reached>,
    run_id: Arc<str>,
    home: PathBuf,
    kept: usize,
}

impl EventLog {
    /// The log of a run that is recorded in the store at `home`.
    pub(super) fn new(run_id: Arc<str>, home: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            tail: Mutex::default(),
            reached: watch::Sender::default(),
            run_id,
            home,
            kept: KEPT,
        })
    }

    /// The run.
    pub(super) fn run_id(&self) -> &Arc<str> {
        &self.run_id
    }

    /// The folder of the store.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Follows how far the run is.
    pub(super) fn reached(&self) -> watch::Receiver<Reached> {
        self.reached.subscribe()
    }

    /// What there is from event `from` on: at most about `most` events.
    pub(super) fn find(&self, from: u64, most: usize) -> Found {
        let tail = self.lock();
        let Reached { events, ended } = *self.reached.borrow();
        if from >= events {
            return if ended { Found::Over } else { Found::NotYet };
        }
        let first = tail.batches.partition_point(|batch| batch.next() <= from);
        match tail.batches.get(first) {
            Some(batch) if batch.first() <= from => {}
            _ => return Found::Earlier,
        }
        let mut count = 0;
        let batches = tail.batches.iter().skip(first).take_while(|batch| {
            let fits = count < most;
            count += batch.events.len();
            fits
        });
        Found::Batches(batches.cloned().collect())
    }

    fn append(&self, events: &Arc<Vec<RunEvent>>) {
        let Some(last) = events.last() else { return };
        let next = last.seq + 1;
        let mut tail = self.lock();
        tail.events += events.len();
        tail.batches.push_back(Arc::new(Batch {
            events: Arc::clone(events),
            text: OnceLock::new(),
        }));
        while tail.events > self.kept
            && tail.batches.len() > 1
            && let Some(gone) = tail.batches.pop_front()
        {
            tail.events -= gone.events.len();
        }
        // With the tail in hand, so that whoever sees the number finds the events.
        self.reached.send_modify(|reached| reached.events = next);
    }

    fn lock(&self) -> MutexGuard<'_, Tail> {
        // A panic in between leaves only whole batches behind.
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine's end of an [`EventLog`]: the log ends with it.
#[derive(Debug)]
pub(super) struct LogSink(pub Arc<EventLog>);

impl EventSink for LogSink {
    fn accept(&mut self, events: &[RunEvent]) {
        self.0.append(&Arc::new(events.to_vec()));
    }

    fn accept_shared(&mut self, events: &Arc<Vec<RunEvent>>) {
        self.0.append(events);
    }

    fn may_block(&self) -> bool {
        false
    }
}

impl Drop for LogSink {
    fn drop(&mut self) {
        self.0.reached.send_modify(|reached| reached.ended = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::EventKind;
    use crate::units::Micros;

    fn batch(seqs: std::ops::Range<u64>) -> Arc<Vec<RunEvent>> {
        let event = |seq| RunEvent {
            seq,
            at: Micros(0),
            kind: EventKind::RunPaused,
        };
        Arc::new(seqs.map(event).collect())
    }

    fn firsts(found: Found) -> Vec<u64> {
        match found {
            Found::Batches(batches) => batches.iter().map(|batch| batch.first()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_latest_events_are_kept_and_the_others_are_in_the_journal() {
        let mut log = EventLog::new("r".into(), PathBuf::new());
        Arc::get_mut(&mut log).unwrap().kept = 10;
        let mut sink = LogSink(Arc::clone(&log));
        assert!(matches!(log.find(0, 5), Found::NotYet));
        for at in 0..4 {
            sink.accept_shared(&batch(at * 5..at * 5 + 5));
        }
        assert!(matches!(log.find(9, 5), Found::Earlier));
        assert_eq!(firsts(log.find(10, 5)), [10]);
        assert_eq!(firsts(log.find(13, 100)), [10, 15]);
        assert!(matches!(log.find(20, 5), Found::NotYet));
        drop(sink);
        assert_eq!(firsts(log.find(19, 5)), [15]);
        assert!(matches!(log.find(20, 5), Found::Over));
    }

    #[test]
    fn a_batch_is_written_once_for_all_readers() {
        let log = EventLog::new("r".into(), PathBuf::new());
        LogSink(Arc::clone(&log)).accept_shared(&batch(0..3));
        let mut written = 0;
        for _ in 0..3 {
            let Found::Batches(batches) = log.find(0, 5) else {
                panic!()
            };
            batches[0].text(|_| {
                written += 1;
                Bytes::from_static(b"text")
            });
        }
        assert_eq!(written, 1);
    }
}
