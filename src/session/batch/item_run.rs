//! The run of one item, with its retries.

use super::account::Account;
use super::elsewhere::Elsewhere;
use super::item::{BatchItem, BatchLine};
use crate::engine::{Settings, SharedLimits, UnknownSteps};
use crate::models::SmallModelWorker;
use crate::plan::ExecutionPlan;
use crate::run::{ErrorKind, ExecutionResult, Limit, RunCommand, RunOutcome};
use crate::session::execution::OfBatch;
use crate::session::recording::Provenance;
use crate::session::{Execution, JournalSettings, Note, PriorRun, SessionError};
use crate::store::{BatchMark, CacheOptions, Connections};
use crate::tools::{CatalogToolbox, Executor};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

/// What the runs of all items have in common.
pub(super) struct Template {
    pub plan: Arc<ExecutionPlan>,
    pub worker: SmallModelWorker,
    pub toolbox: Arc<CatalogToolbox>,
    /// Where the calls of all items are carried out, where that is not this process.
    pub executor: Option<Arc<dyn Executor>>,
    pub provenance: Provenance,
    pub settings: Settings,
    pub journal: Option<JournalSettings>,
    pub cache: Option<CacheOptions>,
    pub unknown: UnknownSteps,
    pub shared: SharedLimits,
    pub batch: Arc<str>,
    /// The store, where the batch is recorded.
    pub home: Option<PathBuf>,
    /// The connections to it.
    pub connections: Option<Connections>,
    pub retries: u32,
    /// When the time of the whole batch is over.
    pub deadline: Option<Instant>,
    /// Where its items are run, where that is not in this process.
    pub elsewhere: Option<Elsewhere>,
}

/// How the run of an item ended.
pub(super) struct ItemEnd {
    pub line: BatchLine,
    /// Whether it was stopped and is left to be resumed.
    pub stopped: bool,
    pub note: Option<Note>,
    /// The limit of the batch that refused a call, where that is known only elsewhere.
    pub limit: Option<(Limit, Arc<str>)>,
}

impl ItemEnd {
    pub(super) const fn of(line: BatchLine) -> Self {
        Self {
            line,
            stopped: false,
            note: None,
            limit: None,
        }
    }
}

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

    /// How long the batch may still take, in seconds.
    pub(super) fn time_left(&self) -> Option<f64> {
        let left = self.deadline?.saturating_duration_since(Instant::now());
        Some(left.as_secs_f64())
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

/// The line of an item that cannot run as it is.
pub(super) fn impossible(item: &BatchItem, index: u64, error: &SessionError) -> BatchLine {
    let (status, kind) = (RunOutcome::Failed, ErrorKind::PlanError);
    BatchLine::not_run(&item.key, index, status, kind, &error.to_string())
}
