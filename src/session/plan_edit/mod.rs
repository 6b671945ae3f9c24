//! Edits of the structure of a recorded run's plan: steps that come and go, and what they wait for.
//!
//! The run stays as it is. What comes of an edit is the text of another plan, with which the run is forked.

mod live;
mod text;

use super::error::SessionError;
use super::load::catalog_of_plan;
use super::options::SourceOptions;
use super::redaction::without_secrets;
use super::resume::PriorRun;
use super::servers::add_servers;
use crate::plan::{ExecutionPlan, parse};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use text::edited_text;

pub(crate) use live::{LiveEdits, ProposedEdit};

/// One edit of the structure of a plan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PlanEdit {
    /// A step more.
    Insert {
        /// The step, as plans have it.
        step: Map<String, Value>,
        /// The step that waits for it. Unless it names what it waits for, it waits for what that step does.
        before: Option<Arc<str>>,
        /// The step that it waits for; without `before`, what waits for that one waits for it too.
        after: Option<Arc<str>>,
    },
    /// A step less. What waits for it waits for what it does.
    Remove(Arc<str>),
    /// Other dependencies of a step.
    Depend {
        /// The step.
        step: Arc<str>,
        /// What it waits for in addition.
        on: Vec<Arc<str>>,
        /// What it waits for no longer.
        not_on: Vec<Arc<str>>,
    },
    /// Another text of the plan.
    Repair {
        /// The step whose failure it mends.
        step: Arc<str>,
        /// The text.
        text: Arc<str>,
        /// The digest of the text that it was made of; `None` where the caller does not know that one.
        of: Option<String>,
    },
}

impl PlanEdit {
    /// Its verb.
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Insert { .. } => "insert",
            Self::Remove(_) => "remove",
            Self::Depend { .. } => "depend",
            Self::Repair { .. } => "repair",
        }
    }

    /// The id of the step that it is about.
    pub(crate) fn step(&self) -> Arc<str> {
        match self {
            Self::Insert { step, .. } => text::id_of(step).unwrap_or_default().into(),
            Self::Remove(step) | Self::Depend { step, .. } | Self::Repair { step, .. } => {
                Arc::clone(step)
            }
        }
    }

    /// The plan of a recorded run with this edit. `source` says where its tools come from, where that is not as in the
    /// run.
    ///
    /// # Errors
    /// Where the edit makes no sense for the plan, or makes it one that cannot be loaded: its faults, each with its place.
    pub(crate) fn of_run(
        &self,
        prior: &PriorRun,
        source: SourceOptions,
    ) -> Result<EditedPlan, SessionError> {
        self.of_run_after(prior, None, source)
    }

    /// The same with another edit of its plan before this one.
    fn of_run_after(
        &self,
        prior: &PriorRun,
        earlier: Option<&EditedPlan>,
        mut source: SourceOptions,
    ) -> Result<EditedPlan, SessionError> {
        let mut file = None;
        prior.complete(&mut file, &mut source)?;
        let file = file.unwrap_or_default();
        let edited = earlier.map(|edited| &edited.text);
        let before = match edited.or_else(|| prior.plan_text()) {
            Some(text) => Arc::clone(text),
            None => std::fs::read_to_string(&file)
                .map_err(|error| SessionError::file(file.display().to_string(), error))?
                .into(),
        };
        let on_file = source.plan_on_file.take();
        let on_file = earlier.map(|edited| edited.on_file.clone()).or(on_file);
        let on_file = on_file.unwrap_or_else(|| digest(&before));
        Ok(EditedPlan {
            text: self.of_text(&file, &before, &source)?.into(),
            file,
            on_file,
        })
    }

    /// The plan in this text, of this file, with this edit.
    fn of_text(
        &self,
        file: &Path,
        before: &str,
        source: &SourceOptions,
    ) -> Result<String, SessionError> {
        let (plan, _) = checked(file, before, source)?;
        let text = match self {
            Self::Repair { of: Some(of), .. } if *of != digest(before) => {
                return Err(SessionError::PlanEdit(
                    "the plan was edited after this correction was made of it: ask for one again"
                        .to_owned(),
                ));
            }
            Self::Repair { step, text, .. } => {
                if plan.find(step).is_none() {
                    let ids = plan.steps.iter().map(|step| &*step.id);
                    return Err(SessionError::no_such_step(step, ids));
                }
                text.to_string()
            }
            _ => edited_text(before, &plan, self)?,
        };
        let (edited, is_whole) = checked(file, &text, source)?;
        if !is_whole {
            return Err(not_recorded());
        }
        if let Self::Depend { step, not_on, .. } = self {
            let own = edited.find(step).and_then(|ix| edited.step(ix));
            let mut waits_for = own.into_iter().flat_map(|step| step.depends_on.iter());
            let still = waits_for.find_map(|ix| {
                let id = &edited.step(*ix)?.id;
                not_on.contains(id).then(|| Arc::clone(id))
            });
            if let Some(id) = still {
                return Err(SessionError::PlanEdit(format!(
                    "step {step} refers to the output of {id}, and waits for it as long as it does"
                )));
            }
        }
        Ok(text)
    }
}

/// A plan with an edit, which no file has.
#[derive(Clone, Debug)]
pub(crate) struct EditedPlan {
    /// The file that the plan was in before, beside which its tools are.
    pub file: PathBuf,
    /// The text.
    pub text: Arc<str>,
    /// The digest of the text that the file had when the first edit was made of it.
    pub on_file: String,
}

impl SourceOptions {
    /// The same for an edited plan.
    pub(crate) fn with_edited(&mut self, edited: &EditedPlan) {
        self.plan_text = Some(Arc::clone(&edited.text));
        self.plan_on_file = Some(edited.on_file.clone());
    }
}

/// The digest of the text of a plan.
pub(super) fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn not_recorded() -> SessionError {
    SessionError::PlanEdit(
        "the plan holds credentials in its own tools, which are never recorded: name them as ${VAR}, or \
         edit the file of the plan, which `plandeck fork` runs"
            .to_owned(),
    )
}

/// Refuses a plan of which not all can be recorded: no run can go on with an edit of it.
pub(super) fn can_be_recorded(
    file: &Path,
    text: &str,
    source: &SourceOptions,
) -> Result<(), SessionError> {
    match checked(file, text, source)? {
        (_, true) => Ok(()),
        (_, false) => Err(not_recorded()),
    }
}

/// The plan in a text, and whether all of it can be recorded.
fn checked(
    file: &Path,
    text: &str,
    source: &SourceOptions,
) -> Result<(ExecutionPlan, bool), SessionError> {
    let draft = parse(&file.display().to_string(), text.as_bytes())?;
    let mut catalog = catalog_of_plan(file, source, &draft)?;
    add_servers(&mut catalog, file, &source.mcp_config, &draft)?;
    let written = draft.source().clone();
    let plan = draft.check(Some(&catalog), None)?;
    let is_whole = &*without_secrets(&written, &plan) == text;
    Ok((plan, is_whole))
}
