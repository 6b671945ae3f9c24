//! Offers to resume the last run of a plan, if it was interrupted or waits for an approval.

use super::args::run::{JournalWhen, RunArgs};
use super::failure::Failure;
use super::output::note_line;
use super::screen;
use super::terminal::{ended_by, is_headless};
use crate::report::local_time;
use crate::run::RunWord;
use crate::session::{InterruptedRun, Settings, interrupted_run_of};
use crate::tui::{ResumeChoice, ResumePrompt, ask_to_resume};
use std::path::Path;

/// Checks whether the last run of the plan was interrupted or waits for an approval. With the dashboard, asks the user, and sets `--resume` in
/// `args` if they want to resume it; without it, prints a hint. Returns an exit code if the plan should not run.
pub(super) async fn resume(args: &mut RunArgs) -> Result<Option<u8>, Failure> {
    let off = args.record.journal == JournalWhen::Off;
    let Some(plan) = args.plan.as_deref().filter(|_| !off) else {
        return Ok(None);
    };
    // A demonstration begins again each time.
    if args.record.resume.is_some() || args.screen.tour || plan == Path::new("-") {
        return Ok(None);
    }
    // A store that cannot be read is reported when recording starts.
    let Ok(Some(run)) = interrupted_run_of(plan) else {
        return Ok(None);
    };
    if is_headless(args) {
        let why = if run.summary.status == RunWord::Waiting {
            "waits for an approval"
        } else {
            "was interrupted"
        };
        note_line(&format!(
            "the last run of this plan {why}; to resume it: plandeck run --resume {}",
            run.summary.run_id
        ));
        return Ok(None);
    }
    let here = std::env::current_dir().unwrap_or_default();
    let mut look = args.screen.clone();
    screen::complete(&mut look, &Settings::load(&here)?)?;
    let options = screen::options(String::new(), &look);
    let choice = ask_to_resume(prompt(&run), options).await;
    match choice.map_err(|error| Failure::usage(error.to_string()))? {
        ResumeChoice::Resume => {
            args.record.resume = Some(run.summary.run_id.to_string());
            Ok(None)
        }
        ResumeChoice::StartAgain => Ok(None),
        ResumeChoice::Leave(outcome) => Ok(Some(ended_by(outcome).unwrap_or(0))),
    }
}

fn prompt(run: &InterruptedRun) -> ResumePrompt {
    let summary = &run.summary;
    ResumePrompt {
        plan: summary.plan.clone(),
        started_at: local_time(&summary.started_at).into(),
        done: summary.steps_completed,
        steps: summary.steps,
        cost: summary.cost,
        waits: summary.status == RunWord::Waiting,
        running: run.running(),
    }
}
