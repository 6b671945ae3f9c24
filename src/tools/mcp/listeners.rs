//! The calls that are waiting for a server: what it says in the meantime goes to the logs of their steps.

use crate::run::{Answer, LogStream, Question};
use crate::tools::{Asker, CallLog};
use rmcp::model::ProgressToken;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

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
    asker: Asker,
    /// The task that the server made of it.
    task: Option<String>,
    /// Whether its server waits for an answer of the user.
    asks: bool,
    /// What was asked, and why there is no answer.
    refused: watch::Sender<Option<(Arc<str>, String)>>,
}

/// A call that is waiting, until this is dropped.
pub(super) struct Listening {
    all: Arc<Listeners>,
    id: u64,
    refused: watch::Sender<Option<(Arc<str>, String)>>,
}

impl Listeners {
    /// A call waits from now on.
    pub(super) fn listen(self: &Arc<Self>, log: &CallLog, asker: &Asker) -> Listening {
        let refused = watch::Sender::new(None);
        self.with(|waiting| {
            waiting.next += 1;
            let id = waiting.next;
            waiting.calls.push(Listener {
                id,
                log: Arc::clone(log),
                progress: None,
                asker: asker.clone(),
                task: None,
                asks: false,
                refused: refused.clone(),
            });
            Listening {
                all: Arc::clone(self),
                id,
                refused,
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

    /// Asks the user something that belongs to a call: to the one with this task, else to the one that has waited longest
    /// and asks nothing yet. `None` where there is no answer, which ends the call.
    pub(super) async fn ask(&self, task: Option<&str>, question: Question) -> Option<Answer> {
        let (id, asker) = self.with(|waiting| {
            let calls = &mut waiting.calls;
            let of_task = task.and_then(|task| {
                let mut calls = calls.iter();
                calls.position(|call| call.task.as_deref() == Some(task))
            });
            let silent = || calls.iter().position(|call| !call.asks);
            let at = of_task.or_else(silent).unwrap_or(0);
            let call = calls.get_mut(at)?;
            call.asks = true;
            Some((call.id, call.asker.clone()))
        })?;
        let message = Arc::clone(&question.message);
        let answer = asker.ask(question).await;
        self.with(|waiting| {
            if let Some(call) = waiting.calls.iter_mut().find(|call| call.id == id) {
                call.asks = false;
                if let Err(why) = &answer {
                    call.refused.send_replace(Some((message, why.clone())));
                }
            }
        });
        answer.ok()
    }

    fn with<T>(&self, what: impl FnOnce(&mut Waiting) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Listening {
    /// Ends when its server asks something to which there is no answer: with what was asked, and why.
    pub(super) async fn refused(&self) -> (Arc<str>, String) {
        let mut refused = self.refused.subscribe();
        let known = refused.wait_for(Option::is_some).await;
        let known = known.ok().and_then(|known| known.clone());
        match known {
            Some(known) => known,
            None => std::future::pending().await,
        }
    }

    /// The server made this task of it.
    pub(super) fn is_task(&self, task: &str) {
        self.all.with(|waiting| {
            let call = waiting.calls.iter_mut().find(|call| call.id == self.id);
            if let Some(call) = call {
                call.task = Some(task.to_owned());
            }
        });
    }

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
