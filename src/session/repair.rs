//! The plan of a run that failed, corrected by the planner.

use super::changes::Changes;
use super::corrected_text::corrected_text;
use super::edited_plan::{PlanChange, change_with};
use super::error::SessionError;
use super::history::state_of;
use super::plan_document::PlanDocument;
use super::planning::{Planning, PlanningOptions};
use super::resume::PriorRun;
use super::save::ChangedFile;
use super::settings::Settings;
use crate::planner::{ChangedPlan, PlanningProgress};
use crate::run::{RunState, StepState, StepStatus};
use crate::units::Money;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of an error that the planner is told, and of what a step was called with.
const ERROR: usize = 600;
const INPUT: usize = 2_000;

/// A request to correct the plan of a run that failed.
pub(crate) struct Repair {
    /// The planner with its catalog.
    pub planning: Planning,
    /// The run.
    pub run_id: Arc<str>,
    /// The plan's file.
    pub file: PathBuf,
    instruction: String,
}

/// A corrected plan that nobody has accepted yet.
pub(crate) struct Repaired {
    /// The plan and what it took.
    pub changed: ChangedPlan,
    /// It as a value.
    pub document: PlanDocument,
    /// It in the plan's file, where what did not change stays as it is written.
    pub file: ChangedFile,
    /// What it makes run again.
    pub change: PlanChange,
}

impl Repaired {
    /// How the plan's file changes, as `patch` reads it; empty where the plan stays as it is.
    pub(crate) fn diff(&self) -> String {
        if self.changed.diff.is_empty() {
            return String::new();
        }
        self.file.diff()
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

/// What the planner is asked for, after failures in words.
pub(crate) fn correction(failures: &str) -> String {
    format!("\nWhen it ran, these steps failed; change the plan so that they do not:\n{failures}")
}

impl Repair {
    /// Opens what is needed to correct the plan of a run, of which `step` failed, or any step.
    ///
    /// # Errors
    /// Where nothing failed, the plan has no file, or the planner cannot be used, with the remedy.
    pub(crate) async fn open(
        run: &str,
        step: Option<&str>,
        mut options: PlanningOptions,
        settings: &Settings,
        report: impl Fn(&PlanningProgress) + Send + Sync + 'static,
    ) -> Result<Self, SessionError> {
        let prior = PriorRun::fork(run, Changes::default())?;
        let run_id = Arc::clone(prior.run_id());
        let state = state_of(&run_id)?;
        if let Some(step) = step {
            let ids = || state.steps.iter().map(|row| &*row.info.id);
            if !ids().any(|id| id == step) {
                return Err(SessionError::no_such_step(step, ids()));
            }
        }
        let failures = failures_of(&state, step).ok_or_else(|| {
            SessionError::NothingToRepair(match step {
                Some(step) => format!("step {step} of run {run_id} did not fail"),
                None => format!("no step of run {run_id} failed"),
            })
        })?;
        let (mut file, worker) = (None, options.source.worker.take());
        // The worker of the run has no part in planning, nor where it is reached.
        let address = options.source.base_url.clone();
        prior.complete(&mut file, &mut options.source)?;
        options.source.worker = worker;
        options.source.base_url = address;
        options.source.base_url_of = None;
        settings.complete(&mut options.source);
        let file = file.unwrap_or_default();
        let planning = Planning::open(&file, options, settings, report).await?;
        Ok(Self {
            planning,
            run_id,
            file,
            instruction: correction(&failures),
        })
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
        let before = std::fs::read_to_string(&self.file)
            .map_err(|error| SessionError::file(self.file.display().to_string(), error))?;
        // Elsewhere it may need the tools that lie beside its own file.
        let is_own = file.is_none_or(|file| file.parent() == self.file.parent());
        let kept = is_own.then(|| self.kept(&before, &changed)).flatten();
        let text = kept.unwrap_or_else(|| document.text(Some(to)));
        let change = change_with(&self.run_id, Some(text.clone())).await?;
        Ok(Repaired {
            changed,
            document,
            file: ChangedFile::new(self.file.clone(), before, text),
            change,
        })
    }

    /// The text of the plan's file with the changed plan in it.
    fn kept(&self, text: &str, changed: &ChangedPlan) -> Option<String> {
        let (before, _) = self.planning.before(&self.file).ok()?;
        let name = self.file.display().to_string();
        corrected_text(
            (&name, text),
            &before,
            &changed.plan,
            Some(&self.planning.catalog),
        )
    }
}
