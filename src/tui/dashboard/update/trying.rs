//! Calling one step several times on its recorded input, and using what comes of it.

use super::previewed;
use crate::plan::StepIx;
use crate::run::{GivenCall, RepeatPrice, RunCommand};
use crate::tui::dashboard::history::HistoryQuery;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::call_fields::CallFields;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::trying::{Ending, Stage, Tried, Trying};
use std::sync::Arc;

fn open(model: &Model) -> Option<&Trying> {
    match &model.overlay {
        Some(Overlay::Trying(trying)) => Some(trying),
        _ => None,
    }
}

fn open_mut(model: &mut Model) -> Option<&mut Trying> {
    match &mut model.overlay {
        Some(Overlay::Trying(trying)) => Some(trying),
        _ => None,
    }
}

/// Whether the selected step asked a model in a run on record, so that it can be asked again.
pub(crate) fn can_try(model: &Model) -> bool {
    let row = model.row();
    model.forkable
        && row.is_some_and(|row| {
            &*row.info.kind == "model" && !row.is_expanded() && !row.attempts.is_empty()
        })
}

/// Whether what the editor holds can be tried.
pub(crate) fn can_try_typed(model: &Model) -> bool {
    matches!(&model.overlay, Some(Overlay::Editor(editor)) if editor.call.is_some())
        && can_try(model)
}

/// Shows what calls of the selected step cost, as it is called in the run.
pub(crate) fn begin(model: &mut Model) -> Vec<Effect> {
    let Some(step) = model.selected else {
        return Vec::new();
    };
    let number = number(model);
    let trying = Trying::new(number, named(model, step), GivenCall::default());
    ask(model, trying)
}

/// The same with the prompt and the model that were typed.
pub(crate) fn begin_typed(model: &mut Model) -> Vec<Effect> {
    if let Some(Overlay::Editor(editor)) = &model.overlay
        && let Some(fault) = editor.call.as_ref().and_then(CallFields::fault)
    {
        model.notice = Some(fault);
        return Vec::new();
    }
    let number = number(model);
    let Some(Overlay::Editor(editor)) = model.overlay.take() else {
        return Vec::new();
    };
    let Some(call) = &editor.call else {
        return Vec::new();
    };
    let typed = call.called(&editor.text());
    let step = editor.purpose.step();
    let mut trying = Trying::new(number, named(model, step), typed);
    trying.edit = call.edit(&editor.text());
    trying.editor = Some(editor);
    ask(model, trying)
}

fn named(model: &Model, step: StepIx) -> (StepIx, Arc<str>) {
    let row = model.run.steps.get(step.at());
    (
        step,
        row.map_or_else(|| "".into(), |row| Arc::clone(&row.info.id)),
    )
}

fn number(model: &mut Model) -> u64 {
    model.trial_numbers += 1;
    model.trial_numbers
}

fn ask(model: &mut Model, trying: Trying) -> Vec<Effect> {
    let query = HistoryQuery::RepeatPrice {
        number: trying.number,
        shown: Box::new(model.run.clone()),
        step: Arc::clone(&trying.id),
        call: trying.call.clone(),
    };
    model.overlay = Some(Overlay::Trying(Box::new(trying)));
    vec![Effect::Ask(query)]
}

/// Takes in what a call costs.
pub(super) fn take_price(model: &mut Model, number: u64, price: Result<RepeatPrice, Arc<str>>) {
    model.dirty = true;
    if let Some(trying) = open_mut(model).filter(|trying| trying.number == number) {
        trying.price = price.as_ref().ok().copied();
        trying.stage = Stage::Priced(Some(price));
    }
}

/// Takes in what came of the calls so far.
pub(super) fn take(model: &mut Model, number: u64, tried: Result<Box<Tried>, Arc<str>>) {
    model.dirty = true;
    if let Some(trying) = open_mut(model).filter(|trying| trying.number == number) {
        trying.take(tried);
    }
}

/// Whether the calls wait for the user's yes.
pub(crate) fn is_priced(model: &Model) -> bool {
    open(model).is_some_and(|trying| matches!(trying.stage, Stage::Priced(Some(Ok(_)))))
}

/// Whether calls are being made.
pub(crate) fn is_running(model: &Model) -> bool {
    open(model).is_some_and(|trying| matches!(trying.stage, Stage::Running(_)))
}

/// Whether the page can be left: nothing runs.
pub(crate) fn can_leave(model: &Model) -> bool {
    open(model).is_some() && !is_running(model)
}

/// Whether there is a table with lines to choose from.
pub(crate) fn has_lines(model: &Model) -> bool {
    open(model).is_some_and(|trying| trying.endings().len() > 1)
}

/// Chooses more calls, or fewer.
pub(crate) fn change_times(model: &mut Model, more: bool) {
    if let Some(trying) = open_mut(model) {
        trying.change_times(more);
    }
}

/// Chooses another line of the table.
pub(crate) fn choose(model: &mut Model, by: isize) {
    if let Some(trying) = open_mut(model) {
        trying.choose(by);
    }
}

/// Has the calls made.
pub(crate) fn start(model: &mut Model) -> Vec<Effect> {
    let shown = Box::new(model.run.clone());
    let Some(trying) = open_mut(model) else {
        return Vec::new();
    };
    trying.stage = Stage::Running(None);
    vec![Effect::Ask(HistoryQuery::Repeat {
        number: trying.number,
        shown,
        step: Arc::clone(&trying.id),
        call: trying.call.clone(),
        times: trying.times(),
    })]
}

/// Has no more calls made; those that have ended stay on the screen.
pub(crate) fn stop(model: &mut Model) -> Vec<Effect> {
    let Some(trying) = open_mut(model) else {
        return Vec::new();
    };
    if let Stage::Running(repeats) = &mut trying.stage {
        trying.stage = Stage::Stopping(repeats.take());
    }
    vec![Effect::Ask(HistoryQuery::StopRepeating)]
}

/// The chosen answer, where the step can have it: the calls have ended, and the run takes commands.
fn answer(model: &Model) -> Option<RunCommand> {
    let trying = open(model).filter(|trying| matches!(trying.stage, Stage::Over(_)))?;
    let endings = trying.endings();
    let Ending::Answer(answer) = endings.get(trying.chosen)? else {
        return None;
    };
    let command = RunCommand::SetOutput(trying.step, Arc::clone(&answer.output));
    takes(model, &command).then_some(command)
}

fn takes(model: &Model, command: &RunCommand) -> bool {
    !model.is_past() && command.refusal(&model.run).is_none()
}

fn edit(model: &Model) -> Option<RunCommand> {
    let trying = open(model).filter(|trying| matches!(trying.stage, Stage::Over(_)))?;
    let edit = trying.edit.clone()?;
    let command = RunCommand::SetCall(trying.step, Box::new(edit));
    takes(model, &command).then_some(command)
}

/// Whether the chosen answer can become the step's output.
pub(crate) fn can_use(model: &Model) -> bool {
    answer(model).is_some()
}

/// Whether the step can be called as it was tried.
pub(crate) fn can_keep(model: &Model) -> bool {
    edit(model).is_some()
}

/// Offers the chosen answer as the step's output.
pub(crate) fn use_answer(model: &mut Model) -> Vec<Effect> {
    let command = answer(model);
    offer(model, command)
}

/// Offers to call the step as it was tried.
pub(crate) fn keep(model: &mut Model) -> Vec<Effect> {
    let command = edit(model);
    offer(model, command)
}

fn offer(model: &mut Model, command: Option<RunCommand>) -> Vec<Effect> {
    let Some(command) = command else {
        return Vec::new();
    };
    // Whoever says no to the price is back at the table.
    let Some(Overlay::Trying(trying)) = model.overlay.take() else {
        return Vec::new();
    };
    previewed::offer_tried(model, command, trying)
}

/// Leaves it; a prompt that was typed is in the editor again.
pub(crate) fn leave(model: &mut Model) {
    let Some(Overlay::Trying(trying)) = model.overlay.take() else {
        return;
    };
    model.overlay = trying.editor.map(Overlay::Editor);
}
