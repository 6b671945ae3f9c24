//! `execute_plan`: a plan in, a result out, for programs.

use crate::engine::{Engine, Settings};
use crate::models::SmallModelWorker;
use crate::plan::{ExecutionPlan, PlanFaults, Source, StepIx};
use crate::run::{ExecutionResult, Limit, ResourceLimits, RunError, RunEvent, RunOutcome};
use crate::tools::{
    Catalog, CatalogToolbox, FnTool, Program, Tool, ToolError, ToolOptions, Toolbox,
};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Why a run did not succeed. Whatever was reached by then is in the partial result.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// The plan, its catalog or the context is at fault; nothing ran.
    #[error(transparent)]
    Plan(#[from] PlanFaults),
    /// A tool that a step names is neither in the catalog nor among the functions; nothing ran.
    #[error("step {step}: no tool is called {tool_name:?}")]
    UnknownTool {
        /// The step.
        step: Arc<str>,
        /// The name it asks for.
        tool_name: Arc<str>,
    },
    /// The context is no object, or a model has no price although cost is limited; nothing ran.
    #[error("{0}")]
    Refused(String),
    /// The run took longer than `timeout_seconds`.
    #[error("{error}")]
    Timeout {
        /// What happened.
        error: Arc<str>,
        /// What was reached.
        result: Box<ExecutionResult>,
    },
    /// Another limit stopped the run.
    #[error("{error}")]
    ResourceLimit {
        /// Which.
        limit: Option<Limit>,
        /// What happened.
        error: Arc<str>,
        /// What was reached.
        result: Box<ExecutionResult>,
    },
    /// A step failed.
    #[error("{tool_name}: {error}")]
    ToolExecution {
        /// The tool.
        tool_name: Arc<str>,
        /// What happened.
        error: Arc<str>,
        /// What was reached: independent branches have gone on.
        result: Box<ExecutionResult>,
    },
}

impl ExecutionError {
    /// What was reached, where anything ran.
    pub fn result(&self) -> Option<&ExecutionResult> {
        match self {
            Self::Plan(_) | Self::UnknownTool { .. } | Self::Refused(_) => None,
            Self::Timeout { result, .. }
            | Self::ResourceLimit { result, .. }
            | Self::ToolExecution { result, .. } => Some(result),
        }
    }
}

/// Runs `plan` once: steps start as soon as what they depend on has ended and a slot is free.
///
/// The tools are those of the plan's own catalog ([`ExecutionPlan::catalog`]); `worker` carries out the ones
/// that are played by a model. `context` is an object of the values that the plan refers to, or `null`. To
/// bring functions or another catalog, use [`Execution`].
///
/// # Errors
/// Where the run did not succeed; what was reached is in the error.
///
/// ```
/// use plandeck::{ExecutionPlan, ResourceLimits, SmallModelWorker, execute_plan};
/// use serde_json::json;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let plan = ExecutionPlan::from_value(json!({
///     "tools": {"double": {"type": "jq", "filter": ".n * 2"}},
///     "steps": [
///         {"id": 1, "tool": "double", "parameters": {"n": "{{start}}"}},
///         {"id": 2, "tool": "double", "parameters": {"n": "{{steps[1].output}}"}}
///     ]
/// }))?;
/// let worker = SmallModelWorker::offline();
/// let limits = ResourceLimits::default();
/// let result = execute_plan(&plan, &worker, json!({"start": 3}), limits, true).await?;
/// assert_eq!(*result.result, json!(12));
/// assert_eq!(result.steps_completed, 2);
/// # Ok(())
/// # }
/// ```
pub async fn execute_plan(
    plan: &ExecutionPlan,
    worker: &SmallModelWorker,
    context: Value,
    limits: ResourceLimits,
    track_cost: bool,
) -> Result<ExecutionResult, ExecutionError> {
    Execution::new(plan)
        .worker(worker)
        .context(context)
        .limits(limits)
        .track_cost(track_cost)
        .run()
        .await
}

/// One run that is being set up: [`execute_plan`] with everything that can be chosen.
///
/// ```
/// use plandeck::{Execution, ExecutionError, ExecutionPlan};
/// use plandeck::tools::ToolError;
/// use serde_json::json;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let plan = ExecutionPlan::from_value(json!({"steps": [
///     {"id": "lines", "tool": "split", "parameters": {"text": "{{receipt}}"}},
///     {"id": "count", "tool": "len", "parameters": {"of": "{{lines}}"}},
///     {"id": "late", "tool": "broken"}
/// ]}))?;
/// let failed = Execution::new(&plan)
///     .function("split", |input| Ok(input["text"].as_str().unwrap_or("").lines().collect()))
///     .function("len", |input| Ok(json!(input["of"].as_array().map_or(0, Vec::len))))
///     .function("broken", |_| Err(ToolError::permanent("out of order")))
///     .context(json!({"receipt": "bread 2.99\nmilk 1.10"}))
///     .run()
///     .await
///     .unwrap_err();
/// // What failed is named, and what does not depend on it was done all the same.
/// let ExecutionError::ToolExecution { tool_name, error, result } = failed else { panic!() };
/// assert_eq!((&*tool_name, &*error), ("broken", "out of order"));
/// assert_eq!(*result.result, json!({"count": 2}));
/// # Ok(())
/// # }
/// ```
pub struct Execution {
    plan: Arc<ExecutionPlan>,
    worker: SmallModelWorker,
    context: Value,
    catalog: Option<Catalog>,
    functions: Vec<(Arc<str>, Arc<dyn Tool>)>,
    settings: Settings,
    sink: Option<Listener>,
    program: Program,
}

impl Execution {
    /// A run of `plan` with the default limits, without a model, tracking cost.
    pub fn new(plan: &ExecutionPlan) -> Self {
        Self {
            plan: Arc::new(plan.clone()),
            worker: SmallModelWorker::offline(),
            context: Value::Null,
            catalog: None,
            functions: Vec::new(),
            settings: Settings::default(),
            sink: None,
            program: Program::default(),
        }
    }

    /// Who carries out the tools that are played by a model.
    #[must_use]
    pub fn worker(mut self, worker: &SmallModelWorker) -> Self {
        self.worker = worker.clone();
        self
    }

    /// The values that the plan refers to: an object, or `null` for none.
    #[must_use]
    pub fn context(mut self, context: Value) -> Self {
        self.context = context;
        self
    }

    /// The limits.
    #[must_use]
    pub fn limits(mut self, limits: ResourceLimits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Whether cost is tracked.
    #[must_use]
    pub fn track_cost(mut self, track_cost: bool) -> Self {
        self.settings.track_cost = track_cost;
        self
    }

    /// Whether the first failure stops what is independent of it.
    #[must_use]
    pub fn fail_fast(mut self, fail_fast: bool) -> Self {
        self.settings.fail_fast = fail_fast;
        self
    }

    /// The catalog, instead of the plan's own.
    #[must_use]
    pub fn catalog(mut self, catalog: Catalog) -> Self {
        self.catalog = Some(catalog);
        self
    }

    /// A tool that is a function of its parameters. It is called on the engine's own task, so it must be quick.
    #[must_use]
    pub fn function(
        self,
        name: &str,
        function: impl Fn(&Value) -> Result<Value, ToolError> + Send + Sync + 'static,
    ) -> Self {
        self.tool(name, Arc::new(FnTool::new(function)))
    }

    /// A tool of any kind; it comes before one of the same name in the catalog.
    #[must_use]
    pub fn tool(mut self, name: &str, tool: Arc<dyn Tool>) -> Self {
        self.functions.push((name.into(), tool));
        self
    }

    /// Somebody who hears of every event while the run goes on.
    #[must_use]
    pub fn on_event(mut self, hear: impl FnMut(&RunEvent) + Send + 'static) -> Self {
        self.sink = Some(Listener(Box::new(hear)));
        self
    }

    /// Where the plandeck program is, which is started to run code; otherwise the one that `PLANDECK_EXE` names, this
    /// program itself where its `main` begins with [`as_child`](crate::cli::as_child), or the one on the search path.
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = Program::at(path);
        self
    }

    /// Runs it.
    ///
    /// # Errors
    /// Where the run did not succeed; what was reached is in the error.
    pub async fn run(mut self) -> Result<ExecutionResult, ExecutionError> {
        let context = match std::mem::take(&mut self.context) {
            Value::Object(values) => values,
            Value::Null => Map::new(),
            _ => {
                return Err(ExecutionError::Refused(
                    "the context must be an object of values by name".to_owned(),
                ));
            }
        };
        let toolbox = self.toolbox()?;
        self.refuse(&toolbox, &context)?;
        self.settings.worker = self.worker.name().into();
        self.settings.simulated = self.worker.is_simulated();
        let mut engine = Engine::new(self.plan, context, Arc::new(toolbox), self.settings);
        if let Some(sink) = self.sink {
            engine = engine.with_sink(sink);
        }
        let (_commands, none) = mpsc::channel(1);
        let state = engine.run(Instant::now(), none).await;
        judge(ExecutionResult::of(&state))
    }

    fn toolbox(&mut self) -> Result<CatalogToolbox, ExecutionError> {
        let catalog = match (self.catalog.take(), &self.plan.catalog) {
            (Some(catalog), _) => catalog,
            (None, Some(own)) => {
                let source = Source {
                    name: self.plan.name.clone(),
                    text: "".into(),
                };
                Catalog::from_value(own, &source, None)?
            }
            (None, None) => Catalog::default(),
        };
        let options = ToolOptions {
            program: self.program.clone(),
            ..ToolOptions::default()
        };
        let mut toolbox = CatalogToolbox::new(&catalog, &self.worker, options);
        for (name, tool) in self.functions.drain(..) {
            toolbox.insert(name, tool);
        }
        Ok(toolbox)
    }

    /// What would keep the run from being what was asked for is said before anything is called.
    fn refuse(
        &self,
        toolbox: &CatalogToolbox,
        context: &Map<String, Value>,
    ) -> Result<(), ExecutionError> {
        for name in &self.plan.context_names {
            if !context.contains_key(&**name) && !self.plan.context.contains_key(&**name) {
                return Err(ExecutionError::Refused(format!(
                    "the plan refers to {name:?}, which the context does not have"
                )));
            }
        }
        let limited = self.settings.track_cost && self.settings.limits.max_total_cost_usd.is_some();
        for at in 0..self.plan.steps.len() as u32 {
            let Some(step) = self.plan.step(StepIx(at)) else {
                continue;
            };
            let Some(tool) = toolbox.tool(&step.tool) else {
                return Err(ExecutionError::UnknownTool {
                    step: step.id.clone(),
                    tool_name: step.tool.clone(),
                });
            };
            let quote = tool.quote(&Value::Null, step.model.as_deref());
            if limited && quote.most.is_none() {
                return Err(ExecutionError::Refused(format!(
                    "step {}: its model has no known price, and max_total_cost_usd is set: \
                     give the worker the price, or lift the limit",
                    step.id
                )));
            }
        }
        Ok(())
    }
}

/// A function that hears of events.
struct Listener(Box<dyn FnMut(&RunEvent) + Send>);

impl crate::engine::EventSink for Listener {
    fn accept(&mut self, events: &[RunEvent]) {
        events.iter().for_each(&mut self.0);
    }
}

fn judge(result: ExecutionResult) -> Result<ExecutionResult, ExecutionError> {
    if result.status == RunOutcome::Succeeded {
        return Ok(result);
    }
    let limit = result
        .exceeded_limits
        .as_ref()
        .and_then(|limits| limits.first().copied());
    let (tool_name, error) = named(result.error.as_deref());
    let result = Box::new(result);
    Err(match result.status {
        RunOutcome::LimitExceeded if limit == Some(Limit::TimeoutSeconds) => {
            ExecutionError::Timeout { error, result }
        }
        RunOutcome::LimitExceeded => ExecutionError::ResourceLimit {
            limit,
            error,
            result,
        },
        _ => ExecutionError::ToolExecution {
            tool_name,
            error,
            result,
        },
    })
}

fn named(error: Option<&RunError>) -> (Arc<str>, Arc<str>) {
    let tool_name = error.and_then(|error| error.tool_name.clone());
    let message = error.map(|error| error.message.clone());
    (
        tool_name.unwrap_or_else(|| "the run".into()),
        message.unwrap_or_else(|| "stopped".into()),
    )
}
