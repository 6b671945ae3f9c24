//! A fork that the user requested in the dashboard.

use super::changes::Changes;
use super::error::SessionError;
use super::resume::PriorRun;
use crate::plan::StepIx;
use crate::run::RunState;
use std::sync::Arc;

/// A fork of the run that the dashboard shows, from one of its steps.
#[derive(Clone, Debug)]
pub(crate) struct ForkRequest {
    run: Arc<str>,
    step: Arc<str>,
}

impl ForkRequest {
    /// The fork of `run` from `step`; `None` where the run has no such step.
    pub(crate) fn of(run: &RunState, step: StepIx) -> Option<Self> {
        Some(Self {
            run: Arc::clone(&run.header.as_ref()?.run_id),
            step: Arc::clone(&run.steps.get(step.at())?.info.id),
        })
    }

    /// Looks up the run to fork.
    pub(crate) fn prior_run(&self) -> Result<PriorRun, SessionError> {
        let changes = Changes {
            from: vec![self.step.to_string()],
            ..Changes::default()
        };
        PriorRun::fork(&self.run, changes)
    }
}
