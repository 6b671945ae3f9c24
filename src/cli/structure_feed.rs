//! Edits of a plan's structure that are written in the dashboard: what they would do, and the plan that comes of the last.

use crate::engine::UnknownSteps;
use crate::plan::Document;
use crate::run::{HandOver, Preview, RunState};
use crate::session::{
    Changes, DefinedTool, EditedPlan, Intended, LiveEdits, PlanEdit, PriorRun, ProposedEdit,
    SessionError, Settings, SourceOptions, load,
};
use crate::text::merge_patch::patch_between;
use crate::tui::StructureEdit;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The plan that the user has seen the price of last.
#[derive(Clone, Debug, Default)]
pub(super) struct Restructured {
    last: Arc<Mutex<Option<Priced>>>,
    /// The edits of the run that this process runs.
    edits: LiveEdits,
}

/// A plan of which the user has seen the price.
#[derive(Debug)]
enum Priced {
    /// A fork has it.
    Fork(EditedPlan),
    /// The run that goes on has it.
    Live(Box<ProposedEdit>),
}

impl Restructured {
    /// For a run of this process, with its edits.
    pub(super) fn of(edits: LiveEdits) -> Self {
        Self {
            edits,
            ..Self::default()
        }
    }

    /// The edits of the run that this process runs.
    pub(super) fn edits(&self) -> LiveEdits {
        self.edits.clone()
    }

    /// What this edit of a run that is running would do, and what the run is told where it is accepted.
    pub(super) async fn work_out_live(
        &self,
        run: &RunState,
        edit: StructureEdit,
        text: &str,
    ) -> Result<(Preview, HandOver), SessionError> {
        self.keep(None);
        let proposed = self.edits.propose(run, &read(edit, text)?).await?;
        let known = (proposed.preview.clone(), proposed.to.clone());
        self.keep(Some(Priced::Live(Box::new(proposed))));
        Ok(known)
    }

    /// The run is told to hand over to the run of this id.
    pub(super) fn accept(&self, run_id: &str) {
        if let Some(Priced::Live(proposed)) = &*self.last()
            && *proposed.to.run_id == *run_id
        {
            self.edits.accept(proposed);
        }
    }

    /// The definition of the tool that a step calls in a run that is running.
    pub(super) fn tool_of_live(
        &self,
        run: &RunState,
        step: &str,
    ) -> Result<DefinedTool, SessionError> {
        self.edits.tool(run, step)
    }

    /// What this edit of a run would do; its plan is kept.
    pub(super) async fn work_out(
        &self,
        run_id: &str,
        edit: StructureEdit,
        text: &str,
    ) -> Result<Preview, SessionError> {
        self.keep(None);
        let edit = read(edit, text)?;
        let prior = PriorRun::fork(run_id, Changes::default())?;
        let mut source = SourceOptions::default();
        let edited = edit.of_run(&prior, source.clone())?;
        let mut file = None;
        prior.complete(&mut file, &mut source)?;
        source.with_edited(&edited);
        let settings = Settings::load(&std::env::current_dir().unwrap_or_default())?;
        settings.complete(&mut source);
        let loaded = load(&edited.file, source, &settings).await?;
        let intended = Intended {
            limits: settings.limits()?,
            track_cost: true,
            unknown: UnknownSteps::default(),
        };
        let step = edit.step();
        let preview = loaded.preview(Some(prior), intended, (edit.verb(), Some(&step)))?;
        self.keep(Some(Priced::Fork(edited)));
        Ok(preview)
    }

    /// The plan that the user has seen the price of last.
    pub(super) fn take(&self) -> Option<EditedPlan> {
        match self.last().take() {
            Some(Priced::Fork(edited)) => Some(edited),
            _ => None,
        }
    }

    fn keep(&self, plan: Option<Priced>) {
        *self.last() = plan;
    }

    fn last(&self) -> MutexGuard<'_, Option<Priced>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The edit with what the user has written for it.
pub(super) fn read(edit: StructureEdit, text: &str) -> Result<PlanEdit, SessionError> {
    let written = || {
        let document = Document::read(text).ok();
        let value = document.and_then(|document| document.get(&[]));
        match value {
            Some(Value::Object(written)) => Ok(written),
            _ => Err(SessionError::PlanEdit(
                "what is written is neither YAML nor JSON with a name before each value".to_owned(),
            )),
        }
    };
    Ok(match edit {
        StructureEdit::Before(step) => PlanEdit::Insert {
            step: written()?,
            before: Some(step),
            after: None,
        },
        StructureEdit::After(step) => PlanEdit::Insert {
            step: written()?,
            before: None,
            after: Some(step),
        },
        StructureEdit::Remove(step) => PlanEdit::Remove(step),
        StructureEdit::Repair(step, correction) => PlanEdit::Repair {
            step,
            text: text.into(),
            of: Some(correction.of.to_string()),
        },
        StructureEdit::Define(step, known) => {
            let patch = patch_between(&known.definition, &written()?);
            let patch = patch.ok_or_else(|| {
                SessionError::PlanEdit(
                    "a field cannot become null: leave it out instead".to_owned(),
                )
            })?;
            PlanEdit::DefineTool { step, patch }
        }
        StructureEdit::Depend(step, before) => {
            let now = match written()?.get("depends_on") {
                Some(Value::Array(all)) => all.clone(),
                Some(Value::Null) | None => Vec::new(),
                Some(one) => vec![one.clone()],
            };
            let now = now.iter().map(|id| match id {
                Value::String(id) => Arc::from(&**id),
                other => Arc::from(other.to_string()),
            });
            let now: Vec<Arc<str>> = now.collect();
            PlanEdit::Depend {
                step,
                on: now
                    .iter()
                    .filter(|id| !before.contains(id))
                    .cloned()
                    .collect(),
                not_on: before
                    .iter()
                    .filter(|id| !now.contains(id))
                    .cloned()
                    .collect(),
            }
        }
    })
}
