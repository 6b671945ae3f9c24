//! The events of a run on their way to whoever keeps them.
//!
//! The engine waits in [`EventSink::sync`] until what it has emitted is on record there: a call that can cost or change
//! something is made only afterwards. Where nobody keeps events any more, it is not made.

use crate::engine::EventSink;
use crate::run::RunEvent;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The most bytes of the events of one run: an engine keeps what it is given, and gives it back in one piece.
pub(super) const LARGEST: usize = 16 << 20;

/// Events that are sent though nobody waits for them.
const MANY: usize = 8 * 1024;

/// The events of a run that are not on record yet.
#[derive(Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Events have to be put on record now.
    pub due: Notify,
}

#[derive(Default)]
struct State {
    events: Vec<RunEvent>,
    /// The number after the last event that came in.
    end: u64,
    /// The number after the last event that is on record.
    recorded_end: u64,
    /// Who waits for the events before a number.
    waiting: Vec<(u64, SyncSender<()>)>,
    /// The bytes that are on record.
    recorded: usize,
    is_closed: bool,
}

impl Outbox {
    /// An outbox of a run of which so many bytes are on record.
    pub(super) fn after(recorded: usize) -> Arc<Self> {
        let this = Self::default();
        this.state().recorded = recorded;
        Arc::new(this)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in it panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether events have to be put on record now.
    pub(super) fn is_due(&self) -> bool {
        let state = self.state();
        !state.waiting.is_empty() || state.events.len() >= MANY
    }

    /// The first events that were not taken yet, `most` at most.
    pub(super) fn take(&self, most: usize) -> Vec<RunEvent> {
        let mut state = self.state();
        let count = most.min(state.events.len());
        state.events.drain(..count).collect()
    }

    /// Whether none are left.
    pub(super) fn is_empty(&self) -> bool {
        self.state().events.is_empty()
    }

    /// The events before this number are on record, as so many more bytes: whoever waits for them goes on.
    pub(super) fn recorded(&self, end: u64, bytes: usize) {
        let mut state = self.state();
        state.recorded += bytes;
        state.recorded_end = end;
        let (done, left) = std::mem::take(&mut state.waiting)
            .into_iter()
            .partition(|(of, _)| *of <= end);
        state.waiting = left;
        drop(state);
        let done: Vec<(u64, SyncSender<()>)> = done;
        for (_, answer) in done {
            let _ = answer.send(());
        }
    }

    /// Nobody keeps events any more.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        // Whoever waits sees that the other end is gone.
        state.waiting.clear();
    }
}

/// The engine's end of an outbox.
pub(super) struct OutboxSink(pub Arc<Outbox>);

impl EventSink for OutboxSink {
    fn accept(&mut self, events: &[RunEvent]) {
        let mut state = self.0.state();
        state.events.extend_from_slice(events);
        if let Some(last) = events.last() {
            state.end = last.seq + 1;
        }
        let many = state.events.len() >= MANY;
        drop(state);
        if many {
            self.0.due.notify_one();
        }
    }

    fn sync(&mut self) -> Result<(), Arc<str>> {
        let (answer, answered) = sync_channel(1);
        let mut state = self.0.state();
        if state.is_closed {
            return Err("the engine that keeps the record of the run is gone".into());
        }
        if state.recorded > LARGEST {
            let message = format!(
                "the record of the run has more than {} MB, and an engine keeps no more of an item: run the batch with --on \
                 local, or have its tools leave what is large in files",
                LARGEST >> 20
            );
            return Err(message.into());
        }
        let end = state.end;
        if end <= state.recorded_end {
            return Ok(());
        }
        state.waiting.push((end, answer));
        drop(state);
        self.0.due.notify_one();
        let gone = "the engine that keeps the record of the run is gone";
        answered.recv().map_err(|_| gone.into())
    }
}
