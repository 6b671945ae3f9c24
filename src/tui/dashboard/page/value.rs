//! Inputs and outputs: a tree that folds, or text.

use crate::run::{StepState, StepStatus};
use crate::text;
use crate::tui::dashboard::state::inspected::value;
use crate::tui::dashboard::state::inspector::Tab;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::widgets::json;
use crate::tui::widgets::text_page::TextPage;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;
use std::sync::Arc;

/// Bytes of text that are laid out.
const TEXT_BYTES: usize = 128 * 1024;

/// Writes the page as text: a value that has nothing to fold, a value as text, or that there is none.
pub(super) fn write(model: &Model, row: &StepState, page: &mut TextPage<'_>) {
    let theme = page.theme;
    let Some((value, note)) = value(model) else {
        let words = match (model.inspector.tab, row.status) {
            (Tab::Input, _) => "No input is known yet.",
            (_, StepStatus::Failed) => "No output: it failed (6 shows why).",
            (_, StepStatus::Skipped | StepStatus::Cancelled) => "No output: it did not finish.",
            _ => "No output yet.",
        };
        page.text(words, theme.dim);
        return;
    };
    if !note.is_empty() {
        page.text(note, theme.dim);
    }
    if let Value::String(text) = &*value {
        // A text is easiest to read as itself.
        page.text(text, theme.string);
        return;
    }
    let (text, whole) = json::pretty(&value, TEXT_BYTES);
    page.text(&text, theme.text);
    if !whole {
        page.cut();
    }
}

/// Draws the value as a tree.
pub(super) fn draw_tree(
    model: &mut Model,
    value: &Arc<Value>,
    note: &str,
    buf: &mut Buffer,
    area: Rect,
) -> Option<String> {
    let step = model.selected?;
    let mut area = area;
    if !note.is_empty() && area.height > 3 {
        let words = text::fit(note, area.width as usize);
        buf.set_stringn(area.x, area.y, words, area.width as usize, model.theme.dim);
        area = Rect {
            y: area.y + 1,
            height: area.height - 1,
            ..area
        };
    }
    model.inspector.extent = (0, area.height as usize);
    let focused = model.focus == Focus::Inspector;
    let tree = model.inspector.tree(step, value);
    tree.draw(value, &model.theme, focused, buf, area)
}
