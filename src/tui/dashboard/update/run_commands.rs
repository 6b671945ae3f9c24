//! What is asked of the run.

use crate::plan::StepIx;
use crate::run::{Breakpoint, RunCommand, StepStatus};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;

/// One command to the run.
pub(crate) fn command(command: RunCommand) -> Vec<Effect> {
    vec![Effect::Command(command)]
}

/// Starts the selected step where it is ready. Of a list whose elements are rows it starts the element that is chosen on
/// its page, or the first that is ready; of code the call that it waits for. Else the next step.
pub(crate) fn step_once(model: &mut Model) -> Vec<Effect> {
    let is_ready = |step: &StepIx| {
        let row = model.run.steps.get(step.at());
        row.is_some_and(|row| row.status == StepStatus::Ready)
    };
    let inside = || {
        let row = model.row()?;
        let inside = || row.elements().iter().chain(row.calls()).copied();
        let chosen = model.inspector.grid.chosen;
        let chosen = chosen.filter(|step| is_ready(step) && inside().any(|it| it == *step));
        chosen.or_else(|| inside().find(is_ready))
    };
    let selected = model.selected.filter(is_ready);
    command(RunCommand::StepOnce(selected.or_else(inside)))
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

/// Sets a breakpoint before each attempt of the selected step, or removes it.
pub(crate) fn breakpoint(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.row() else {
        return Vec::new();
    };
    let breakpoint = Breakpoint::before(&row.info.id);
    toggle_breakpoint(model, breakpoint)
}

/// Marks the steps whose breakpoints are set now, whatever event of the run is shown.
pub(super) fn mark_breakpoints(model: &mut Model) {
    let mut marks = std::mem::take(&mut model.break_marks);
    if let Some(marked) = marks.changed(model.latest()) {
        model.breakpoints = marked;
        model.dirty = true;
    }
    model.break_marks = marks;
}

/// Sets a breakpoint, or removes it where it is set.
pub(super) fn toggle_breakpoint(model: &mut Model, breakpoint: Breakpoint) -> Vec<Effect> {
    let set = !model.latest().breakpoints.contains(&breakpoint);
    let word = if set { "set" } else { "removed" };
    model.notice = Some(format!("breakpoint {word}: {breakpoint}"));
    command(RunCommand::Breakpoint(breakpoint, set))
}
