//! Outputs that are being looked at: whether they are what their steps expect.

use super::Prepared;
use super::attempt::AttemptDone;
use super::evaluations::{Evaluations, RowEvaluations};
use crate::plan::{Evaluation, StepIx, Validation};
use crate::tools::{ToolError, Toolbox};
use crate::units::Micros;
use futures::FutureExt;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// An output that does not count before it has been looked at.
pub(super) enum Unjudged {
    /// A call made it.
    Made(Made),
    /// It was there already.
    Known(Box<Known>),
}

/// A call that has ended.
pub(super) struct Made {
    /// When the call began.
    pub started: Micros,
    /// How it ended.
    pub done: AttemptDone,
    /// Whether slow motion may keep the step running.
    pub may_be_paced: bool,
}

/// An output that was there already.
pub(super) struct Known {
    /// What is to be done where it is as expected.
    pub prepared: Prepared,
    /// What the step would be called with.
    pub input: Option<Arc<Value>>,
}

/// What has to be found out elsewhere.
pub(super) enum Open {
    /// The value of an expression.
    Expression(Evaluation),
    /// Whether a value is valid.
    Schema(Validation),
}

/// What an evaluation may take.
#[derive(Clone, Copy)]
pub(super) struct Allowed {
    /// Memory, in mebibytes.
    pub memory_mb: Option<u64>,
    /// Time.
    pub time: Duration,
}

/// The outputs that are being looked at.
#[derive(Default)]
pub(super) struct Expectations {
    evaluations: Evaluations,
    waiting: HashMap<StepIx, Unjudged>,
    /// What running calls were made with, of steps that expect something.
    inputs: HashMap<StepIx, Arc<Value>>,
}

impl Expectations {
    /// A row that expects something is called with this.
    pub(super) fn called(&mut self, row: StepIx, input: &Arc<Value>) {
        self.inputs.insert(row, Arc::clone(input));
    }

    /// What the running call of a row was made with.
    pub(super) fn input(&self, row: StepIx) -> Option<&Arc<Value>> {
        self.inputs.get(&row)
    }

    /// What is known of a row.
    pub(super) fn evaluated(&self, row: StepIx) -> Option<&RowEvaluations> {
        self.evaluations.of(row)
    }

    /// What validating came to, where it has; one violation a line.
    pub(super) fn violation(
        &self,
        row: StepIx,
        validation: &Validation,
    ) -> Option<Result<Option<String>, String>> {
        let outcome = self.evaluations.of(row)?.outcome(&key(validation))?;
        Some(outcome.map(|violation| match violation {
            Value::String(violation) => Some(violation),
            _ => None,
        }))
    }

    /// An output waits until something has been found out.
    pub(super) fn wait(
        &mut self,
        row: StepIx,
        output: Unjudged,
        open: Open,
        toolbox: &dyn Toolbox,
        allowed: Allowed,
    ) {
        self.waiting.insert(row, output);
        match open {
            Open::Expression(evaluation) => {
                let value = toolbox.evaluate(evaluation.clone(), allowed.memory_mb, allowed.time);
                self.evaluations.start(row, &evaluation, value);
            }
            Open::Schema(validation) => {
                let key = key(&validation);
                let violation = toolbox.violation(validation.schema, validation.value);
                let value = async move {
                    let violation = violation.await.map_err(ToolError::permanent)?;
                    Ok(violation.map_or(Value::Null, Value::String))
                };
                self.evaluations.start(row, &key, value.boxed());
            }
        }
    }

    /// The output of a row that waits, taken.
    pub(super) fn take(&mut self, row: StepIx) -> Option<Unjudged> {
        if self.waiting.is_empty() {
            return None;
        }
        self.waiting.remove(&row)
    }

    /// Gives up what is known of a row.
    pub(super) fn forget(&mut self, row: StepIx) {
        self.evaluations.forget(row);
        if !self.inputs.is_empty() {
            self.inputs.remove(&row);
        }
        if !self.waiting.is_empty() {
            self.waiting.remove(&row);
        }
    }

    /// A row of which something has been found out, if there is one.
    pub(super) fn try_ended(&mut self) -> Option<StepIx> {
        self.evaluations.try_ended()
    }

    /// Waits for something to be found out, for ever where nothing is open; its row.
    pub(super) async fn ended(&mut self) -> StepIx {
        self.evaluations.ended().await
    }
}

/// A validation as the evaluation of a row: the schema is the source.
fn key(validation: &Validation) -> Evaluation {
    Evaluation {
        source: validation.schema.to_string().into(),
        text: "".into(),
        variables: Map::new(),
        is_condition: false,
    }
}
