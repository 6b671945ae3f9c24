//! How far a live run is, in a few figures.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// The answer of `GET /v1/status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LiveStatus {
    /// The id of the run.
    pub run_id: Arc<str>,
    /// How many events there are: the number of the next.
    pub events: u64,
    /// Whether no more will come.
    pub ended: bool,
    /// The time on the clock of its events, in milliseconds since its start.
    pub now_ms: f64,
}

impl LiveStatus {
    /// The time since the start of the run.
    pub fn passed(&self) -> Duration {
        Duration::try_from_secs_f64(self.now_ms / 1e3).unwrap_or_default()
    }
}
