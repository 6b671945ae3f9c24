//! Who hears of events.

use crate::run::RunEvent;
use std::sync::Arc;

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
    fn sync(&mut self) -> Result<(), Arc<str>> {
        Ok(())
    }

    /// Whether `accept` or `sync` may wait for a file, a database or somebody who reads; then the engine makes
    /// room on its thread first.
    fn may_block(&self) -> bool {
        true
    }
}
