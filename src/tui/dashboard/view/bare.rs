//! A page without frames: what the terminal selects in it is the page and nothing else.

use crate::text;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::BarePage;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

/// Most lines of a page.
const LINES: usize = 100_000;

/// Draws the page over the whole screen.
pub(super) fn draw(model: &Model, page: &mut BarePage, buf: &mut Buffer, area: Rect) {
    Clear.render(area, buf);
    buf.set_style(area, model.theme.background);
    let width = area.width as usize;
    if page.width != width {
        page.lines = text::wrap(&page.text, width, LINES).lines;
        page.width = width;
    }
    page.height = area.height as usize;
    page.scroll_by(0);
    let lines = page.lines.iter().skip(page.scroll).take(page.height);
    for (at, line) in lines.enumerate() {
        buf.set_stringn(area.x, area.y + at as u16, line, width, model.theme.text);
    }
}
