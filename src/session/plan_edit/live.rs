//! Edits of the plan of a run that is running: another run goes on with the edited plan, once this one stands still.

use super::{DefinedTool, EditedPlan, PlanEdit, tool_after};
use crate::engine::{UnknownSteps, definitions};
use crate::run::{HandOver, Preview, RunState};
use crate::session::error::SessionError;
use crate::session::load::load;
use crate::session::options::SourceOptions;
use crate::session::previewed::Intended;
use crate::session::resume::PriorRun;
use crate::session::settings::Settings;
use crate::session::trust::{Judgement, TrustedOnce};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The edits of the plan of a live run, for whoever runs it. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveEdits {
    /// The plans that were accepted, by the ids of the runs that are to go on with them.
    accepted: Arc<Mutex<Vec<Accepted>>>,
    /// What lets the tools of the plan be called.
    trust: bool,
    once: TrustedOnce,
}

/// The id of a run that is to go on, and its plan.
type Accepted = (Arc<str>, EditedPlan);

/// An edit that could be accepted.
#[derive(Clone, Debug)]
pub(crate) struct ProposedEdit {
    edited: EditedPlan,
    /// What the run that goes on would run.
    pub preview: Preview,
    /// What the run is told when the edit is accepted.
    pub to: HandOver,
}

impl LiveEdits {
    /// Where the caller vouches for what plans start and reach, or has trusted that in this process.
    pub(crate) fn new(trust: bool, once: TrustedOnce) -> Self {
        Self {
            accepted: Arc::default(),
            trust,
            once,
        }
    }

    /// What an edit would do to the plan of the live run of this id, on top of the edit that was accepted before.
    ///
    /// # Errors
    /// Where the run is not on record, the edit makes no sense, its plan cannot be loaded, or nobody has consented to what
    /// it starts and reaches.
    pub(crate) async fn propose(
        &self,
        run: &RunState,
        edit: &PlanEdit,
    ) -> Result<ProposedEdit, SessionError> {
        let run_id = run.header.as_ref().map(|header| &*header.run_id);
        let prior = PriorRun::look_at(run_id.unwrap_or_default())?.resumed_instead();
        let mut source = SourceOptions {
            trust: self.trust,
            ..SourceOptions::default()
        };
        let earlier = run.hand_over.as_ref().and_then(|to| self.of(&to.run_id));
        let edited = edit.of_run_after(&prior, earlier.as_ref(), source.clone())?;
        prior.complete(&mut None, &mut source)?;
        source.with_edited(&edited);
        let settings = Settings::load(&std::env::current_dir().unwrap_or_default())?;
        settings.complete(&mut source);
        let loaded = load(&edited.file, source, &settings).await?;
        if let Judgement::Asks(request) = loaded.judge(&self.once)? {
            return Err(SessionError::NotTrusted(request));
        }
        let changed =
            prior.steps_that_change(&loaded.plan, &definitions(&loaded.plan, &loaded.toolbox));
        let held = edit.held(&loaded.plan, run, changed);
        let intended = Intended {
            limits: run.limits.clone(),
            track_cost: run.header.as_ref().is_none_or(|header| header.track_cost),
            unknown: UnknownSteps::default(),
        };
        let step = edit.step();
        let preview = loaded.preview(Some(prior), intended, (edit.verb(), Some(&step)))?;
        let to = HandOver {
            run_id: uuid::Uuid::now_v7().to_string().into(),
            verb: edit.verb().into(),
            step,
            held,
        };
        Ok(ProposedEdit {
            edited,
            preview,
            to,
        })
    }

    /// The definition of the tool that a step of the live run calls, or will call.
    ///
    /// # Errors
    /// Where the run is not on record, or the step calls no tool that could be defined otherwise.
    pub(crate) fn tool(&self, run: &RunState, step: &str) -> Result<DefinedTool, SessionError> {
        let run_id = run.header.as_ref().map(|header| &*header.run_id);
        let prior = PriorRun::look_at(run_id.unwrap_or_default())?;
        let earlier = run.hand_over.as_ref().and_then(|to| self.of(&to.run_id));
        tool_after(&prior, earlier.as_ref(), step)
    }

    /// The run is told of this edit: its plan is kept until the run hands over.
    pub(crate) fn accept(&self, proposed: &ProposedEdit) {
        let plan = (Arc::clone(&proposed.to.run_id), proposed.edited.clone());
        self.accepted().push(plan);
    }

    /// The plan with which the run of this id is to go on.
    pub(crate) fn of(&self, run_id: &str) -> Option<EditedPlan> {
        let accepted = self.accepted();
        let mut all = accepted.iter().rev();
        let found = all.find(|(id, _)| **id == *run_id);
        found.map(|(_, edited)| edited.clone())
    }

    fn accepted(&self) -> MutexGuard<'_, Vec<Accepted>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
