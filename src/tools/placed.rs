//! Tools whose calls an executor carries out.

use super::executor::{Definition, Executor, Work};
use super::{
    Call, CallPolicy, CallReport, Fingerprint, Pricing, Recovery, SharedSecrets, Standing, Tool,
    ToolError, ToolKind, Toolbox,
};
use crate::plan::Evaluation;
use crate::units::ModelOptions;
use futures::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A toolbox whose tools an executor carries out, as far as it takes them.
pub struct PlacedToolbox {
    toolbox: Arc<dyn Toolbox>,
    executor: Arc<dyn Executor>,
}

impl PlacedToolbox {
    /// The tools of `toolbox`, carried out by `executor`.
    pub fn new(toolbox: Arc<dyn Toolbox>, executor: Arc<dyn Executor>) -> Self {
        Self { toolbox, executor }
    }
}

impl Toolbox for PlacedToolbox {
    fn tool(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let tool = self.toolbox.tool(name)?;
        if !self.executor.takes(&*tool) {
            return Some(tool);
        }
        let definition = definition(&*self.toolbox, name);
        Some(Arc::new(PlacedTool {
            work: Work {
                name: name.into(),
                tool,
                definition: Arc::new(definition),
                prompt: None,
                options: ModelOptions::default(),
                secrets: self.toolbox.secrets(),
            },
            executor: Arc::clone(&self.executor),
        }))
    }

    fn names(&self) -> Arc<[Arc<str>]> {
        self.toolbox.names()
    }

    fn callable(&self, tool: &str, code: Option<&str>) -> Vec<Arc<str>> {
        self.toolbox.callable(tool, code)
    }

    fn pool(&self, name: &str) -> Option<Arc<str>> {
        self.toolbox.pool(name)
    }

    fn recovery(&self, name: &str) -> Option<Recovery> {
        self.toolbox.recovery(name)
    }

    fn secrets(&self) -> SharedSecrets {
        self.toolbox.secrets()
    }

    fn fingerprint(
        &self,
        name: &str,
        model: Option<&str>,
        options: ModelOptions,
    ) -> Option<Fingerprint> {
        self.toolbox.fingerprint(name, model, options)
    }

    fn evaluate(
        &self,
        evaluation: Evaluation,
        memory_mb: Option<u64>,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Value, ToolError>> {
        self.toolbox.evaluate(evaluation, memory_mb, limit)
    }

    fn violation(
        &self,
        schema: Arc<Value>,
        value: Value,
    ) -> BoxFuture<'static, Result<Option<String>, String>> {
        self.toolbox.violation(schema, value)
    }
}

/// What determines the outputs of a tool of a toolbox.
pub(crate) fn definition(toolbox: &dyn Toolbox, name: &str) -> Definition {
    let fingerprint = toolbox.fingerprint(name, None, ModelOptions::default());
    let fingerprint = fingerprint.map(|known| (known.parts, known.executor));
    let (parts, runs_on) = fingerprint.unwrap_or_default();
    let digest = blake3::hash(Value::Object(parts).to_string().as_bytes());
    Definition {
        digest: digest.to_hex().to_string(),
        runs_on,
    }
}

/// Why this toolbox does not make the calls of `tool` for whoever knows it as `theirs`, with the remedy; `what` is what
/// they run.
pub(crate) fn difference(
    toolbox: &dyn Toolbox,
    tool: &str,
    theirs: &Definition,
    what: &str,
) -> Option<String> {
    if toolbox.tool(tool).is_none() {
        return Some(format!(
            "its catalog has no tool \"{tool}\": start it with the catalog of the plan (--tools)"
        ));
    }
    let here = definition(toolbox, tool);
    if here.digest != theirs.digest {
        return Some(format!(
            "its catalog defines \"{tool}\" otherwise than the catalog of this {what}: start it with the same catalog, and \
             register it again"
        ));
    }
    if here.runs_on == theirs.runs_on {
        return None;
    }
    Some(format!(
        "it runs \"{tool}\" with {}, and this {what} counts on {}: give both the same --worker",
        Value::Object(here.runs_on),
        Value::Object(theirs.runs_on.clone())
    ))
}

/// A tool that an executor carries out. To the scheduler it is the tool that it stands for, with its prices and rules.
#[derive(Clone)]
struct PlacedTool {
    work: Work,
    executor: Arc<dyn Executor>,
}

impl PlacedTool {
    #[allow(clippy::unnecessary_wraps, reason = "as the trait has it")]
    fn with(&self, change: impl FnOnce(&mut Work)) -> Option<Arc<dyn Tool>> {
        let mut placed = self.clone();
        change(&mut placed.work);
        Some(Arc::new(placed))
    }
}

impl Tool for PlacedTool {
    fn kind(&self) -> &'static ToolKind {
        self.work.tool.kind()
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        self.executor.call(&self.work, call)
    }

    fn policy(&self) -> CallPolicy {
        self.work.tool.policy()
    }

    fn prompt(&self, input: &Value, model: Option<&str>) -> Option<String> {
        self.work.tool.prompt(input, model)
    }

    fn look_up(&self, call: Call) -> Option<BoxFuture<'static, Standing>> {
        let earlier = self.executor.look_up(&self.work, call.clone());
        // Its own server may have given the handle, before the run was carried out elsewhere.
        earlier.or_else(|| self.work.tool.look_up(call))
    }

    fn with_prompt(&self, prompt: &Arc<str>) -> Option<Arc<dyn Tool>> {
        let tool = self.work.tool.with_prompt(prompt)?;
        self.with(|work| {
            work.tool = tool;
            work.prompt = Some(Arc::clone(prompt));
        })
    }

    fn with_options(&self, options: ModelOptions) -> Option<Arc<dyn Tool>> {
        let tool = self.work.tool.with_options(options)?;
        self.with(|work| {
            work.tool = tool;
            work.options = options.or(work.options);
        })
    }

    fn own_options(&self) -> Option<ModelOptions> {
        self.work.tool.own_options()
    }

    fn own_prompt(&self) -> Option<&Arc<str>> {
        self.work.tool.own_prompt()
    }

    fn model(&self, wanted: Option<&str>) -> Option<String> {
        self.work.tool.model(wanted)
    }

    fn pricing(&self) -> Option<&dyn Pricing> {
        self.work.tool.pricing()
    }

    fn target(&self, input: &Value) -> Option<Arc<dyn Tool>> {
        self.work.tool.target(input)
    }
}
