//! A run that follows the one that is shown: a fork that the user requested in the dashboard, or the run to which it hands
//! over.

use super::changes::Changes;
use super::error::SessionError;
use super::plan_edit::{EditedPlan, LiveEdits};
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
    successor: Option<Box<Successor>>,
}

/// The run that goes on with an edited plan.
#[derive(Clone, Debug)]
pub(crate) struct Successor {
    /// Its id, which the run before it has on record.
    pub run_id: Arc<str>,
    /// Whether the run before it was paused.
    pub paused: bool,
    /// The breakpoints of the run before it.
    pub breakpoints: Vec<String>,
}

impl ForkRequest {
    /// The fork of `run` from `step`; `None` where the run has no such step.
    pub(crate) fn of(run: &RunState, step: StepIx) -> Option<Self> {
        Some(Self {
            run: Arc::clone(&run.header.as_ref()?.run_id),
            step: Some(Arc::clone(&run.steps.get(step.at())?.info.id)),
            edited: None,
            successor: None,
        })
    }

    /// The fork of `run` that runs what changed in its plan.
    pub(crate) fn of_changes(run: &RunState) -> Option<Self> {
        Some(Self {
            run: Arc::clone(&run.header.as_ref()?.run_id),
            step: None,
            edited: None,
            successor: None,
        })
    }

    /// The fork of `run` that has this plan.
    pub(crate) fn with_plan(run: &RunState, edited: EditedPlan) -> Option<Self> {
        Some(Self {
            edited: Some(edited),
            ..Self::of_changes(run)?
        })
    }

    /// The run to which `run` has handed over, where it has, with the plan that was accepted.
    pub(crate) fn of_hand_over(run: &RunState, edits: &LiveEdits) -> Option<Self> {
        let to = run.hand_over.as_ref().filter(|_| run.has_ended())?;
        let breakpoints = run.breakpoints.iter();
        let successor = Successor {
            run_id: Arc::clone(&to.run_id),
            paused: run.was_paused,
            breakpoints: breakpoints.map(ToString::to_string).collect(),
        };
        Some(Self {
            successor: Some(Box::new(successor)),
            ..Self::with_plan(run, edits.of(&to.run_id)?)?
        })
    }

    /// The run that goes on, where this is no fork.
    pub(crate) fn successor(&self) -> Option<&Successor> {
        self.successor.as_deref()
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

    /// Looks up the run to fork, or to go on from.
    pub(crate) fn prior_run(&self) -> Result<PriorRun, SessionError> {
        if self.successor.is_some() {
            return PriorRun::resume(&self.run);
        }
        let changes = Changes {
            from: self.step.iter().map(ToString::to_string).collect(),
            ..Changes::default()
        };
        PriorRun::fork(&self.run, changes)
    }
}
