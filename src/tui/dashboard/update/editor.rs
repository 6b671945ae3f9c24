//! Opening the editor on a value, using what was typed, and leaving it.

use super::previewed;
use crate::plan::StepInput;
use crate::run::RunCommand;
use crate::tui::dashboard::message::Effect;
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
    let value = editor.value().ok().map(Arc::new);
    let purpose = editor.purpose;
    // Until the run says so the step is as it was; its question has been answered.
    model.unknown.put_off.insert(purpose.step());
    let asked = match purpose {
        Purpose::Output(step) => value.map(|value| RunCommand::SetOutput(step, value)),
        Purpose::Input(step) => Some(RunCommand::SetInput(step, value)),
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
