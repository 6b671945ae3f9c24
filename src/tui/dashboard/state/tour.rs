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
    if matches!(model.overlay, Some(Overlay::Previewed(_))) {
        return "What runs again, what stays, and what that costs. `enter` does it.";
    }
    if matches!(model.overlay, Some(Overlay::Editor(_))) {
        return "Write `28 February` for the date; `ctrl-s` runs the step again.";
    }
    if model.is_past() {
        return "The run as it was then: `[` and `]` go through it, `end` is now.";
    }
    if let RunPhase::Ended(RunOutcome::Succeeded) = run.phase {
        return "Done. `a` result, `T` where time went, `$` money, `[` back, `q` quit.";
    }
    if let Some(row) = failed(model) {
        let is_selected = model.row().is_some_and(|own| own.info.id == row.info.id);
        return if is_selected {
            "Failed: there is no 31 February. `I` edits its input."
        } else {
            "A step failed; everything else goes on. `n` goes there."
        };
    }
    if matches!(model.overlay, Some(Overlay::Approval(_))) {
        return "The call as it would be made. `y` makes it, `n` skips the step.";
    }
    if !model.run_index.unapproved().is_empty() {
        return "One call asks first; everything else goes on. `A` shows it.";
    }
    match run.phase {
        RunPhase::Paused => {
            return "Paused: calls finish, none begins. `s` starts one, `space` resumes.";
        }
        RunPhase::Ended(_) => {
            return "The run has ended. `F` forks it from the selected step, `q` quits.";
        }
        _ => {}
    }
    if model.view != View::Graph {
        return "A bar is a call; left of it is what it waited for. `D`: the graph.";
    }
    let held = |row: &StepState| row.waiting == Some(WaitReason::Rate);
    if any(model, held) {
        return "Two proofreaders take turns; the rest waits, without a slot. `e`: why.";
    }
    let retries = |row: &StepState| row.retry_at.is_some();
    if any(model, retries) {
        return "A request was cut off and is tried again. `space` pauses the run.";
    }
    if run.count(StepStatus::Succeeded) >= SEEN {
        return if model.strip.area.is_empty() {
            "`T` opens the waterfall: where the time goes. `D` comes back."
        } else {
            "Below, a bar is a call; left of it is what it waited for. `T` opens it."
        };
    }
    if run.running >= run.slots().min(4) {
        return "Twelve translations share five slots. `T` shows the timeline.";
    }
    "The view follows what runs until you move. `enter` inspects a step."
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
