//! Inputs and outputs: a tree that folds, or text.

use crate::run::{StepState, StepStatus};
use crate::text;
use crate::tui::dashboard::state::inspected::{self, value};
use crate::tui::dashboard::state::inspector::Tab;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::widgets::json;
use crate::tui::widgets::json_table;
use crate::tui::widgets::text_page::TextPage;
use crate::tui::widgets::tree::member_at;
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

/// Draws the jq line of the page at its end, where it has one; gives the room that is left.
pub(super) fn draw_filter(model: &Model, buf: &mut Buffer, area: Rect) -> Rect {
    let Some(filter) = inspected::filter(model).filter(|_| area.height > 3) else {
        return area;
    };
    let theme = &model.theme;
    let room = area.width as usize;
    let mut lines = 1;
    if let Some(fault) = &filter.fault {
        let fault = text::wrap(&text::message::clean(fault, 400), room, 2).lines;
        lines += fault.len() as u16;
        for (at, line) in fault.iter().enumerate() {
            let y = area.bottom() - (fault.len() - at) as u16;
            buf.set_stringn(area.x, y, line, room, theme.warning);
        }
    }
    let y = area.bottom() - lines;
    let typing = matches!(model.overlay, Some(Overlay::JsonFilter));
    buf.set_stringn(area.x, y, "jq", room, theme.accent);
    let line = Rect {
        x: area.x + 3.min(area.width),
        y,
        width: area.width.saturating_sub(3),
        height: 1,
    };
    if typing {
        filter
            .field
            .draw(buf, line, ".rows[] | select(.n > 3)", theme);
    } else {
        let words = text::fit(&text::line(filter.field.text()), line.width as usize);
        buf.set_stringn(line.x, line.y, words, line.width as usize, theme.text);
    }
    if filter.is_behind() && line.width > 12 {
        buf.set_stringn(line.right() - 1, line.y, "…", 1, theme.dim);
    }
    Rect {
        height: area.height - lines,
        ..area
    }
}

/// Draws the list that is shown as a table; `None` where the value has none any more.
pub(super) fn draw_table(model: &mut Model, buf: &mut Buffer, area: Rect) -> Option<String> {
    let focused = model.focus == Focus::Inspector;
    let (value, _) = value(model)?;
    let mut table = model.inspector.table.take()?;
    let list = member_at(&value, &table.places)?;
    let names = json_table::columns(list)?;
    model.inspector.extent = (
        list.as_array()?.len(),
        usize::from(area.height.saturating_sub(1)),
    );
    let position = table.draw(list.as_array()?, &names, &model.theme, focused, buf, area);
    model.inspector.table = Some(table);
    Some(position)
}
