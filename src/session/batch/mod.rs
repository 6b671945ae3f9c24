//! One plan with many contexts, under limits that all its runs share.

mod account;
mod csv;
mod elsewhere;
mod inputs;
mod item;
mod item_engine;
mod item_run;
mod keys;
mod running;
mod tally;
mod template;
#[cfg(test)]
mod tests;

pub use crate::run::{FailureGroup, Quantiles};
pub use inputs::{BatchInputs, InputFault, Items};
pub use item::{BatchItem, BatchLine};
pub use item_engine::{BatchElsewhere, EndElsewhere, ItemEngine};
pub use tally::{Counts, Tally};

use super::error::SessionError;
use super::execution::Execution;
use super::note::Note;
use crate::models::SmallModelWorker;
use crate::plan::ExecutionPlan;
use crate::run::{Answers, Limit, ResourceLimits};
use keys::SeenKeys;
use running::Running;
use serde_json::{Map, Value};
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::watch;

/// Runs of a batch at once, unless others are asked for.
const MAX_RUNS: usize = 8;

/// Runs `plan` once for each of `contexts`, eight at once, and returns the result of each, in their order. `limits` are
/// those of all runs together: what they spend and reserve never passes the budget, and no more attempts run at once than
/// there are slots. A failed item is a line with its error and stops no other; once a limit stops the batch, the rest has
/// the status `limit_exceeded`.
///
/// The tools are those of the plan's own catalog; to add functions, a journal or rates, use [`Batch`].
///
/// # Errors
/// When nothing can run as configured.
///
/// ```
/// use plandeck::{ExecutionPlan, ResourceLimits, SmallModelWorker, execute_batch};
/// use serde_json::json;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let plan = ExecutionPlan::from_value(json!({
///     "tools": {"double": {"type": "jq", "filter": ".n * 2"}},
///     "steps": [{"id": 1, "tool": "double", "parameters": {"n": "{{start}}"}}]
/// }))?;
/// let worker = SmallModelWorker::offline();
/// let contexts = (0..20).map(|n| json!({"start": n}));
/// let lines = execute_batch(&plan, &worker, contexts, ResourceLimits::default(), true).await?;
/// assert_eq!(lines.len(), 20);
/// assert_eq!(*lines[7].result, json!(14));
/// # Ok(())
/// # }
/// ```
pub async fn execute_batch(
    plan: &ExecutionPlan,
    worker: &SmallModelWorker,
    contexts: impl IntoIterator<Item = Value>,
    limits: ResourceLimits,
    track_cost: bool,
) -> Result<Vec<BatchLine>, SessionError> {
    let mut items = Vec::new();
    for (index, context) in contexts.into_iter().enumerate() {
        let context = match context {
            Value::Object(values) => values,
            Value::Null => Map::new(),
            _ => return Err(SessionError::ContextNotAnObject),
        };
        let key = index.to_string().into();
        items.push(BatchItem { key, context });
    }
    let execution = Execution::new(plan).worker(worker);
    let execution = execution.limits(limits).track_cost(track_cost);
    let mut lines = Vec::with_capacity(items.len());
    let each = |update: BatchUpdate<'_>| {
        if let BatchUpdate::Line(line) = update {
            lines.push(line.clone());
        }
        ControlFlow::Continue(())
    };
    Batch::new(execution)
        .in_order(true)
        .run(items, each)
        .await?;
    Ok(lines)
}

/// What a batch tells while it is running.
#[derive(Debug)]
pub enum BatchUpdate<'a> {
    /// An item has ended.
    Line(&'a BatchLine),
    /// About a second has passed: the figures so far, and how many items are running.
    Progress(&'a Tally, usize),
}

/// How a batch ended.
#[derive(Debug)]
pub struct BatchEnd {
    /// Its id, with which it is resumed.
    pub batch: Arc<str>,
    /// The figures of its items.
    pub tally: Tally,
    /// The limit that stopped it, with a message.
    pub limit: Option<(Limit, Arc<str>)>,
    /// Whether it was stopped from outside: items that were running, and the rest, are left to be resumed.
    pub stopped: bool,
    /// The first note about a run that is not recorded.
    pub note: Option<Note>,
}

/// Sets up a batch: [`execute_batch`] with every option. The [`Execution`] brings plan, tools, limits, rates, cache and
/// journal; its context is not used.
///
/// ```
/// use plandeck::session::{Batch, BatchItem, BatchUpdate};
/// use plandeck::{Execution, ExecutionPlan};
/// use serde_json::json;
/// use std::ops::ControlFlow;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let plan = ExecutionPlan::from_value(json!({
///     "steps": [{"id": "size", "tool": "len", "parameters": {"of": "{{text}}"}}]
/// }))?;
/// let execution = Execution::new(&plan)
///     .function("len", |input| Ok(json!(input["of"].as_str().unwrap_or("").len())));
/// let items = ["one", "three"].map(|word| BatchItem {
///     key: word.into(),
///     context: [("text".to_owned(), json!(word))].into_iter().collect(),
/// });
/// let mut sizes = Vec::new();
/// let end = Batch::new(execution)
///     .max_runs(2)
///     .in_order(true)
///     .run(items, |update| {
///         if let BatchUpdate::Line(line) = update {
///             sizes.push((line.key.to_string(), line.result.as_u64()));
///         }
///         ControlFlow::Continue(())
///     })
///     .await?;
/// assert_eq!(end.tally.counts.succeeded, 2);
/// assert_eq!(sizes, [("one".to_owned(), Some(3)), ("three".to_owned(), Some(5))]);
/// # Ok(())
/// # }
/// ```
pub struct Batch {
    pub(super) execution: Execution,
    id: Arc<str>,
    settings: Value,
    items: Option<u64>,
    resumes: bool,
    retry_failed: bool,
    max_runs: usize,
    retries: u32,
    in_order: bool,
    /// The keys so far, where it is not known that each stands once.
    keys: Option<SeenKeys>,
    stop: Option<watch::Receiver<bool>>,
    engine: Option<Arc<dyn ItemEngine>>,
    answers: Vec<(Arc<str>, bool)>,
}

impl Batch {
    /// A batch of the plan of `execution`, with eight runs at once and no retries.
    pub fn new(execution: Execution) -> Self {
        Self {
            execution,
            id: uuid::Uuid::now_v7().to_string().into(),
            settings: Value::Null,
            items: None,
            resumes: false,
            retry_failed: false,
            max_runs: MAX_RUNS,
            retries: 0,
            in_order: false,
            keys: Some(SeenKeys::default()),
            stop: None,
            engine: None,
            answers: Vec::new(),
        }
    }

    /// Has items run by processes behind this engine instead of this one. They are recorded here when they come back, so a
    /// journal is needed, and a plan that was loaded from a file.
    #[must_use]
    pub fn items_on(mut self, engine: Option<Arc<dyn ItemEngine>>) -> Self {
        self.engine = engine;
        self
    }

    /// Answers to approvals, by the ids of steps.
    #[must_use]
    pub fn answers(mut self, answers: Vec<(Arc<str>, bool)>) -> Self {
        self.execution = self
            .execution
            .answers(Answers::new(answers.iter().cloned()));
        self.answers = answers;
        self
    }

    /// The id with which it is resumed.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// What is kept with the record of the batch, for whoever resumes it.
    #[must_use]
    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// How many items there will be, where that is known beforehand: for whoever follows the batch.
    #[must_use]
    pub fn items(mut self, items: u64) -> Self {
        self.items = Some(items);
        self
    }

    /// How many items run at once, at least one.
    #[must_use]
    pub fn max_runs(mut self, max_runs: usize) -> Self {
        self.max_runs = max_runs.max(1);
        self
    }

    /// How many times an item that failed runs again: the steps that failed, and what depends on them. Needs a journal.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Whether lines come in the order of the items instead of as they end.
    #[must_use]
    pub fn in_order(mut self, in_order: bool) -> Self {
        self.in_order = in_order;
        self
    }

    /// Spares the look for keys that stand twice, which takes memory for each item, where the items are known to have
    /// none, as those of [`BatchInputs`] that were checked.
    #[must_use]
    pub fn keys_are_unique(mut self) -> Self {
        self.keys = None;
        self
    }

    /// Resumes the recorded batch of this id: items that ended are not run again, and those that were interrupted go on.
    /// What was spent counts. Needs the journal in which it is recorded.
    #[must_use]
    pub fn resume(mut self, batch: &str) -> Self {
        self.id = batch.into();
        self.resumes = true;
        self
    }

    /// Whether items that failed go on too when the batch is resumed.
    #[must_use]
    pub fn retry_failed(mut self, retry_failed: bool) -> Self {
        self.retry_failed = retry_failed;
        self
    }

    /// Stops the batch once `true` is sent: nothing more starts, and running items are left to be resumed.
    #[must_use]
    pub fn stop(mut self, stop: watch::Receiver<bool>) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Runs every item. `each` is called as items end; where it breaks off, the batch is stopped. An item with the key of an
    /// earlier one does not run, and is a line that says so.
    ///
    /// # Errors
    /// When nothing can run as configured, or the record of the batch cannot be used.
    pub async fn run(
        self,
        items: impl IntoIterator<Item = BatchItem>,
        each: impl FnMut(BatchUpdate<'_>) -> ControlFlow<()>,
    ) -> Result<BatchEnd, SessionError> {
        Running::new(self, each)?.run(items.into_iter()).await
    }
}
