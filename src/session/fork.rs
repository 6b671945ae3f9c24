//! A fork that the user requested in the dashboard.

use super::changes::Changes;
use super::error::SessionError;
use super::plan_edit::EditedPlan;
use super::resume::PriorRun;
use crate::plan::StepIx;
use crate::run::RunState;
use std::sync::Arc;

/// A fork of the run that the dashboard shows: from one of its steps, or of what changed in its plan.
#[derive(Clone, Debug)]
pub(crate) struct ForkRequest {
    run: Arc<str>,
    step: Option<Arc<str>>,
    edited: Option<EditedPlan>,
}

impl ForkRequest {
    /// The fork of `run` from `step`; `None` where the run has no such step.
    pub(crate) fn of(run: &RunState, step: StepIx) -> Option<Self> {
        Some(Self {
            run: Arc::clone(&run.header.as_ref()?.run_id),
            step: Some(Arc::clone(&run.steps.get(step.at())?.info.id)),
            edited: None,
        })
    }

    /// The fork of `run` that runs what changed in its plan.
    pub(crate) fn of_changes(run: &RunState) -> Option<Self> {
        Some(Self {
            run: Arc::clone(&run.header.as_ref()?.run_id),
            step: None,
            edited: None,
        })
    }

    /// The fork of `run` that has this plan.
    pub(crate) fn with_plan(run: &RunState, edited: EditedPlan) -> Option<Self> {
        Some(Self {
            edited: Some(edited),
            ..Self::of_changes(run)?
        })
    }

    /// The plan that it has, where that is an edited one that no file has.
    pub(crate) fn edited(&self) -> Option<&EditedPlan> {
        self.edited.as_ref()
    }

    /// Whether the user made it from a step, to look at beside its parent; else the run goes on as an edited plan has it.
    pub(crate) fn is_from_step(&self) -> bool {
        self.step.is_some()
    }

    /// The id of the run to fork.
    pub(crate) fn run(&self) -> &str {
        &self.run
    }

    /// Looks up the run to fork.
    pub(crate) fn prior_run(&self) -> Result<PriorRun, SessionError> {
        let changes = Changes {
            from: self.step.iter().map(ToString::to_string).collect(),
            ..Changes::default()
        };
        PriorRun::fork(&self.run, changes)
    }
}
