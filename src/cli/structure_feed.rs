//! Edits of a plan's structure that are written in the dashboard: what they would do, and the plan that comes of the last.

use crate::engine::UnknownSteps;
use crate::plan::Document;
use crate::run::Preview;
use crate::session::{
    Changes, EditedPlan, Intended, PlanEdit, PriorRun, SessionError, Settings, SourceOptions, load,
};
use crate::tui::StructureEdit;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

/// The plan that the user has seen the price of last.
#[derive(Clone, Debug, Default)]
pub(super) struct Restructured(Arc<Mutex<Option<EditedPlan>>>);

impl Restructured {
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
        self.keep(Some(edited));
        Ok(preview)
    }

    /// The plan that the user has seen the price of last.
    pub(super) fn take(&self) -> Option<EditedPlan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, plan: Option<EditedPlan>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }
}

/// The edit with what the user has written for it.
fn read(edit: StructureEdit, text: &str) -> Result<PlanEdit, SessionError> {
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
