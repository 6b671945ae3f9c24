//! The line of events: how far in the run the one shown is, and where steps failed. Each event takes the same
//! room, whatever time lies between: simultaneous events stay distinguishable, and a night's pause takes no room.

use crate::text::format;
use crate::tui::dashboard::layout::{TIME, cell_of, positions_of, track};
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Span;

/// Draws the line, where another time than now is shown.
pub(super) fn draw(model: &Model, buf: &mut Buffer, line: Rect) {
    if line.is_empty() || !model.is_past() {
        return;
    }
    let theme = &model.theme;
    buf.set_style(line, theme.background);
    let history = model.time_travel.history();
    let (position, last) = (model.position(), history.len());
    for x in line.x..line.right() {
        buf[(x, line.y)].set_symbol(" ");
    }
    let track = track(line);
    if track.x > line.x + 1 {
        let now = format::duration(model.run.wall(model.now));
        let all = format::duration(model.latest().run_time(history.time_at(last)));
        let room = (TIME - 1) as usize;
        let words = Span::styled(format!("{now:>room$}"), theme.text);
        buf.set_span(line.x, line.y, &words, TIME - 1);
        let words = Span::styled(all, theme.dim);
        buf.set_span(track.right() + 1, line.y, &words, TIME - 1);
    }
    let here = cell_of(track, position, last);
    for cell in 0..track.width {
        let failed = history.failed_in(positions_of(track, cell, last));
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
