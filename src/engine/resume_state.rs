//! Resuming an earlier run: what it had done is not done again.
//!
//! A step is taken over where its definition is the same, nothing above it ran again, and its input comes
//! out the same; its output is then known without a call. What was running when the earlier process died
//! may or may not have happened: unless the call may be repeated, or the user decides, it stays
//! unknown.

mod given_up;
mod going_on;
mod taken_back;

use super::Prepared;
use super::attempt_name::InterruptedAttempts;
use super::edit::Edit;
use super::kept::Kept;
use super::prior_steps::{EarlierRun, PriorStep, PriorSteps};
use super::step_digest::StepDigest;
use super::step_instance::StepInstance;
use super::unknown_steps::UnknownSteps;
use super::why::input_changes;
use crate::plan::{ExecutionPlan, Step, StepInput, StepIx};
use crate::run::{
    CallReason, ErrorKind, EventKind, RerunReason, Reuse, RunError, StepKey, StepSource,
};
use crate::units::Money;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What became of an interrupted call.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// It did not happen, or happens only once however often it is made: it is made again.
    Again,
    /// It happened, with this output.
    Happened(Arc<Value>),
    /// It happened, and failed.
    Failed(Box<RunError>),
    /// The server that gave it this handle is still at it: its end is waited for.
    Attach(Arc<str>),
    /// It could not be found out.
    Unknown(Arc<str>),
}

/// An earlier run that is resumed, or that this one is forked from.
#[derive(Clone, Debug)]
pub struct ResumeState {
    /// The earlier run.
    pub run_id: Arc<str>,
    /// The first run of the line that it belongs to.
    pub origin: Arc<str>,
    /// What is done with steps that may or may not have happened.
    pub unknown: UnknownSteps,
    /// Inputs and outputs that the user supplied: those of the earlier run, to be added to.
    pub edits: Vec<Edit>,
    /// The event with which a run that goes on takes an edit back, or makes it again.
    pub(crate) takes_back: Option<EventKind>,
    prior: PriorSteps,
    /// What rows had come to before they were taken back, where the run goes on under its own id.
    pub(super) kept: Kept,
    /// The context of the earlier run, as it was recorded.
    context: Arc<Value>,
    /// The rows that run again because their recorded output lacks a secret that a step needs.
    incomplete: HashSet<Arc<str>>,
    /// What was found out about interrupted calls in this run.
    fates: HashMap<Arc<str>, Fate>,
    asked: Vec<Arc<str>>,
    /// Rows that run again without an output that is cached for them.
    retried: Vec<Arc<str>>,
    /// The number of the last attempt of each row, where the run goes on under its own id.
    attempts: HashMap<Arc<str>, u32>,
    forked_from: Option<Arc<str>>,
    renews_keys: bool,
    /// Whether more may have happened than is known.
    unrecorded: bool,
    /// What it and the runs that it resumed have spent.
    spent: Money,
    /// Steps that ran again, or differently, in this run, and came to something else or have not ended yet.
    rerun: HashSet<StepIx>,
    /// What rows had come to that the user wants to run again.
    came_to: HashMap<Arc<str>, Arc<Value>>,
    /// Steps after which everything runs again, whatever they come to.
    refreshed: HashSet<StepIx>,
    /// Whether the run goes on under its own id, so that what runs again stops where an output is the same again.
    stops_early: bool,
}

impl ResumeState {
    /// What `earlier` leaves to be taken over by a run of a plan with these `definitions`.
    pub fn new(earlier: &EarlierRun<'_>, plan: &ExecutionPlan, definitions: &[StepDigest]) -> Self {
        let header = earlier.state().header.as_deref();
        let run_id = earlier.run_id();
        let mut prior = PriorSteps::of(earlier, plan, definitions);
        Self {
            origin: earlier
                .origin
                .clone()
                .unwrap_or_else(|| Arc::clone(&run_id)),
            run_id,
            unknown: UnknownSteps::default(),
            edits: std::mem::take(&mut prior.edits),
            takes_back: None,
            prior,
            kept: Kept::default(),
            context: header.map_or_else(Arc::default, |header| Arc::clone(&header.context)),
            incomplete: HashSet::new(),
            fates: HashMap::new(),
            asked: Vec::new(),
            retried: Vec::new(),
            attempts: HashMap::new(),
            forked_from: None,
            renews_keys: earlier.renews_keys,
            unrecorded: earlier.unrecorded,
            spent: earlier.state().ledger(),
            rerun: HashSet::new(),
            came_to: HashMap::new(),
            refreshed: HashSet::new(),
            stops_early: false,
        }
    }

    /// Makes a fork of it: `run_id` is a run of its own, whose calls carry keys of their own.
    pub fn fork(&mut self, run_id: &Arc<str>) {
        self.forked_from = Some(Arc::clone(&self.run_id));
        self.origin = Arc::clone(run_id);
        self.renews_keys = true;
        self.prior.interrupted_attempts.clear();
        self.spent = Money::ZERO;
    }

    /// What the earlier run and those that it resumed have spent, which counts against the limit of a run that
    /// continues them; nothing for a fork.
    pub fn spent(&self) -> Money {
        self.spent
    }

    /// The run that this one is forked from, where it is a fork.
    pub fn forked_from(&self) -> Option<&Arc<str>> {
        self.forked_from.as_ref()
    }

    /// The fork that the line of runs began as: keys that the plan itself gives are made its own.
    pub(super) fn fork_of_keys(&self) -> Option<&Arc<str>> {
        self.renews_keys.then_some(&self.origin)
    }

    /// How its rows ended.
    pub fn prior_steps(&self) -> &PriorSteps {
        &self.prior
    }

    pub(super) fn interrupted_attempts(&self) -> &InterruptedAttempts {
        &self.prior.interrupted_attempts
    }

    /// Has the row of this id run again, with everything that depends on it and without cached outputs.
    pub fn run_again(&mut self, id: &Arc<str>) {
        self.take_back(id);
        self.prior.forget_calls(id);
        self.asked.push(Arc::clone(id));
    }

    /// The rows that are to run again.
    pub fn asked(&self) -> &[Arc<str>] {
        &self.asked
    }

    /// The steps whose output is not taken over because their definition differs or is gone.
    pub fn changed(&self) -> &[Arc<str>] {
        &self.prior.changed
    }

    /// How many outputs can be taken over, elements of `for_each` steps included.
    pub fn outputs(&self) -> usize {
        let rows = self.prior.rows.values();
        rows.filter(|earlier| matches!(earlier, PriorStep::Output { .. }))
            .count()
    }

    /// The rows that were running when it was interrupted.
    pub fn interrupted(&self) -> Vec<Arc<str>> {
        let rows = self.prior.rows.iter();
        let rows = rows.filter(|(_, earlier)| matches!(earlier, PriorStep::Interrupted { .. }));
        let mut ids: Vec<Arc<str>> = rows.map(|(id, _)| Arc::clone(id)).collect();
        ids.sort();
        ids
    }

    /// The recorded output of a row, and whether the user supplied it.
    pub(super) fn output_of(&self, id: &str) -> Option<(&Arc<Value>, bool)> {
        match self.prior.rows.get(id)? {
            PriorStep::Output {
                output, supplied, ..
            } => Some((output, *supplied)),
            _ => None,
        }
    }

    /// Whether it is known what a row came to, so that nothing has to be decided where nothing above it changes.
    pub(super) fn is_decided(&self, id: &str) -> bool {
        matches!(
            self.prior.rows.get(id),
            Some(PriorStep::Output { .. } | PriorStep::Unwanted)
        )
    }

    /// How many elements the list of a `for_each` step had; 0 where that is not known.
    pub(super) fn elements_of(&self, id: &str) -> usize {
        self.prior.elements.get(id).copied().unwrap_or_default()
    }

    /// The context of the earlier run, as it was recorded.
    pub(super) fn context(&self) -> &Value {
        &self.context
    }

    /// Has these rows run again, for the secrets that their recorded outputs lack. What depends on them is taken over
    /// all the same where its input comes out the same.
    pub(super) fn complete(&mut self, rows: HashSet<Arc<str>>) {
        self.incomplete = rows;
    }

    /// Whether the condition of a row held, where nothing that it depends on has run again.
    pub(super) fn condition(&self, id: &str, step: &Step) -> Option<bool> {
        let held = self.prior.conditions.get(id).copied()?;
        self.upstream_is_as_before(step).then_some(held)
    }

    /// The recorded output of a row, where nothing that it depends on has run again.
    pub(super) fn taken_over(&self, id: &str, step: &Step) -> Option<Prepared> {
        let PriorStep::Output {
            input,
            output,
            reuse,
            ..
        } = self.prior.rows.get(id)?
        else {
            return None;
        };
        self.upstream_is_as_before(step).then(|| {
            let reuse = Reuse {
                input: input.clone().unwrap_or_default(),
                ..Reuse::clone(reuse)
            };
            let output = Arc::clone(output);
            Prepared::Known(output, StepSource::Recorded, Some(Box::new(reuse)))
        })
    }

    /// What to do with a row, given what would be done with it without an earlier run. `shown` is the input of its call
    /// as it would be recorded.
    pub(super) fn instead(
        &mut self,
        instance: &StepInstance<'_>,
        prepared: Prepared,
        shown: Option<&StepInput>,
    ) -> Prepared {
        let (key, ix, plan) = (instance.key(), instance.plan_step(), instance.plan);
        let Some(step) = plan.step(ix) else {
            return prepared;
        };
        // After a journal broke, whatever is not on record may have happened.
        let may_have_happened = PriorStep::Interrupted {
            input: None,
            reuse: None,
            reserved: Money::ZERO,
        };
        let earlier = match self.prior.rows.get(&key.id) {
            None | Some(PriorStep::Redefined) if self.unrecorded => Some(&may_have_happened),
            known => known,
        };
        match (earlier, prepared) {
            (
                Some(PriorStep::Output {
                    input,
                    output,
                    reuse,
                    supplied,
                }),
                mut prepared @ Prepared::Call { .. },
            ) if *supplied
                || self.upstream_is_as_before(step)
                    && input.as_ref().is_none_or(|input| shown == Some(input)) =>
            {
                if self.incomplete.contains(&key.id) {
                    explain(&mut prepared, RerunReason::Redacted);
                    return prepared;
                }
                let Prepared::Call { input: now, .. } = prepared else {
                    return prepared;
                };
                let reuse = Reuse {
                    input: now,
                    ..Reuse::clone(reuse)
                };
                let output = Arc::clone(output);
                Prepared::Known(output, StepSource::Recorded, Some(Box::new(reuse)))
            }
            (Some(PriorStep::Unwanted), Prepared::Unwanted) => Prepared::Unwanted,
            (Some(PriorStep::Failed(error)), Prepared::Call { .. })
                if self.upstream_is_as_before(step) =>
            {
                Prepared::Impossible(error.clone())
            }
            (_, prepared @ Prepared::Each(_)) => prepared,
            (
                Some(PriorStep::Interrupted { input, reuse, .. }),
                prepared @ Prepared::Call { .. },
            ) => {
                let (input, reuse) = (input.clone(), reuse.clone());
                self.after_interruption(instance, prepared, shown, input.as_ref(), reuse)
            }
            (earlier, mut prepared) => {
                if let Some(input) = shown {
                    let why = self.why(earlier, input, step, plan);
                    explain(&mut prepared, why);
                }
                self.rerun.insert(ix);
                prepared
            }
        }
    }

    /// What to do with a call that was interrupted when it was made with the input `before`.
    fn after_interruption(
        &mut self,
        instance: &StepInstance<'_>,
        mut prepared: Prepared,
        shown: Option<&StepInput>,
        before: Option<&StepInput>,
        reuse: Option<Box<Reuse>>,
    ) -> Prepared {
        let key = instance.key();
        let Some(step) = instance.step() else {
            return prepared;
        };
        let known = before.zip(shown);
        let changed = known.filter(|(before, now)| before != now);
        if changed.is_some() {
            // What is called now is another call.
            self.prior.interrupted_attempts.forget(&key.id);
        }
        if changed.is_none()
            && let Some(Fate::Failed(error)) = self.fates.get(&key.id)
        {
            return Prepared::Impossible(error.clone());
        }
        let fate = self.fates.get(&key.id);
        if let (Some(Fate::Happened(output)), None, Prepared::Call { input, .. }) =
            (fate, changed, &prepared)
        {
            let reuse = reuse.map(|reuse| {
                let input = input.clone();
                Box::new(Reuse { input, ..*reuse })
            });
            return Prepared::Known(Arc::clone(output), StepSource::Recorded, reuse);
        }
        let is_known = fate.is_some_and(|fate| !matches!(fate, Fate::Unknown(_)));
        let why = match (fate, changed) {
            (Some(Fate::Happened(_) | Fate::Failed(_)), Some((before, now))) => {
                RerunReason::Input {
                    changes: input_changes(
                        &before.to_value(),
                        &now.to_value(),
                        step,
                        instance.plan,
                    ),
                }
            }
            _ => RerunReason::Interrupted,
        };
        if changed.is_some() && matches!(fate, Some(Fate::Attach(_))) {
            self.fates.insert(Arc::clone(&key.id), Fate::Again);
        }
        self.rerun.insert(instance.plan_step());
        let is_repeatable = instance.tool().is_some_and(|tool| tool.policy().repeatable);
        if is_known || is_repeatable {
            explain(&mut prepared, why);
            return prepared;
        }
        match self.unknown {
            UnknownSteps::Rerun => {
                explain(&mut prepared, why);
                prepared
            }
            UnknownSteps::Skip => Prepared::Skip,
            UnknownSteps::Keep => Prepared::Unknown(Box::new(self.unknown_error(&key, step))),
        }
    }

    /// The input of the interrupted call of a row, as it was recorded, where nothing has been found out about that call
    /// and its name is on record.
    pub(super) fn interrupted_input(&self, id: &str) -> Option<&StepInput> {
        let PriorStep::Interrupted { input, .. } = self.prior.rows.get(id)? else {
            return None;
        };
        let is_open = self.prior.interrupted_attempts.has(id) && !self.fates.contains_key(id);
        input.as_ref().filter(|_| is_open)
    }

    /// The handle that its server gave the interrupted call of a row.
    pub(super) fn interrupted_handle(&self, id: &str) -> Option<&Arc<str>> {
        self.prior.interrupted_attempts.handle(id)
    }

    /// The server of a row's interrupted call does not know its handle.
    pub(super) fn forget_handle(&mut self, id: &str) {
        self.prior.interrupted_attempts.forget_handle(id);
    }

    /// The handle of the call of a row whose end the attempt that starts now waits for; later attempts make calls.
    pub(super) fn take_attached(&mut self, id: &Arc<str>) -> Option<Arc<str>> {
        let Some(Fate::Attach(_)) = self.fates.get(id) else {
            return None;
        };
        match self.fates.insert(Arc::clone(id), Fate::Again) {
            Some(Fate::Attach(handle)) => Some(handle),
            _ => None,
        }
    }

    /// Notes what became of the interrupted call of a row.
    pub(super) fn settle(&mut self, id: &Arc<str>, fate: Fate) {
        self.fates.insert(Arc::clone(id), fate);
    }

    pub(super) fn upstream_is_as_before(&self, step: &Step) -> bool {
        let mut before = step.depends_on.iter();
        before.all(|before| !self.rerun.contains(before))
    }

    /// Why a row is called that the earlier run had come to.
    fn why(
        &self,
        earlier: Option<&PriorStep>,
        now: &StepInput,
        step: &Step,
        plan: &ExecutionPlan,
    ) -> RerunReason {
        if !self.upstream_is_as_before(step) {
            let before = step.depends_on.iter();
            let rerun = before.filter(|before| self.rerun.contains(before));
            let steps = rerun.filter_map(|ix| plan.step(*ix));
            return RerunReason::Upstream {
                steps: steps.map(|step| Arc::clone(&step.id)).collect(),
            };
        }
        match earlier {
            Some(PriorStep::Output {
                input: Some(before),
                ..
            }) => RerunReason::Input {
                changes: input_changes(&before.to_value(), &now.to_value(), step, plan),
            },
            Some(PriorStep::Rerun) => RerunReason::Asked,
            Some(PriorStep::Redefined) => RerunReason::Redefined,
            Some(PriorStep::Interrupted { .. }) => RerunReason::Interrupted,
            Some(
                PriorStep::Output { input: None, .. } | PriorStep::Unwanted | PriorStep::Failed(_),
            )
            | None => RerunReason::Absent,
        }
    }

    fn unknown_error(&self, key: &StepKey, step: &Step) -> RunError {
        let asked = match self.fates.get(&key.id) {
            Some(Fate::Unknown(why)) => format!(" ({why})"),
            _ => String::new(),
        };
        let message = format!(
            "it was running when run {} was interrupted, so it may or may not have happened{asked}, and it was not \
             repeated; find out, then retry it, or resume with --unknown rerun or --unknown skip",
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

fn explain(prepared: &mut Prepared, rerun: RerunReason) {
    if let Prepared::Call { why, .. } = prepared {
        why.get_or_insert_with(|| Box::new(CallReason::default()))
            .rerun = Some(rerun);
    }
}
