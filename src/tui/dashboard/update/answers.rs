//! What servers ask the user in the middle of calls: opening the form, and sending or refusing the answer.

use super::run_commands::command;
use crate::run::{Answer, RunCommand};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::answer_form::AnswerForm;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use std::sync::Arc;

/// Whether a call waits for an answer.
pub(crate) fn is_waited_for(model: &Model) -> bool {
    model.in_progress() && !model.run_index.asking().is_empty()
}

/// Opens the form for what the selected step asks, else for the first question.
pub(crate) fn open(model: &mut Model) {
    let asking = model.run_index.asking();
    let selected = model.selected.filter(|step| asking.contains(step));
    let Some(step) = selected.or_else(|| asking.first().copied()) else {
        return;
    };
    let row = model.run.steps.get(step.at());
    let form = row.and_then(|row| Some(AnswerForm::new(step, row.open_question()?)));
    if let Some(form) = form {
        model.select(step);
        model.overlay = Some(Overlay::Answer(Box::new(form)));
    }
}

/// Goes to another field.
pub(crate) fn go(model: &mut Model, forward: bool) {
    if let Some(Overlay::Answer(form)) = &mut model.overlay {
        form.go(forward);
    }
}

/// Sends what the form has, where it is what is asked for.
pub(crate) fn send(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Answer(form)) = &mut model.overlay else {
        return Vec::new();
    };
    match form.answer() {
        Ok(answer) => give(model, answer),
        Err((at, fault)) => {
            form.at = at;
            form.fault = Some(fault);
            Vec::new()
        }
    }
}

/// Gives this answer to what is asked.
pub(crate) fn give(model: &mut Model, answer: Answer) -> Vec<Effect> {
    match model.overlay.take() {
        Some(Overlay::Answer(form)) => command(RunCommand::Answer(form.step, Arc::new(answer))),
        other => {
            model.overlay = other;
            Vec::new()
        }
    }
}

/// Answers later.
pub(crate) fn put_off(model: &mut Model) {
    model.overlay = None;
    model.notice = Some("u asks again; the step waits".to_owned());
}

/// Closes a form whose question is answered, or was withdrawn.
pub(super) fn on_events(model: &mut Model) {
    let Some(Overlay::Answer(form)) = &model.overlay else {
        return;
    };
    let row = model.run.steps.get(form.step.at());
    let open = row.and_then(|row| row.open_question());
    if open != Some(&form.question) {
        model.overlay = None;
        model.notice = Some("the question is not asked any more".to_owned());
    }
}
