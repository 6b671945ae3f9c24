//! The run of one item in this process, with its retries.

use super::account::Account;
use super::item::{BatchItem, BatchLine};
use super::template::{ItemEnd, Template, impossible};
use crate::run::{ExecutionResult, RunCommand, RunOutcome};
use crate::session::execution::OfBatch;
use crate::session::{Execution, Note, PriorRun, SessionError};
use crate::store::BatchMark;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch;

impl Template {
    fn execution(&self, item: &BatchItem, index: u64, prior: Option<PriorRun>) -> Execution {
        let mut execution = Execution::of(Arc::clone(&self.plan), self.worker.clone());
        execution.context = Value::Object(item.context.clone());
        execution.provenance = self.provenance.clone();
        execution.settings = self.settings.clone();
        // Waits between attempts differ from item to item.
        execution.settings.seed ^= index;
        if let Some(left) = self.time_left() {
            execution.settings.limits.timeout_seconds = Some(left);
        }
        execution.journal.clone_from(&self.journal);
        execution.cache = self.cache;
        execution.unknown = self.unknown;
        execution.prior = prior;
        execution.executor.clone_from(&self.executor);
        let mark = BatchMark {
            batch: Arc::clone(&self.batch),
            key: Arc::clone(&item.key),
            index,
        };
        execution.of_batch = Some(Box::new(OfBatch {
            shared: self.shared.clone(),
            mark,
            toolbox: Arc::clone(&self.toolbox),
            connections: self.connections.clone(),
        }));
        execution
    }

    /// Runs an item, again where it fails and retries are left.
    pub(super) async fn run(
        self: Arc<Self>,
        item: BatchItem,
        index: u64,
        mut prior: Option<PriorRun>,
        mut stop: watch::Receiver<bool>,
    ) -> ItemEnd {
        let mut left = self.retries;
        loop {
            let execution = self.execution(&item, index, prior.take());
            let (line, stopped, note) = match run_once(execution, &item, index, &mut stop).await {
                Ok(ended) => ended,
                Err(error) => (impossible(&item, index, &error), false, None),
            };
            let again = line.status == RunOutcome::Failed && left > 0 && !stopped;
            if let (true, Some(home), Some(run_id)) = (again, &self.home, &line.run_id)
                && let Ok(run) = Account::retry(home, run_id)
            {
                left -= 1;
                prior = Some(run);
                continue;
            }
            return ItemEnd {
                line,
                stopped,
                note,
                limit: None,
            };
        }
    }
}

async fn run_once(
    execution: Execution,
    item: &BatchItem,
    index: u64,
    stop: &mut watch::Receiver<bool>,
) -> Result<(BatchLine, bool, Option<Note>), SessionError> {
    let prepared = execution.prepare()?;
    let unrecorded = prepared.notes().iter();
    let mut unrecorded = unrecorded.filter(|note| matches!(note, Note::NotRecorded(_)));
    let note = unrecorded.next().cloned();
    let mut running = prepared.start();
    let state = tokio::select! {
        state = running.ended() => state?,
        () = stopped(stop) => {
            // Fails if the run has ended already.
            let _ = running.commands().send(RunCommand::Stop);
            running.ended().await?
        }
    };
    let result = ExecutionResult::of(&state);
    let was_stopped = result.status == RunOutcome::Cancelled;
    let broken = running.release();
    let line = BatchLine::of(&item.key, index, result);
    Ok((line, was_stopped, note.or(broken)))
}

/// Waits until the batch is stopped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
