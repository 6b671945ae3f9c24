//! What replaces a call: outputs of an earlier run, cached ones, and those that the user gave; and why
//! a call is made all the same.

mod code;
mod edits;
mod lacking;

use super::attempt_name::{AttemptName, attempt_name, idempotency_key};
use super::blocking::blocking;
use super::cache::{CacheKey, CachedOutput, FilesSeen, Keys, NewOutput, OutputCache};
use super::edit::Edit;
use super::kept::{Kept, came_to};
use super::left_out::LeftOut;
use super::redaction::{any_value, holds_mark, shown_input};
use super::refreshed::Refreshed;
use super::resume_state::{Fate, ResumeState};
use super::step_instance::StepInstance;
use super::step_tools::StepTools;
use super::{Prepared, Scheduler, why};
use crate::plan::{ExecutionPlan, Root, StepInput, StepIx};
use crate::run::{
    CallReason, EventKind, MissReason, NotReused, RunCommand, RunState, StepInfo, StepKey,
    StepSource, StepState, StepStatus,
};
use crate::tools::{CallReport, REDACTED, SharedSecrets};
use crate::units::Micros;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What may be used instead of calls.
pub(super) struct Reuse {
    resume: Option<Box<ResumeState>>,
    cache: Option<Box<dyn OutputCache>>,
    keys: Keys,
    /// Why the outputs of the plan's steps are not cached; `None` where they may be.
    not_reused: Vec<Option<NotReused>>,
    /// The keys under which the outputs of running calls are to be cached.
    to_cache: HashMap<StepIx, (CacheKey, Option<FilesSeen>)>,
    refreshed: Refreshed,
    /// Rows whose cached output is not what they expect.
    rejected: HashSet<StepIx>,
    kept: Kept,
    /// The versions of what rows depended on as their code began to make calls.
    calls_made_after: HashMap<StepIx, Vec<u32>>,
    /// Rows whose code makes all of its calls again, because the user has changed what they are called with.
    calls_again: HashSet<StepIx>,
    /// Whether the calls that earlier attempts of a row made keep their outputs in the present one.
    keeps_calls: HashMap<StepIx, bool>,
    /// Edits of rows that do not exist yet.
    edits: Vec<Edit>,
    /// What is not stored.
    secrets: SharedSecrets,
    left_out: LeftOut,
}

impl Reuse {
    /// What an earlier run and a cache have for the `steps` of a plan.
    pub(super) fn new(
        mut resume: Option<Box<ResumeState>>,
        cache: Option<Box<dyn OutputCache>>,
        keys: Keys,
        steps: &[StepInfo],
        secrets: SharedSecrets,
    ) -> Self {
        let edits = resume.as_mut().map(|it| std::mem::take(&mut it.edits));
        let kept = resume.as_mut().map(|it| std::mem::take(&mut it.kept));
        Self {
            resume,
            cache,
            keys,
            not_reused: steps.iter().map(|step| step.not_reused).collect(),
            to_cache: HashMap::new(),
            refreshed: Refreshed::default(),
            rejected: HashSet::new(),
            kept: kept.unwrap_or_default(),
            calls_made_after: HashMap::new(),
            calls_again: HashSet::new(),
            keeps_calls: HashMap::new(),
            edits: edits.unwrap_or_default(),
            secrets,
            left_out: LeftOut::default(),
        }
    }

    /// Whether the condition of a row holds, where that is on record and cannot be found out again because the record
    /// lacks a secret; the error says so where it is not on record either.
    pub(super) fn condition(&self, instance: &StepInstance<'_>) -> Result<Option<bool>, Prepared> {
        let Some(lacking) = self.left_out.in_condition(instance) else {
            return Ok(None);
        };
        let recorded = self.resume.as_ref().and_then(|resume| {
            let step = instance.step()?;
            let condition = step.run_if.as_ref()?;
            let mut roots = condition.roots.iter();
            let is_as_before = roots.all(|root| self.is_as_before(resume, root, instance));
            resume
                .condition(&instance.key().id, step)
                .filter(|_| is_as_before)
        });
        match recorded {
            Some(held) => Ok(Some(held)),
            None => Err(lacking.refusal("run_if", instance)),
        }
    }

    /// Whether what stands outside of the outputs is as it was in the earlier run.
    fn is_as_before(&self, resume: &ResumeState, root: &Root, instance: &StepInstance<'_>) -> bool {
        let Root::Context(name) = root else {
            return true;
        };
        let now = instance.context.get(&**name);
        let now = now.map(|now| {
            self.secrets
                .now()
                .redacted(now)
                .unwrap_or_else(|| now.clone())
        });
        resume.context().get(&**name) == now.as_ref()
    }

    /// What to do with a row of which it is known what would be done with it if nothing were reused. `run` is the
    /// run at `now`.
    pub(super) fn decide(
        &mut self,
        instance: &StepInstance<'_>,
        prepared: Prepared,
        run: &RunState,
        now: Micros,
    ) -> Prepared {
        let own = instance.code_call().map(|call| &*call.step);
        let own = own.or_else(|| instance.given_call().and_then(|_| instance.step()));
        let not_reused = if let Some(step) = own {
            self.keys.not_reused(step, instance.given_call())
        } else {
            let known = self.not_reused.get(instance.plan_step().at());
            known.copied().flatten()
        };
        let (recorded, refused) = self.computed_from_what_lacks(instance, &prepared);
        let prepared = match &mut self.resume {
            _ if recorded.is_some() => recorded.unwrap_or(prepared),
            Some(resume) => {
                // What was recorded is compared with what would be recorded now.
                let shown = match &prepared {
                    Prepared::Call { input, .. } => Some(shown_input(input, &self.secrets.now())),
                    _ => None,
                };
                resume.instead(instance, prepared, shown.as_ref())
            }
            None => prepared,
        };
        let prepared = match refused {
            Some(refused) if would_use(&prepared) => refused,
            _ => self.unless_redacted(instance, prepared),
        };
        let prepared = self.unless_kept(instance, prepared, run, now);
        let is_recorded = matches!(prepared, Prepared::Known(_, StepSource::Recorded, _));
        if !is_recorded && !self.left_out.is_empty() {
            self.left_out.made(instance.plan_step(), &instance.key().id);
        }
        let Prepared::Call { input, .. } = &prepared else {
            return prepared;
        };
        let has_pins = self.cache.as_ref().is_some_and(|cache| cache.has_pins());
        if not_reused.is_some() && !has_pins {
            return prepared;
        }
        let refreshed = self.refreshed.contains(instance);
        let key = self.cache.is_some().then(|| self.key(instance, input));
        let (Some(cache), Some((key, seen)), Some(step)) =
            (&mut self.cache, key.flatten(), instance.step())
        else {
            return match not_reused {
                None => because(prepared, MissReason::Off),
                Some(_) => prepared,
            };
        };
        let hit = |kept: CachedOutput| {
            let reuse = Box::new(kept.reuse(&key.input));
            Prepared::Known(kept.output, StepSource::Cache, Some(reuse))
        };
        if has_pins && let Some(kept) = blocking(|| cache.pinned(&key)) {
            return hit(kept);
        }
        if not_reused.is_some() {
            return prepared;
        }
        let missed = if self.rejected.remove(&instance.row) {
            MissReason::Rejected
        } else if refreshed {
            MissReason::Refresh
        } else {
            match blocking(|| cache.get(&key)) {
                Ok(kept) => return hit(kept),
                Err(missed) => why::miss(missed, &key.input, step, instance.plan),
            }
        };
        self.to_cache.insert(instance.row, (key, seen));
        because(prepared, missed)
    }

    /// The same, unless the row is called again only because of what it depends on, and that came to the same.
    fn unless_kept(
        &self,
        instance: &StepInstance<'_>,
        prepared: Prepared,
        run: &RunState,
        now: Micros,
    ) -> Prepared {
        let Prepared::Call { input, .. } = &prepared else {
            return prepared;
        };
        if self.kept.is_empty() || self.refreshed.contains(instance) || !self.keeps_call(instance) {
            return prepared;
        }
        let shown = shown_input(input, &self.secrets.now());
        let step = instance.plan_step();
        let kept = self.kept.find(run, step, instance.row, &shown, now);
        match kept {
            Some((output, reuse)) => Prepared::Known(output, StepSource::Recorded, Some(reuse)),
            None => prepared,
        }
    }

    /// The input of the interrupted call of a row that is about to be called, where nothing has been found out about that
    /// call; and whether it is the input that the row has now.
    /// Whether what is on record of a row of a run that goes on counts.
    pub(super) fn keeps(&self, id: &str) -> bool {
        self.resume.as_ref().is_none_or(|resume| resume.keeps(id))
    }

    pub(super) fn interrupted_input(
        &self,
        instance: &StepInstance<'_>,
        prepared: &Prepared,
    ) -> Option<(StepInput, bool)> {
        let (Some(resume), Prepared::Call { input, .. }) = (&self.resume, prepared) else {
            return None;
        };
        let before = resume.interrupted_input(&instance.key().id)?;
        let is_same = shown_input(input, &self.secrets.now()) == *before;
        let before = if is_same { input } else { before };
        // Nobody is asked about what is not known as a whole.
        (!any_value(before, &holds_mark)).then(|| (before.clone(), is_same))
    }

    /// The handle that its server gave the interrupted call of a row; not where a secret was left out of it.
    pub(super) fn interrupted_handle(&self, id: &str) -> Option<Arc<str>> {
        let handle = self.resume.as_ref()?.interrupted_handle(id)?;
        (!handle.contains(REDACTED)).then(|| Arc::clone(handle))
    }

    /// The server of a row's interrupted call does not know its handle.
    pub(super) fn forget_handle(&mut self, id: &str) {
        if let Some(resume) = &mut self.resume {
            resume.forget_handle(id);
        }
    }

    /// The handle of the call of a row whose end the attempt that starts now waits for.
    pub(super) fn take_attached(&mut self, id: &Arc<str>) -> Option<Arc<str>> {
        self.resume.as_mut()?.take_attached(id)
    }

    /// Notes what became of the interrupted call of a row.
    pub(super) fn settle(&mut self, id: &Arc<str>, fate: Fate) {
        if let Some(resume) = &mut self.resume {
            resume.settle(id, fate);
        }
    }

    /// The cached output of a row is not what it expects: it is not used the next time.
    pub(super) fn reject(&mut self, row: StepIx) {
        self.rejected.insert(row);
    }

    /// A call of a row ended: its output may be cached.
    pub(super) fn call_ended(&mut self, row: StepIx, service: Micros, report: &CallReport) {
        // Where nothing is cached, no call pays for a look-up.
        let key = (!self.to_cache.is_empty()).then(|| self.to_cache.remove(&row));
        let Some((key, seen)) = key.flatten() else {
            return;
        };
        if let (Some(cache), Ok(output)) = (&mut self.cache, &report.output) {
            let has_secret = self.secrets.now().redacted(output).is_some();
            if report.unredacted.is_some() || has_secret {
                // What is stored holds no secret, and without it this is not the output.
                return;
            }
            if seen.is_some_and(|seen| !self.keys.are_unchanged(&seen)) {
                return;
            }
            let made = NewOutput {
                output: Arc::clone(output),
                cost: report.cost.unwrap_or_default(),
                service,
            };
            blocking(|| cache.put(key, made));
        }
    }

    /// What rows come to, where an event says that.
    pub(super) fn note_end(&mut self, event: &EventKind, scheduler: &Scheduler) {
        let Some((row, output)) = came_to(event) else {
            return;
        };
        if scheduler.plan_step(row) == row {
            self.kept.ended(row, output);
            if let (Some(resume), Some(output)) = (&mut self.resume, output) {
                resume.ended(row, &scheduler.key(row).id, output);
            }
        }
        self.kept.made(event);
        if output.is_some() {
            // It will do from now on.
            self.refreshed.remove(row, scheduler);
            self.calls_again.remove(&row);
        }
    }

    /// A row goes back to its beginning: what an earlier run had of it is not used.
    pub(super) fn reset(&mut self, step: &StepKey, before: &RunState) {
        self.kept.note(before, step.ix);
        if let Some(resume) = &mut self.resume {
            resume.forget(step);
        }
    }

    /// An event with which a recorded run that was left in this state is opened again.
    pub(super) fn reopens(&mut self, event: &EventKind, before: &RunState) {
        self.kept.replay(before, event);
    }

    /// What a command means for recorded and cached outputs; the scheduler runs it.
    pub(super) fn note(
        &mut self,
        command: &RunCommand,
        plan: &ExecutionPlan,
        scheduler: &Scheduler,
    ) {
        match command {
            RunCommand::Retry(row) => self.asked_again(*row, scheduler),
            RunCommand::Refresh(row) => {
                self.asked_again(*row, scheduler);
                self.refreshed.below(plan, scheduler.plan_step(*row));
            }
            RunCommand::SetInput(row, _) | RunCommand::SetCall(row, _)
                if scheduler.code_call(*row).is_none() =>
            {
                self.changes_calls(*row, scheduler);
            }
            RunCommand::SetOutput(row, output) => {
                let step = scheduler.plan_step(*row);
                let id = scheduler.key(*row).id;
                self.left_out.given(step, &id, output);
                if let Some(resume) = &mut self.resume {
                    resume.note_output(&id, step, output);
                }
            }
            _ => {}
        }
    }

    /// The user wants a row to run again, with the calls that its code makes. A call runs again with the code.
    fn asked_again(&mut self, row: StepIx, scheduler: &Scheduler) {
        let row = scheduler.first_caller(row);
        self.refreshed.insert(row);
        self.changes_calls(row, scheduler);
    }

    /// The rows of which it was asked before the run began that they run again, whatever is cached.
    pub(super) fn begin(&mut self, plan: &ExecutionPlan, tools: &StepTools) {
        let Some(resume) = &mut self.resume else {
            return;
        };
        self.left_out = LeftOut::of(resume, plan);
        let incomplete = self.left_out.to_complete(resume, plan, tools);
        resume.complete(incomplete);
        for id in resume.retried().to_vec() {
            self.refreshed.insert_id(id);
        }
        for id in resume.asked().to_vec() {
            let known = plan.steps.iter().position(|step| step.id == id);
            if let Some(at) = known {
                let step = StepIx(at as u32);
                self.refreshed.insert(step);
                resume.refresh_after(self.refreshed.below(plan, step));
                resume.refresh_after([step]);
                continue;
            }
            let parent = plan.steps.iter().position(|step| {
                let rest = id.strip_prefix(&*step.id);
                rest.is_some_and(|rest| rest.starts_with('['))
            });
            if let Some(parent) = parent {
                let parent = StepIx(parent as u32);
                resume.refresh_after(self.refreshed.below(plan, parent));
                resume.refresh_after([parent]);
            }
            self.refreshed.insert_id(id);
        }
    }

    /// Pins the output of a row for its input, or unpins it; whether that was done.
    pub(super) fn pin(
        &mut self,
        instance: &StepInstance<'_>,
        input: &StepInput,
        output: Option<CachedOutput>,
    ) -> bool {
        let Some((key, _)) = self.key(instance, input) else {
            return false;
        };
        let cache = self.cache.as_mut();
        cache.is_some_and(|cache| blocking(|| cache.pin(key, output)))
    }

    /// The name of a row's attempt of this number, and what the tool is given to tell it by.
    pub(super) fn attempt_name(
        &self,
        instance: &StepInstance<'_>,
        run_id: &str,
        number: u32,
    ) -> AttemptName {
        let resume = self.resume.as_deref();
        let id = instance.key().id;
        let is_first = number == self.first_attempt(&id);
        let interrupted = resume.map(ResumeState::interrupted_attempts);
        let interrupted = interrupted.filter(|_| is_first);
        let name = attempt_name(&id, run_id, number, interrupted);
        let fork = resume.and_then(ResumeState::fork_of_keys);
        AttemptName {
            idempotency_key: idempotency_key(instance, &name, fork),
            name,
        }
    }

    /// The number of a row's first attempt in this process.
    pub(super) fn first_attempt(&self, id: &str) -> u32 {
        self.resume.as_ref().map_or(0, |it| it.attempts_before(id)) + 1
    }

    fn key(
        &mut self,
        instance: &StepInstance<'_>,
        input: &StepInput,
    ) -> Option<(CacheKey, Option<FilesSeen>)> {
        let (step, tool) = (instance.step()?, instance.tool()?);
        let id = instance.key().id;
        let time_to_live = tool.kind().time_to_live;
        let (mut key, seen) =
            self.keys
                .of(&id, step, time_to_live, (input, instance.given_call()))?;
        // The digest is of the whole input; what is stored beside it is for readers.
        key.input = shown_input(input, &self.secrets.now());
        Some((key, seen))
    }
}

/// Whether a row uses its list or its parameters.
fn would_use(prepared: &Prepared) -> bool {
    matches!(
        prepared,
        Prepared::Call { .. } | Prepared::Each(_) | Prepared::Impossible(_)
    )
}

/// The output of a row that succeeded, as it is pinned. `now` dates what the run made itself.
pub(super) fn to_pin(state: &StepState, run_id: &Arc<str>, now: Micros) -> Option<CachedOutput> {
    let output = state.output.clone()?;
    if state.status != StepStatus::Succeeded {
        return None;
    }
    Some(match &state.reused {
        Some(reused) => CachedOutput {
            output,
            run_id: Arc::clone(&reused.run_id),
            age: reused.age,
            cost: reused.cost,
            service: reused.service,
            pinned: true,
        },
        None => CachedOutput {
            output,
            run_id: Arc::clone(run_id),
            age: now - state.ended_at().unwrap_or_default(),
            cost: state.cost.unwrap_or_default(),
            service: state.service,
            pinned: true,
        },
    })
}

fn because(mut prepared: Prepared, miss: MissReason) -> Prepared {
    if let Prepared::Call { why, .. } = &mut prepared {
        why.get_or_insert_with(|| Box::new(CallReason::default()))
            .miss = Some(miss);
    }
    prepared
}
