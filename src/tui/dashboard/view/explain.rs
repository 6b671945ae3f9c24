//! Why the selected step was called, or why it was not, over the screen.

use crate::report::explain;
use crate::text;
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

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
    let width = screen
        .width
        .saturating_sub(4)
        .clamp(screen.width.min(20), WIDTH);
    let room = usize::from(width.saturating_sub(4));
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
    let area = super::question::centred(screen, width, lines.len() as u16 + 2);
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let shown = usize::from(area.height.saturating_sub(2));
    let scroll = (*scrolled).min(lines.len().saturating_sub(shown));
    let id = text::fit(&explanation.step, usize::from(width.saturating_sub(12)));
    let title = Line::from(format!(" why {id} "));
    let more = if lines.len() > shown {
        format!(" {} to {} of {} ", scroll + 1, scroll + shown, lines.len())
    } else {
        " esc back ".to_owned()
    };
    let inner = super::pane(model, buf, area, true, title, Line::from(more));
    let margin = u16::from(inner.width > 2);
    let visible = lines.iter().skip(scroll).take(inner.height.into());
    for (at, line) in visible.enumerate() {
        let width = inner.width.saturating_sub(2 * margin);
        buf.set_line(inner.x + margin, inner.y + at as u16, line, width);
    }
    *scrolled = scroll;
}
