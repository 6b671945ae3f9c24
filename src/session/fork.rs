//! A fork that was asked for in the dashboard.

use super::changes::Changes;
use super::error::SessionError;
use super::resume::PriorRun;
use crate::plan::StepIx;
use crate::run::RunState;
use std::sync::Arc;

/// A fork of a shown run from one of its steps, which the user asked for in the dashboard.
#[derive(Clone, Debug)]
pub struct ForkRequest {
    run: Arc<str>,
    step: Arc<str>,
}

impl ForkRequest {
    /// The fork of `run` from one of its rows; `None` where there is no such row.
    pub fn of(run: &RunState, step: StepIx) -> Option<Self> {
        Some(Self {
            run: Arc::clone(&run.header.as_ref()?.run_id),
            step: Arc::clone(&run.steps.get(step.at())?.info.id),
        })
    }

    /// The run to be forked, as a new run takes it over.
    pub fn prior_run(&self) -> Result<PriorRun, SessionError> {
        let changes = Changes {
            from: vec![self.step.to_string()],
            ..Changes::default()
        };
        PriorRun::fork(&self.run, changes)
    }
}
