//! Opening the editor on a value, using what was typed, and leaving it.

use super::{previewed, structure};
use crate::plan::{StepInput, StepIx};
use crate::run::{CallEdit, ModelCall, RunCommand, StepState};
use crate::tui::dashboard::history::HistoryQuery;
use crate::tui::dashboard::keymap::conditions::can_give;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::call_fields::CallFields;
use crate::tui::dashboard::state::editor::{Editor, MOST, Purpose};
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::widgets::json;
use serde_json::Value;
use std::sync::Arc;

/// Opens the editor with `text` in it.
pub(crate) fn open(model: &mut Model, purpose: Purpose, text: &str) {
    model.overlay = Some(Overlay::Editor(Box::new(Editor::new(purpose, text))));
}

/// Opens the editor on what the selected step is called with.
pub(crate) fn edit_input(model: &mut Model) {
    let (Some(step), Some(row)) = (model.selected, model.row()) else {
        return;
    };
    let given = row.given.clone();
    let asked = row.asked_approval().map(|asked| asked.input.to_value());
    let known = given
        .or(asked)
        .or_else(|| row.input().map(StepInput::to_value));
    let unresolved = known.is_none();
    let value = known.or_else(|| row.info.parameters.clone());
    open_value(model, Purpose::Input(step), value, "--input");
    if unresolved && matches!(model.overlay, Some(Overlay::Editor(_))) {
        model.notice = Some("references are not resolved yet: they are used as written".to_owned());
    }
}

/// Whether the selected step asks a model, and can be asked otherwise now.
pub(crate) fn can_edit_call(model: &Model) -> bool {
    let is_asked = |row: &StepState| &*row.info.kind == "model" && row.caller.is_none();
    model.row().is_some_and(is_asked)
        && model.selected.is_some_and(|step| {
            let edit = CallEdit {
                model: Some(None),
                ..CallEdit::default()
            };
            can_give(model, &RunCommand::SetCall(step, Box::new(edit)))
        })
}

/// Opens the editor on the prompt and the model of the selected step; asks for them where they are not known here.
pub(crate) fn edit_call(model: &mut Model) -> Vec<Effect> {
    let Some(step) = model.selected else {
        return Vec::new();
    };
    let previews = model.previews.as_ref();
    if let Some(own) = previews.and_then(|previews| previews.model_call(&model.run, step)) {
        open_call(model, step, own);
        return Vec::new();
    }
    let query = HistoryQuery::ModelCall {
        shown: Box::new(model.run.clone()),
        step,
    };
    model.notice = Some("reading the prompt".to_owned());
    vec![Effect::Ask(query)]
}

/// The prompt of a step has been read.
pub(super) fn take_call(model: &mut Model, step: StepIx, known: Result<ModelCall, Arc<str>>) {
    model.dirty = true;
    match known {
        // Whoever does something else by now is left at it.
        Ok(own) if model.overlay.is_none() && model.selected == Some(step) => {
            model.notice = None;
            open_call(model, step, own);
        }
        Ok(_) => {}
        Err(why) => model.notice = Some(why.to_string()),
    }
}

fn open_call(model: &mut Model, step: StepIx, own: ModelCall) {
    let row = model.run.steps.get(step.at());
    let given = row.and_then(|row| row.given_call.as_deref().cloned());
    let editor = Editor::of_call(step, own, given.unwrap_or_default());
    if editor.text().chars().count() > MOST {
        model.notice =
            Some("too large to edit here: plandeck edit RUN STEP --prompt @FILE".to_owned());
        return;
    }
    model.overlay = Some(Overlay::Editor(Box::new(editor)));
}

/// Whether a prompt is edited with its model.
pub(crate) fn in_call(model: &Model) -> bool {
    matches!(&model.overlay, Some(Overlay::Editor(editor)) if editor.call.is_some())
}

/// Goes to the next field of a call, or to the one before.
pub(crate) fn turn(model: &mut Model, back: bool) {
    if let Some(Overlay::Editor(editor)) = &mut model.overlay
        && let Some(call) = &mut editor.call
    {
        call.turn(back);
    }
}

/// Opens the editor on what the selected step came to.
pub(crate) fn edit_output(model: &mut Model) {
    let (Some(step), Some(row)) = (model.selected, model.row()) else {
        return;
    };
    let value = row.made().cloned();
    open_value(model, Purpose::Output(step), value, "--output");
}

fn open_value(model: &mut Model, purpose: Purpose, value: Option<Arc<Value>>, option: &str) {
    let (text, whole) =
        value.map_or_else(|| (String::new(), true), |value| json::pretty(&value, MOST));
    if whole {
        open(model, purpose, &text);
    } else {
        model.notice = Some(format!(
            "too large to edit here: plandeck fork RUN {option} STEP=@FILE"
        ));
    }
}

/// Applies the value; if the text is not valid JSON, moves the cursor to the fault.
pub(crate) fn apply(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Editor(editor)) = &mut model.overlay else {
        return Vec::new();
    };
    if editor.fault.is_some() {
        editor.go_to_fault();
        model.notice = Some("the value is not valid yet".to_owned());
        return Vec::new();
    }
    if let Some(tool) = &editor.tool {
        if !editor.is_changed() {
            model.notice = Some(format!("the definition of {} is as it was", tool.tool));
            return Vec::new();
        }
        let edited = (editor.purpose.step(), tool.clone(), editor.text());
        return structure::define(model, edited.0, edited.1, edited.2);
    }
    if let Some(fault) = editor.call.as_ref().and_then(CallFields::fault) {
        model.notice = Some(fault);
        return Vec::new();
    }
    let value = editor.value().ok().map(Arc::new);
    let purpose = editor.purpose;
    let edit = (editor.call.as_ref()).and_then(|call| call.edit(&editor.text()));
    if editor.call.is_some() && edit.is_none() {
        model.notice = Some("the prompt, the model and its options are as they were".to_owned());
        return Vec::new();
    }
    // Until the run says so the step is as it was; its question has been answered.
    model.unknown.put_off.insert(purpose.step());
    let asked = match purpose {
        Purpose::Output(step) => value.map(|value| RunCommand::SetOutput(step, value)),
        Purpose::Input(step) => Some(RunCommand::SetInput(step, value)),
        Purpose::Call(step) => edit.map(|edit| RunCommand::SetCall(step, Box::new(edit))),
        // It is an edit of the plan.
        Purpose::Tool(_) => None,
    };
    let editor = match model.overlay.take() {
        Some(Overlay::Editor(editor)) => Some(editor),
        _ => None,
    };
    asked.map_or_else(Vec::new, |asked| {
        previewed::offer_edit(model, asked, editor)
    })
}

/// Leaves the editor; where something was changed, only the second time.
pub(crate) fn leave(model: &mut Model) {
    if let Some(Overlay::Editor(editor)) = &mut model.overlay
        && editor.is_changed()
        && !editor.warned
    {
        editor.warned = true;
        model.notice = Some("press esc again to discard your changes".to_owned());
        return;
    }
    model.overlay = None;
}
