//! The keys that work now, from the registry, or a notice in their place.

use crate::text;
use crate::tui::dashboard::keymap::footer::{parts, placed};
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Draws the footer.
pub(super) fn draw(model: &Model, buf: &mut Buffer, area: Rect) {
    if area.is_empty() {
        return;
    }
    let theme = &model.theme;
    let (field, line) = parts(model, area);
    if let (Some(area), Some(search)) = (field, &model.inspector.search) {
        buf.set_string(area.x + 1, area.y, "/", theme.accent);
        let line = Rect {
            x: area.x + 3,
            width: area.width - 3,
            ..area
        };
        search.field.draw(buf, line, "words", theme);
    }
    if let Some(notice) = &model.notice {
        let room = line.width.saturating_sub(2) as usize;
        let notice = text::fit(notice, room);
        buf.set_stringn(line.x + 1, line.y, notice, room, theme.warning);
        return;
    }
    for hint in placed(model, line) {
        let spans = vec![
            Span::styled(hint.key, theme.accent),
            Span::raw(" "),
            Span::styled(hint.word, theme.dim),
        ];
        let area = hint.area;
        buf.set_line(area.x, area.y, &Line::from(spans), area.width);
    }
}
