//! How the rows of an earlier run ended, for a run that resumes it or is forked from it.
//!
//! A run that resumes another may die before it gets to every row. What it did not get to is still as the run before it
//! left it: a call that was interrupted there may have happened, and an output that was made there is not made again.

use super::attempt_name::InterruptedAttempts;
use super::dated::Dated;
use super::edit::Edit;
use super::step_digest::StepDigest;
use crate::plan::{ExecutionPlan, StepInput};
use crate::run::{
    CallEdit, Reuse, RunError, RunState, SkipReason, StepSource, StepState, StepStatus,
};
use crate::units::Money;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How a row ended in the earlier run.
#[derive(Clone, Debug)]
pub(super) enum PriorStep {
    Output {
        /// `None` where it does not matter, or is not known.
        input: Option<StepInput>,
        output: Arc<Value>,
        /// What it saves; its input is filled in when it is used.
        reuse: Box<Reuse>,
        /// Whether the user supplied it, so that it stays whatever comes before it.
        supplied: bool,
    },
    /// Its condition was not true.
    Unwanted,
    /// It had an output, and the step's definition has changed.
    Redefined,
    /// It was running when that run was interrupted, or may have been.
    Interrupted {
        /// What it was called with; `None` where that is not known.
        input: Option<StepInput>,
        /// What it saves where it turns out to have happened.
        reuse: Option<Box<Reuse>>,
        /// What is counted as spent for the call, because it may have been billed.
        reserved: Money,
    },
    /// Whatever it was, the user wants it to run.
    Rerun,
    /// It failed, and that stays so.
    Failed(Box<RunError>),
}

/// What is known of an earlier run.
pub struct EarlierRun<'a> {
    /// The states in which its processes left it, the last one that after its last event: what a process did not get to
    /// before it died is as the one before it left it. At least one.
    pub states: &'a [RunState],
    /// The digests of its steps' definitions, in its plan's order.
    pub definitions: &'a [StepDigest],
    /// Whether it is running: what is running of it comes to an end.
    pub is_running: bool,
    /// Whether it continued after its journal broke, so that more may have happened than is recorded.
    pub unrecorded: bool,
    /// The first run of the line that it belongs to.
    pub origin: Option<Arc<str>>,
    /// Whether the line began as a fork: keys that the plan gives are then not those that were sent.
    pub renews_keys: bool,
    /// What it had taken over itself, where it resumed a run before it: its own events do not show with
    /// which input those outputs were made, nor what it did not get to.
    pub before: Option<&'a PriorSteps>,
}

impl EarlierRun<'_> {
    /// Its state after its last event.
    pub(super) fn state(&self) -> &RunState {
        // There is at least one.
        &self.states[self.states.len() - 1]
    }

    /// Its id.
    pub(super) fn run_id(&self) -> Arc<str> {
        let header = self.state().header.as_deref();
        header.map_or_else(|| "".into(), |header| Arc::clone(&header.run_id))
    }

    /// The ids of the plan's steps that were defined the same in it.
    fn same<'p>(&self, plan: &'p ExecutionPlan, definitions: &[StepDigest]) -> HashSet<&'p str> {
        let rows = self.state().steps.iter().map(|row| &*row.info.id);
        let before: HashMap<&str, &StepDigest> = rows.zip(self.definitions).collect();
        let steps = plan.steps.iter().zip(definitions);
        steps
            .filter(|(step, digest)| before.get(&*step.id) == Some(digest))
            .map(|(step, _)| &*step.id)
            .collect()
    }
}

/// The rows of an earlier run, by their ids.
#[derive(Clone, Debug, Default)]
pub struct PriorSteps {
    pub(super) rows: HashMap<Arc<str>, PriorStep>,
    pub(super) interrupted_attempts: InterruptedAttempts,
    /// Whether the conditions of rows held, as far as it is known.
    pub(super) conditions: HashMap<Arc<str>, bool>,
    /// How many elements the lists of `for_each` steps had.
    pub(super) elements: HashMap<Arc<str>, usize>,
    /// The plan's steps that are defined as they were.
    pub(super) same: HashSet<Arc<str>>,
    /// The steps whose definition has changed since they had an output.
    pub(super) changed: Vec<Arc<str>>,
    /// The inputs that the user gave.
    pub(super) edits: Vec<Edit>,
    /// The rows that the user skipped.
    pub(super) skipped: HashSet<Arc<str>>,
}

impl PriorSteps {
    /// What `earlier` leaves to a run of a plan with these `definitions`.
    pub(super) fn of(
        earlier: &EarlierRun<'_>,
        plan: &ExecutionPlan,
        definitions: &[StepDigest],
    ) -> Self {
        let run_id = earlier.run_id();
        let same = earlier.same(plan, definitions);
        let mut steps: Option<Self> = None;
        for (at, state) in earlier.states.iter().enumerate() {
            let left = at.checked_sub(1).map(|at| &earlier.states[at]);
            let before = steps.as_ref().or(earlier.before);
            steps = Some(Self::left_in(state, left, before, &run_id, &same));
        }
        let mut steps = steps.unwrap_or_default();
        if earlier.is_running {
            steps.let_end(plan, &same);
        }
        let ids = plan.steps.iter().map(|step| &step.id);
        let of_plan = ids.filter(|id| same.contains(&***id));
        steps.same = of_plan.cloned().collect();
        steps
    }

    /// What a process of the run `run_id` left in this state. An earlier process had `left` the same run in that one, and
    /// `before` is what this process had taken over; steps that are not the `same` are defined otherwise now.
    fn left_in(
        state: &RunState,
        left: Option<&RunState>,
        before: Option<&Self>,
        run_id: &Arc<str>,
        same: &HashSet<&str>,
    ) -> Self {
        let dated = Dated::of(state);
        let mut steps = Self::default();
        let mut reached: HashSet<&str> = HashSet::new();
        let attempts_before = attempts_of(left);
        for row in &state.steps {
            let of_plan = match row.info.parent {
                None => Some(row),
                Some(parent) => state.steps.get(parent.at()),
            };
            let is_same = of_plan.is_some_and(|step| same.contains(&*step.info.id));
            let id = Arc::clone(&row.info.id);
            if is_same {
                steps.note_surroundings(row);
            }
            if let Some(given) = &row.given {
                steps
                    .edits
                    .push(Edit::Input(Arc::clone(&id), Arc::clone(given)));
            }
            if let Some(given) = &row.given_call {
                let edit = Box::new(CallEdit::giving(given));
                steps.edits.push(Edit::Call(Arc::clone(&id), edit));
            }
            let what = how_it_ended(row, run_id, &dated, before);
            let attempts = attempts_before.get(&*row.info.id).copied();
            let was_called = row.attempts.len() > attempts.unwrap_or_default();
            if row.skipped_by_hand {
                steps.skipped.insert(Arc::clone(&id));
            }
            if what.is_some() || was_called || row.skipped_by_hand {
                reached.insert(&row.info.id);
            }
            match what {
                Some(what @ PriorStep::Interrupted { .. }) => {
                    let before = before.map(|before| &before.interrupted_attempts);
                    steps.interrupted_attempts.note(row, run_id, before);
                    steps.rows.insert(id, what);
                }
                Some(what) if is_same => drop(steps.rows.insert(id, what)),
                Some(PriorStep::Output { .. }) => {
                    steps.changed.push(Arc::clone(&id));
                    steps.rows.insert(id, PriorStep::Redefined);
                }
                Some(
                    PriorStep::Unwanted
                    | PriorStep::Redefined
                    | PriorStep::Rerun
                    | PriorStep::Failed(_),
                )
                | None => {}
            }
        }
        if let Some(before) = before {
            steps.inherit(before, &reached);
            // What was counted for these calls has been given back.
            let settled = state.steps.iter();
            for row in settled.filter(|row| row.settlement.is_some()) {
                let left = reached.contains(&*row.info.id);
                (!left).then(|| steps.release(&row.info.id));
            }
        }
        steps
    }

    /// What is running ends well, with an output that is not known yet. Where the plan's steps depend on what that is, it
    /// counts as a call to be made.
    fn let_end(&mut self, plan: &ExecutionPlan, same: &HashSet<&str>) {
        let steps = plan.steps.iter();
        let by_output = steps.filter(|step| step.for_each.is_some() || step.run_if.is_some());
        let decisive: HashSet<&str> = by_output
            .flat_map(|step| step.depends_on.iter())
            .filter_map(|ix| plan.step(*ix).map(|step| &*step.id))
            .collect();
        for (id, row) in &mut self.rows {
            let PriorStep::Interrupted { reuse, .. } = row else {
                continue;
            };
            let step = id.split('[').next().unwrap_or(id);
            *row = match reuse.take() {
                _ if !same.contains(step) => PriorStep::Redefined,
                Some(reuse) if !decisive.contains(step) => PriorStep::Output {
                    input: None,
                    output: Arc::default(),
                    reuse,
                    supplied: false,
                },
                _ => PriorStep::Rerun,
            };
        }
    }

    /// Whether the call of this id, which code made, was made with this input, or there was none.
    pub(super) fn may_be_call(&self, id: &str, now: &StepInput) -> bool {
        match self.rows.get(id) {
            Some(PriorStep::Output { input, .. } | PriorStep::Interrupted { input, .. }) => {
                input.as_ref() == Some(now)
            }
            _ => true,
        }
    }

    /// The calls that the code of this row, or of its elements, made are of no account any more.
    pub(super) fn forget_calls(&mut self, id: &str) {
        let is_call = |row: &str| {
            let rest = row.strip_prefix(id);
            rest.is_some_and(|rest| {
                let is_of_element = || rest.starts_with('[') && rest.contains("]/");
                rest.starts_with('/') || is_of_element()
            })
        };
        self.rows.retain(|row, _| !is_call(row));
    }

    /// What is counted as spent for the interrupted call of a row.
    fn reserved(&self, id: &str) -> Money {
        match self.rows.get(id) {
            Some(PriorStep::Interrupted { reserved, .. }) => *reserved,
            _ => Money::ZERO,
        }
    }

    /// The same; from now on nothing is.
    pub(super) fn release(&mut self, id: &str) -> Money {
        match self.rows.get_mut(id) {
            Some(PriorStep::Interrupted { reserved, .. }) => std::mem::take(reserved),
            _ => Money::ZERO,
        }
    }

    /// The input with which a row was called.
    fn input_of(&self, id: &str) -> Option<StepInput> {
        match self.rows.get(id)? {
            PriorStep::Output { input, .. } | PriorStep::Interrupted { input, .. } => input.clone(),
            _ => None,
        }
    }

    fn note_surroundings(&mut self, row: &StepState) {
        let id = &row.info.id;
        if let Some(held) = condition(row) {
            self.conditions.insert(Arc::clone(id), held);
        }
        if !row.elements().is_empty() {
            self.elements.insert(Arc::clone(id), row.elements().len());
        }
    }

    /// What the earlier run had taken over `before`, and did not get to.
    fn inherit(&mut self, before: &Self, reached: &HashSet<&str>) {
        let skipped = before.skipped.iter();
        let skipped = skipped.filter(|id| !reached.contains(&***id));
        self.skipped.extend(skipped.cloned());
        let open = before.rows.iter();
        for (id, step) in open.filter(|(id, _)| !reached.contains(&***id)) {
            match step {
                // Whether what it was made of is still the same cannot be seen.
                PriorStep::Output {
                    input: None,
                    supplied: false,
                    ..
                }
                | PriorStep::Unwanted
                | PriorStep::Failed(_)
                | PriorStep::Rerun => continue,
                PriorStep::Interrupted { .. } => {
                    let attempts = &before.interrupted_attempts;
                    self.interrupted_attempts.inherit(id, attempts);
                }
                PriorStep::Redefined => self.changed.push(Arc::clone(id)),
                PriorStep::Output { .. } => {}
            }
            self.rows.insert(Arc::clone(id), step.clone());
        }
    }
}

/// How many attempts each row of this state has.
fn attempts_of(state: Option<&RunState>) -> HashMap<&str, usize> {
    let rows = state.iter().flat_map(|state| state.steps.iter());
    let rows = rows.filter(|row| !row.attempts.is_empty());
    rows.map(|row| (&*row.info.id, row.attempts.len()))
        .collect()
}

/// How a row ended in the run `run_id`; `None` where nothing of it is left.
fn how_it_ended(
    row: &StepState,
    run_id: &Arc<str>,
    dated: &Dated,
    before: Option<&PriorSteps>,
) -> Option<PriorStep> {
    let input = || {
        let input = row.input().cloned();
        input.or_else(|| before?.input_of(&row.info.id))
    };
    let interrupted = || PriorStep::Interrupted {
        input: input(),
        reuse: Some(Box::new(dated.reuse(row, run_id))),
        reserved: match row.interrupted_attempt() {
            Some(attempt) => attempt.reserved,
            // It is from a run before that one.
            None => before.map_or(Money::ZERO, |before| before.reserved(&row.info.id)),
        },
    };
    match row.status {
        StepStatus::Succeeded if row.elements().is_empty() => {
            let supplied = row.source == Some(StepSource::Mock);
            let output = row.output.as_ref()?;
            Some(PriorStep::Output {
                input: input().filter(|_| !supplied),
                output: Arc::clone(output),
                reuse: Box::new(dated.reuse(row, run_id)),
                supplied,
            })
        }
        StepStatus::Skipped if row.reason == Some(SkipReason::Condition) => {
            Some(PriorStep::Unwanted)
        }
        StepStatus::Unknown => Some(interrupted()),
        // It has gone on since.
        StepStatus::Running if row.interrupted_attempt().is_some() => Some(interrupted()),
        _ => None,
    }
}

/// Whether the condition of a row held, as far as its state shows: an attempt was made or an element began only where
/// it did.
fn condition(row: &StepState) -> Option<bool> {
    match row.status {
        StepStatus::Skipped => (row.reason == Some(SkipReason::Condition)).then_some(false),
        StepStatus::Succeeded if row.source == Some(StepSource::Mock) => None,
        StepStatus::Succeeded | StepStatus::Unknown => Some(true),
        StepStatus::Running | StepStatus::Failed | StepStatus::Cancelled => {
            let began = !row.attempts.is_empty() || !row.elements().is_empty();
            began.then_some(true)
        }
        StepStatus::Pending | StepStatus::Ready => None,
    }
}
