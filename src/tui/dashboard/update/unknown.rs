//! Steps whose result is unknown: asking the user, and applying the answer.

use super::editor;
use super::run_commands::command;
use crate::plan::StepIx;
use crate::run::RunCommand;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::editor::Purpose;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;

/// Asks about the next step whose result is unknown, unless another overlay is open or the question was put off.
pub(crate) fn ask(model: &mut Model) {
    if let Some(Overlay::Unknown(step)) = &model.overlay
        && !model.run_index.unknown().contains(step)
    {
        model.overlay = None;
    }
    if !model.unknown.asks
        || model.is_past()
        || !model.in_progress()
        || model.leaving
        || model.overlay.is_some()
    {
        return;
    }
    let mut open = model.run_index.unknown().difference(&model.unknown.put_off);
    if let Some(step) = open.next().copied() {
        model.select(step);
        model.overlay = Some(Overlay::Unknown(step));
    }
}

/// Applies the user's answer to the step in question.
pub(crate) fn answer(model: &mut Model, how: fn(StepIx) -> RunCommand) -> Vec<Effect> {
    match model.overlay.take() {
        // Its question comes again only where the answer did not apply.
        Some(Overlay::Unknown(step)) => {
            model.unknown.put_off.insert(step);
            command(how(step))
        }
        _ => Vec::new(),
    }
}

/// It happened: asks for its output.
pub(crate) fn give_output(model: &mut Model) {
    if let Some(Overlay::Unknown(step)) = model.overlay {
        editor::open(model, Purpose::Output(step), "null");
    }
}

/// Asks again later.
pub(crate) fn put_off(model: &mut Model) {
    if let Some(Overlay::Unknown(step)) = model.overlay.take() {
        model.unknown.put_off.insert(step);
        model.notice = Some("u asks again; what depends on it waits".to_owned());
    }
}

/// Comes back to the question: about the selected step, else about the first one.
pub(crate) fn resolve(model: &mut Model) {
    let unknown = model.run_index.unknown();
    let selected = model.selected.filter(|step| unknown.contains(step));
    if let Some(step) = selected.or_else(|| unknown.first().copied()) {
        model.select(step);
        model.overlay = Some(Overlay::Unknown(step));
    }
}
