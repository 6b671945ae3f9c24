//! The editor: a JSON value that is written or changed by hand, checked while it is typed; or a prompt with its model, or the
//! definition of a tool.

use super::call_fields::CallFields;
use crate::plan::{StepIx, read_data};
use crate::run::{GivenCall, ModelCall};
use crate::text::beyond_64_bits;
use crate::tui::dashboard::state::tool_definition::ToolDefinition;
use crossterm::event::KeyEvent;
use ratatui_textarea::{CursorMove, TextArea, WrapMode};
use serde_json::Value;

/// Characters of a value, or of a paste, that are taken in.
pub(crate) const MOST: usize = 200_000;

/// What becomes of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is the output of this step, as if its tool had given it.
    Output(StepIx),
    /// This step is called with it instead of its parameters; no text at all stands for those.
    Input(StepIx),
    /// This step asks its model with it, and with the model beside it; no text at all stands for what the plan has.
    Call(StepIx),
    /// The tool that this step calls is defined so.
    Tool(StepIx),
}

impl Purpose {
    /// The step.
    pub const fn step(self) -> StepIx {
        match self {
            Self::Output(step) | Self::Input(step) | Self::Call(step) | Self::Tool(step) => step,
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
    /// The model, where the text is a prompt.
    pub(crate) call: Option<CallFields>,
    /// The definition of the tool as it is, where the text is another one.
    pub(crate) tool: Option<Box<ToolDefinition>>,
    /// Why the text is not JSON, and where: line and column from 1.
    pub fault: Option<(String, usize, usize)>,
    before: Vec<String>,
    /// Whether leaving was asked for once although something was changed.
    pub(crate) warned: bool,
}

impl Editor {
    /// Puts another text in its place; whether it was small enough.
    pub(crate) fn replace(&mut self, text: &str) -> bool {
        if text.chars().count() > MOST {
            return false;
        }
        self.area = area(text, self.call.is_some());
        self.warned = false;
        self.check();
        true
    }

    /// An editor with this text in it.
    pub fn new(purpose: Purpose, text: &str) -> Self {
        Self::with(purpose, text, None)
    }

    /// An editor of the prompt and the model of a step, which has this of its own and what the user has given it.
    pub(crate) fn of_call(step: StepIx, own: ModelCall, given: GivenCall) -> Self {
        let call = CallFields::new(own, given);
        let text = call.prompt().to_owned();
        Self::with(Purpose::Call(step), &text, Some(call))
    }

    /// An editor of the definition of the tool that a step calls.
    pub(crate) fn of_tool(step: StepIx, tool: Box<ToolDefinition>) -> Self {
        let mut editor = Self::with(Purpose::Tool(step), &tool.text(), None);
        editor.tool = Some(tool);
        editor
    }

    fn with(purpose: Purpose, text: &str, call: Option<CallFields>) -> Self {
        let area = area(text, call.is_some());
        let mut editor = Self {
            purpose,
            before: area.lines().to_vec(),
            area,
            call,
            tool: None,
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
    pub(crate) fn is_changed(&self) -> bool {
        self.area.lines() != self.before || self.call.as_ref().is_some_and(CallFields::is_changed)
    }

    /// Takes a key in.
    pub fn edit(&mut self, key: &KeyEvent) {
        match self.call.as_mut().and_then(CallFields::field) {
            Some(field) => {
                field.edit(key);
            }
            None => {
                self.area.input(*key);
            }
        }
        self.warned = false;
        self.check();
    }

    /// Takes a paste in; control characters of it are dropped.
    pub fn paste(&mut self, text: &str) {
        if let Some(field) = self.call.as_mut().and_then(CallFields::field) {
            field.insert(text.trim());
            self.warned = false;
            return;
        }
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
        if self.call.is_some() {
            return;
        }
        if let Purpose::Tool(_) = self.purpose {
            self.fault = fault_of_definition(&self.text());
            return;
        }
        self.fault = match self.value() {
            Ok(value) if self.is_input() && !value.is_object() => {
                Some(("a step's parameters must be an object".to_owned(), 1, 1))
            }
            Ok(_) => beyond_64_bits(&self.text()).map(|integer| {
                let what = format!(
                    "the integer {} is beyond 64 bits; write it in quotes",
                    crate::text::visible(integer, 40)
                );
                let text = self.text();
                let before = &text[..text.find(integer).unwrap_or(0)];
                let line = before.matches('\n').count() + 1;
                let column = before
                    .rsplit('\n')
                    .next()
                    .map_or(0, |part| part.chars().count())
                    + 1;
                (what, line, column)
            }),
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

    pub(crate) fn value(&self) -> serde_json::Result<Value> {
        serde_json::from_str(&self.text())
    }

    /// Puts the cursor where the fault is.
    pub(crate) fn go_to_fault(&mut self) {
        if let Some((_, line, column)) = &self.fault {
            let at = |number: usize| u16::try_from(number.saturating_sub(1)).unwrap_or(u16::MAX);
            self.area
                .move_cursor(CursorMove::Jump(at(*line), at(*column)));
        }
    }
}

/// Why a text is no definition of a tool, and where.
fn fault_of_definition(text: &str) -> Option<(String, usize, usize)> {
    let fault = match read_data(text) {
        Ok(value) if value.is_object() => return None,
        Ok(_) => return Some(("a definition has a name before each value".to_owned(), 1, 1)),
        Err(fault) => fault,
    };
    let at = fault.span.map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |part| part.chars().count())
        + 1;
    Some((fault.message, line, column))
}

/// A text area with this text in it, which wraps where it is prose.
fn area(text: &str, is_prose: bool) -> TextArea<'static> {
    let mut area = TextArea::new(text.lines().map(str::to_owned).collect());
    area.set_tab_length(2);
    if is_prose {
        area.set_wrap_mode(WrapMode::WordOrGlyph);
    }
    area
}
