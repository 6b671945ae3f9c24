//! Calls of tools without a plan: one, or many at once.

use super::execution::Execution;
use super::outcome::ExecutionError;
use crate::models::SmallModelWorker;
use crate::plan::ExecutionPlan;
use crate::run::{ResourceLimits, StepResult};
use crate::tools::{Catalog, ToolError, quote};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

impl SmallModelWorker {
    /// Calls one tool of a catalog with this input; the worker performs it if it is a `model` tool. It is retried as a
    /// step of a plan is, and may spend 10 dollars at most.
    ///
    /// # Errors
    /// Where the call cannot be made. A call that failed is a result with the status `failed` and an error.
    ///
    /// ```
    /// use plandeck::SmallModelWorker;
    /// use plandeck::tools::Catalog;
    /// use serde_json::json;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let catalog = Catalog::from_json(&json!({"tools": {
    ///     "shout": {"type": "model", "description": "Says it in capitals.", "offline": {"jq": ".text | ascii_upcase"}}
    /// }}))?;
    /// let worker = SmallModelWorker::offline();
    /// let said = worker.execute_tool(&catalog, "shout", json!({"text": "hello"})).await?;
    /// assert_eq!(said.output.as_deref(), Some(&json!("HELLO")));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn execute_tool(
        &self,
        catalog: &Catalog,
        name: &str,
        input: Value,
    ) -> Result<StepResult, ExecutionError> {
        let limits = ResourceLimits::command_line();
        let results = self.batch_execute(catalog, vec![(name.to_owned(), input)], limits);
        let first = results.await?.into_iter().next();
        first.ok_or_else(|| ExecutionError::Refused("the call has no result".to_owned()))
    }

    /// Calls tools of a catalog, each with its input, as many at once as `limits` allow. The results stand in the order
    /// of the calls, whatever order they ended in; one that failed, or that a limit kept from being made, has its own
    /// status and error.
    ///
    /// # Errors
    /// Where no call can be made: a model has no price although cost is limited.
    pub async fn batch_execute(
        &self,
        catalog: &Catalog,
        calls: Vec<(String, Value)>,
        limits: ResourceLimits,
    ) -> Result<Vec<StepResult>, ExecutionError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let (names, inputs): (Vec<Arc<str>>, Vec<Value>) = calls
            .into_iter()
            .map(|(name, input)| (name.into(), input))
            .unzip();
        let tools: HashSet<&str> = catalog.tools().iter().map(|tool| &*tool.name).collect();
        let is_known = |name: &str| tools.contains(name) || name.starts_with("agent_");
        // What an input says is a value, whatever marks of references it has in it.
        let step = |(at, name): (usize, &Arc<str>)| {
            if !is_known(name) {
                return json!({"id": at, "tool": name});
            }
            let parameters = json!({"name": name, "args": format!("{{{{inputs[{at}]}}}}")});
            json!({"id": at, "tool": "function_call", "parameters": parameters})
        };
        let steps: Vec<Value> = names.iter().enumerate().map(step).collect();
        let plan = ExecutionPlan::from_value(json!({"steps": steps}))?;
        let mut execution = Execution::new(&plan)
            .worker(self)
            .catalog(catalog.clone())
            .context(json!({"inputs": inputs}))
            .limits(limits);
        // The name of no tool is a fault of its call and not of the others.
        for name in names.iter().filter(|name| !is_known(name)) {
            let message = format!("the catalog has no tool \"{}\"", quote(name, 100));
            execution =
                execution.function(name, move |_| Err(ToolError::permanent(message.clone())));
        }
        let mut results = match execution.run().await {
            Ok(result) => result.steps,
            Err(error) => match error.result() {
                Some(result) => result.steps.clone(),
                None => return Err(error),
            },
        };
        for (result, name) in results.iter_mut().zip(names) {
            result.tool = name;
        }
        Ok(results)
    }
}
