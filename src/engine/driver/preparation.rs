//! What a row comes to before it is called: its input, its condition, what is reused, and what is pinned.

use super::Driver;
use crate::engine::Prepared;
use crate::engine::prepare::{Rated, RunScope, prepare};
use crate::engine::redaction::shown_input;
use crate::engine::reuse::to_pin;
use crate::engine::step_instance::StepInstance;
use crate::plan::{Evaluation, StepInput, StepIx};
use crate::run::{EventKind, Rates, StepSource};
use std::sync::Arc;
use std::time::Duration;

/// The most time that one expression may take.
pub(super) const EVALUATION_LIMIT: Duration = Duration::from_secs(10);

impl Driver {
    /// What a call of a row is going to ask a model.
    pub(super) fn prompt(&self, row: StepIx, input: &StepInput) -> Option<Arc<str>> {
        let instance = self.instance(row);
        let (tool, step) = (instance.tool()?, instance.step()?);
        // Models have a price, and most tools have none.
        tool.pricing()?;
        let prompt = tool.prompt(&input.to_value(), step.settings.model.as_deref());
        prompt.map(Arc::from)
    }

    pub(super) fn instance(&self, row: StepIx) -> StepInstance<'_> {
        StepInstance {
            row,
            plan: &self.plan,
            scheduler: &self.scheduler,
            tools: &self.tools,
            edited: &self.edited,
            context: &self.context,
        }
    }

    /// What a row comes to if nothing is reused; the expression that has to be evaluated first, where there is one.
    fn prepare_fresh(&self, row: StepIx, condition: Option<bool>) -> Result<Prepared, Evaluation> {
        let instance = self.instance(row);
        let scope = RunScope {
            evaluated: self.evaluations.of(row),
            ..instance.scope()
        };
        let rated = Rated {
            rates: self.rates(),
            toolbox: &*self.toolbox,
        };
        let prepared = prepare(&scope, &rated, instance.called(), condition);
        match scope.wanted.into_inner() {
            None => Ok(prepared),
            Some(evaluation) => Err(evaluation),
        }
    }

    /// Prepares a row, or has an expression evaluated first and comes back to it.
    pub(super) fn prepare(&mut self, row: StepIx) {
        if !self.scheduler.is_preparing(row) {
            // The user decided in the meantime, or the run was stopped; the answer is not needed any more.
            self.evaluations.forget(row);
            self.inquiries.end(row);
            return;
        }
        let condition = self.reuse.condition(&self.instance(row));
        let prepared = match condition.map(|known| self.prepare_fresh(row, known)) {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(evaluation)) => return self.evaluate(row, &evaluation),
            Err(refused) => refused,
        };
        self.evaluations.forget(row);
        if self.look_into(row, &prepared) {
            return;
        }
        let instance = StepInstance {
            row,
            plan: &self.plan,
            scheduler: &self.scheduler,
            tools: &self.tools,
            edited: &self.edited,
            context: &self.context,
        };
        let input = match &prepared {
            Prepared::Call { input, .. } => Some(input.clone()),
            _ => None,
        };
        let secrets = self.toolbox.secrets();
        let prepared = match self.tape.instead(&instance, prepared, &secrets) {
            Ok(known) => known,
            Err(prepared) => {
                let run = self.emitter.state();
                self.reuse.decide(&instance, prepared, run, self.now)
            }
        };
        self.decided(row, prepared, input.as_ref());
    }

    /// The rates that calls count against.
    fn rates(&self) -> &Rates {
        match &self.share {
            Some(_) => &self.settings.rates,
            None => self.scheduler.rates(),
        }
    }

    fn evaluate(&mut self, row: StepIx, evaluation: &Evaluation) {
        let step = self.instance(row).step();
        let own_limit = step.and_then(|step| step.settings.timeout);
        let limit = own_limit.map_or(EVALUATION_LIMIT, |limit| limit.min(EVALUATION_LIMIT));
        let memory_mb = self.settings.limits.max_memory_mb;
        let value = self.toolbox.evaluate(evaluation.clone(), memory_mb, limit);
        self.evaluations.start(row, evaluation, value);
    }

    pub(super) fn pin(&mut self, row: StepIx, pinned: bool) {
        let now = self.read_clock();
        let Some(state) = self.emitter.state().steps.get(row.at()) else {
            return;
        };
        let Some(output) = to_pin(state, &self.run_id, now) else {
            return;
        };
        if self.scheduler.output(row) != Some(&output.output) {
            // It holds a secret, and only what may be shown is stored.
            return;
        }
        let supplied = state.source == Some(StepSource::Mock);
        let known = state.input().cloned().filter(|_| !supplied);
        let fresh = match self.prepare_fresh(row, None) {
            Ok(Prepared::Call { input, .. }) => Some(input),
            _ => None,
        };
        // What is known of the call is without secrets, and its key is made of the whole input.
        let is_shown_as = |fresh: &StepInput| {
            let shown = shown_input(fresh, &self.toolbox.secrets().now());
            known.as_ref().is_none_or(|known| *known == shown)
        };
        let input = fresh.filter(is_shown_as).or(known);
        let Some(input) = input else {
            return;
        };
        let instance = StepInstance {
            row,
            plan: &self.plan,
            scheduler: &self.scheduler,
            tools: &self.tools,
            edited: &self.edited,
            context: &self.context,
        };
        if self.reuse.pin(&instance, &input, pinned.then_some(output)) {
            let step = self.scheduler.key(row);
            self.emitter
                .emit(now, EventKind::StepPinned { step, pinned });
        }
    }
}
