//! The state in which a run begins that takes over what another came to, for its preview.
//!
//! What is taken over is what the run itself would take over: [`ResumeState`] says it. Everything else is open.

use crate::engine::edit::Edit;
use crate::engine::prior_steps::PriorStep;
use crate::engine::{ResumeState, UnknownSteps};
use crate::plan::{ExecutionPlan, StepIx, Trigger};
use crate::run::{
    CallEdit, ErrorKind, EventKind, GivenCall, RunError, RunEvent, RunHeader, RunState, SkipReason,
    StepInfo, StepKey, StepPrice, StepSource, StepState, StepStatus,
};
use crate::tools::Tool;
use crate::units::Micros;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A run that takes over what another came to.
pub struct Forked<'a> {
    parent: &'a RunState,
    taken: &'a ResumeState,
    header: RunHeader,
    prices: Vec<Option<StepPrice>>,
    /// The rows of the earlier run by their ids.
    rows: HashMap<&'a str, &'a StepState>,
}

/// The steps of a plan as a header has them, as far as a preview looks at them.
fn infos(plan: &ExecutionPlan, prices: &[Option<StepPrice>]) -> Arc<[StepInfo]> {
    let steps = plan.steps.iter().enumerate();
    let infos = steps.map(|(at, step)| StepInfo {
        depends_on: Arc::clone(&step.depends_on),
        price: prices.get(at).copied().flatten().map(Box::new),
        ..info(&step.id, &step.tool)
    });
    infos.collect()
}

fn info(id: &Arc<str>, tool: &Arc<str>) -> StepInfo {
    StepInfo {
        id: Arc::clone(id),
        tool: Arc::clone(tool),
        kind: "".into(),
        depends_on: Arc::default(),
        description: None,
        parent: None,
        parameters: None,
        not_reused: None,
        sequential: false,
        price: None,
        checks: None,
    }
}

impl<'a> Forked<'a> {
    /// A run that takes `taken` over of the run that was left in the state `parent`. It is started with `header`, whose
    /// steps are those of its plan, and the `prices` of their calls, in the plan's order.
    pub fn new(
        parent: &'a RunState,
        taken: &'a ResumeState,
        header: RunHeader,
        prices: Vec<Option<StepPrice>>,
    ) -> Self {
        let rows = parent.steps.iter();
        Self {
            parent,
            taken,
            header,
            prices,
            rows: rows.map(|row| (&*row.info.id, row)).collect(),
        }
    }

    /// The state of the earlier run.
    pub(super) fn parent(&self) -> &'a RunState {
        self.parent
    }

    /// The state of the run once it has taken over what it does, and has called nothing. `tool` is what a step calls.
    pub(super) fn state<'t>(
        &self,
        plan: &ExecutionPlan,
        tool: impl Fn(usize) -> Option<&'t Arc<dyn Tool>>,
    ) -> RunState {
        let mut state = RunState::default();
        let mut put = |kind: EventKind| {
            let event = RunEvent {
                seq: state.events,
                at: Micros(0),
                kind,
            };
            state.apply(&event);
            state.steps.len()
        };
        let header = RunHeader {
            steps: infos(plan, &self.prices),
            ..self.header.clone()
        };
        let mut rows = put(EventKind::RunStarted(Arc::new(header)));
        let edits = self.edits();
        let open = self.may_run(plan, &edits);
        for (at, step) in plan.steps.iter().enumerate() {
            let key = key(at, &step.id);
            // It does not wait for all that it depends on, so what runs of that may have begun before it.
            if step.settings.trigger == Trigger::OneSuccess && open.contains(&at) {
                continue;
            }
            let is_repeatable = tool(at).is_some_and(|tool| tool.policy().repeatable);
            let elements = self.taken.elements_of(&step.id);
            let mut all = elements > 0;
            if elements > 0 {
                let ids = (0..elements).map(|n| Arc::from(format!("{}[{n}]", step.id)));
                let ids: Vec<Arc<str>> = ids.collect();
                let first = rows;
                rows = put(EventKind::StepExpanded {
                    step: key.clone(),
                    count: elements as u32,
                    elements: ids.iter().map(|id| info(id, &step.tool)).collect(),
                });
                for (n, id) in ids.iter().enumerate() {
                    let key = self::key(first + n, id);
                    all &= self.row(&key, &edits, is_repeatable, &mut put);
                }
            }
            if !self.row(&key, &edits, is_repeatable, &mut put) && all {
                put(succeeded(key, StepSource::Recorded));
            }
        }
        state.events = self.parent.events;
        state
    }

    /// The steps that run, or that something they depend on runs before; asked only where a step need not wait for it.
    fn may_run(&self, plan: &ExecutionPlan, edits: &HashMap<&str, Given>) -> HashSet<usize> {
        let mut open = HashSet::new();
        let mut steps = plan.steps.iter();
        if steps.all(|step| step.settings.trigger != Trigger::OneSuccess) {
            return open;
        }
        let is_decided = |id: &str| {
            let given = edits.get(id).map(|given| given.end);
            given.is_some_and(|end| !matches!(end, End::Open))
        };
        let is_taken = |id: &str| {
            let mut elements = 0..self.taken.elements_of(id);
            let known = |id: &str| self.taken.is_decided(id);
            known(id) || !elements.is_empty() && elements.all(|n| known(&format!("{id}[{n}]")))
        };
        loop {
            let before = open.len();
            for (at, step) in plan.steps.iter().enumerate() {
                let after = || step.depends_on.iter().any(|ix| open.contains(&ix.at()));
                if !is_decided(&step.id) && (!is_taken(&step.id) || after()) {
                    open.insert(at);
                }
            }
            if open.len() == before {
                return open;
            }
        }
    }

    /// What a row is taken over with; gives whether it has an output.
    fn row(
        &self,
        key: &StepKey,
        edits: &HashMap<&str, Given>,
        is_repeatable: bool,
        put: &mut impl FnMut(EventKind) -> usize,
    ) -> bool {
        let given = edits.get(&*key.id);
        let call = given.map(|given| given.call.clone()).unwrap_or_default();
        if let Some(Some(input)) = &call.input {
            put(EventKind::StepInputSet {
                step: key.clone(),
                input: Some(Arc::clone(input)),
            });
        }
        if call.is_of_model() {
            let mut given = GivenCall::default();
            call.apply(&mut given);
            put(EventKind::StepCallSet {
                step: key.clone(),
                call: given,
            });
        }
        match given.map(|given| given.end) {
            Some(End::Supplied) => {
                put(succeeded(key.clone(), StepSource::Mock));
                return true;
            }
            Some(End::Skipped) => {
                put(skipped(key.clone(), SkipReason::User));
                return false;
            }
            Some(End::Open) | None => {}
        }
        let Some(earlier) = self.taken.prior_steps().rows.get(&key.id) else {
            return false;
        };
        match earlier {
            PriorStep::Output {
                input, supplied, ..
            } => {
                // Called with something else, it is another call.
                let is_same = match (&call.input, input) {
                    (Some(Some(given)), Some(before)) => before.to_value() == *given,
                    _ => true,
                };
                if is_same || *supplied {
                    let source = if *supplied {
                        StepSource::Mock
                    } else {
                        StepSource::Recorded
                    };
                    put(succeeded(key.clone(), source));
                }
                is_same || *supplied
            }
            PriorStep::Unwanted => {
                put(skipped(key.clone(), SkipReason::Condition));
                false
            }
            PriorStep::Failed(error) => {
                put(EventKind::StepFailed {
                    step: key.clone(),
                    error: error.clone(),
                    output: None,
                });
                false
            }
            PriorStep::Interrupted { .. } if !is_repeatable => {
                match self.taken.unknown {
                    UnknownSteps::Rerun => {}
                    UnknownSteps::Skip => {
                        put(skipped(key.clone(), SkipReason::User));
                    }
                    UnknownSteps::Keep => {
                        put(EventKind::StepUnknown {
                            step: key.clone(),
                            error: Box::new(unknown(&key.id)),
                        });
                    }
                }
                false
            }
            PriorStep::Interrupted { .. } | PriorStep::Redefined | PriorStep::Rerun => false,
        }
    }

    /// What the user gives rows, by their ids.
    fn edits(&self) -> HashMap<&str, Given> {
        let mut all: HashMap<&str, Given> = HashMap::new();
        for edit in &self.taken.edits {
            let given = all.entry(&**edit.step()).or_default();
            match edit {
                Edit::Input(_, input) => given.call.input = Some(Some(Arc::clone(input))),
                Edit::Call(_, call) => given.call.take(call),
                Edit::Output(..) => given.end = End::Supplied,
                Edit::Skip(_) => given.end = End::Skipped,
            }
        }
        all
    }

    /// The row of the earlier run of this id that called the same tool.
    pub(super) fn earlier(&self, id: &str, tool: &str) -> Option<&'a StepState> {
        let row = self.rows.get(id).copied();
        row.filter(|row| &*row.info.tool == tool)
    }

    /// Why a step of the plan that the run does not take over runs, where that has to do with the step itself.
    pub(super) fn why_it_runs(&self, plan: &ExecutionPlan, step: StepIx) -> Option<String> {
        let own = plan.step(step)?;
        let Some(row) = self.rows.get(&*own.id) else {
            return Some("is new".to_owned());
        };
        if self.taken.asked().contains(&own.id) {
            return Some("asked for".to_owned());
        }
        let waited_for = row.info.depends_on.iter();
        let waited_for = waited_for.filter_map(|ix| self.parent.steps.get(ix.at()));
        let waits_for = own.depends_on.iter().filter_map(|ix| plan.step(*ix));
        if !waited_for
            .map(|row| &row.info.id)
            .eq(waits_for.map(|step| &step.id))
        {
            return Some("what it depends on is changed".to_owned());
        }
        let mut changed = self.taken.changed().iter();
        let is_changed = changed.any(|id| {
            let rest = id.strip_prefix(&*own.id);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        });
        if is_changed {
            return Some("its definition is changed".to_owned());
        }
        let mut edits = self.taken.edits.iter();
        edits
            .any(|edit| matches!(edit, Edit::Input(id, _) if *id == own.id) && row.given.is_none())
            .then(|| "gets another input".to_owned())
    }

    /// Why a step runs that the earlier run did not get an output of; `None` where it has one.
    pub(super) fn why_it_is_open(&self, id: &str) -> Option<String> {
        let row = self.rows.get(id)?;
        Some(match (row.status, row.reason, &row.because) {
            (StepStatus::Failed, ..) => "failed before".to_owned(),
            (StepStatus::Skipped, Some(SkipReason::Limit), _) => {
                "a limit kept it from running".to_owned()
            }
            (StepStatus::Skipped, _, Some(because)) => format!("was skipped because of {because}"),
            (StepStatus::Skipped, ..) => "was skipped before".to_owned(),
            (StepStatus::Cancelled | StepStatus::Running | StepStatus::Unknown, ..) => {
                "was interrupted".to_owned()
            }
            (StepStatus::Pending | StepStatus::Ready, ..) => "has not run yet".to_owned(),
            (StepStatus::Succeeded, ..) => return None,
        })
    }

    /// The steps that the earlier run had and the plan has not.
    pub(super) fn removed<'s>(
        &'s self,
        plan: &'s ExecutionPlan,
    ) -> impl Iterator<Item = &'s Arc<str>> {
        let rows = self.parent.steps.iter();
        let of_plan = rows.filter(|row| row.info.parent.is_none() && row.caller.is_none());
        let known: HashSet<&str> = plan.steps.iter().map(|step| &*step.id).collect();
        let ids = of_plan.map(|row| &row.info.id);
        ids.filter(move |id| !known.contains(&***id))
    }
}

/// What the user gives a row.
#[derive(Default)]
struct Given {
    call: CallEdit,
    end: End,
}

/// What the user decided a row comes to.
#[derive(Clone, Copy, Default)]
enum End {
    #[default]
    Open,
    Supplied,
    Skipped,
}

fn key(at: usize, id: &Arc<str>) -> StepKey {
    StepKey {
        ix: StepIx(at as u32),
        id: Arc::clone(id),
    }
}

fn unknown(id: &Arc<str>) -> RunError {
    RunError {
        kind: ErrorKind::ToolExecutionError,
        step: Some(Arc::clone(id)),
        tool_name: None,
        message: "".into(),
        retryable: false,
        attempts: 0,
    }
}

fn succeeded(step: StepKey, source: StepSource) -> EventKind {
    EventKind::StepSucceeded {
        step,
        source,
        output: Arc::default(),
        reused: None,
    }
}

fn skipped(step: StepKey, reason: SkipReason) -> EventKind {
    EventKind::StepSkipped {
        step,
        reason,
        because: None,
    }
}
