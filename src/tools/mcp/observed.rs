//! What is known of a connection besides its answers: for the message of the error when it is lost or silent.

use crate::text::message::quote;
use std::sync::{Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// How much of standard error is kept for an error, in bytes.
const MAX_TAIL: usize = 4 << 10;

/// What a server did that was not asked for.
#[derive(Debug, Default)]
pub(super) struct Observed {
    state: Mutex<State>,
    /// Cancelled when its program has ended.
    pub ended: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    tail: String,
    exit: Option<String>,
    missing: bool,
    fault: Option<String>,
    oddity: Option<String>,
}

impl Observed {
    fn with<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Its program wrote a line on standard error.
    pub(super) fn said(&self, line: &str) {
        self.with(|state| {
            let tail = &mut state.tail;
            tail.push_str(line.trim_end());
            tail.push('\n');
            if tail.len() > 2 * MAX_TAIL {
                let from = tail.ceil_char_boundary(tail.len() - MAX_TAIL);
                tail.drain(..from);
            }
        });
    }

    /// Its program has ended, in this way.
    pub(super) fn exited(&self, how: String) {
        self.with(|state| state.exit = Some(how));
    }

    /// Its program could not be started, for this reason.
    pub(super) fn missing(&self, why: String) {
        self.with(|state| state.missing = true);
        self.exited(why);
    }

    /// Whether its program could not be started.
    pub(super) fn is_missing(&self) -> bool {
        self.with(|state| state.missing)
    }

    /// The connection was ended for this reason; the first one counts.
    pub(super) fn fault(&self, fault: impl Into<String>) {
        self.with(|state| {
            state.fault.get_or_insert(fault.into());
        });
    }

    /// Whether the connection is to end.
    pub(super) fn has_fault(&self) -> bool {
        self.with(|state| state.fault.is_some())
    }

    /// It sent something that nobody waits for; the first one counts.
    pub(super) fn odd(&self, what: impl FnOnce() -> String) {
        self.with(|state| {
            state.oddity.get_or_insert_with(what);
        });
    }

    /// The end of what its program wrote on standard error.
    pub(super) fn tail(&self) -> String {
        self.with(|state| state.tail.trim_end().to_owned())
    }

    /// Why the connection was lost.
    pub(super) fn loss(&self) -> String {
        self.with(|state| {
            let what = state.fault.as_deref().or(state.exit.as_deref());
            let mut text = what.unwrap_or("its connection was closed").to_owned();
            if let Some(oddity) = &state.oddity {
                text = format!("{text}; {oddity}");
            }
            let tail = state.tail.trim();
            if tail.is_empty() || state.missing {
                text
            } else {
                format!("{text}: {}", quote(tail, MAX_TAIL))
            }
        })
    }

    /// What may explain that an answer does not come; empty where nothing does.
    pub(super) fn explanation(&self) -> String {
        self.with(|state| {
            let oddity = state.oddity.as_ref();
            oddity.map_or_else(String::new, |oddity| format!("; {oddity}"))
        })
    }
}
