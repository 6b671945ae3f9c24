//! A box of lines over a screen.

use super::frame::frame;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};

/// Draws the lines from `scroll` on in the middle of `screen`; gives where the scrolling ended.
pub(crate) fn draw(
    theme: &Theme,
    buf: &mut Buffer,
    screen: Rect,
    title: &str,
    (lines, scroll): (&[Line<'static>], usize),
) -> usize {
    let wide = lines.iter().map(Line::width).max().unwrap_or(0) as u16;
    let wide = wide.saturating_add(4).max(title.len() as u16 + 6);
    let width = wide.min(screen.width);
    let height = (lines.len() as u16).saturating_add(2).min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let room = area.height.saturating_sub(2) as usize;
    let most = lines.len().saturating_sub(room);
    let scroll = scroll.min(most);
    let more = if most > 0 { " ↑↓ scroll " } else { "" };
    let title = Line::from(format!(" {title} "));
    let inner = frame(theme, buf, area, true, title, Line::from(more));
    for (row, line) in lines.iter().skip(scroll).take(room).enumerate() {
        let x = inner.x + u16::from(inner.width > 2);
        buf.set_line(x, inner.y + row as u16, line, inner.width.saturating_sub(2));
    }
    scroll
}
