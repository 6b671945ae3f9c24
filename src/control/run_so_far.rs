//! The run so far: the fold of its events, made only where somebody asks for it.

use super::error::ControlError;
use super::event_log::EventLog;
use super::reader::{Piece, Reader};
use crate::run::RunState;
use std::sync::Arc;

/// The fold of the events of a live run.
#[derive(Debug)]
pub(super) struct RunSoFar {
    state: RunState,
    reader: Reader,
}

impl RunSoFar {
    /// The state before the first event.
    pub(super) fn new(log: &Arc<EventLog>) -> Self {
        Self {
            state: RunState::default(),
            reader: Reader::new(log, 0),
        }
    }

    /// The state after every event so far.
    pub(super) async fn now(&mut self) -> Result<&RunState, ControlError> {
        loop {
            let from = self.reader.position();
            match self.reader.now().await? {
                None => return Ok(&self.state),
                Some(Piece::Recorded(events)) => {
                    for event in &events {
                        self.state.apply(event);
                    }
                }
                Some(Piece::Live(batches)) => {
                    let events = batches.iter().flat_map(|batch| batch.events.iter());
                    let new = events.filter(|event| event.seq >= from);
                    for event in new {
                        self.state.apply(event);
                    }
                }
            }
            // Other requests are served meanwhile.
            tokio::task::yield_now().await;
        }
    }
}
