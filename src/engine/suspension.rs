//! How long the code of a call has waited for calls that it had made: that is no part of its own time.

use crate::units::Micros;
use std::sync::{Arc, Mutex, PoisonError};

/// The waiting of one call, shared by the engine, which notes it, and by what limits its time.
#[derive(Clone, Debug, Default)]
pub(super) struct Suspension(Arc<Mutex<Waited>>);

#[derive(Debug, Default)]
struct Waited {
    sum: Micros,
    since: Option<Micros>,
}

impl Suspension {
    /// It begins to wait at this moment of the run, or continues.
    pub(super) fn set(&self, at: Micros, is_suspended: bool) {
        let mut waited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (is_suspended, waited.since) {
            (true, None) => waited.since = Some(at),
            (false, Some(since)) => {
                waited.sum += at - since;
                waited.since = None;
            }
            _ => {}
        }
    }

    /// How long it has waited by `now`.
    pub(super) fn total(&self, now: Micros) -> Micros {
        let waited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waited.sum + waited.since.map_or(Micros(0), |since| now - since)
    }
}
