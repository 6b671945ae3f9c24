//! Work that takes long where its input is large, away from the threads on which everything else waits.

use crate::text::held_memory::{CallMemory, Turn};

/// Input up to this size is worked on in place, in bytes.
const MAX_IN_PLACE: usize = 64 << 10;

/// From this size on inputs wait for each other, in bytes: the values of one may take 160 MB.
const LARGE: usize = 1 << 20;

/// What `work` returns, which has an input of so many bytes. Once it has begun on a thread it does not stop where this
/// future is dropped, so it must end by itself.
pub(crate) async fn off_thread<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    if bytes <= MAX_IN_PLACE {
        return work();
    }
    let call = CallMemory::of_this_call();
    let turn = if bytes >= LARGE {
        Some(call.turn().await)
    } else {
        None
    };
    let work = tokio::task::spawn_blocking(move || {
        let _turn: Option<Turn> = turn;
        call.within(work)
    });
    match work.await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is shutting down, and this future with it.
        Err(_) => std::future::pending().await,
    }
}
