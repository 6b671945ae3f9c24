//! A page of text over the screen, which scrolls: its size, its frame, and what of it is in view.

use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};

/// The width of a box that takes at most `most` cells, and the cells of its lines.
pub(super) fn width(screen: Rect, most: u16) -> (u16, usize) {
    let narrowest = screen.width.min(20);
    let width = screen
        .width
        .saturating_sub(4)
        .clamp(narrowest, most.max(narrowest));
    (width, usize::from(width.saturating_sub(4)))
}

/// Draws the box with these lines, `scrolled` by so many of them; `hint` stands in the border while all are in view.
pub(super) fn draw(
    model: &Model,
    (title, hint): (&str, &str),
    lines: &[Line<'_>],
    scrolled: &mut usize,
    buf: &mut Buffer,
    (screen, width): (Rect, u16),
) {
    let most = screen.height.saturating_sub(4).max(screen.height.min(5));
    let height = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let area = super::question::centred(screen, width, height.min(most));
    Clear.render(area, buf);
    buf.set_style(area, model.theme.background);
    let shown = usize::from(area.height.saturating_sub(2));
    let scroll = (*scrolled).min(lines.len().saturating_sub(shown));
    let bottom = if lines.len() > shown {
        format!(" {} to {} of {} ", scroll + 1, scroll + shown, lines.len())
    } else {
        format!(" {hint} ")
    };
    let title = Line::from(format!(" {title} "));
    let inner = super::pane(model, buf, area, true, title, Line::from(bottom));
    let margin = u16::from(inner.width > 2);
    let visible = lines.iter().skip(scroll).take(inner.height.into());
    for (at, line) in visible.enumerate() {
        let width = inner.width.saturating_sub(2 * margin);
        buf.set_line(inner.x + margin, inner.y + at as u16, line, width);
    }
    *scrolled = scroll;
}
