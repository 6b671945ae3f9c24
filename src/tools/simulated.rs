//! What stands in for tools that reach outside when outputs are invented.

use super::catalog::ToolDefinition;
use super::{Call, CallReport, Quote, Tool, ToolError};
use crate::models::{SmallModelWorker, Task};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A tool of any kind that is not called: its output is invented, and nothing outside is touched.
pub struct SimulatedTool {
    definition: Arc<ToolDefinition>,
    kind: &'static str,
    worker: SmallModelWorker,
    repeatable: bool,
}

impl SimulatedTool {
    /// A stand-in for the tool of `definition`.
    pub fn new(
        definition: Arc<ToolDefinition>,
        worker: SmallModelWorker,
        repeatable: bool,
    ) -> Self {
        Self {
            kind: definition.implementation.kind(),
            definition,
            worker,
            repeatable,
        }
    }
}

impl Tool for SimulatedTool {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (definition, worker) = (self.definition.clone(), self.worker.clone());
        let is_model = self.kind == "model";
        async move {
            let task = Task {
                name: &definition.name,
                description: &definition.description,
                input_schema: definition.input_schema.as_deref(),
                output_schema: definition.output_schema.as_deref(),
                examples: &definition.examples,
                ..Task::default()
            };
            let mut report: CallReport = tokio::select! {
                biased;
                () = call.cancel.cancelled() => return CallReport::free(Err(ToolError::permanent("cancelled"))),
                report = worker.perform(&task, &call.input, None, call.attempt, &call.funds) => report.into(),
            };
            if !is_model {
                // Only models have tokens, and a price beyond the catalog's fixed one.
                report = CallReport {
                    tokens: None,
                    model: None,
                    prompt: None,
                    answer: None,
                    cost: Some(crate::units::Money::ZERO),
                    ..report
                };
            }
            report
        }
        .boxed()
    }

    fn quote(&self, input: &Value, _model: Option<&str>) -> Quote {
        if self.kind != "model" {
            return Quote::FREE;
        }
        let (most, least) = self.worker.quote(&Task::default(), input);
        Quote { most, least }
    }

    fn repeatable(&self) -> bool {
        self.repeatable
    }

    fn timeout(&self) -> Option<Duration> {
        self.definition.timeout
    }
}
