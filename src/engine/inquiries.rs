//! Inquiries about calls that an earlier run left behind, while their rows are being prepared.
//!
//! Dropping this ends every inquiry.

use crate::plan::StepIx;
use crate::tools::{ProbeReport, Standing};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::{AbortHandle, JoinSet};

/// An inquiry that has ended.
pub(super) struct Answered {
    /// The row whose call it was about.
    pub row: StepIx,
    /// The name of that call's attempt.
    pub attempt: Arc<str>,
    /// What was found out.
    pub found: Found,
}

/// What an inquiry has found out.
pub(super) enum Found {
    /// What the catalog's probe was asked and answered.
    Probe(ProbeReport),
    /// What the server says about the call to which it had given this handle.
    Handle(Arc<str>, Standing),
}

/// The inquiries that are running, one for a row.
#[derive(Default)]
pub(super) struct Inquiries {
    tasks: JoinSet<Answered>,
    running: HashMap<StepIx, AbortHandle>,
}

impl Inquiries {
    /// Whether one about the call of a row is running.
    pub(super) fn is_running(&self, row: StepIx) -> bool {
        self.running.contains_key(&row)
    }

    /// Asks what became of the call of a row.
    pub(super) fn start(
        &mut self,
        row: StepIx,
        attempt: Arc<str>,
        inquiry: impl Future<Output = Found> + Send + 'static,
    ) {
        let task = self.tasks.spawn(async move {
            Answered {
                row,
                attempt,
                found: inquiry.await,
            }
        });
        self.running.insert(row, task);
    }

    /// Ends the inquiry about the call of a row.
    pub(super) fn end(&mut self, row: StepIx) {
        if let Some(task) = self.running.remove(&row) {
            task.abort();
        }
    }

    /// An inquiry that has ended, if one has.
    pub(super) fn try_answered(&mut self) -> Option<Answered> {
        loop {
            let done = self.tasks.try_join_next()?;
            if let Some(answered) = done.ok().and_then(|answered| self.take(answered)) {
                return Some(answered);
            }
        }
    }

    /// Waits for an inquiry to end, for ever where none is running.
    pub(super) async fn answered(&mut self) -> Answered {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(answered)) => {
                    if let Some(answered) = self.take(answered) {
                        return answered;
                    }
                }
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// The answer, unless the inquiry was ended.
    fn take(&mut self, answered: Answered) -> Option<Answered> {
        self.running.remove(&answered.row).map(|_| answered)
    }
}
