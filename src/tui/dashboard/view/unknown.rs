//! The question about a step whose result was lost with the process that ran it.

use crate::plan::StepIx;
use crate::report::settlement_in_words;
use crate::text;
use crate::tui::dashboard::keymap::registry::entries;
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Cells of the box.
const WIDTH: u16 = 66;

/// Draws the question.
pub(super) fn draw(model: &Model, step: StepIx, buf: &mut Buffer, screen: Rect) {
    let Some(row) = model.run.steps.get(step.at()) else {
        return;
    };
    let theme = &model.theme;
    let width = screen.width.min(WIDTH);
    let room = width.saturating_sub(4) as usize;
    let look = theme.status(row.status);
    let tool = text::fit(&format!("{} ({})", row.info.tool, row.info.kind), 30);
    let id = model
        .names
        .fit(&row.info.id, room.saturating_sub(text::width(&tool) + 4));
    let mut above = vec![
        Line::from(vec![
            Span::styled(look.glyph, look.style),
            Span::styled(format!(" {id}"), theme.strong),
            Span::styled(format!("  {tool}"), theme.dim),
        ]),
        Line::default(),
    ];
    let why = if row.was_lost_elsewhere() {
        "The worker that made the call died"
    } else {
        "It was running when the earlier run was interrupted"
    };
    let words = format!("{why}: it may or may not have happened. Check, then choose:");
    let wrapped = text::wrap(&words, room, 4).lines.into_iter();
    above.extend(wrapped.map(|line| Line::styled(line, theme.text)));
    if let Some(settlement) = &row.settlement {
        let wrapped = text::wrap(&settlement_in_words(settlement), room, 4)
            .lines
            .into_iter();
        above.extend(wrapped.map(|line| Line::styled(line, theme.dim)));
    }
    above.push(Line::default());
    let answers = ["it-happened", "run-again", "skip-it", "put-off"];
    let answers = answers
        .iter()
        .filter_map(|name| entries().find(|entry| entry.name == *name));
    let below: Vec<Line<'static>> = answers
        .map(|entry| {
            let key = model.keymap.of(entry).first().map(ToString::to_string);
            Line::from(vec![
                Span::styled(text::pad(&key.unwrap_or_default(), 5), theme.accent),
                Span::styled(
                    text::fit(entry.description, room.saturating_sub(5)),
                    theme.text,
                ),
            ])
        })
        .collect();
    let height = (above.len() + below.len()) as u16 + 2;
    let area = super::question::centred(screen, width, height);
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let count = match model.run_index.unknown().len() {
        0 | 1 => String::new(),
        many => format!(" one of {many} "),
    };
    let title = Line::from(" did it happen? ");
    let inner = super::pane(model, buf, area, true, title, Line::from(count));
    // Where the box is too small for everything, the answers matter most.
    let shown = (inner.height as usize).saturating_sub(below.len());
    let lines = above.into_iter().take(shown).chain(below);
    for (at, line) in lines.take(inner.height as usize).enumerate() {
        let x = inner.x + u16::from(inner.width > 2);
        buf.set_line(x, inner.y + at as u16, &line, inner.width.saturating_sub(2));
    }
}
