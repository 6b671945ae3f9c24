//! What a run would do that takes over what another came to: worked out, and not started.

use super::error::SessionError;
use super::load::Loaded;
use super::resume::PriorRun;
use crate::engine::{Forked, ResumeState, UnknownSteps, definitions, left, step_prices};
use crate::run::{Preview, Rates, ResourceLimits, RunHeader, RunState};
use crate::units::Money;
use serde_json::Value;
use std::sync::Arc;

/// With what a run would be started.
#[derive(Clone, Debug)]
pub(crate) struct Intended {
    /// Its limits.
    pub limits: ResourceLimits,
    /// Whether it would track cost.
    pub track_cost: bool,
    /// What it would do with steps that may or may not have happened.
    pub unknown: UnknownSteps,
}

impl Loaded {
    /// What a run of this plan would do that resumes or forks `prior`, or begins from nothing; `verb` is what asks for it,
    /// about `step` where it is about one.
    ///
    /// # Errors
    /// Where a change of the fork names no step of the plan.
    pub(crate) fn preview(
        &self,
        prior: Option<PriorRun>,
        intended: Intended,
        (verb, step): (&str, Option<&str>),
    ) -> Result<Preview, SessionError> {
        let digests = definitions(&self.plan, &self.toolbox);
        let (taken, parent) = match prior {
            Some(prior) => prior.would_take_over(&self.plan, &digests, intended.unknown)?,
            None => (None, RunState::default()),
        };
        let taken = taken.unwrap_or_else(|| ResumeState::of_nothing(&self.plan, &digests));
        let header = RunHeader {
            run_id: "".into(),
            plan: Arc::clone(&self.plan.name),
            dialect: self.plan.dialect,
            started_at: "".into(),
            worker: self.worker.name().into(),
            simulated: self.worker.is_simulated(),
            track_cost: intended.track_cost,
            limits: intended.limits,
            rates: Rates::default(),
            priced: true,
            context: Arc::new(Value::Null),
            steps: Arc::default(),
            forked_from: None,
            spent_before: if taken.forked_from().is_some() {
                Money::ZERO
            } else {
                taken.spent()
            },
            pace: None,
        };
        let prices = step_prices(&self.plan, &self.context, &self.toolbox);
        let parent = left(&parent);
        let forked = Forked::new(&parent, &taken, header, prices);
        Ok(self.previewer().preview_fork(&forked, verb, step))
    }
}
