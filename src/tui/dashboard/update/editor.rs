//! The editor: a JSON value that is written or changed by hand, checked while it is typed.

use super::act;
use crate::plan::StepIx;
use crate::run::RunCommand;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::{Model, Overlay};
use crate::tui::widgets::json;
use crossterm::event::KeyEvent;
use ratatui_textarea::{CursorMove, TextArea};
use serde_json::Value;
use std::sync::Arc;

/// Characters of a paste that are taken in.
const MOST: usize = 200_000;

/// What becomes of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is the output of this step, as if its tool had given it.
    Output(StepIx),
    /// This step is called with it instead of its parameters; no text at all stands for those.
    Input(StepIx),
}

impl Purpose {
    /// The step.
    pub const fn step(self) -> StepIx {
        match self {
            Self::Output(step) | Self::Input(step) => step,
        }
    }
}

/// A value that is being edited.
#[derive(Clone, Debug)]
pub struct Editor {
    /// What becomes of it.
    pub purpose: Purpose,
    /// The text.
    pub area: TextArea<'static>,
    /// Why the text is not JSON, and where: line and column from 1.
    pub fault: Option<(String, usize, usize)>,
    before: Vec<String>,
    /// Whether leaving was asked for once although something was changed.
    warned: bool,
}

impl Editor {
    /// An editor with this text in it.
    pub fn new(purpose: Purpose, text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut area = TextArea::new(lines);
        area.set_tab_length(2);
        let mut editor = Self {
            purpose,
            before: area.lines().to_vec(),
            area,
            fault: None,
            warned: false,
        };
        editor.check();
        editor
    }

    /// The text as it stands.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether it is not as it was.
    pub fn is_changed(&self) -> bool {
        self.area.lines() != self.before
    }

    /// Takes a key in.
    pub fn edit(&mut self, key: &KeyEvent) {
        self.area.input(*key);
        self.warned = false;
        self.check();
    }

    /// Takes a paste in; control characters of it are dropped.
    pub fn paste(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let safe: String = text
            .chars()
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            .take(MOST)
            .collect();
        self.area.insert_str(safe.replace('\t', "  "));
        self.warned = false;
        self.check();
    }

    fn check(&mut self) {
        self.fault = match self.value() {
            Ok(value) if self.is_input() && !value.is_object() => {
                Some(("the parameters of a step are an object".to_owned(), 1, 1))
            }
            Ok(_) => None,
            Err(_) if self.is_input() && self.text().trim().is_empty() => None,
            Err(_) if self.text().trim().is_empty() => {
                Some(("a value is missing".to_owned(), 1, 1))
            }
            Err(error) => {
                // The place is said beside it.
                let said = error.to_string();
                let what = said.split(" at line ").next().unwrap_or(&said);
                let what = what.replace("EOF while parsing", "the text ends within");
                Some((what, error.line(), error.column().max(1)))
            }
        };
    }

    fn is_input(&self) -> bool {
        matches!(self.purpose, Purpose::Input(_))
    }

    fn value(&self) -> serde_json::Result<Value> {
        serde_json::from_str(&self.text())
    }

    /// Puts the cursor where the fault is.
    fn go_to_fault(&mut self) {
        if let Some((_, line, column)) = &self.fault {
            let at = |number: usize| u16::try_from(number.saturating_sub(1)).unwrap_or(u16::MAX);
            self.area
                .move_cursor(CursorMove::Jump(at(*line), at(*column)));
        }
    }
}

/// Opens the editor with `text` in it.
pub(crate) fn open(model: &mut Model, purpose: Purpose, text: &str) {
    model.editor = Some(Editor::new(purpose, text));
    model.overlay = Some(Overlay::Editor);
}

/// Opens the editor on what the selected step is called with.
pub(crate) fn edit_input(model: &mut Model) {
    let (Some(step), Some(row)) = (model.selected, model.row()) else {
        return;
    };
    let known = row.given.as_ref().or_else(|| row.input());
    let unresolved = known.is_none();
    let value = known.or(row.info.parameters.as_ref()).cloned();
    open_value(model, Purpose::Input(step), value, "--input");
    if unresolved && model.editor.is_some() {
        model.notice =
            Some("nothing was resolved yet: references are taken as they stand".to_owned());
    }
}

/// Opens the editor on what the selected step came to.
pub(crate) fn edit_output(model: &mut Model) {
    let (Some(step), Some(row)) = (model.selected, model.row()) else {
        return;
    };
    let value = row.output.clone();
    open_value(model, Purpose::Output(step), value, "--output");
}

fn open_value(model: &mut Model, purpose: Purpose, value: Option<Arc<Value>>, option: &str) {
    let (text, whole) =
        value.map_or_else(|| (String::new(), true), |value| json::pretty(&value, MOST));
    if whole {
        open(model, purpose, &text);
    } else {
        model.notice = Some(format!(
            "too large to be edited here: plandeck fork RUN {option} STEP=@FILE"
        ));
    }
}

/// Uses the value; where the text is no JSON, goes to where it is not.
pub(crate) fn apply(model: &mut Model) -> Vec<Effect> {
    let Some(editor) = &mut model.editor else {
        return Vec::new();
    };
    if editor.fault.is_some() {
        editor.go_to_fault();
        model.notice = Some("this cannot be used yet".to_owned());
        return Vec::new();
    }
    let value = editor.value().ok().map(Arc::new);
    let purpose = editor.purpose;
    // Until the run says so the step is as it was; its question has been answered.
    model.put_off.insert(purpose.step());
    close(model);
    match purpose {
        Purpose::Output(step) => {
            let output = value.map(|value| RunCommand::SetOutput(step, value));
            output.map(Effect::Command).into_iter().collect()
        }
        Purpose::Input(step) => vec![Effect::Command(RunCommand::SetInput(step, value))],
    }
}

/// Leaves the editor; where something was changed, only the second time.
pub(crate) fn leave(model: &mut Model) {
    if let Some(editor) = &mut model.editor
        && editor.is_changed()
        && !editor.warned
    {
        editor.warned = true;
        model.notice = Some("esc again forgets what was changed".to_owned());
        return;
    }
    close(model);
}

fn close(model: &mut Model) {
    model.editor = None;
    model.overlay = None;
    act::ask_about_unknown(model);
}
