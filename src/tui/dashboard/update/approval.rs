//! Steps that need an approval: asking the user, and passing the answer on.

use super::editor;
use super::run_commands::command;
use crate::run::{Approval, DecidedBy, RunCommand};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;

/// Shows the question: about the selected step, else about the first one.
pub(crate) fn show(model: &mut Model) {
    let asked = model.run_index.unapproved();
    let selected = model.selected.filter(|step| asked.contains(step));
    if let Some(step) = selected.or_else(|| asked.first().copied()) {
        model.select(step);
        model.overlay = Some(Overlay::Approval(step));
    }
}

/// Whether there is a question that can be answered.
pub(crate) fn is_asked(model: &Model) -> bool {
    model.overlay.is_none() && model.in_progress() && !model.run_index.unapproved().is_empty()
}

/// Whether the question is shown.
pub(crate) fn is_shown(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Approval(_)))
}

/// Closes the question about a step that needs no answer any more.
pub(crate) fn keep_up(model: &mut Model) {
    if let Some(Overlay::Approval(step)) = &model.overlay
        && !model.run_index.unapproved().contains(step)
    {
        model.overlay = None;
    }
}

/// Passes the answer on, for the call that is shown.
pub(crate) fn answer(model: &mut Model, granted: bool) -> Vec<Effect> {
    let Some(Overlay::Approval(step)) = model.overlay.take() else {
        return Vec::new();
    };
    let row = model.run.steps.get(step.at());
    let Some(asked) = row.and_then(|row| row.asked_approval()) else {
        return Vec::new();
    };
    command(RunCommand::Approve(Approval {
        step,
        granted,
        call: Some(asked.call.clone()),
        by: DecidedBy::Screen,
    }))
}

/// Edits what the step would be called with; the question comes again for that.
pub(crate) fn edit(model: &mut Model) {
    if let Some(Overlay::Approval(_)) = model.overlay.take() {
        editor::edit_input(model);
    }
}
