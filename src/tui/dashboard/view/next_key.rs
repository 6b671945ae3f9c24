//! The next key that is worth pressing while a run is presented.

use crate::run::{RunOutcome, RunPhase};
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::tour;

/// The next key that is worth pressing, by what the run is doing. Keys stand between backticks.
pub(super) fn next_key(model: &Model) -> &'static str {
    if model.tour {
        return tour::caption(model);
    }
    let run = &model.run;
    if model.overlay.is_some() || model.focus == Focus::Inspector {
        return "`esc` goes back";
    }
    if model.is_replay() && model.goes_on() {
        return "`space` pauses the replay, `>` doubles its speed";
    }
    if model.is_past() {
        return "`[` and `]` go from event to event, `end` goes back to now";
    }
    if !model.run_index.asking().is_empty() {
        return "`u` answers what the server of a step asks";
    }
    if !model.run_index.unapproved().is_empty() {
        return "`A` shows the call that needs an approval";
    }
    if run.waits_for_user() {
        return "`u` settles a step whose result is unknown";
    }
    let failed = model.run_index.failure(None, true);
    if failed.is_some() && failed == model.selected {
        return "`6` shows the error, `r` runs the step and its dependents again";
    }
    if failed.is_some() {
        return "`n` goes to the failure";
    }
    match run.phase {
        RunPhase::Empty | RunPhase::Stopping => "`q` quits",
        RunPhase::Running => "`space` pauses the run, `T` shows where the time goes",
        RunPhase::Paused => "`s` starts a single step, `space` resumes",
        RunPhase::Ended(RunOutcome::Succeeded) => {
            "`a` shows the result, `w` the bottleneck, `[` looks back"
        }
        RunPhase::Ended(_) => "`[` looks back, `q` quits",
    }
}
