//! Work that may block, from the engine's own task.
//!
//! Sinks and caches write to files and databases. On a runtime with several threads the worker hands its other tasks
//! to another thread first, so that calls, timers and the interface keep running.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does `work`, which may block its thread. On a current-thread runtime there is no other thread that could take over, and
/// everything waits for it.
pub(super) fn blocking<R>(work: impl FnOnce() -> R) -> R {
    let runtime = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    if matches!(runtime, Ok(RuntimeFlavor::MultiThread)) {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}
