//! What is asked of the run.

use crate::plan::StepIx;
use crate::run::{RunCommand, StepStatus};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;

/// One command to the run.
pub(crate) fn command(command: RunCommand) -> Vec<Effect> {
    vec![Effect::Command(command)]
}

/// A command about the selected step.
pub(crate) fn on_selected(model: &mut Model, how: fn(StepIx) -> RunCommand) -> Vec<Effect> {
    model.selected.map(how).map_or_else(Vec::new, command)
}

/// Starts the selected step where it is ready, else the next one.
pub(crate) fn step_once(model: &mut Model) -> Vec<Effect> {
    let row = model.row();
    let ready = row.is_some_and(|row| row.status == StepStatus::Ready);
    command(RunCommand::StepOnce(model.selected.filter(|_| ready)))
}

/// The result is reported once the run's events show it.
pub(crate) fn pin(model: &mut Model) -> Vec<Effect> {
    let (Some(step), Some(row)) = (model.selected, model.row()) else {
        return Vec::new();
    };
    let (pinned, id) = (!row.pinned, row.info.id.to_string());
    let word = if pinned { "pin" } else { "unpin" };
    model.notice = Some(format!("asked to {word} the output of {id}"));
    command(RunCommand::Pin(step, pinned))
}

/// Sets a breakpoint on the selected step, or takes it off.
pub(crate) fn breakpoint(model: &mut Model) -> Vec<Effect> {
    let Some(step) = model.selected else {
        return Vec::new();
    };
    let set = !model.breakpoints.remove(&step);
    if set {
        model.breakpoints.insert(step);
    }
    let id = model
        .row()
        .map_or_else(String::new, |row| row.info.id.to_string());
    let word = if set { "set on" } else { "taken off" };
    model.notice = Some(format!("breakpoint {word} {id}"));
    command(RunCommand::Breakpoint(step, set))
}
