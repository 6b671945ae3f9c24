//! The calls that are waiting for a server: what it says in the meantime goes to the logs of their steps.

use crate::run::LogStream;
use crate::tools::CallLog;
use rmcp::model::ProgressToken;
use std::sync::{Arc, Mutex, PoisonError};

/// The calls that are waiting.
#[derive(Default)]
pub(super) struct Listeners(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    next: u64,
    calls: Vec<Listener>,
}

struct Listener {
    id: u64,
    log: CallLog,
    progress: Option<ProgressToken>,
}

/// A call that is waiting, until this is dropped.
pub(super) struct Listening {
    all: Arc<Listeners>,
    id: u64,
}

impl Listeners {
    /// A call waits from now on.
    pub(super) fn listen(self: &Arc<Self>, log: &CallLog) -> Listening {
        self.with(|waiting| {
            waiting.next += 1;
            let id = waiting.next;
            waiting.calls.push(Listener {
                id,
                log: Arc::clone(log),
                progress: None,
            });
            Listening {
                all: Arc::clone(self),
                id,
            }
        })
    }

    /// Logs a text for every call that is waiting: which of them it is about is not said.
    pub(super) fn say(&self, stream: LogStream, text: &str) {
        let calls: Vec<CallLog> =
            self.with(|waiting| waiting.calls.iter().map(|call| call.log.clone()).collect());
        for log in calls {
            log(stream, text);
        }
    }

    /// Logs how far the call with this token is.
    pub(super) fn progress(&self, token: &ProgressToken, text: &str) {
        let log = self.with(|waiting| {
            let mut calls = waiting.calls.iter();
            let call = calls.find(|call| call.progress.as_ref() == Some(token))?;
            Some(call.log.clone())
        });
        if let Some(log) = log {
            log(LogStream::Note, text);
        }
    }

    fn with<T>(&self, what: impl FnOnce(&mut Waiting) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Listening {
    /// Its progress is reported with this token.
    pub(super) fn has_progress(&self, token: ProgressToken) {
        self.all.with(|waiting| {
            let call = waiting.calls.iter_mut().find(|call| call.id == self.id);
            if let Some(call) = call {
                call.progress = Some(token);
            }
        });
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.all
            .with(|waiting| waiting.calls.retain(|call| call.id != self.id));
    }
}
