//! The line of moments: how far in the run the moment shown is, and where steps failed. Each event takes the same
//! room, whatever time lies between: what happens at once can be told apart, and a night's pause takes none.

use crate::text::format;
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::Span;

/// Cells for a time beside the line.
const TIME: u16 = 8;
/// Columns from which there are times beside it.
const ROOMY: u16 = 50;

/// Draws the line, where another moment than now is shown.
pub fn draw(model: &Model, buf: &mut Buffer, line: Rect) {
    if line.is_empty() || !model.is_past() {
        return;
    }
    let theme = &model.theme;
    buf.set_style(line, theme.background);
    let history = model.travel.history();
    let (moment, last) = (model.moment(), history.len());
    for x in line.x..line.right() {
        buf[(x, line.y)].set_symbol(" ");
    }
    let track = track(line);
    if track.x > line.x + 1 {
        let now = format::elapsed(model.now);
        let all = format::elapsed(history.time_at(last));
        let room = (TIME - 1) as usize;
        let words = Span::styled(format!("{now:>room$}"), theme.text);
        buf.set_span(line.x, line.y, &words, TIME - 1);
        let words = Span::styled(all, theme.dim);
        buf.set_span(track.right() + 1, line.y, &words, TIME - 1);
    }
    let here = cell_of(track, moment, last);
    for cell in 0..track.width {
        let failed = history.failed_in(moments_of(track, cell, last));
        let (sign, style) = if cell == here {
            ("●", theme.warning.add_modifier(Modifier::BOLD))
        } else if failed {
            ("✖", theme.bad)
        } else if cell < here {
            ("━", theme.warning)
        } else {
            ("─", theme.border)
        };
        buf[(track.x + cell, line.y)]
            .set_symbol(sign)
            .set_style(style);
    }
}

/// The moment at a place of the screen, where the line is drawn there.
pub fn moment_at(model: &Model, line: Rect, at: Position) -> Option<usize> {
    let track = track(line);
    let last = model.travel.history().len();
    let there = model.is_past() || model.scrubbing;
    if !there || !line.contains(at) || track.is_empty() {
        return None;
    }
    let cell = at.x.clamp(track.x, track.right() - 1) - track.x;
    if cell + 1 == track.width {
        return Some(last);
    }
    Some(moments_of(track, cell, last).start.max(1))
}

/// The part of the line that moments have.
fn track(line: Rect) -> Rect {
    let beside = if line.width < ROOMY { 1 } else { TIME };
    Rect {
        x: line.x + beside.min(line.width),
        width: line.width.saturating_sub(2 * beside),
        ..line
    }
}

/// The moments that a cell of the line stands for.
fn moments_of(track: Rect, cell: u16, last: usize) -> std::ops::Range<usize> {
    let edge = |cell: u16| (last as u64 * u64::from(cell)).div_ceil(u64::from(track.width.max(1)));
    edge(cell) as usize + 1..(edge(cell + 1) as usize + 1).max(edge(cell) as usize + 2)
}

fn cell_of(track: Rect, moment: usize, last: usize) -> u16 {
    let before = moment.saturating_sub(1) as u64 * u64::from(track.width);
    (before / last.max(1) as u64) as u16
}
