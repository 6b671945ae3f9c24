//! The replacement of tools that reach outside when the worker is simulated.

use super::definition::ToolDefinition;
use super::kinds::model;
use super::{Call, CallPolicy, CallReport, Pricing, Quote, Tool, ToolKind};
use crate::models::{CostBasis, SmallModelWorker, Task};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;

/// A tool of any kind that is not called: its output is a fake value, and nothing outside is reached.
pub(super) struct SimulatedTool {
    definition: Arc<ToolDefinition>,
    worker: SmallModelWorker,
}

impl SimulatedTool {
    /// Replaces the tool of `definition`.
    pub(super) fn new(definition: Arc<ToolDefinition>, worker: SmallModelWorker) -> Self {
        Self { definition, worker }
    }

    fn is_model(&self) -> bool {
        *self.definition.kind() == model::KIND
    }
}

fn task(definition: &ToolDefinition) -> Task<'_> {
    Task {
        name: &definition.name,
        description: &definition.description,
        input_schema: definition.input_schema.as_deref(),
        output_schema: definition.output_schema.as_deref(),
        examples: &definition.examples,
        ..Task::default()
    }
}

impl Tool for SimulatedTool {
    fn kind(&self) -> &'static ToolKind {
        self.definition.kind()
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (definition, worker) = (self.definition.clone(), self.worker.clone());
        let is_model = self.is_model();
        async move {
            let task = task(&definition);
            let work = worker.perform(
                &task,
                &call.input,
                None,
                call.attempt,
                &call.spend_authorizer,
                call.cancel.cancelled(),
            );
            let mut report = CallReport::of_worker(work.await, &call.log);
            if !is_model {
                if report.output.is_err() {
                    report.basis = CostBasis::NotSent;
                }
                // Only models have tokens and a price besides the catalog's fixed price.
                report = CallReport {
                    tokens: None,
                    model: None,
                    prompt: None,
                    answer: None,
                    reasoning: None,
                    cost: Some(crate::units::Money::ZERO),
                    charges: Vec::new(),
                    ..report
                };
            }
            report
        }
        .boxed()
    }

    fn prompt(&self, input: &Value, _model: Option<&str>) -> Option<String> {
        let prompt = || self.worker.prompt(&task(&self.definition), input);
        self.is_model().then(prompt).flatten()
    }

    fn policy(&self) -> CallPolicy {
        self.definition.policy()
    }

    fn pricing(&self) -> Option<&dyn Pricing> {
        self.is_model().then_some(self as &dyn Pricing)
    }
}

impl Pricing for SimulatedTool {
    fn quote(&self, input: &Value, _model: Option<&str>) -> Quote {
        self.worker.quote(&Task::default(), input).into()
    }
}
