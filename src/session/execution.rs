//! `Execution`: the one way to start a run, for the command line, the dashboard and programs.

use super::options::JournalSettings;
use super::outcome::{ExecutionError, judge};
use super::recording::Provenance;
use super::resume::PriorRun;
use crate::engine::{AttemptExchanges, EventSink, Settings, SharedLimits, UnknownSteps};
use crate::models::{Prices, SmallModelWorker};
use crate::plan::ExecutionPlan;
use crate::run::{Answer, Answers, Breakpoint, ExecutionResult, Rates, ResourceLimits, RunEvent};
use crate::store::{BatchMark, CacheOptions, Connections};
use crate::tools::{Catalog, CatalogToolbox, Executor, FnTool, Program, Reaches, Tool, ToolError};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Runs `plan` once: steps start as soon as what they depend on has ended and a slot is free.
///
/// The tools are those of the plan's own catalog ([`ExecutionPlan::catalog`]); `worker` runs those
/// that call a model. `context` is an object of the values that the plan refers to, or `null`. To add functions or
/// another catalog, use [`Execution`].
///
/// # Errors
/// When the run does not succeed; the error holds the partial result.
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

/// Sets up one run: [`execute_plan`] with every option.
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
/// // The error names what failed; the steps that do not depend on it have run.
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
    /// Set where the plan was loaded with its catalog; otherwise built by [`Execution::prepare`].
    pub(super) toolbox: Option<CatalogToolbox>,
    pub(super) provenance: Provenance,
    pub(super) catalog: Option<Catalog>,
    pub(super) tools: Vec<(Arc<str>, Arc<dyn Tool>)>,
    pub(super) prices: Option<Prices>,
    pub(super) settings: Settings,
    pub(super) sinks: Vec<Box<dyn EventSink>>,
    pub(super) program: Program,
    pub(super) executor: Option<Arc<dyn Executor>>,
    pub(super) journal: Option<JournalSettings>,
    pub(super) cache: Option<CacheOptions>,
    pub(super) prior: Option<PriorRun>,
    pub(super) unknown: UnknownSteps,
    /// The id of the run, where it has one already.
    pub(super) run_id: Option<Arc<str>>,
    pub(super) consent: Option<AskConsent>,
    pub(super) allow_unsandboxed: bool,
    /// What it has in common with the other runs of a batch.
    pub(super) of_batch: Option<Box<OfBatch>>,
}

/// What a run has in common with the other runs of a batch.
pub(super) struct OfBatch {
    /// The limits of all of them.
    pub shared: SharedLimits,
    /// The item that the run stands for.
    pub mark: BatchMark,
    /// The tools of all of them.
    pub toolbox: Arc<CatalogToolbox>,
    /// The connections of all of them to the store, where they are recorded.
    pub connections: Option<Connections>,
}

/// Decides whether what a plan would start, reach and run may happen.
pub(super) type AskConsent = Box<dyn FnOnce(&Reaches) -> bool + Send>;

impl Execution {
    /// A run of `plan` with the default limits, no model, cost tracking on, and no journal.
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
            executor: None,
            journal: None,
            cache: None,
            prior: None,
            unknown: UnknownSteps::default(),
            run_id: None,
            consent: None,
            allow_unsandboxed: false,
            of_batch: None,
        }
    }

    /// The worker that runs `model` tools.
    #[must_use]
    pub fn worker(mut self, worker: &SmallModelWorker) -> Self {
        self.worker = worker.clone();
        self
    }

    /// Where the calls of tools are carried out; in this process by default.
    #[must_use]
    pub fn executor(mut self, executor: Option<Arc<dyn Executor>>) -> Self {
        self.executor = executor;
        self
    }

    /// Prices of models, instead of those of the worker.
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

    /// Gives the run this id, which other runs know already.
    #[must_use]
    pub(crate) fn run_id(mut self, run_id: Option<Arc<str>>) -> Self {
        self.run_id = run_id;
        self
    }

    /// The limits of the run; see [`ResourceLimits`].
    #[must_use]
    pub fn limits(mut self, limits: ResourceLimits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// How many calls and tokens a model, or a pool of tools, may use per minute.
    #[must_use]
    pub fn rates(mut self, rates: Rates) -> Self {
        self.settings.rates = rates;
        self
    }

    /// Whether cost is tracked; on by default.
    #[must_use]
    pub fn track_cost(mut self, track_cost: bool) -> Self {
        self.settings.track_cost = track_cost;
        self
    }

    /// Whether the first failure also stops steps that do not depend on it; off by default.
    #[must_use]
    pub fn fail_fast(mut self, fail_fast: bool) -> Self {
        self.settings.fail_fast = fail_fast;
        self
    }

    /// The seed of the random waits between attempts, which makes them reproducible.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Whether the run starts paused; for callers that send commands (see [`Execution::prepare`]).
    #[must_use]
    pub fn paused(mut self, paused: bool) -> Self {
        self.settings.paused = paused;
        self
    }

    /// Slow motion: steps that cost nothing, change nothing and take no time are shown as running for this long. The
    /// figures of the run stay as they are.
    #[must_use]
    pub fn pace(mut self, pace: Option<Duration>) -> Self {
        self.settings.pace = pace;
        self
    }

    /// Answers to steps that need an approval, by the ids of steps. Without one, and without anybody who answers while the
    /// run is running, it ends as waiting.
    #[must_use]
    pub fn answers(mut self, answers: Answers) -> Self {
        self.settings.answers = answers;
        self
    }

    /// Answers to questions that servers ask in the middle of calls, by step or by element of a `for_each` step; of several
    /// for one, each in its turn, and the last one from then on.
    #[must_use]
    pub fn question_answers(mut self, answers: Vec<(Arc<str>, Answer)>) -> Self {
        self.settings.question_answers = answers;
        self
    }

    /// How long a question without such an answer waits for [`RunCommand::Answer`](crate::run::RunCommand::Answer) where
    /// the run is not [interactive](Self::interactive); by default the call is told at once that nobody is asked.
    #[must_use]
    pub fn question_wait(mut self, wait: Option<Duration>) -> Self {
        self.settings.question_wait = wait;
        self
    }

    /// Where the run is held. With nobody who resumes it, the rest goes on and the run ends as waiting.
    #[must_use]
    pub fn breakpoints(mut self, breakpoints: Vec<Breakpoint>) -> Self {
        self.settings.breakpoints = breakpoints;
        self
    }

    /// The step, element or call of code before which the run is held; nothing is called that it does not need. With nobody
    /// who resumes it the run ends there as waiting.
    #[must_use]
    pub fn run_to(mut self, to: Option<Arc<str>>) -> Self {
        self.settings.run_to = to;
        self
    }

    /// How long a call may be made after it was approved; an hour by default, `None` for as long as it takes.
    #[must_use]
    pub fn approval_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.settings.approval_lifetime = lifetime;
        self
    }

    /// Whether the run waits for commands after its end, until [`RunCommand::Close`](crate::run::RunCommand::Close).
    #[must_use]
    pub fn interactive(mut self, interactive: bool) -> Self {
        self.settings.interactive = interactive;
        self
    }

    /// A catalog that replaces the plan's own.
    #[must_use]
    pub fn catalog(mut self, catalog: Catalog) -> Self {
        self.catalog = Some(catalog);
        self
    }

    /// Adds a tool that is a function of its parameters. It is called on the engine's own task, so it must be fast.
    #[must_use]
    pub fn function(
        self,
        name: &str,
        function: impl Fn(&Value) -> Result<Value, ToolError> + Send + Sync + 'static,
    ) -> Self {
        self.tool(name, Arc::new(FnTool::new(function)))
    }

    /// Adds a tool of any kind; it replaces a tool of the same name in the catalog.
    #[must_use]
    pub fn tool(mut self, name: &str, tool: Arc<dyn Tool>) -> Self {
        self.tools.push((name.into(), tool));
        self
    }

    /// Calls `listener` with every event, as it happens.
    #[must_use]
    pub fn on_event(self, listener: impl FnMut(&RunEvent) + Send + 'static) -> Self {
        self.sink(Listener(Box::new(listener)))
    }

    /// Adds a sink, which receives events in batches. Sinks run after the journal, in the order in which they were added.
    #[must_use]
    pub fn sink(mut self, sink: impl EventSink + 'static) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// Records the run, so that this program or `plandeck` can show, resume and fork it later.
    #[must_use]
    pub fn journal(mut self, settings: JournalSettings) -> Self {
        self.journal = Some(settings);
        self
    }

    /// Reuses outputs of earlier recorded runs, and caches new ones. Needs a [`journal`](Self::journal).
    #[must_use]
    pub fn cache(mut self, options: CacheOptions) -> Self {
        self.cache = Some(options);
        self
    }

    /// Resumes or forks an earlier run: steps that it completed do not run again.
    #[must_use]
    pub fn resume(mut self, prior: PriorRun) -> Self {
        self.prior = Some(prior);
        self
    }

    /// What to do with steps that were running when the earlier run was interrupted, and may have happened.
    #[must_use]
    pub fn unknown(mut self, unknown: UnknownSteps) -> Self {
        self.unknown = unknown;
        self
    }

    /// Asks `decide` before anything starts, with what the plan would start, reach and run; it is not asked where that
    /// is nothing. Where it says no, [`prepare`](Self::prepare) fails with [`SessionError::NotTrusted`](super::SessionError::NotTrusted). Without it the
    /// plan and its catalog are trusted: the caller has chosen them. For plans that others wrote:
    ///
    /// ```
    /// # use plandeck::{Execution, ExecutionPlan};
    /// # use serde_json::json;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let plan = ExecutionPlan::from_value(json!({
    ///     "tools": {"clean": {"type": "process", "command": ["rm", "-rf", "build"]}},
    ///     "steps": [{"id": 1, "tool": "clean"}]
    /// }))?;
    /// let run = Execution::new(&plan).consent(|reaches| reaches.programs.is_empty());
    /// let refused = run.prepare().err().map(|error| error.to_string());
    /// assert!(refused.is_some_and(|message| message.contains("rm -rf build")));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn consent(mut self, decide: impl FnOnce(&Reaches) -> bool + Send + 'static) -> Self {
        self.consent = Some(Box::new(decide));
        self
    }

    /// Whether code and programs in a jail may run where this system cannot confine them; off by default.
    #[must_use]
    pub fn allow_unsandboxed(mut self, allow: bool) -> Self {
        self.allow_unsandboxed = allow;
        self
    }

    /// The path of the `plandeck` program, which is started to run code. By default it is the one that `PLANDECK_EXE`
    /// names, this program itself if its `main` begins with [`as_child`](crate::cli::as_child), or the one on `PATH`.
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = Program::at(path);
        self
    }

    /// Runs the plan to its end.
    ///
    /// # Errors
    /// When the run does not succeed; the error holds the partial result.
    pub async fn run(self) -> Result<ExecutionResult, ExecutionError> {
        let (state, _) = self.prepare()?.run().await;
        judge(ExecutionResult::of(&state))
    }
}

/// A sink that calls a function with each event.
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

    fn accept_shared(&mut self, events: &Arc<Vec<RunEvent>>) {
        (**self).accept_shared(events);
    }

    fn sync(&mut self) -> Result<(), Arc<str>> {
        (**self).sync()
    }

    fn keeps_exchanges(&self) -> bool {
        (**self).keeps_exchanges()
    }

    fn keep(&mut self, attempt: &Arc<AttemptExchanges>) {
        (**self).keep(attempt);
    }

    fn may_block(&self) -> bool {
        (**self).may_block()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Keeps the batches that it is given.
    struct Keeps(Arc<Mutex<Vec<Batch>>>);

    type Batch = Arc<Vec<RunEvent>>;

    impl EventSink for Keeps {
        fn accept(&mut self, _: &[RunEvent]) {
            panic!("it was given a copy");
        }

        fn accept_shared(&mut self, events: &Batch) {
            self.0.lock().unwrap().push(Arc::clone(events));
        }
    }

    #[tokio::test]
    async fn a_sink_that_keeps_events_is_given_no_copies() {
        let plan = r#"{"tools": {"same": {"type": "jq", "filter": "."}}, "steps": [{"id": "a", "tool": "same"}]}"#;
        let draft = crate::plan::parse("plan", plan.as_bytes()).unwrap();
        let plan = draft.check(None, None).unwrap();
        let kept = Arc::default();
        let run = Execution::new(&plan).sink(Keeps(Arc::clone(&kept))).run();
        run.await.unwrap();
        let kept = kept.lock().unwrap();
        let events: Vec<u64> = kept
            .iter()
            .flat_map(|batch| batch.iter())
            .map(|event| event.seq)
            .collect();
        assert!(events.len() > 3);
        assert!(events.iter().enumerate().all(|(at, seq)| at as u64 == *seq));
    }
}
