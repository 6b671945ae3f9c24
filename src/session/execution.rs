//! `Execution`: the one way to start a run, for the command line, the dashboard and programs.

use super::error::SessionError;
use super::log_file::watched;
use super::options::JournalSettings;
use super::outcome::{ExecutionError, judge};
use super::prepared::PreparedRun;
use super::recording::{Provenance, RecordGuard, meta, record};
use super::resume::PriorRun;
use super::run_log::RunLog;
use crate::engine::{Engine, EventSink, Settings, UnknownSteps, step_prices};
use crate::models::{Prices, SmallModelWorker, process_environment};
use crate::plan::{ExecutionPlan, Source};
use crate::run::{ExecutionResult, Rates, ResourceLimits, RunEvent};
use crate::store::CacheOptions;
use crate::tools::{
    Catalog, CatalogToolbox, FnTool, Program, Tool, ToolError, ToolOptions, Toolbox,
};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

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
    pub(super) plan: Arc<ExecutionPlan>,
    pub(super) worker: SmallModelWorker,
    pub(super) context: Value,
    /// Made already where the plan was loaded with its catalog.
    pub(super) toolbox: Option<CatalogToolbox>,
    pub(super) provenance: Provenance,
    catalog: Option<Catalog>,
    tools: Vec<(Arc<str>, Arc<dyn Tool>)>,
    prices: Option<Prices>,
    settings: Settings,
    sinks: Vec<Box<dyn EventSink>>,
    program: Program,
    journal: Option<JournalSettings>,
    cache: Option<CacheOptions>,
    prior: Option<PriorRun>,
    unknown: UnknownSteps,
}

impl Execution {
    /// A run of `plan` with the default limits, without a model, tracking cost, kept nowhere.
    pub fn new(plan: &ExecutionPlan) -> Self {
        Self::of(Arc::new(plan.clone()), SmallModelWorker::offline())
    }

    pub(super) fn of(plan: Arc<ExecutionPlan>, worker: SmallModelWorker) -> Self {
        Self {
            plan,
            worker,
            context: Value::Null,
            toolbox: None,
            provenance: Provenance::default(),
            catalog: None,
            tools: Vec::new(),
            prices: None,
            settings: Settings::default(),
            sinks: Vec::new(),
            program: Program::default(),
            journal: None,
            cache: None,
            prior: None,
            unknown: UnknownSteps::default(),
        }
    }

    /// Who carries out the tools that are played by a model.
    #[must_use]
    pub fn worker(mut self, worker: &SmallModelWorker) -> Self {
        self.worker = worker.clone();
        self
    }

    /// What models cost, instead of the prices that the worker has.
    #[must_use]
    pub fn prices(mut self, prices: Prices) -> Self {
        self.prices = Some(prices);
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

    /// How many calls and tokens models, and pools of tools, may take in a minute.
    #[must_use]
    pub fn rates(mut self, rates: Rates) -> Self {
        self.settings.rates = rates;
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

    /// The seed of the waits between attempts, so that they are the same each time.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Whether the run begins paused, for somebody who sends commands ([`Execution::prepare`]).
    #[must_use]
    pub fn paused(mut self, paused: bool) -> Self {
        self.settings.paused = paused;
        self
    }

    /// Whether the run waits for commands after its end, until [`RunCommand::Close`](crate::run::RunCommand::Close).
    #[must_use]
    pub fn interactive(mut self, interactive: bool) -> Self {
        self.settings.interactive = interactive;
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
        self.tools.push((name.into(), tool));
        self
    }

    /// Somebody who hears of every event while the run is running.
    #[must_use]
    pub fn on_event(self, hear: impl FnMut(&RunEvent) + Send + 'static) -> Self {
        self.sink(Listener(Box::new(hear)))
    }

    /// The same for events in batches, as they come; after the journal, in the order in which they were given.
    #[must_use]
    pub fn sink(mut self, sink: impl EventSink + 'static) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// Records the run, so that it can be shown, resumed and forked later, by this program or by `plandeck`.
    #[must_use]
    pub fn journal(mut self, settings: JournalSettings) -> Self {
        self.journal = Some(settings);
        self
    }

    /// Uses outputs of earlier recorded runs again, and keeps new ones. It needs a [`journal`](Self::journal).
    #[must_use]
    pub fn cache(mut self, options: CacheOptions) -> Self {
        self.cache = Some(options);
        self
    }

    /// Resumes or forks an earlier run: what that had done is not done again.
    #[must_use]
    pub fn resume(mut self, prior: PriorRun) -> Self {
        self.prior = Some(prior);
        self
    }

    /// What to do with steps of the earlier run of which nobody knows whether they happened.
    #[must_use]
    pub fn unknown(mut self, unknown: UnknownSteps) -> Self {
        self.unknown = unknown;
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
    pub async fn run(self) -> Result<ExecutionResult, ExecutionError> {
        let (state, _) = self.prepare()?.run().await;
        judge(ExecutionResult::of(&state))
    }

    /// Sets the run up without starting it, for a caller that reads its notes, sends it commands or follows its
    /// events.
    ///
    /// # Errors
    /// Where the run would not be what was asked for; nothing ran.
    pub fn prepare(mut self) -> Result<PreparedRun, SessionError> {
        let context = match std::mem::take(&mut self.context) {
            Value::Object(values) => values,
            Value::Null => Map::new(),
            _ => return Err(SessionError::ContextIsNoObject),
        };
        if self.cache.is_some() && self.journal.is_none() {
            return Err(SessionError::CacheWithoutJournal);
        }
        let toolbox: Arc<dyn Toolbox> = Arc::new(self.toolbox()?);
        self.check(&*toolbox, &context)?;
        self.settings.worker = self.worker.name().into();
        self.settings.simulated = self.worker.is_simulated();
        let prices = step_prices(&self.plan, &context, &*toolbox);
        let mut engine = Engine::new(
            Arc::clone(&self.plan),
            context,
            Arc::clone(&toolbox),
            self.settings,
        )
        .with_prices(prices);
        let mut guard = RecordGuard::default();
        let mut notes = Vec::new();
        if self.journal.is_some() || self.prior.is_some() {
            let mut meta = meta(&self.plan, &*toolbox, self.provenance);
            if let Some(prior) = self.prior {
                let run_id = Arc::clone(engine.run_id());
                let taken =
                    prior.take_over(&self.plan, &*toolbox, self.unknown, &run_id, &mut meta)?;
                notes.extend(taken.note);
                if let Some(resume_state) = taken.resume_state {
                    engine = engine.with_resume_state(resume_state);
                }
                guard.claim = taken.claim;
            }
            if let Some(journal) = self.journal {
                let note;
                (engine, note) = record(engine, journal, self.cache, meta, &guard)?;
                notes.extend(note);
            }
        }
        if tracing::enabled!(tracing::Level::WARN) {
            engine = engine.with_sink(RunLog);
        }
        for sink in self.sinks {
            engine = engine.with_sink(sink);
        }
        Ok(PreparedRun {
            engine,
            plan: self.plan,
            guard,
            notes,
        })
    }

    fn toolbox(&mut self) -> Result<CatalogToolbox, SessionError> {
        if let Some(prices) = self.prices.take() {
            self.worker = self.worker.clone().prices(prices);
        }
        let mut toolbox = if let Some(toolbox) = self.toolbox.take() {
            toolbox
        } else {
            let options = ToolOptions {
                program: self.program.clone(),
                environment: watched(process_environment()),
            };
            CatalogToolbox::new(&self.own_catalog()?, &self.worker, options)
        };
        for (name, tool) in self.tools.drain(..) {
            toolbox.insert(name, tool);
        }
        Ok(toolbox)
    }

    fn own_catalog(&mut self) -> Result<Catalog, SessionError> {
        Ok(match (self.catalog.take(), &self.plan.catalog) {
            (Some(catalog), _) => catalog,
            (None, Some(own)) => {
                let source = Source {
                    name: self.plan.name.clone(),
                    text: "".into(),
                };
                Catalog::from_value(own, &source, None)?
            }
            (None, None) => Catalog::default(),
        })
    }

    /// What would keep the run from being what was asked for is said before anything is called.
    fn check(
        &self,
        toolbox: &dyn Toolbox,
        context: &Map<String, Value>,
    ) -> Result<(), SessionError> {
        for name in &self.plan.context_names {
            if !context.contains_key(&**name) && !self.plan.context.contains_key(&**name) {
                return Err(SessionError::MissingValue(Arc::clone(name)));
            }
        }
        let settings = &self.settings;
        let limited = settings.track_cost && settings.limits.max_total_cost_usd.is_some();
        // A plan may have very many steps of one tool.
        let mut known: HashSet<(&str, Option<&str>)> = HashSet::new();
        for step in self.plan.steps.iter() {
            if !known.insert((&step.tool, step.settings.model.as_deref())) {
                continue;
            }
            let Some(tool) = toolbox.tool(&step.tool) else {
                return Err(SessionError::UnknownTool {
                    step: step.id.clone(),
                    tool_name: step.tool.clone(),
                });
            };
            let is_priced = || {
                let quote = tool.quote(&Value::Null, step.settings.model.as_deref());
                quote.max.is_some()
            };
            if limited && !is_priced() {
                let model = self.worker.model_for(step.settings.model.as_deref());
                return Err(SessionError::Unpriced {
                    step: step.id.clone(),
                    model: model.map(|(provider, model)| format!("{provider}/{model}")),
                });
            }
        }
        Ok(())
    }
}

/// A function that hears of events.
struct Listener(Box<dyn FnMut(&RunEvent) + Send>);

impl EventSink for Listener {
    fn accept(&mut self, events: &[RunEvent]) {
        events.iter().for_each(&mut self.0);
    }
}

impl EventSink for Box<dyn EventSink> {
    fn accept(&mut self, events: &[RunEvent]) {
        (**self).accept(events);
    }

    fn sync(&mut self) -> Result<(), Arc<str>> {
        (**self).sync()
    }

    fn may_block(&self) -> bool {
        (**self).may_block()
    }
}
