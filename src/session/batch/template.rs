//! What the runs of all items of a batch have in common, and how one of them ends.

use super::item::{BatchItem, BatchLine};
use super::item_engine::{BatchElsewhere, ItemEngine};
use crate::engine::{Settings, SharedLimits, UnknownSteps};
use crate::models::SmallModelWorker;
use crate::plan::ExecutionPlan;
use crate::run::{ErrorKind, Limit, RunOutcome};
use crate::session::recording::Provenance;
use crate::session::{JournalSettings, Note, SessionError};
use crate::store::{CacheOptions, Connections, RunMeta};
use crate::tools::{CatalogToolbox, Executor};
use std::path::PathBuf;
use std::sync::Arc;
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

/// What the items of a batch that is run elsewhere have in common.
pub(super) struct Elsewhere {
    pub engine: Arc<dyn ItemEngine>,
    pub batch: BatchElsewhere,
    pub digest: Arc<str>,
    /// What is recorded of each run.
    pub meta: RunMeta,
}

impl Template {
    /// How long the batch may still take, in seconds.
    pub(super) fn time_left(&self) -> Option<f64> {
        let left = self.deadline?.saturating_duration_since(Instant::now());
        Some(left.as_secs_f64())
    }
}

/// The line of an item that cannot run as it is.
pub(super) fn impossible(item: &BatchItem, index: u64, error: &SessionError) -> BatchLine {
    let (status, kind) = (RunOutcome::Failed, ErrorKind::PlanError);
    BatchLine::not_run(&item.key, index, status, kind, &error.to_string())
}
