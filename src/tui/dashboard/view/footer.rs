//! The keys that work now, from the registry, or a notice in their place.

use crate::text;
use crate::tui::dashboard::keymap::hints;
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

/// Hints that stay where others give way.
const KEPT: [&str; 3] = ["back", "help", "quit"];

/// Columns below which hints stand closer.
const NARROW: u16 = 60;

/// Draws the footer.
pub(super) fn draw(model: &Model, buf: &mut Buffer, area: Rect) {
    if area.is_empty() {
        return;
    }
    let room = area.width.saturating_sub(2) as usize;
    if let Some(notice) = &model.notice {
        let notice = text::fit(notice, room);
        buf.set_stringn(area.x + 1, area.y, notice, room, model.theme.warning);
        return;
    }
    let gap = if area.width < NARROW { 2 } else { 3 };
    let mut hints: Vec<(String, &str)> = hints(model)
        .map(|(key, word)| (key.to_string(), word))
        .collect();
    let width = |hint: &(String, &str)| hint.0.width() + 1 + hint.1.width() + gap;
    while hints.iter().map(width).sum::<usize>() > room + gap {
        let Some(last) = hints.iter().rposition(|(_, word)| !KEPT.contains(word)) else {
            break;
        };
        hints.remove(last);
    }
    let mut x = area.x + 1;
    for (key, word) in hints {
        for span in [
            Span::styled(key, model.theme.accent),
            Span::raw(" "),
            Span::styled(word, model.theme.dim),
            Span::raw(&"   "[..gap]),
        ] {
            if x >= area.right() {
                return;
            }
            let room = (area.right() - x) as usize;
            x = buf
                .set_stringn(x, area.y, &span.content, room, span.style)
                .0;
        }
    }
}
