//! The final result of the run over the screen.

use crate::text;
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::json;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};
use serde_json::Value;

/// Cells of the box where there is room.
const WIDTH: u16 = 110;
/// Most bytes that are laid out; `y` copies the rest as well.
const BYTES: usize = 200_000;
/// Most lines of them.
const LINES: usize = 5_000;

/// Draws the result, `scrolled` by so many lines.
pub(super) fn draw(model: &Model, scrolled: &mut usize, buf: &mut Buffer, screen: Rect) {
    let Some(result) = &model.run.result else {
        return;
    };
    let theme = &model.theme;
    let width = screen
        .width
        .saturating_sub(4)
        .clamp(screen.width.min(20), WIDTH);
    let room = usize::from(width.saturating_sub(4));
    let (words, style) = match &**result {
        Value::String(words) => (
            words[..words.floor_char_boundary(BYTES)].to_owned(),
            theme.text,
        ),
        other => (json::pretty(other, BYTES).0, theme.string),
    };
    let lines = text::wrap(&words, room, LINES).lines;
    let most = screen.height.saturating_sub(4).max(screen.height.min(5));
    let height = (lines.len() as u16).saturating_add(2).min(most);
    let area = super::question::centred(screen, width, height);
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let shown = usize::from(area.height.saturating_sub(2));
    let scroll = (*scrolled).min(lines.len().saturating_sub(shown));
    let bottom = if lines.len() > shown {
        format!(" {} to {} of {} ", scroll + 1, scroll + shown, lines.len())
    } else {
        " y copy   esc back ".to_owned()
    };
    let title = Line::from(" the result ");
    let inner = super::pane(model, buf, area, true, title, Line::from(bottom));
    let margin = u16::from(inner.width > 2);
    let visible = lines.iter().skip(scroll).take(inner.height.into());
    for (at, line) in visible.enumerate() {
        let width = inner.width.saturating_sub(2 * margin);
        let line = Line::styled(line.as_str(), style);
        buf.set_line(inner.x + margin, inner.y + at as u16, &line, width);
    }
    *scrolled = scroll;
}
