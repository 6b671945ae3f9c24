//! What a batch is, and whether it is the same here.

use super::wire::{BatchDefinition, PROTOCOL};
use crate::engine::{Definitions, Settings, SharedLimits, StepDigest};
use crate::models::SmallModelWorker;
use crate::plan::{ExecutionPlan, parse};
use crate::run::{Answers, ResourceLimits};
use crate::session::execution::Execution;
use crate::tools::{Catalog, CatalogToolbox, Toolbox, definition, difference};
use crate::units::Money;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Definitions of batches that are kept at hand.
const KEPT: usize = 16;

/// Runs items of batches, with the tools of this process. Cheap to clone.
#[derive(Clone)]
pub struct ItemServer(Arc<Server>);

struct Server {
    catalog: Catalog,
    toolbox: Arc<CatalogToolbox>,
    worker: SmallModelWorker,
    name: Arc<str>,
    batches: Mutex<VecDeque<(Arc<str>, Known)>>,
}

/// A definition that has arrived: the batch, or why it cannot be run here.
type Known = Result<Arc<ServedBatch>, Arc<str>>;

/// A batch whose items can be run here.
pub(super) struct ServedBatch {
    pub plan: Arc<ExecutionPlan>,
    pub definition: BatchDefinition,
    pub toolbox: Arc<CatalogToolbox>,
    pub worker: SmallModelWorker,
    /// The slots and the rates of all its items in this process.
    pub shared: SharedLimits,
    /// What each step is.
    pub steps: Vec<StepDigest>,
}

/// What `execution` runs, for processes elsewhere. Its plan must come from a file.
///
/// # Errors
/// Where the text of the plan is not known.
pub(crate) fn definition_of(
    execution: &Execution,
    toolbox: &dyn Toolbox,
    answers: Vec<(Arc<str>, bool)>,
) -> Result<BatchDefinition, &'static str> {
    let plan = &execution.plan;
    let text = execution.provenance.plan_text.clone();
    let text = text.ok_or("the plan has no text that could be sent: load it from a file")?;
    let path = execution.provenance.plan_path.as_deref();
    let file = path.and_then(|path| Path::new(path).file_name());
    let tools = plan.steps.iter().map(|step| &step.tool);
    let tools: BTreeMap<_, _> = tools
        .map(|name| (Arc::clone(name), definition(toolbox, name)))
        .collect();
    let settings = &execution.settings;
    Ok(BatchDefinition {
        protocol: PROTOCOL,
        file: file.map_or_else(
            || "plan".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        ),
        text,
        steps: Definitions::of(plan, toolbox)
            .all()
            .iter()
            .map(hex)
            .collect(),
        tools,
        limits: settings.limits.clone(),
        rates: settings.rates.clone(),
        track_cost: settings.track_cost,
        fail_fast: settings.fail_fast,
        seed: settings.seed,
        answers,
        approval_seconds: settings.approval_lifetime.map(|time| time.as_secs_f64()),
    })
}

/// The digest of a step as text.
pub(in crate::session) fn hex(digest: &StepDigest) -> String {
    format!("{:032x}", u128::from_be_bytes(*digest))
}

/// What [`hex`] was given.
pub(super) fn from_hex(text: &str) -> Option<StepDigest> {
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

impl ItemServer {
    /// Runs items with the tools of `catalog`, which `toolbox` has; `name` is what users call this process.
    pub fn new(catalog: Catalog, toolbox: Arc<CatalogToolbox>, name: &str) -> Self {
        let worker = toolbox.worker().clone();
        Self(Arc::new(Server {
            catalog,
            toolbox,
            worker,
            name: name.into(),
            batches: Mutex::default(),
        }))
    }

    /// What users call this process.
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn batches(&self) -> MutexGuard<'_, VecDeque<(Arc<str>, Known)>> {
        // Nothing in it panics half-way.
        self.0
            .batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn batch(&self, digest: &str) -> Option<Known> {
        let batches = self.batches();
        let mut known = batches.iter();
        known
            .find(|(of, _)| **of == *digest)
            .map(|(_, batch)| batch.clone())
    }

    /// Takes in the definition of a batch.
    pub(super) fn define(&self, digest: &Arc<str>, definition: BatchDefinition) {
        let known = self.served(definition).map(Arc::new);
        let known = known.map_err(|why| format!("the worker {}: {why}", self.0.name).into());
        let mut batches = self.batches();
        batches.retain(|(of, _)| of != digest);
        batches.push_front((Arc::clone(digest), known));
        batches.truncate(KEPT);
    }

    /// The batch, or why it is another one here.
    fn served(&self, definition: BatchDefinition) -> Result<ServedBatch, String> {
        if definition.protocol != PROTOCOL {
            return Err(format!(
                "it runs items of version {PROTOCOL}, and this batch is of version {}: run the same version of plandeck on \
                 both sides",
                definition.protocol
            ));
        }
        let toolbox: &dyn Toolbox = &*self.0.toolbox;
        for (name, theirs) in &definition.tools {
            if let Some(why) = difference(toolbox, name, theirs, "batch") {
                return Err(why);
            }
        }
        let draft = parse(&definition.file, definition.text.as_bytes());
        let plan = draft.and_then(|draft| draft.check(Some(&self.0.catalog), None));
        let plan = plan.map_err(|faults| format!("the plan cannot be used here: {faults}"))?;
        let plan = Arc::new(plan);
        let steps = Definitions::of(&plan, toolbox).all().to_vec();
        let theirs = &definition.steps;
        let differs = steps
            .iter()
            .map(hex)
            .zip(theirs)
            .position(|(here, there)| here != *there);
        if steps.len() != theirs.len() || differs.is_some() {
            let step = differs.and_then(|at| plan.steps.get(at));
            let step = step.map_or_else(
                || "the plan".to_owned(),
                |step| format!("step \"{}\"", step.id),
            );
            return Err(format!(
                "{step} is not the same here as where the batch was started: run the same version of plandeck with the \
                 same catalog on both sides"
            ));
        }
        let own = ResourceLimits {
            // All processes share these.
            max_total_cost_usd: None,
            max_tool_calls: None,
            ..definition.limits.clone()
        };
        let track_cost = definition.track_cost;
        Ok(ServedBatch {
            shared: SharedLimits::new(&own, &definition.rates, track_cost, Money::ZERO),
            plan,
            toolbox: Arc::clone(&self.0.toolbox),
            worker: self.0.worker.clone(),
            steps,
            definition,
        })
    }
}

impl ServedBatch {
    /// The settings of the run of an item.
    pub(super) fn settings(&self, index: u64, timeout_seconds: Option<f64>) -> Settings {
        let definition = &self.definition;
        let lifetime = definition.approval_seconds;
        Settings {
            limits: ResourceLimits {
                timeout_seconds,
                ..definition.limits.clone()
            },
            rates: definition.rates.clone(),
            track_cost: definition.track_cost,
            fail_fast: definition.fail_fast,
            // Waits between attempts differ from item to item.
            seed: definition.seed ^ index,
            answers: Answers::new(definition.answers.iter().cloned()),
            approval_lifetime: lifetime.and_then(|time| Duration::try_from_secs_f64(time).ok()),
            ..Settings::default()
        }
    }
}
