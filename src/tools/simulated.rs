//! The replacement of tools that reach other machines or change something when the worker is simulated.

use super::definition::ToolDefinition;
use super::{Call, CallPolicy, CallReport, Tool, ToolKind};
use crate::models::{CostBasis, SmallModelWorker, Task};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;

/// A tool that is not called: its output is a fake value, or that of its rules, and nothing outside is reached.
pub(super) struct SimulatedTool {
    definition: Arc<ToolDefinition>,
    worker: SmallModelWorker,
    /// What gives the output by the tool's rules.
    rules: Option<Arc<dyn Tool>>,
}

impl SimulatedTool {
    /// Replaces the tool of `definition`, whose output `rules` give where it has some.
    pub(super) fn new(
        definition: Arc<ToolDefinition>,
        worker: SmallModelWorker,
        rules: Option<Arc<dyn Tool>>,
    ) -> Self {
        Self {
            definition,
            worker,
            rules,
        }
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
        let rules = self.rules.clone();
        async move {
            let known_output = match &rules {
                Some(rules) => match rules.call(call.clone()).await.output {
                    Ok(output) => Some(output),
                    Err(error) => return CallReport::not_sent(error),
                },
                None => None,
            };
            let task = Task {
                known_output: known_output.as_deref(),
                ..task(&definition)
            };
            // What is not retried by itself does not fail by chance.
            let first = u32::from(!definition.policy().repeatable);
            let work = worker.perform(
                &task,
                &call.input,
                None,
                call.attempt + first,
                &call.spend_authorizer,
                call.cancel.cancelled(),
            );
            let mut report = CallReport::of_worker(work.await, &call.log);
            if report.output.is_err() {
                report.basis = CostBasis::NotSent;
            }
            // Only models have tokens and a price besides the catalog's fixed price.
            CallReport {
                tokens: None,
                model: None,
                prompt: None,
                answer: None,
                reasoning: None,
                cost: Some(crate::units::Money::ZERO),
                charges: Vec::new(),
                ..report
            }
        }
        .boxed()
    }

    fn policy(&self) -> CallPolicy {
        self.definition.policy()
    }
}
