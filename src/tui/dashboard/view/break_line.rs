//! The breakpoints of a step, and the line in which another is typed.

use crate::text;
use crate::tui::dashboard::state::break_line::BreakLine;
use crate::tui::dashboard::state::break_marks;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::step_look::StepLook;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Cells of the box.
const WIDTH: u16 = 72;

/// Breakpoints that are listed.
const LISTED: usize = 6;

/// What may be typed.
const WORDS: &str = "before · after · failure · output.total > 5 · cost > 0.01 · attempt == 2";

/// Draws the box.
pub(super) fn draw(model: &Model, line: &BreakLine, buf: &mut Buffer, screen: Rect) {
    let theme = &model.theme;
    let width = screen.width.min(WIDTH);
    let room = usize::from(width.saturating_sub(4));
    let sign = StepLook::Breakpoint.style(theme);
    let set = break_marks::of_step(model.latest(), &line.step);
    let mut rows: Vec<Line<'static>> = set
        .iter()
        .take(LISTED)
        .map(|words| {
            Line::from(vec![
                Span::styled(format!("{} ", sign.glyph), sign.style),
                Span::styled(text::fit(words, room.saturating_sub(2)), theme.text),
            ])
        })
        .collect();
    if !rows.is_empty() {
        rows.push(Line::default());
    }
    let height = rows.len() as u16 + 4;
    let area = super::question::centred(screen, width, height);
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let id = model.names.fit(&line.step, room / 2);
    let title = Line::from(format!(" breakpoint: hold {id} … "));
    let inner = super::pane(model, buf, area, true, title, Line::default());
    if inner.is_empty() {
        return;
    }
    let margin = u16::from(inner.width > 4);
    let (x, width) = (inner.x + margin, inner.width - 2 * margin);
    // Where the box is too small for everything, the line that is typed matters most.
    let listed = inner.height.saturating_sub(2).min(rows.len() as u16);
    for (at, row) in rows.iter().take(listed as usize).enumerate() {
        buf.set_line(x, inner.y + at as u16, row, width);
    }
    let y = inner.y + listed;
    let typed = Rect::new(x, y, width, 1);
    line.field.draw(buf, typed, "before", theme);
    if y + 1 < inner.bottom() {
        buf.set_stringn(x, y + 1, WORDS, width as usize, theme.dim);
    }
}
