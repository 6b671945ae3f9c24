//! Edits of a run's plan: steps that come and go, what they wait for, and how the tools are defined that they call.
//!
//! The run stays as it is. What comes of an edit is the text of another plan, or other definitions of tools, with which the
//! run is forked.

mod live;
mod text;
mod tool;

use super::error::SessionError;
use super::load::catalog_of_plan;
use super::options::SourceOptions;
use super::redaction::without_secrets;
use super::resume::PriorRun;
use super::servers::add_servers;
use crate::plan::{ExecutionPlan, parse};
use crate::run::RunState;
use crate::tools::EditedTools;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use text::edited_text;
use tool::ToolEdit;

pub(crate) use live::{LiveEdits, ProposedEdit};
pub(crate) use tool::DefinedTool;

/// One edit of a plan.
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
        /// The failed step that it corrects.
        step: Arc<str>,
        /// The text.
        text: Arc<str>,
        /// The digest of the text that it was made of; `None` where the caller does not know that one.
        of: Option<String>,
    },
    /// Another definition of the tool that a step calls, for all steps that call it.
    DefineTool {
        /// The step.
        step: Arc<str>,
        /// The change, as a merge patch: fields that are given replace, and null removes.
        patch: Map<String, Value>,
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
            Self::DefineTool { .. } => "define_tool",
        }
    }

    /// The id of the step that it is about.
    pub(crate) fn step(&self) -> Arc<str> {
        match self {
            Self::Insert { step, .. } => text::id_of(step).unwrap_or_default().into(),
            Self::Remove(step)
            | Self::Depend { step, .. }
            | Self::Repair { step, .. }
            | Self::DefineTool { step, .. } => Arc::clone(step),
        }
    }

    /// The steps that a live run starts no more: those that `changed`, and those that would call a tool as it was.
    fn held(&self, plan: &ExecutionPlan, run: &RunState, changed: Vec<Arc<str>>) -> Vec<Arc<str>> {
        let Self::DefineTool { step, .. } = self else {
            return changed;
        };
        let tool = plan.find(step).and_then(|ix| plan.step(ix));
        let tool = tool.map(|step| &step.tool);
        let has_ended = |id: &str| {
            let mut rows = run.steps.iter();
            rows.any(|row| *row.info.id == *id && row.status.has_ended())
        };
        let calling = plan.steps.iter().filter(|step| Some(&step.tool) == tool);
        let open = calling.filter(|step| !has_ended(&step.id) && !changed.contains(&step.id));
        let open: Vec<Arc<str>> = open.map(|step| Arc::clone(&step.id)).collect();
        [changed, open].concat()
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
        let file = of_file(prior, earlier, &mut source)?;
        if let Self::DefineTool { step, patch } = self {
            return ToolEdit::of(prior, file, source)?.change(step, patch);
        }
        let edited = source.plan_text.take();
        let before = match edited.or_else(|| prior.plan_text().cloned()) {
            Some(text) => text,
            None => text_of(&file)?.into(),
        };
        let on_file = source.plan_on_file.take();
        Ok(EditedPlan {
            text: Some(self.of_text(&file, &before, &source)?.into()),
            on_file: Some(on_file.unwrap_or_else(|| digest(&before))),
            file,
            tools: source.edited_tools,
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

/// The definition of the tool that a step of a recorded run calls.
///
/// # Errors
/// Where there is no such run, or the step calls no tool that could be defined otherwise.
pub(crate) fn tool_of_run(run_id: &str, step: &str) -> Result<DefinedTool, SessionError> {
    let prior = PriorRun::look_at(run_id)?;
    tool_after(&prior, None, step)
}

/// The same with an edit of its plan before.
fn tool_after(
    prior: &PriorRun,
    earlier: Option<&EditedPlan>,
    step: &str,
) -> Result<DefinedTool, SessionError> {
    let mut source = SourceOptions::default();
    let file = of_file(prior, earlier, &mut source)?;
    ToolEdit::of(prior, file, source)?.definition(step)
}

/// The file of the plan of a run; completes where its tools come from.
fn of_file(
    prior: &PriorRun,
    earlier: Option<&EditedPlan>,
    source: &mut SourceOptions,
) -> Result<PathBuf, SessionError> {
    let mut file = None;
    prior.complete(&mut file, source)?;
    if let Some(earlier) = earlier {
        source.with_edited(earlier);
    }
    Ok(file.unwrap_or_default())
}

fn text_of(file: &Path) -> Result<String, SessionError> {
    let text = std::fs::read_to_string(file);
    text.map_err(|error| SessionError::file(file.display().to_string(), error))
}

/// A plan with an edit, which no file has.
#[derive(Clone, Debug)]
pub(crate) struct EditedPlan {
    /// The file that the plan was in before, beside which its tools are.
    pub file: PathBuf,
    /// The text; `None` where the file has it.
    text: Option<Arc<str>>,
    /// The digest of the text that the file had when the first edit was made of it.
    on_file: Option<String>,
    /// The tools that are defined otherwise than in their files.
    tools: EditedTools,
}

impl EditedPlan {
    /// A plan that no file has, with its tools beside `file`. Edits are not written back into that, which holds something
    /// else.
    pub(crate) fn beside(file: &Path, text: String) -> Self {
        Self {
            file: file.to_path_buf(),
            text: Some(text.into()),
            on_file: Some(String::new()),
            tools: EditedTools::new(),
        }
    }
}

impl SourceOptions {
    /// The same for an edited plan.
    pub(crate) fn with_edited(&mut self, edited: &EditedPlan) {
        self.plan_text.clone_from(&edited.text);
        self.plan_on_file.clone_from(&edited.on_file);
        self.edited_tools.clone_from(&edited.tools);
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
