//! Where a run's events go.

use crate::run::RunEvent;
use crate::tools::Exchange;
use std::sync::Arc;

/// What an attempt sent to a model and received, as it went over the wire.
#[derive(Clone, Debug)]
pub struct AttemptExchanges {
    /// The id of the step or of the element.
    pub step: Arc<str>,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The exchanges in order, without secrets. A bad answer is repaired by another exchange.
    pub exchanges: Vec<Exchange>,
}

/// Receives every event, in order, on the engine's own task. It may block (see
/// [`Engine::run`](super::Engine::run)); the run waits for it, and nothing else does.
///
/// Every event emitted before a call has been accepted before the call is made.
pub trait EventSink: Send {
    /// Takes the next events.
    fn accept(&mut self, events: &[RunEvent]);

    /// Takes the next events where it keeps them: as [`accept`](Self::accept), without a copy of each.
    fn accept_shared(&mut self, events: &Arc<Vec<RunEvent>>) {
        self.accept(events);
    }

    /// Returns once everything accepted so far survives the death of this process.
    ///
    /// Asked before a call is made that can cost or change something, and after such a call has ended before
    /// any later sink receives it. An error says why nothing can be recorded any more: from then on no such call
    /// is made, and the steps that need one fail.
    fn sync(&mut self) -> Result<(), Arc<str>> {
        Ok(())
    }

    /// Whether it wants [`keep`](Self::keep) to be called. Where no sink does, nothing is collected.
    fn keeps_exchanges(&self) -> bool {
        false
    }

    /// Takes what an attempt sent and received, before the event that ends it. It is no event, since nothing that a run
    /// is depends on it.
    fn keep(&mut self, _attempt: &Arc<AttemptExchanges>) {}

    /// Whether `accept` or `sync` may wait for a file, a database or a reader; the engine then
    /// moves its other tasks off the thread first.
    fn may_block(&self) -> bool {
        true
    }
}
