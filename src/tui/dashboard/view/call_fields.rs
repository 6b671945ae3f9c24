//! The prompt of a call, its model and the options of that while they are edited, with the parameters that the prompt can
//! name.

use crate::plan::StepInput;
use crate::run::StepState;
use crate::text;
use crate::tui::dashboard::state::call_fields::{CallFields, Part};
use crate::tui::dashboard::state::editor::Editor;
use crate::tui::dashboard::state::model::Model;
use crate::tui::input::text_field::Field;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Cells of the labels.
const LABEL: u16 = 8;
/// Rows of the longest prompt that is shown whole, where the screen has them.
const PROMPT: usize = 40;
/// What is shown where the tool has no prompt.
const NO_PROMPT: &str = "no prompt of its own: one is made from the description of the tool";
/// What is said of a call whose prompt is no template of a tool.
const BY_INPUT: &str = "what it asks is its input, which is edited there";

/// The rows that it takes inside of its frame, where a line has so many cells.
pub(super) fn rows(editor: &Editor, call: &CallFields, width: u16) -> u16 {
    let options = u16::from(call.takes_options());
    if !call.takes_prompt() {
        return 3 + options;
    }
    let lines = editor.area.lines().iter();
    let wrapped = lines.map(|line| text::width(line) / usize::from(width.max(1)) + 1);
    let prompt = wrapped.sum::<usize>().clamp(3, PROMPT);
    // The model with its options, a row before the prompt, and what it can name.
    prompt as u16 + 5 + options
}

/// Draws it.
pub(super) fn draw(model: &Model, editor: &mut Editor, buf: &mut Buffer, inner: Rect) {
    let theme = &model.theme;
    let Some(call) = editor.call.as_ref().filter(|_| !inner.is_empty()) else {
        return;
    };
    let margin = u16::from(inner.width > 4);
    let line = |y: u16| Rect::new(inner.x + margin, y, inner.width - 2 * margin, 1);
    let (in_field, takes_prompt) = (call.part != Part::Prompt, call.takes_prompt());
    draw_model(call, theme, buf, line(inner.y));
    let options = u16::from(call.takes_options() && inner.height > 3);
    if options > 0 {
        draw_options(call, theme, buf, line(inner.y + 1));
    }
    if !takes_prompt {
        if inner.height > 2 + options {
            let here = line(inner.y + 2 + options);
            let words = text::fit(BY_INPUT, here.width.into());
            buf.set_stringn(here.x, here.y, words, here.width.into(), theme.dim);
        }
        return;
    }
    let row = model.run.steps.get(editor.purpose.step().at());
    let (said, style) = said(row, &editor.text(), theme);
    let below = 2 * u16::from(inner.height > 6);
    let above = 1 + options + u16::from(inner.height > 4 + options);
    let body = Rect {
        x: inner.x + margin,
        y: inner.y + above.min(inner.height),
        width: inner.width - 2 * margin,
        height: inner.height.saturating_sub(above + below),
    };
    let area = &mut editor.area;
    area.set_style(theme.text);
    area.set_cursor_line_style(Style::new());
    area.set_cursor_style(if in_field {
        theme.text
    } else {
        theme.text.add_modifier(Modifier::REVERSED)
    });
    area.set_selection_style(theme.selection);
    area.set_placeholder_text(NO_PROMPT);
    area.set_placeholder_style(theme.dim);
    area.remove_line_number();
    (&*area).render(body, buf);
    if below > 0 {
        let here = line(inner.bottom() - 1);
        let words = text::fit(&said, here.width.into());
        buf.set_stringn(here.x, here.y, words, here.width.into(), style);
    }
}

fn draw_model(call: &CallFields, theme: &Theme, buf: &mut Buffer, line: Rect) {
    let own = "the model of the plan";
    let is_on = call.part == Part::Model;
    draw_field(
        ("model", LABEL),
        (&call.model, own),
        is_on,
        theme,
        buf,
        line,
    );
}

/// The temperature and the maximum of tokens, side by side.
fn draw_options(call: &CallFields, theme: &Theme, buf: &mut Buffer, line: Rect) {
    let half = line.width / 2;
    let left = Rect {
        width: half.saturating_sub(1),
        ..line
    };
    let right = Rect {
        x: line.x + half,
        width: line.width - half,
        ..line
    };
    for (label, field, part, here) in [
        ("temperature", &call.temperature, Part::Temperature, left),
        ("max tokens", &call.max_tokens, Part::MaxTokens, right),
    ] {
        let is_on = call.part == part;
        let width = label.len() as u16 + 2;
        draw_field(
            (label, width),
            (field, "as the tool has it"),
            is_on,
            theme,
            buf,
            here,
        );
    }
}

/// A field after its label; what it stands for where it is empty.
fn draw_field(
    (label, label_width): (&str, u16),
    (field, empty): (&Field, &str),
    is_on: bool,
    theme: &Theme,
    buf: &mut Buffer,
    line: Rect,
) {
    let style = if is_on { theme.accent } else { theme.dim };
    let label_width = label_width.min(line.width / 2);
    buf.set_stringn(line.x, line.y, label, label_width.into(), style);
    let here = Rect {
        x: line.x + label_width,
        width: line.width - label_width,
        ..line
    };
    if is_on {
        field.draw(buf, here, empty, theme);
        return;
    }
    let (words, style) = match field.text().trim() {
        "" => (empty, theme.dim),
        text => (text, theme.text),
    };
    let words = text::fit(&text::line(words), here.width.into());
    buf.set_stringn(here.x, here.y, words, here.width.into(), style);
}

/// The parameters that the prompt can name, or one that it names and that there is not.
fn said(row: Option<&StepState>, prompt: &str, theme: &Theme) -> (String, Style) {
    let Some(names) = row.and_then(parameters) else {
        return (String::new(), theme.dim);
    };
    if let Some(missing) = named(prompt).find(|name| !names.contains(*name)) {
        let missing = text::visible(missing, 40);
        let words = format!("{{{{{missing}}}}} is no parameter of this step: nothing stands there");
        return (words, theme.warning);
    }
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("{{{{{}}}}}", text::line(name)))
        .collect();
    let words = match names.len() {
        0 => "the step has no parameters".to_owned(),
        _ => format!("parameters  {}", names.join(" ")),
    };
    (words, theme.dim)
}

/// The names of what a step is called with; `None` where that is not known.
fn parameters(row: &StepState) -> Option<BTreeSet<String>> {
    let resolved = row
        .given
        .clone()
        .or_else(|| row.input().map(StepInput::to_value));
    let value: Arc<Value> = resolved.or_else(|| row.info.parameters.clone())?;
    let members = value.as_object()?;
    Some(members.keys().cloned().collect())
}

/// The parameters that a prompt names, in order: what stands before the first dot or bracket between double braces.
fn named(prompt: &str) -> impl Iterator<Item = &str> {
    let parts = prompt.split("{{").skip(1);
    let paths = parts.filter_map(|part| part.split_once("}}").map(|(path, _)| path.trim()));
    let names = paths.map(|path| path.split(['.', '[']).next().unwrap_or(path));
    let is_name = |name: &&str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
    };
    names.filter(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_prompt_names_is_found() {
        let of = |prompt: &'static str| named(prompt).collect::<Vec<_>>();
        assert_eq!(
            of("Read {{ text }} and {{a.b}} and {{list[0].x}}."),
            ["text", "a", "list"]
        );
        assert_eq!(of("{{}} {{ {x} }} {{not closed"), Vec::<&str>::new());
    }
}
