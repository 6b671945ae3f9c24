//! The caption of a demonstration: one line that says what to look at, with the key that shows it.

use crate::text;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::tour;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// Draws the caption.
pub(super) fn draw(model: &Model, buf: &mut Buffer, line: Rect) {
    if line.width < 12 {
        return;
    }
    let theme = &model.theme;
    let mut x = line.x + 1;
    let mut put = |words: &str, style| {
        let room = line.right().saturating_sub(x + 1);
        let words = text::fit(words, room.into());
        x = buf.set_span(x, line.y, &Span::styled(words, style), room).0;
    };
    put(" DEMO ", theme.badge);
    put("  ", theme.text);
    for (at, part) in tour::caption(model).split('`').enumerate() {
        let is_key = at % 2 == 1;
        let key = theme.accent.add_modifier(ratatui::style::Modifier::BOLD);
        put(part, if is_key { key } else { theme.strong });
    }
}
