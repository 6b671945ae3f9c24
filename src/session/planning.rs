//! Plans from tasks: opens the catalog, chooses the planner, keeps its budget, and writes the plan to a file.

use super::draft::{draft_of, read_draft};
use super::error::SessionError;
use super::listed::{listed_tools, not_asked};
use super::load::{Loaded, beside, catalog, load_to_check, refuse_address_of_project};
use super::options::SourceOptions;
use super::plan_document::PlanDocument;
use super::servers::all_servers;
use super::settings::Settings;
use crate::engine::step_prices;
use crate::models::process_environment;
use crate::plan::{Draft, ExecutionPlan};
use crate::planner::{
    ChangedPlan, CreatedPlan, LargePlanner, OptimizedPlan, PlanningFailure, PlanningProgress,
    PlanningRecord, optimize_plan,
};
use crate::run::StepPrice;
use crate::telemetry::{self, PlanSpan};
use crate::tools::Catalog;
use crate::units::Money;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The default planning budget: 25 cents.
const MAX_PLANNING_COST: Money = Money::from_pico(250_000_000_000);

/// How a plan is made.
#[derive(Clone, Debug)]
pub struct PlanningOptions {
    /// Catalog, context and base URL. The worker plays no part.
    pub source: SourceOptions,
    /// The planner: `PROVIDER/MODEL`, `MODEL`, `auto` or `offline`.
    pub planner: Option<String>,
    /// What planning may cost; `None` for no limit.
    pub max_cost: Option<Money>,
}

impl Default for PlanningOptions {
    fn default() -> Self {
        Self {
            source: SourceOptions::default(),
            planner: None,
            max_cost: Some(MAX_PLANNING_COST),
        }
    }
}

/// A planner with its catalog.
#[derive(Debug)]
pub struct Planning {
    /// The planner.
    pub planner: LargePlanner,
    /// The tools that it may use.
    pub catalog: Catalog,
    /// Why the tools of MCP servers are not among them.
    pub notes: Vec<String>,
    /// The catalog inside the plan that is changed.
    own_tools: Option<Value>,
    options: PlanningOptions,
}

impl Planning {
    /// Opens the catalog that the options name, else the one beside `plan` (in the current folder where that is only a
    /// name), and chooses the planner.
    ///
    /// # Errors
    /// Faults of the catalog; a planner that cannot be used, with the remedy.
    pub async fn open(
        plan: &Path,
        mut options: PlanningOptions,
        settings: &Settings,
        report: impl Fn(&PlanningProgress) + Send + Sync + 'static,
    ) -> Result<Self, SessionError> {
        let draft = if plan.as_os_str().is_empty() {
            None
        } else {
            Some(draft_of(plan, &options.source)?)
        };
        let own_tools = known_catalogs(plan, draft.as_ref(), &mut options.source);
        let source = &options.source;
        let mut catalog = catalog(plan, &source.tools, draft.as_ref())?;
        for file in &source.open_api {
            catalog.complete(Catalog::load_open_api(file)?);
        }
        for (name, tool) in &source.edited_tools {
            catalog.define(name, tool)?;
        }
        all_servers(&mut catalog, plan, &source.mcp_config)?;
        let (catalog, notes) = with_servers(catalog, source, settings).await?;
        let choice = options.planner.as_deref().unwrap_or("auto");
        let base_url = source.base_url.as_deref();
        let planner = LargePlanner::choose(choice, base_url, process_environment()).await?;
        refuse_address_of_project(source, planner.worker())?;
        let worker = settings.applied_to(planner.worker().clone())?;
        let planner = planner
            .with_worker(worker)
            .max_cost(options.max_cost)
            .on_progress(report);
        Ok(Self {
            planner,
            catalog,
            notes,
            own_tools,
            options,
        })
    }

    /// The plan for a task.
    ///
    /// # Errors
    /// Why there is none, with what the attempt took.
    pub async fn create(&self, task: &str) -> Result<CreatedPlan, SessionError> {
        let context = Value::Object(self.options.source.context.clone());
        let created = self
            .planner
            .create_plan(task, &self.catalog, &context)
            .await;
        let told = created
            .as_ref()
            .map(|created| (&created.plan, &created.record));
        tell(task, told.map_err(|failure| &**failure));
        created.map_err(SessionError::Planning)
    }

    /// The plan in a file, changed after an instruction. `ask` is told the maximum cost of a request before the first is
    /// sent.
    ///
    /// # Errors
    /// Faults of the plan; why there is no changed plan, with what the attempt took.
    pub async fn refine(
        &self,
        plan: &Path,
        instruction: &str,
        ask: impl FnOnce(Option<Money>),
    ) -> Result<ChangedPlan, SessionError> {
        let (before, context) = self.before(plan)?;
        if !self.planner.is_offline() {
            ask(self
                .planner
                .max_refinement_cost(&before, instruction, &self.catalog, &context));
        }
        let changed = self
            .planner
            .refine_plan(&before, instruction, &self.catalog, &context)
            .await;
        let told = changed
            .as_ref()
            .map(|changed| (&changed.plan, &changed.record));
        tell(instruction, told.map_err(|failure| &**failure));
        changed.map_err(SessionError::Planning)
    }

    /// The maximum cost of one request of [`refine`](Self::refine); `None` where the model has no price.
    ///
    /// # Errors
    /// Faults of the plan.
    pub(super) fn max_refinement_cost(
        &self,
        plan: &Path,
        instruction: &str,
    ) -> Result<Option<Money>, SessionError> {
        let (before, context) = self.before(plan)?;
        let planner = &self.planner;
        Ok(planner.max_refinement_cost(&before, instruction, &self.catalog, &context))
    }

    /// The plan that is changed, with its context.
    pub(super) fn before(&self, plan: &Path) -> Result<(ExecutionPlan, Value), SessionError> {
        let draft = draft_of(plan, &self.options.source)?;
        let before = draft.check(Some(&self.catalog), None)?;
        let mut context = before.context.clone();
        context.extend(self.options.source.context.clone());
        Ok((before, Value::Object(context)))
    }

    /// The plan as a file that `plandeck check` accepts, to be written to `file`, or to be printed where that is `None`.
    pub(crate) fn document(
        &self,
        plan: &ExecutionPlan,
        task: &str,
        record: &PlanningRecord,
        file: Option<&Path>,
    ) -> PlanDocument {
        let mut plan = plan.clone();
        plan.catalog.clone_from(&self.own_tools);
        PlanDocument::new(&plan, task, Some(record), self.tools(), file)
    }

    /// The catalog files, that in the folder of the plan included.
    pub fn tools(&self) -> &[PathBuf] {
        &self.options.source.tools
    }
}

/// Sends what it took to the collector, where there is one.
fn tell(task: &str, made: Result<(&ExecutionPlan, &PlanningRecord), &PlanningFailure>) {
    let record = made.map_or_else(|failure| &failure.record, |(_, record)| record);
    telemetry::planned(&PlanSpan {
        planner: &record.planner,
        task,
        tokens: record.tokens,
        cost: record.cost,
        requests: record.attempts,
        corrections: record.corrections.len(),
        took: record.latency,
        outcome: match made {
            Ok((plan, _)) => Ok((&*plan.name, plan.steps.len())),
            Err(failure) => Err((failure.error.kind(), failure.to_string())),
        },
    });
}

/// The catalog with the tools that its MCP servers list, where they are trusted; and what is to be said about the others.
async fn with_servers(
    catalog: Catalog,
    source: &SourceOptions,
    settings: &Settings,
) -> Result<(Catalog, Vec<String>), SessionError> {
    if catalog.mcp_servers.is_empty() {
        return Ok((catalog, Vec::new()));
    }
    match listed_tools(&catalog, source, settings).await {
        Err(SessionError::NotTrusted(request)) => Ok((catalog, vec![not_asked(&request)])),
        listing => {
            let listing = listing?;
            let failures = listing.failures.into_iter();
            let failures = failures.map(|error| error.message).collect();
            Ok((listing.catalog, failures))
        }
    }
}

/// Adds the catalog file beside the plan, where no other is given; gives the catalog inside the plan, which comes first.
fn known_catalogs(plan: &Path, draft: Option<&Draft>, source: &mut SourceOptions) -> Option<Value> {
    if !source.tools.is_empty() {
        return None;
    }
    let own = draft.and_then(|draft| draft.catalog().cloned());
    if own.is_none() {
        source
            .tools
            .extend(beside(plan.parent().unwrap_or(Path::new(""))));
    }
    own
}

/// A plan with less waiting and fewer calls, with what each rewrite saves.
pub struct Optimization {
    /// The plan and its rewrites.
    pub optimized: OptimizedPlan,
    /// What one call of the tool that each rewrite saves is expected to cost, and can cost at most; `None` where that
    /// is not known.
    pub saves: Vec<Option<(Option<Money>, Option<Money>)>>,
    /// The lines in which the plans differ.
    pub diff: String,
    /// The plan as it was read.
    pub loaded: Loaded,
    /// The catalog files.
    pub tools: Vec<PathBuf>,
}

/// The plan in a file with less waiting and fewer calls. It asks no model and runs nothing.
///
/// # Errors
/// Faults of the plan or its catalog.
pub async fn optimize(
    plan: &Path,
    mut source: SourceOptions,
    settings: &Settings,
) -> Result<Optimization, SessionError> {
    let draft = read_draft(plan)?;
    known_catalogs(plan, Some(&draft), &mut source);
    let catalog = catalog(plan, &source.tools, Some(&draft))?;
    let tools = source.tools.clone();
    let loaded = load_to_check(plan, source, settings).await?;
    let optimized = optimize_plan(&loaded.plan, &catalog);
    let prices = step_prices(&loaded.plan, &loaded.context, &loaded.toolbox);
    let price_of =
        |id: &str| -> Option<&StepPrice> { prices.get(loaded.plan.find(id)?.at())?.as_ref() };
    let saves = optimized.rewrites.iter().map(|rewrite| {
        rewrite.saves_call_of.as_ref()?;
        // A step without a price is free.
        Some(
            price_of(&rewrite.step).map_or((Some(Money::ZERO), Some(Money::ZERO)), |price| {
                (price.expected, price.max)
            }),
        )
    });
    Ok(Optimization {
        saves: saves.collect(),
        diff: crate::planner::plan_diff(&loaded.plan, &optimized.plan),
        optimized,
        loaded,
        tools,
    })
}
