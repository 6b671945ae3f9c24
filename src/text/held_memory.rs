//! How much memory the outputs of a run take together, known where another one is read.
//!
//! A value is built from its text away from the run. What the run has left of its memory is known there, so that a value
//! for which there is no room is refused before it is built; and only one large value at a time is on its way from its
//! text to the run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The maximum for the outputs of a run, in bytes. They are kept until it ends: later steps may refer to them. One alone
/// may take more, as much as [`MAX_FOOTPRINT`](super::json::MAX_FOOTPRINT).
pub(crate) const MAX_HELD: usize = 96 << 20;

/// Outputs that take less are not counted, in bytes.
pub(crate) const SMALL: usize = 16 << 10;

static AT_A_TIME: Semaphore = Semaphore::const_new(1);

tokio::task_local! {
    static OF_THIS_CALL: CallMemory;
}

/// The memory that the outputs of a run take, in bytes. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeldMemory(Arc<AtomicUsize>);

impl HeldMemory {
    /// So many bytes.
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts an output.
    pub(crate) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// An output is not kept any more.
    pub(crate) fn subtract(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The right to build large values: one call in the process has it at a time.
pub(crate) type Turn = Arc<SemaphorePermit<'static>>;

/// What a call of a run knows of the run's memory. Clones are the same call's.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallMemory {
    held: HeldMemory,
    turn: Arc<Mutex<Option<Turn>>>,
}

impl CallMemory {
    /// For a call of the run whose outputs take this much.
    pub(crate) fn new(held: HeldMemory) -> Self {
        Self {
            held,
            turn: Arc::default(),
        }
    }

    /// That of the call which this task makes; one of its own where there is none.
    pub(crate) fn of_this_call() -> Self {
        OF_THIS_CALL.try_with(Self::clone).unwrap_or_default()
    }

    /// The memory that the outputs of the run take, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.held.get()
    }

    /// Waits until the call may build large values. It then may for as long as there is a clone of this.
    pub(crate) async fn turn(&self) -> Turn {
        if let Some(turn) = &*self.slot() {
            return Arc::clone(turn);
        }
        match AT_A_TIME.acquire().await {
            Ok(permit) => {
                let turn = Arc::new(permit);
                *self.slot() = Some(Arc::clone(&turn));
                turn
            }
            // It is never closed.
            Err(_) => std::future::pending().await,
        }
    }

    /// Makes the call.
    pub(crate) async fn during<F: Future>(self, call: F) -> F::Output {
        OF_THIS_CALL.scope(self, call).await
    }

    /// Does a part of the call on another thread.
    pub(crate) fn within<T>(self, work: impl FnOnce() -> T) -> T {
        OF_THIS_CALL.sync_scope(self, work)
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Turn>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn a_call_has_its_turn_until_its_result_is_taken() {
        let [first, second] = [(); 2].map(|()| CallMemory::default());
        drop(first.turn().await);
        // Again within the same call, and on another thread of it.
        drop(
            first
                .clone()
                .during(async { CallMemory::of_this_call().turn().await })
                .await,
        );
        assert!(second.turn().now_or_never().is_none());
        let waiting = tokio::spawn(async move { second.turn().await });
        let working = first.turn().await;
        drop(first);
        assert!(!waiting.is_finished());
        // What is still being built counts, whether or not anybody waits for it.
        drop(working);
        waiting.await.unwrap();
    }
}
