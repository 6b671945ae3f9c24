//! Work that ends when its call is cancelled.

use super::ToolError;
use tokio_util::sync::CancellationToken;

/// What `work` gives, or the error of a cancelled call; then `work` is dropped where it is. A call that was
/// cancelled before it began does nothing.
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
