//! The inspector: the selected step, a page at a time.

use crate::text;
use crate::tui::dashboard::layout::{tab_labels, tab_line};
use crate::tui::dashboard::page;
use crate::tui::dashboard::state::inspector::Tab;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::step_look::StepLook;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Draws the inspector.
pub(super) fn draw(model: &mut Model, buf: &mut Buffer, area: Rect) {
    let focused = model.focus == Focus::Inspector;
    if model.inspector.of_run {
        return draw_run(model, buf, area, focused);
    }
    let Some(row) = model.row() else {
        let inner = super::pane(
            model,
            buf,
            area,
            focused,
            Line::from(" nothing selected "),
            Line::default(),
        );
        if focused && !inner.is_empty() {
            let room = inner.width as usize;
            let words = text::fit("esc goes back", room);
            buf.set_stringn(inner.x, inner.y, words, room, model.theme.dim);
        }
        return;
    };
    let is_broken = (model.selected).is_some_and(|step| model.breakpoints.contains(&step));
    let look = StepLook::of(row, is_broken).style(&model.theme);
    let title = Line::from(vec![
        Span::raw(" "),
        Span::styled(look.glyph, look.style),
        Span::raw(format!(
            " {} ",
            model
                .names
                .fit(&row.info.id, area.width.saturating_sub(8) as usize)
        )),
    ]);
    let inner = super::pane(model, buf, area, focused, title, Line::default());
    if inner.is_empty() {
        return;
    }
    let margin = u16::from(inner.width > 20);
    let inner = Rect {
        x: inner.x + margin,
        width: inner.width - 2 * margin,
        ..inner
    };
    let tabs = u16::from(inner.height > 2);
    if tabs > 0 {
        draw_tabs(model, buf, tab_line(area));
    }
    let gap = u16::from(inner.height > 8);
    let top = tabs + tabs.min(gap);
    let body = Rect {
        y: inner.y + top,
        height: inner.height - top,
        ..inner
    };
    let position = page::draw(model, buf, body);
    draw_position(model, buf, area, position);
}

/// Draws the page of the run as a whole.
fn draw_run(model: &mut Model, buf: &mut Buffer, area: Rect, focused: bool) {
    let title = Line::from(" the run ");
    let inner = super::pane(model, buf, area, focused, title, Line::default());
    if inner.is_empty() {
        return;
    }
    let margin = u16::from(inner.width > 20);
    let body = Rect {
        x: inner.x + margin,
        width: inner.width - 2 * margin,
        ..inner
    };
    let position = page::draw(model, buf, body);
    draw_position(model, buf, area, position);
}

/// Says in the border where in the page it is.
fn draw_position(model: &Model, buf: &mut Buffer, area: Rect, position: Option<String>) {
    if let Some(position) = position.filter(|_| area.width >= 20 && area.height >= 3) {
        let words = text::fit(&format!(" {position} "), area.width as usize - 4);
        let x = area.right() - 2 - text::width(&words) as u16;
        buf.set_string(x, area.bottom() - 1, words, model.theme.dim);
    }
}

fn draw_tabs(model: &Model, buf: &mut Buffer, line: Rect) {
    let theme = &model.theme;
    for label in tab_labels(line.width as usize, &model.keymap) {
        let is_shown = label.tab == model.inspector.tab;
        let style = if is_shown {
            theme
                .strong
                .patch(ratatui::style::Modifier::BOLD | ratatui::style::Modifier::UNDERLINED)
        } else if label.tab == Tab::Error && model.row().is_some_and(|row| row.error.is_some()) {
            theme.bad
        } else {
            theme.dim
        };
        let mut put = |start: usize, words: &str, style| {
            if start < line.width as usize {
                let x = line.x + start as u16;
                buf.set_stringn(x, line.y, words, line.width as usize - start, style);
            }
        };
        if let Some(key) = &label.key {
            put(label.start, key, theme.accent);
        }
        put(label.name_start(), label.name, style);
    }
}
