//! Cancellation, the same for every kind of tool.

use super::error::ToolError;
use tokio_util::sync::CancellationToken;

/// The output of `work`, or an error when the call is cancelled first; `work` is then dropped. A call that is
/// already cancelled does not start.
pub(super) async fn cancellable<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, ToolError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(ToolError::permanent("cancelled")),
        output = work => Ok(output),
    }
}

/// The output of `work`; `None` when the call is cancelled first.
pub(super) async fn stopped<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => None,
        output = work => Some(output),
    }
}
