//! Expressions that are evaluated in a sandbox while their rows are being prepared.
//!
//! A row is prepared in one go, and from the start again each time one of its values has come. Dropping this ends
//! every evaluation.

use crate::plan::{Evaluation, StepIx};
use crate::tools::ToolError;
use futures::future::BoxFuture;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::{AbortHandle, JoinSet};

/// The value of an expression of a row, or what is wrong.
type Outcome = Result<Value, String>;

/// The evaluations of all rows.
#[derive(Default)]
pub(super) struct Evaluations {
    tasks: JoinSet<Done>,
    rows: HashMap<StepIx, RowEvaluations>,
    /// How many there were.
    count: u64,
}

/// The evaluations of one row.
#[derive(Default)]
pub(super) struct RowEvaluations {
    known: Vec<(Arc<str>, bool, Outcome)>,
    running: Option<(u64, AbortHandle)>,
}

/// An evaluation that has ended.
struct Done {
    row: StepIx,
    number: u64,
    source: Arc<str>,
    is_condition: bool,
    outcome: Outcome,
}

impl Evaluations {
    /// What is known of a row.
    pub(super) fn of(&self, row: StepIx) -> Option<&RowEvaluations> {
        self.rows.get(&row)
    }

    /// Begins the evaluation of an expression of a row.
    pub(super) fn start(
        &mut self,
        row: StepIx,
        evaluation: &Evaluation,
        value: BoxFuture<'static, Result<Value, ToolError>>,
    ) {
        self.count += 1;
        let number = self.count;
        let (source, is_condition) = (Arc::clone(&evaluation.source), evaluation.is_condition);
        let task = self.tasks.spawn(async move {
            Done {
                row,
                number,
                source,
                is_condition,
                outcome: value.await.map_err(|error| error.message),
            }
        });
        self.rows.entry(row).or_default().running = Some((number, task));
    }

    /// Gives up what is known of a row, and what is being evaluated for it.
    pub(super) fn forget(&mut self, row: StepIx) {
        // Asked for every row, and most plans evaluate nothing here.
        if self.rows.is_empty() {
            return;
        }
        if let Some(RowEvaluations {
            running: Some((_, task)),
            ..
        }) = self.rows.remove(&row)
        {
            task.abort();
        }
    }

    /// The row of an evaluation that has ended, if one has.
    pub(super) fn try_ended(&mut self) -> Option<StepIx> {
        loop {
            let done = self.tasks.try_join_next()?;
            if let Some(row) = done.ok().and_then(|done| self.take(done)) {
                return Some(row);
            }
        }
    }

    /// Waits for an evaluation to end, for ever where none is running; its row.
    pub(super) async fn ended(&mut self) -> StepIx {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(done)) => {
                    if let Some(row) = self.take(done) {
                        return row;
                    }
                }
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Keeps a value, where it is still wanted.
    fn take(&mut self, done: Done) -> Option<StepIx> {
        let row = self.rows.get_mut(&done.row)?;
        row.running.take_if(|(number, _)| *number == done.number)?;
        row.known
            .push((done.source, done.is_condition, done.outcome));
        Some(done.row)
    }
}

impl RowEvaluations {
    /// What came of an expression; `None` where it has not been evaluated.
    pub(super) fn outcome(&self, evaluation: &Evaluation) -> Option<Outcome> {
        let mut known = self.known.iter();
        known
            .find(|(source, is_condition, _)| {
                *source == evaluation.source && *is_condition == evaluation.is_condition
            })
            .map(|(.., outcome)| outcome.clone())
    }
}
