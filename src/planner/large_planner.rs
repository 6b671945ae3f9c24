//! `LargePlanner`: writes, checks, optimizes and changes plans.

use super::changed_plan::ChangedPlan;
use super::created_plan::{CreatedPlan, PlanningError, PlanningFailure, PlanningRecord};
use super::default_model::planner_model;
use super::listening::Report;
use super::offline;
use super::optimize::{OptimizedPlan, optimize_plan};
use super::progress::PlanningProgress;
use super::prompt::PlanningTask;
use super::rounds::Rounds;
use super::validate::validate;
use crate::models::{Environment, Prices, SmallModelWorker, WorkerError};
use crate::plan::{ExecutionPlan, PlanFaults};
use crate::tools::Catalog;
use crate::units::Money;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// The default budget for one plan: 25 cents.
const MAX_PLANNING_COST: Money = Money::from_pico(250_000_000_000);

/// Writes plans with a large model, or without a model by search.
///
/// ```
/// use plandeck::LargePlanner;
/// use plandeck::tools::Catalog;
/// use plandeck::plan::Source;
/// use serde_json::json;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tools = Source { name: "tools.json".into(), text: r#"{"tools": {
///     "count_words": {"type": "jq", "filter": ".text | split(\" \") | length", "description": "Counts the words of a text.",
///         "parameters": [{"name": "text", "type": "string", "required": true}]}
/// }}"#.into() };
/// let catalog = Catalog::parse(&tools, None)?;
/// let planner = LargePlanner::offline();
/// let context = json!({"letter": "a short note"});
/// let created = planner.create_plan("count the words of the letter", &catalog, &context).await?;
/// assert_eq!(&*created.plan.steps[0].tool, "count_words");
/// assert_eq!(LargePlanner::new("openai/gpt-4o").name(), "openai/gpt-4o");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LargePlanner {
    worker: SmallModelWorker,
    limit: Option<Money>,
    report: Report,
}

impl fmt::Debug for LargePlanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LargePlanner")
            .field("name", &self.name())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl LargePlanner {
    /// A planner that asks `model`: `PROVIDER/MODEL`, or a model of OpenAI or of the server that
    /// [`base_url`](Self::base_url) names. The key is read from the environment when it is needed.
    pub fn new(model: &str) -> Self {
        Self::of(SmallModelWorker::new(model))
    }

    /// A planner without a model, which searches the catalog for a plan.
    pub fn offline() -> Self {
        Self::of(SmallModelWorker::offline())
    }

    fn of(worker: SmallModelWorker) -> Self {
        Self {
            worker,
            limit: Some(MAX_PLANNING_COST),
            report: Arc::new(|_| {}),
        }
    }

    /// The planner that `--planner` names: `PROVIDER/MODEL`, `PROVIDER/` for its large model, `MODEL`, `offline`, or
    /// `auto`: the large model of the provider that `--worker auto` would take, and `offline` where there is none.
    ///
    /// # Errors
    /// Where the choice is not valid or its key is missing, with the remedy.
    pub async fn choose(
        choice: &str,
        base_url: Option<&str>,
        environment: Environment,
    ) -> Result<Self, WorkerError> {
        let choice = match choice.trim() {
            "" => "auto",
            choice => choice,
        };
        let choice = match choice
            .strip_suffix('/')
            .and_then(|provider| Some((provider, planner_model(provider)?)))
        {
            Some((provider, model)) => format!("{provider}/{model}"),
            None => choice.to_owned(),
        };
        let worker = SmallModelWorker::choose(&choice, base_url, environment.clone()).await?;
        let provider = worker.model_for(None).map(|(provider, _)| provider);
        let worker = match provider
            .filter(|_| choice == "auto")
            .and_then(|name| Some((name, planner_model(name)?)))
        {
            Some((provider, model)) => {
                SmallModelWorker::choose(&format!("{provider}/{model}"), base_url, environment)
                    .await?
            }
            None => worker,
        };
        Ok(Self::of(if worker.is_simulated() {
            SmallModelWorker::offline()
        } else {
            worker
        }))
    }

    /// Uses this server. `url` is its address without `/chat/completions`.
    #[must_use]
    pub fn base_url(self, url: &str) -> Self {
        Self {
            worker: self.worker.base_url(url),
            ..self
        }
    }

    /// Reads the key from here instead of the process's environment.
    #[must_use]
    pub fn environment(self, environment: Environment) -> Self {
        Self {
            worker: self.worker.environment(environment),
            ..self
        }
    }

    /// The same planner that asks through another worker.
    pub(crate) fn with_worker(self, worker: SmallModelWorker) -> Self {
        Self { worker, ..self }
    }

    /// Uses these prices.
    #[must_use]
    pub fn prices(self, prices: Prices) -> Self {
        Self {
            worker: self.worker.prices(prices),
            ..self
        }
    }

    /// The maximum cost of one plan, corrections included; `None` for no limit. By default it is $0.25.
    #[must_use]
    pub fn max_cost(mut self, limit: Option<Money>) -> Self {
        self.limit = limit;
        self
    }

    /// Calls `report` with what happens while a plan is made.
    #[must_use]
    pub fn on_progress(
        mut self,
        report: impl Fn(&PlanningProgress) + Send + Sync + 'static,
    ) -> Self {
        self.report = Arc::new(report);
        self
    }

    /// `openai/gpt-4o`, or `offline`.
    pub fn name(&self) -> String {
        self.worker.name()
    }

    /// Whether it searches instead of asking a model.
    pub(crate) fn is_offline(&self) -> bool {
        self.worker.is_offline()
    }

    /// The worker whose model it asks.
    pub(crate) fn worker(&self) -> &SmallModelWorker {
        &self.worker
    }

    /// Makes a plan for `task` with the tools of `catalog`. `context` is an object of the values that the plan may refer
    /// to, or `null`; a model is told their names and types, not the values. With an empty context the plan may refer to
    /// values that are given when it runs ([`ExecutionPlan::context_names`]).
    ///
    /// A model is asked at most three times, within the budget.
    ///
    /// # Errors
    /// Why there is no valid plan, with what the attempt took.
    pub async fn create_plan(
        &self,
        task: &str,
        catalog: &Catalog,
        context: &Value,
    ) -> Result<CreatedPlan, Box<PlanningFailure>> {
        let context = object(context);
        self.refuse_empty(task, catalog)?;
        if self.is_offline() {
            let began = Instant::now();
            let found = offline::plan(task, catalog, &context);
            let record = PlanningRecord {
                latency: began.elapsed(),
                attempts: 1,
                ..self.nothing_spent()
            };
            return match found {
                Ok((plan, notes)) => Ok(CreatedPlan {
                    plan,
                    record,
                    notes,
                }),
                Err(error) => Err(Box::new(PlanningFailure { error, record })),
            };
        }
        let planning = PlanningTask {
            text: task,
            change: None,
            context: &context,
        };
        Rounds::new(
            &self.worker,
            catalog,
            planning,
            self.limit,
            Arc::clone(&self.report),
        )
        .run()
        .await
    }

    /// Reads a plan in any dialect and checks it against the catalog, as a model's answer is checked.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn validate_plan(
        &self,
        plan: &str,
        catalog: &Catalog,
    ) -> Result<ExecutionPlan, PlanFaults> {
        validate("plan", plan, catalog, None)
    }

    /// The same plan with less waiting and fewer calls; see [`optimize_plan`]. It asks no model.
    pub fn optimize_plan(&self, plan: &ExecutionPlan, catalog: &Catalog) -> OptimizedPlan {
        optimize_plan(plan, catalog)
    }

    /// Changes a plan after an instruction, or after the report of a failure.
    ///
    /// # Errors
    /// Why there is no valid plan, with what the attempt took; an offline planner cannot change plans.
    pub async fn refine_plan(
        &self,
        plan: &ExecutionPlan,
        instruction: &str,
        catalog: &Catalog,
        context: &Value,
    ) -> Result<ChangedPlan, Box<PlanningFailure>> {
        self.refuse_empty(instruction, catalog)?;
        if self.is_offline() {
            return Err(Box::new(PlanningFailure {
                error: PlanningError::OfflineCannotRefine,
                record: self.nothing_spent(),
            }));
        }
        let context = object(context);
        let rounds = self.refinement(
            plan,
            instruction,
            catalog,
            &context,
            Arc::clone(&self.report),
        );
        let created = rounds.run().await?;
        Ok(ChangedPlan::new(plan, created))
    }

    /// The maximum cost of one request of [`refine_plan`](Self::refine_plan); `None` where the model has no price.
    pub(crate) fn max_refinement_cost(
        &self,
        plan: &ExecutionPlan,
        instruction: &str,
        catalog: &Catalog,
        context: &Value,
    ) -> Option<Money> {
        let context = object(context);
        self.refinement(plan, instruction, catalog, &context, Arc::new(|_| {}))
            .max_cost()
    }

    fn refinement<'a>(
        &'a self,
        plan: &'a ExecutionPlan,
        instruction: &'a str,
        catalog: &'a Catalog,
        context: &'a Map<String, Value>,
        report: Report,
    ) -> Rounds<'a> {
        let planning = PlanningTask {
            text: instruction,
            change: Some(plan),
            context,
        };
        Rounds::new(&self.worker, catalog, planning, self.limit, report)
    }

    fn refuse_empty(&self, task: &str, catalog: &Catalog) -> Result<(), Box<PlanningFailure>> {
        let error = if task.trim().is_empty() {
            PlanningError::NoTask
        } else if catalog.tools().is_empty() {
            PlanningError::NoTools
        } else {
            return Ok(());
        };
        let record = self.nothing_spent();
        Err(Box::new(PlanningFailure { error, record }))
    }

    fn nothing_spent(&self) -> PlanningRecord {
        PlanningRecord {
            planner: self.name(),
            cost: Some(Money::ZERO),
            ..PlanningRecord::default()
        }
    }
}

fn object(context: &Value) -> Map<String, Value> {
    context.as_object().cloned().unwrap_or_default()
}
