//! Why the selected step was called, or why it was not, over the screen.

use super::text_box;
use crate::report::explain;
use crate::text;
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Cells of the box where there is room.
const WIDTH: u16 = 84;
/// Most lines of one reason.
const LINES: usize = 6;

/// Draws the explanation, `scrolled` by so many lines.
pub(super) fn draw(model: &Model, scrolled: &mut usize, buf: &mut Buffer, screen: Rect) {
    let Some(explanation) = model.selected.and_then(|step| explain(&model.run, step)) else {
        return;
    };
    let theme = &model.theme;
    let (width, room) = text_box::width(screen, WIDTH);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut put = |lead: &str, words: &str, style| {
        let wrapped = text::wrap(words, room.saturating_sub(text::width(lead)), LINES);
        for (at, line) in wrapped.lines.into_iter().enumerate() {
            let lead = if at == 0 {
                lead.to_owned()
            } else {
                " ".repeat(text::width(lead))
            };
            lines.push(Line::from(vec![
                Span::styled(lead, theme.accent),
                Span::styled(line, style),
            ]));
        }
    };
    put("", &explanation.summary, theme.strong);
    if !explanation.reasons.is_empty() {
        put("", " ", theme.text);
    }
    for reason in &explanation.reasons {
        put("· ", reason, theme.text);
    }
    if !explanation.notes.is_empty() {
        put("", " ", theme.text);
    }
    for note in &explanation.notes {
        put("", note, theme.dim);
    }
    let id = text::fit(&explanation.step, usize::from(width.saturating_sub(12)));
    let title = format!("why {id}");
    text_box::draw(
        model,
        (&title, "esc back"),
        &lines,
        scrolled,
        buf,
        (screen, width),
    );
}
