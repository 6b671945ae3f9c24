//! An item of a batch, and its result.

use crate::run::{ErrorKind, ExecutionResult, RunError, RunOutcome};
use crate::units::Money;
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;

/// One context that the plan of a batch runs with.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchItem {
    /// What it is called by, once in a batch: the runs of an item are found by it when the batch is resumed.
    pub key: Arc<str>,
    /// The values that the plan refers to.
    pub context: Map<String, Value>,
}

/// What became of an item: as JSON, a line that `plandeck batch` writes. Times are milliseconds, money is dollars.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BatchLine {
    /// The key of the item.
    pub key: Arc<str>,
    /// Its place in the input, from 0.
    pub index: u64,
    /// Its run; `None` where none began.
    pub run_id: Option<Arc<str>>,
    /// How it ended.
    pub status: RunOutcome,
    /// The final result, `null` where there is none.
    pub result: Arc<Value>,
    /// The first error, where it did not succeed.
    pub error: Option<Box<RunError>>,
    /// What it cost; `None` where that is not known or not tracked.
    pub cost: Option<Money>,
    /// Wall-clock time of its run, less held time.
    pub latency_ms: f64,
    /// Attempts that its steps made.
    pub attempts: u64,
}

impl BatchLine {
    pub(super) fn of(key: &Arc<str>, index: u64, result: ExecutionResult) -> Self {
        Self {
            key: Arc::clone(key),
            index,
            run_id: Some(result.run_id),
            status: result.status,
            result: result.result,
            error: result.error,
            cost: result.cost,
            latency_ms: result.latency_ms,
            attempts: result
                .steps
                .iter()
                .map(|step| u64::from(step.attempts))
                .sum(),
        }
    }

    /// An item of which no run began, and why.
    pub(super) fn not_run(
        key: &Arc<str>,
        index: u64,
        status: RunOutcome,
        kind: ErrorKind,
        message: &str,
    ) -> Self {
        Self {
            key: Arc::clone(key),
            index,
            run_id: None,
            status,
            result: Arc::default(),
            error: Some(Box::new(RunError::of_run(kind, message))),
            cost: Some(Money::ZERO),
            latency_ms: 0.0,
            attempts: 0,
        }
    }
}
