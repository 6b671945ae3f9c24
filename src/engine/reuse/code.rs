//! What is reused of the calls that code makes, and what is not paid for.

use super::Reuse;
use crate::engine::Scheduler;
use crate::engine::redaction::shown_input;
use crate::engine::resume_state::ResumeState;
use crate::engine::step_instance::StepInstance;
use crate::plan::{StepInput, StepIx};
use crate::run::RunState;
use crate::units::Money;
use std::cell::LazyCell;
use std::sync::Arc;

impl Reuse {
    /// The code of a row makes a call: what it makes of the outputs of others is not in its input, so its own output is not
    /// cached.
    pub(in crate::engine) fn calls_tools(&mut self, row: StepIx) {
        self.to_cache.remove(&row);
    }

    /// Whether calls that earlier attempts of a row made keep their outputs in the one that has begun: where the user has not
    /// asked for the row again, and nothing that it depends on has come to something else.
    pub(in crate::engine) fn keeps_calls(
        &mut self,
        instance: &StepInstance<'_>,
        run: &RunState,
    ) -> bool {
        let now = self.kept.versions_before(run, instance.plan_step());
        let before = self.calls_made_after.insert(instance.row, now.clone());
        let rows = [instance.row, instance.plan_step()];
        let keeps = before.is_none_or(|before| before == now)
            && !self.refreshed.contains(instance)
            && !rows.iter().any(|row| self.calls_again.contains(row));
        self.keeps_calls.insert(instance.row, keeps);
        keeps
    }

    /// The same of the code that makes this call; of what is no call of code always.
    pub(super) fn keeps_call(&self, instance: &StepInstance<'_>) -> bool {
        let caller = instance.scheduler.caller(instance.row);
        caller.is_none_or(|caller| self.keeps_calls.get(&caller) == Some(&true))
    }

    /// The user has changed what a row is called with, or asked for it again: its code makes all of its calls again.
    pub(super) fn changes_calls(&mut self, row: StepIx, scheduler: &Scheduler) {
        self.calls_again.insert(row);
        if let Some(resume) = &mut self.resume {
            resume.forget_calls(&scheduler.key(row).id);
        }
    }

    /// What a call is named that the code of a row makes of a tool: a name that the same call had in an earlier attempt or an
    /// earlier run, so that its record is used, else a new one. `before` is what the call of a name was made with in this
    /// process.
    pub(in crate::engine) fn name_of_call(
        &self,
        prefix: &str,
        input: &StepInput,
        from: u32,
        before: impl Fn(&str) -> Option<StepInput>,
        is_free: impl Fn(&Arc<str>) -> bool,
    ) -> (Arc<str>, u32) {
        let names =
            (from..).map(|number| (Arc::<str>::from(format!("{prefix}[{number}]")), number));
        let mut free = names.filter(|(id, _)| is_free(id));
        let prior = self.resume.as_deref().map(ResumeState::prior_steps);
        let shown = LazyCell::new(|| shown_input(input, &self.secrets.now()));
        loop {
            let Some((id, number)) = free.next() else {
                return (prefix.into(), 0);
            };
            let is_same = before(&id).map_or_else(
                || prior.is_none_or(|prior| prior.may_be_call(&id, &shown)),
                |known| known == *shown,
            );
            if is_same {
                return (id, number);
            }
        }
    }

    /// The interrupted call of a row did not happen: what was counted for it in case it had is counted no longer.
    pub(in crate::engine) fn release(&mut self, id: &str) -> Money {
        let resume = self.resume.as_mut();
        resume.map_or(Money::ZERO, |resume| resume.release(id))
    }
}
