//! Going on with an earlier run: what it had done is not done again.
//!
//! A step is taken over where its definition is the same, nothing above it was done anew, and its input comes
//! out the same; its output is then known without a call. What was under way when the earlier process died
//! may or may not have happened: unless the call may be repeated, or somebody says what to do, it stays
//! unknown.

use super::Prepared;
use crate::plan::{ExecutionPlan, Step, StepIx};
use crate::run::{ErrorKind, RunError, RunState, StepKey, StepSource, StepStatus};
use crate::tools::{Tool, Toolbox};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The digest of a step's definition: of everything beside its input that determines what it does.
pub type StepDigest = [u8; 16];

/// The digest of every step's definition, in the plan's order.
pub fn definitions(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> Vec<StepDigest> {
    let mut tools: HashMap<(&str, Option<&str>), [u8; 32]> = HashMap::new();
    let steps = plan.steps.iter();
    steps
        .map(|step| {
            let model = step.model.as_deref();
            let tool = tools
                .entry((&*step.tool, model))
                .or_insert_with(|| recipe(toolbox, &step.tool, model));
            definition(plan, step, tool)
        })
        .collect()
}

fn recipe(toolbox: &dyn Toolbox, tool: &str, model: Option<&str>) -> [u8; 32] {
    let recipe = toolbox.recipe(tool, model);
    let parts = recipe.map_or(Value::Null, |recipe| Value::Object(recipe.parts));
    *blake3::hash(parts.to_string().as_bytes()).as_bytes()
}

fn definition(plan: &ExecutionPlan, step: &Step, tool: &[u8; 32]) -> StepDigest {
    let mut hasher = blake3::Hasher::new();
    // Each part with its length, so that no two definitions run together to the same bytes.
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(step.id.as_bytes());
    part(step.tool.as_bytes());
    part(tool);
    part(step.parameters.source().to_string().as_bytes());
    let condition = step.run_if.as_ref().map(|condition| &*condition.source);
    part(condition.unwrap_or_default().as_bytes());
    let list = step.for_each.as_ref().map(|list| list.source());
    part(list.unwrap_or_default().to_string().as_bytes());
    part(&[step.trigger as u8]);
    part(step.model.as_deref().unwrap_or_default().as_bytes());
    for before in &step.depends_on {
        let id = plan.step(*before).map_or("", |before| &before.id);
        part(id.as_bytes());
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    digest
}

/// What to do with steps of which nobody knows whether they happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownSteps {
    /// Leave them unknown; what depends on them is skipped. A person may still decide.
    #[default]
    Keep,
    /// Run them again.
    Rerun,
    /// Skip them.
    Skip,
}

/// What came of a row in the earlier run.
#[derive(Clone, Debug)]
enum Earlier {
    Output {
        /// `None` where a person supplied the output.
        input: Option<Arc<Value>>,
        output: Arc<Value>,
    },
    /// Its condition was not true.
    Unwanted,
    /// It was under way, or may have been.
    UnderWay,
    /// Whatever it was, a person wants it to run.
    Anew,
}

/// An earlier run that is gone on with.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The earlier run.
    pub run_id: Arc<str>,
    /// The first run of the line: what idempotency keys are made of, so that the other side knows a call that
    /// it has had before.
    pub origin: Arc<str>,
    /// What is done with steps of which nobody knows whether they happened.
    pub unknown: UnknownSteps,
    rows: HashMap<Arc<str>, Earlier>,
    /// Whether more may have happened than is known.
    unrecorded: bool,
    changed: Vec<Arc<str>>,
    /// Steps that were done anew, or differently, in this run.
    anew: HashSet<StepIx>,
}

/// What is known of an earlier run.
pub struct EarlierRun<'a> {
    /// Its state after its last event.
    pub state: &'a RunState,
    /// The digests of its steps' definitions, in its plan's order.
    pub definitions: &'a [StepDigest],
    /// Whether it went on after its journal had broken, so that more may have happened than is known.
    pub unrecorded: bool,
    /// The first run of the line that it belongs to.
    pub origin: Option<Arc<str>>,
    /// What it had taken over itself, where it went on with a run before it: its own events do not say with
    /// which input those outputs were made.
    pub before: Option<&'a Recorded>,
}

impl Recorded {
    /// What `earlier` leaves to be taken over by a run of a plan with these `definitions`.
    pub fn new(earlier: &EarlierRun<'_>, plan: &ExecutionPlan, definitions: &[StepDigest]) -> Self {
        let header = earlier.state.header.as_deref();
        let run_id = header.map_or_else(|| "".into(), |header| Arc::clone(&header.run_id));
        let same: HashSet<&str> = same(earlier, plan, definitions);
        let mut rows = HashMap::new();
        let mut changed = Vec::new();
        for row in &earlier.state.steps {
            let of_plan = match row.info.parent {
                None => Some(row),
                Some(parent) => earlier.state.steps.get(parent.at()),
            };
            let is_same = of_plan.is_some_and(|step| same.contains(&*step.info.id));
            let id = Arc::clone(&row.info.id);
            let what = match row.status {
                StepStatus::Succeeded if row.elements().is_empty() => {
                    row.output.as_ref().map(|output| {
                        let input = row.last_attempt().map(|attempt| Arc::clone(&attempt.input));
                        Earlier::Output {
                            input: input.or_else(|| earlier.before?.input_of(&id)),
                            output: Arc::clone(output),
                        }
                    })
                }
                StepStatus::Skipped if row.reason == Some(crate::run::SkipReason::Condition) => {
                    Some(Earlier::Unwanted)
                }
                StepStatus::Unknown => Some(Earlier::UnderWay),
                _ if row.under_way().is_some() => Some(Earlier::UnderWay),
                _ => None,
            };
            match what {
                Some(Earlier::UnderWay) => drop(rows.insert(id, Earlier::UnderWay)),
                Some(what) if is_same => drop(rows.insert(id, what)),
                Some(Earlier::Output { .. }) => changed.push(id),
                Some(Earlier::Unwanted | Earlier::Anew) | None => {}
            }
        }
        Self {
            origin: earlier
                .origin
                .clone()
                .unwrap_or_else(|| Arc::clone(&run_id)),
            run_id,
            unknown: UnknownSteps::default(),
            rows,
            unrecorded: earlier.unrecorded,
            changed,
            anew: HashSet::new(),
        }
    }

    /// The steps whose output is not taken over because their definition differs or is gone.
    pub fn changed(&self) -> &[Arc<str>] {
        &self.changed
    }

    /// How many outputs can be taken over, elements of `for_each` steps included.
    pub fn outputs(&self) -> usize {
        let rows = self.rows.values();
        rows.filter(|earlier| matches!(earlier, Earlier::Output { .. }))
            .count()
    }

    /// The rows that were under way.
    pub fn under_way(&self) -> Vec<Arc<str>> {
        let rows = self.rows.iter();
        let rows = rows.filter(|(_, earlier)| matches!(earlier, Earlier::UnderWay));
        let mut ids: Vec<Arc<str>> = rows.map(|(id, _)| Arc::clone(id)).collect();
        ids.sort();
        ids
    }

    fn input_of(&self, id: &str) -> Option<Arc<Value>> {
        match self.rows.get(id)? {
            Earlier::Output { input, .. } => input.clone(),
            Earlier::Unwanted | Earlier::UnderWay | Earlier::Anew => None,
        }
    }

    /// A person wants this row to run, whatever was before.
    pub(super) fn forget(&mut self, row: &StepKey) {
        self.rows.insert(Arc::clone(&row.id), Earlier::Anew);
    }

    /// A step has an output that the earlier run did not give it.
    pub(super) fn note_anew(&mut self, step: StepIx) {
        self.anew.insert(step);
    }

    /// What to do with a row, given what would be done with it without an earlier run.
    pub(super) fn instead(
        &mut self,
        key: &StepKey,
        step: (StepIx, &Step),
        tool: Option<&Arc<dyn Tool>>,
        prepared: Prepared,
    ) -> Prepared {
        let (ix, step) = step;
        let as_before = |recorded: &Self| {
            let mut before = step.depends_on.iter();
            before.all(|before| !recorded.anew.contains(before))
        };
        let nobody_knows = self.unrecorded.then_some(&Earlier::UnderWay);
        match (self.rows.get(&key.id).or(nobody_knows), prepared) {
            (Some(Earlier::Output { input, output }), Prepared::Call { input: now, .. })
                if as_before(self) && input.as_ref().is_none_or(|input| *input == now) =>
            {
                Prepared::Known(Arc::clone(output), StepSource::Recorded, None)
            }
            (Some(Earlier::Unwanted), Prepared::Unwanted) => Prepared::Unwanted,
            (_, prepared @ Prepared::Each(_)) => prepared,
            (Some(Earlier::UnderWay), prepared @ Prepared::Call { .. }) => {
                self.anew.insert(ix);
                let repeatable = tool.is_some_and(|tool| tool.repeatable());
                match self.unknown {
                    _ if repeatable => prepared,
                    UnknownSteps::Rerun => prepared,
                    UnknownSteps::Skip => Prepared::Skip,
                    UnknownSteps::Keep => {
                        Prepared::Unknown(Box::new(self.unknown_error(key, step)))
                    }
                }
            }
            (_, prepared) => {
                self.anew.insert(ix);
                prepared
            }
        }
    }

    fn unknown_error(&self, key: &StepKey, step: &Step) -> RunError {
        let message = format!(
            "it was under way when run {} was cut short, so it may or may not have happened, and it was not \
             done again; find out, then retry it, or resume with --unknown rerun or --unknown skip",
            self.run_id
        );
        RunError {
            kind: ErrorKind::ToolExecutionError,
            step: Some(Arc::clone(&key.id)),
            tool_name: Some(Arc::clone(&step.tool)),
            message: message.into(),
            retryable: false,
            attempts: 0,
        }
    }
}

/// The ids of the plan's steps that were defined the same in the earlier run.
fn same<'a>(
    earlier: &EarlierRun<'_>,
    plan: &'a ExecutionPlan,
    definitions: &[StepDigest],
) -> HashSet<&'a str> {
    let rows = earlier.state.steps.iter().map(|row| &*row.info.id);
    let before: HashMap<&str, &StepDigest> = rows.zip(earlier.definitions).collect();
    let steps = plan.steps.iter().zip(definitions);
    steps
        .filter(|(step, digest)| before.get(&*step.id) == Some(digest))
        .map(|(step, _)| &*step.id)
        .collect()
}
