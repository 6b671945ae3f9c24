//! Tells a server about a worker.

use super::SERVICE;
use super::client::{ClientError, admin_of};
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// Registers the worker at `worker` with the server whose admin interface is at `admin`, and waits for one that is
/// starting. `force` replaces what is registered at the same address. Returns what was done, in words.
///
/// # Errors
/// Where the server cannot be reached, cannot reach the worker, or has another service at that address.
pub async fn register(admin: &str, worker: &str, force: bool) -> Result<String, ClientError> {
    let client = admin_of(admin)?;
    let began = Instant::now();
    let body = json!({"uri": worker, "force": force});
    loop {
        match client.register(&body).await {
            Ok(()) => return Ok(format!("registered at {admin}: the service {SERVICE}")),
            Err(ClientError::Lost(..)) if began.elapsed() < PATIENCE => {
                sleep(Duration::from_millis(250)).await;
            }
            Err(error) => {
                return Err(ClientError::Refused(format!("{admin}: {error}")));
            }
        }
    }
}
