//! A place in the events of a live run, from which they are read in order, however far back it is.

use super::error::ControlError;
use super::event_log::{Batch, EventLog, Found, Reached};
use crate::run::RunEvent;
use crate::store::{EventCursor, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Events read in one piece.
const PIECE: usize = 4096;
/// How often the journal is looked at for what it is to have, and the pause between two looks.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// The next events.
#[derive(Debug)]
pub(super) enum Piece {
    /// As the engine gave them; of the first batch those before the place count no more.
    Live(Vec<Arc<Batch>>),
    /// From the journal.
    Recorded(Vec<RunEvent>),
}

/// A place in the events of a live run.
#[derive(Debug)]
pub(super) struct Reader {
    log: Arc<EventLog>,
    reached: watch::Receiver<Reached>,
    next: u64,
    past: Option<Past>,
}

#[derive(Debug)]
struct Past {
    store: Store,
    cursor: EventCursor,
}

impl Reader {
    /// The place before event `from`.
    pub(super) fn new(log: &Arc<EventLog>, from: u64) -> Self {
        Self {
            reached: log.reached(),
            log: Arc::clone(log),
            next: from,
            past: None,
        }
    }

    /// The number of the next event.
    pub(super) fn position(&self) -> u64 {
        self.next
    }

    /// The next events, once there are any; `None` after the last event of the run.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>, ControlError> {
        loop {
            // Before the look, so that nothing that comes in between is missed.
            self.reached.borrow_and_update();
            match self.try_next().await? {
                Tried::Piece(piece) => return Ok(Some(piece)),
                Tried::Over => return Ok(None),
                Tried::NotYet => {}
            }
            if self.reached.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// The next events that have happened; `None` where there are none now.
    pub(super) async fn now(&mut self) -> Result<Option<Piece>, ControlError> {
        Ok(match self.try_next().await? {
            Tried::Piece(piece) => Some(piece),
            Tried::Over | Tried::NotYet => None,
        })
    }

    async fn try_next(&mut self) -> Result<Tried, ControlError> {
        for _ in 0..LOOKS {
            match self.log.find(self.next, PIECE) {
                Found::Batches(batches) => {
                    self.past = None;
                    self.next = batches.last().map_or(self.next, |batch| batch.next());
                    return Ok(Tried::Piece(Piece::Live(batches)));
                }
                Found::NotYet => return Ok(Tried::NotYet),
                Found::Over => return Ok(Tried::Over),
                Found::Earlier => {
                    let events = self.recorded()?;
                    if let Some(last) = events.last() {
                        self.next = last.seq + 1;
                        return Ok(Tried::Piece(Piece::Recorded(events)));
                    }
                }
            }
            // The journal's thread is a moment behind.
            tokio::time::sleep(PAUSE).await;
        }
        Err(ControlError::Unreadable(
            "the journal does not have it".to_owned(),
        ))
    }

    /// The next events of the journal.
    fn recorded(&mut self) -> Result<Vec<RunEvent>, ControlError> {
        let unreadable =
            |error: &dyn std::fmt::Display| ControlError::Unreadable(error.to_string());
        let past = if let Some(past) = &mut self.past {
            past
        } else {
            let store = Store::at(self.log.home()).map_err(|error| unreadable(&error))?;
            let run = store.find(self.log.run_id());
            let cursor = store.cursor(&run.map_err(|error| unreadable(&error))?);
            self.past.insert(Past { store, cursor })
        };
        let mut events = Vec::new();
        loop {
            let before = events.len();
            let read = past.cursor.read_some(&past.store, &mut events, PIECE);
            read.map_err(|error| unreadable(&error))?;
            let is_all = events.len() == before;
            let passed = events.partition_point(|event| event.seq < self.next);
            events.drain(..passed);
            if is_all || !events.is_empty() {
                return Ok(events);
            }
        }
    }
}

enum Tried {
    Piece(Piece),
    NotYet,
    Over,
}
