//! What to look at in the demonstration, and the key that shows it: by what the run is doing.

use super::model::Model;
use super::overlay::Overlay;
use crate::run::{RunOutcome, RunPhase, StepState, StepStatus, WaitReason};
use crate::tui::dashboard::panes::View;

/// Steps that have ended before the waterfall is worth a look.
const SEEN: usize = 6;

/// The caption for what is on the screen now. Keys stand between backticks.
pub(crate) fn caption(model: &Model) -> &'static str {
    let run = &model.run;
    if matches!(model.overlay, Some(Overlay::Editor(_))) {
        return "Write `28 February` for the date, then press `ctrl-s`: the step runs again, and what depends on it.";
    }
    if model.is_past() {
        return "The run as it was then: `[` and `]` go from event to event, `end` goes back to now.";
    }
    if let RunPhase::Ended(RunOutcome::Succeeded) = run.phase {
        return "Done. `a` shows the result, `T` where the time went, `$` the money, `[` looks back, `q` quits.";
    }
    if let Some(row) = failed(model) {
        let is_selected = model.row().is_some_and(|own| own.info.id == row.info.id);
        return if is_selected {
            "This step failed, and only what depends on it is skipped. `I` edits its input: February has no day 31."
        } else {
            "A step failed; everything else goes on. `n` goes there."
        };
    }
    match run.phase {
        RunPhase::Paused => {
            return "Paused: what was running finishes. `s` starts a single step, `space` resumes.";
        }
        RunPhase::Ended(_) => {
            return "The run has ended. `F` forks it from the selected step, `q` quits.";
        }
        _ => {}
    }
    if model.view != View::Graph {
        return "Each bar is a call, and what stands before it is what it waited for. `D` goes back to the graph.";
    }
    let held = |row: &StepState| row.waiting == Some(WaitReason::Rate);
    if any(model, held) {
        return "Two proofreaders take the reviews in turn: the rest waits without a slot. `e` explains a step.";
    }
    let retries = |row: &StepState| row.retry_at.is_some();
    if any(model, retries) {
        return "A request was cut off; the next attempt comes by itself. `space` pauses the run.";
    }
    if run.count(StepStatus::Succeeded) >= SEEN {
        return if model.strip.area.is_empty() {
            "`T` opens the waterfall: a bar is a call, what stands before it is what it waited for. `D` comes back."
        } else {
            "Below is the waterfall: a bar is a call, what stands before it is a wait. `K` makes it higher, `T` opens it."
        };
    }
    if run.running >= run.slots().min(4) {
        return "Twelve translations share five slots, and each starts as soon as one is free. `T` shows the timeline.";
    }
    "The view follows what runs until you move: the arrows look around, `enter` inspects, `f` follows again."
}

/// The first step that failed.
fn failed(model: &Model) -> Option<&StepState> {
    let row = model.run_index.failure(None, true)?;
    model.run.steps.get(row.at())
}

fn any(model: &Model, test: impl Fn(&StepState) -> bool) -> bool {
    let is_open = |row: &&StepState| matches!(row.status, StepStatus::Ready | StepStatus::Running);
    model.run.steps.iter().filter(is_open).any(test)
}
