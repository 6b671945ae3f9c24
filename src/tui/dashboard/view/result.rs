//! The final result of the run over the screen.

use super::text_box;
use crate::text;
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::json;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
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
    let (width, room) = text_box::width(screen, WIDTH);
    let (words, style) = match &**result {
        Value::String(words) => (
            words[..words.floor_char_boundary(BYTES)].to_owned(),
            theme.text,
        ),
        other => (json::pretty(other, BYTES).0, theme.string),
    };
    let lines = text::wrap(&words, room, LINES).lines;
    let lines: Vec<Line<'_>> = lines
        .iter()
        .map(|line| Line::styled(line.as_str(), style))
        .collect();
    let frame = ("the result", "y copy   esc back");
    text_box::draw(model, frame, &lines, scrolled, buf, (screen, width));
}
