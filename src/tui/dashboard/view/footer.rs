//! The keys that work now, from the registry, or a notice in their place.

use crate::text;
use crate::tui::dashboard::keymap::hints;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

/// Hints that stay where others give way.
const KEPT: [&str; 3] = ["back", "help", "quit"];

/// Columns below which hints stand closer.
const NARROW: u16 = 60;

/// Draws what is looked for in the page; gives the room that is left.
fn draw_page_search(model: &Model, buf: &mut Buffer, area: Rect) -> Rect {
    let Some(search) = &model.inspector.search else {
        return area;
    };
    if !matches!(model.overlay, Some(Overlay::PageSearch)) || area.width < 12 {
        return area;
    }
    let width = (area.width / 2).min(40);
    buf.set_string(area.x + 1, area.y, "/", model.theme.accent);
    let line = Rect {
        x: area.x + 3,
        width: width - 3,
        ..area
    };
    search.field.draw(buf, line, "words", &model.theme);
    Rect {
        x: area.x + width,
        width: area.width - width,
        ..area
    }
}

/// Draws the footer.
pub(super) fn draw(model: &Model, buf: &mut Buffer, area: Rect) {
    if area.is_empty() {
        return;
    }
    let room = area.width.saturating_sub(2) as usize;
    let area = draw_page_search(model, buf, area);
    let room = room.min(area.width.saturating_sub(2) as usize);
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
