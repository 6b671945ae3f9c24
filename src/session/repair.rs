//! The plan of a run that failed, corrected by the planner.

use super::changes::Changes;
use super::corrected_text::corrected_text;
use super::edited_plan::{PlanChange, change_with};
use super::error::SessionError;
use super::plan_document::PlanDocument;
use super::plan_edit::{EditedPlan, PlanEdit, can_be_recorded, digest};
use super::planning::{Planning, PlanningOptions};
use super::resume::PriorRun;
use super::save::ChangedFile;
use super::settings::Settings;
use crate::planner::{ChangedPlan, PlanningProgress};
use crate::run::{RunState, StepState, StepStatus};
use crate::store::StoreError;
use crate::units::Money;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of an error that the planner is told, and of what a step was called with.
const ERROR: usize = 600;
const INPUT: usize = 2_000;

/// A request to correct the plan of a run of which a step failed.
pub(crate) struct Repair {
    /// The planner with its catalog.
    pub planning: Planning,
    /// The run.
    pub run_id: Arc<str>,
    /// The plan's file.
    pub file: PathBuf,
    /// The step of the plan that failed, or the first of them.
    pub step: Arc<str>,
    /// The text of the plan that is corrected.
    text: Arc<str>,
    /// The text of its file.
    on_file: String,
    /// Whether the correction is written to the file; else it is an edit of the plan of the run.
    is_of_file: bool,
    instruction: String,
}

/// A corrected plan that nobody has accepted yet.
pub(crate) struct Repaired {
    /// The plan and what it took.
    pub changed: ChangedPlan,
    /// It as a value.
    pub document: PlanDocument,
    /// It as the text of the plan's file, where what did not change stays as it is written.
    pub text: Arc<str>,
    file: PathBuf,
    /// What it is compared with: the text of the file, where it is written there; else the text that was corrected.
    before: String,
    /// The text that the file had then.
    on_file: String,
}

impl Repaired {
    /// How the plan changes, as `patch` reads it; empty where it stays as it is.
    pub(crate) fn diff(&self) -> String {
        if self.changed.diff.is_empty() {
            return String::new();
        }
        self.changed_file(&self.before).diff()
    }

    /// The plan's file with it.
    pub(crate) fn file(&self) -> ChangedFile {
        self.changed_file(&self.on_file)
    }

    fn changed_file(&self, before: &str) -> ChangedFile {
        ChangedFile::new(self.file.clone(), before.to_owned(), self.text.to_string())
    }
}

/// The failed steps of a run with their errors, a line each; with `step` that one, with what it was called with. `None`
/// where none failed.
pub(crate) fn failures_of(run: &RunState, step: Option<&str>) -> Option<String> {
    let is_asked = |row: &&StepState| {
        row.status == StepStatus::Failed && step.is_none_or(|step| &*row.info.id == step)
    };
    let mut failures = String::new();
    for row in run.steps.iter().filter(is_asked) {
        let error = row.error.as_ref();
        let error = error.map_or_else(String::new, |error| {
            crate::text::visible(&error.message, ERROR)
        });
        let _ = writeln!(
            failures,
            "- step {} ({}): {error}",
            row.info.id, row.info.tool
        );
        if let Some(input) = row.input().filter(|_| step.is_some()) {
            let input = input.to_value().to_string();
            let _ = writeln!(
                failures,
                "  it was called with {}",
                crate::text::visible(&input, INPUT)
            );
        }
    }
    (!failures.is_empty()).then_some(failures)
}

/// The id of the step of the plan that a row is of: an element, or a call that code makes.
fn of_plan(run: &RunState, row: &StepState) -> Arc<str> {
    let mut row = row;
    while let Some(up) = row.caller.or(row.info.parent)
        && let Some(up) = run.steps.get(up.at())
    {
        row = up;
    }
    Arc::clone(&row.info.id)
}

/// What the planner is asked for, after failures in words.
pub(crate) fn correction(failures: &str) -> String {
    format!("\nWhen it ran, these steps failed; change the plan so that they do not:\n{failures}")
}

impl Repair {
    /// Opens what is needed to correct the plan of a run, of which `step` failed, or any step. The run may be running;
    /// `edited` is the edit of its plan that was accepted before and has not taken effect.
    ///
    /// # Errors
    /// Where nothing failed, the plan has no file, or the planner cannot be used, with the remedy.
    pub(crate) async fn open(
        (run, step): (&str, Option<&str>),
        edited: Option<&EditedPlan>,
        mut options: PlanningOptions,
        settings: &Settings,
        report: impl Fn(&PlanningProgress) + Send + Sync + 'static,
    ) -> Result<Self, SessionError> {
        let (prior, is_live) = match PriorRun::fork(run, Changes::default()) {
            Err(SessionError::Store(StoreError::Running(_))) => (PriorRun::look_at(run)?, true),
            prior => (prior?, false),
        };
        let run_id = Arc::clone(prior.run_id());
        let state = prior.state();
        if let Some(step) = step {
            let ids = || state.steps.iter().map(|row| &*row.info.id);
            if !ids().any(|id| id == step) {
                return Err(SessionError::no_such_step(step, ids()));
            }
        }
        let failures = failures_of(state, step).ok_or_else(|| {
            SessionError::NothingToRepair(match step {
                Some(step) => format!("step {step} of run {run_id} did not fail"),
                None => format!("no step of run {run_id} failed"),
            })
        })?;
        if is_live && edited.is_none() && state.hand_over.is_some() {
            return Err(SessionError::PlanEdit(format!(
                "run {run_id} is about to hand over to an edited plan: wait until it has, or take the edit back with \
                 plandeck undo {run_id}"
            )));
        }
        let mut rows = state.steps.iter();
        let failed = rows.find(|row| match step {
            Some(step) => &*row.info.id == step,
            None => row.status == StepStatus::Failed,
        });
        let failed = failed.map(|row| of_plan(state, row));
        let (mut file, worker) = (None, options.source.worker.take());
        // The worker of the run has no part in planning, nor where it is reached.
        let address = options.source.base_url.clone();
        prior.complete(&mut file, &mut options.source)?;
        options.source.worker = worker;
        options.source.base_url = address;
        options.source.base_url_of = None;
        settings.complete(&mut options.source);
        let file = file.unwrap_or_default();
        let source = &mut options.source;
        if let Some(edited) = edited {
            source.with_edited(edited);
        }
        let is_edited = source.plan_text.is_some() || !source.edited_tools.is_empty();
        let is_of_file = !is_live && !is_edited;
        if !is_of_file && source.plan_text.is_none() {
            // What the file has by now may be another plan.
            source.plan_text = prior.plan_text().cloned();
        }
        let given = source.plan_text.clone();
        let on_file = match (std::fs::read_to_string(&file), &given) {
            (Ok(text), _) => text,
            // It came from standard input, or its file is gone.
            (Err(_), Some(_)) => String::new(),
            (Err(error), None) => {
                return Err(SessionError::file(file.display().to_string(), error));
            }
        };
        let text = given.unwrap_or_else(|| on_file.as_str().into());
        if !is_of_file {
            can_be_recorded(&file, &text, &options.source)?;
        }
        let planning = Planning::open(&file, options, settings, report).await?;
        Ok(Self {
            planning,
            run_id,
            file,
            step: failed.unwrap_or_default(),
            text,
            on_file,
            is_of_file,
            instruction: correction(&failures),
        })
    }

    /// Whether the correction is written to the plan's file. It is not where the run is running, or has a plan with edits
    /// that no file has: then it is an edit as those are.
    pub(crate) fn is_of_file(&self) -> bool {
        self.is_of_file
    }

    /// The maximum cost of one request, of which there are at most three; `None` where the model has no price.
    ///
    /// # Errors
    /// Faults of the plan.
    pub(crate) fn max_cost(&self) -> Result<Option<Money>, SessionError> {
        if self.planning.planner.is_offline() {
            return Ok(Some(Money::ZERO));
        }
        self.planning
            .max_refinement_cost(&self.file, &self.instruction)
    }

    /// Asks for the corrected plan, to be written to `file` or else where the plan is now. Nothing is written.
    ///
    /// # Errors
    /// Why there is no corrected plan, with what the attempt took.
    pub(crate) async fn ask(&self, file: Option<&Path>) -> Result<Repaired, SessionError> {
        let changed = self
            .planning
            .refine(&self.file, &self.instruction, |_| {})
            .await?;
        let to = file.unwrap_or(&self.file);
        let document = self
            .planning
            .document(&changed.plan, "", &changed.record, Some(to));
        // Elsewhere it may need the tools that lie beside its own file.
        let is_own = file.is_none_or(|file| file.parent() == self.file.parent());
        let kept = is_own.then(|| self.kept(&changed)).flatten();
        let text = kept.unwrap_or_else(|| document.text(Some(to)));
        Ok(Repaired {
            changed,
            document,
            text: text.into(),
            file: self.file.clone(),
            before: if self.is_of_file {
                self.on_file.clone()
            } else {
                self.text.to_string()
            },
            on_file: self.on_file.clone(),
        })
    }

    /// What the corrected plan makes run again of the run, which has ended.
    ///
    /// # Errors
    /// When the run is running, or the plan cannot run as it would be: its faults, each with its place.
    pub(crate) async fn change(&self, repaired: &Repaired) -> Result<PlanChange, SessionError> {
        change_with(&self.run_id, Some(repaired.text.to_string())).await
    }

    /// The same plan as it is, as an edit of a run that is running: whoever does not go on with edits refuses it.
    pub(crate) fn unchanged(&self) -> PlanEdit {
        self.edit_to(Arc::clone(&self.text))
    }

    /// The corrected plan as an edit of the run.
    pub(crate) fn edit(&self, repaired: &Repaired) -> PlanEdit {
        self.edit_to(Arc::clone(&repaired.text))
    }

    fn edit_to(&self, text: Arc<str>) -> PlanEdit {
        PlanEdit::Repair {
            step: Arc::clone(&self.step),
            text,
            of: Some(self.digest()),
        }
    }

    /// The digest of the text that is corrected.
    pub(crate) fn digest(&self) -> String {
        digest(&self.text)
    }

    /// The text of the plan's file with the changed plan in it.
    fn kept(&self, changed: &ChangedPlan) -> Option<String> {
        let (before, _) = self.planning.before(&self.file).ok()?;
        let name = self.file.display().to_string();
        corrected_text(
            (&name, &self.text),
            &before,
            &changed.plan,
            Some(&self.planning.catalog),
        )
    }
}
