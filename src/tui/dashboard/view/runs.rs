//! The other runs of the plan, to choose the one to compare with.

use crate::text::{self, format};
use crate::tui::dashboard::history::PastRun;
use crate::tui::dashboard::state::comparison::{RunChoice, Runs};
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Cells of the box.
const WIDTH: u16 = 78;
/// Runs that are shown at once.
const ROWS: usize = 16;

/// Draws the choice over the screen.
pub(super) fn draw(model: &Model, choice: &RunChoice, buf: &mut Buffer, screen: Rect) {
    let theme = &model.theme;
    let width = screen.width.min(WIDTH);
    let room = width.saturating_sub(4) as usize;
    let words = |words: &str, style: Style| -> Vec<Line<'static>> {
        let lines = text::wrap(words, room, 6).lines.into_iter();
        lines.map(|line| Line::styled(line, style)).collect()
    };
    let mut more = String::new();
    let lines: Vec<Line<'static>> = match &choice.runs {
        _ if choice.reading => words("reading the run …", theme.dim),
        Runs::Asked => words("looking for runs of this plan …", theme.dim),
        Runs::Failed(why) => words(why, theme.bad),
        Runs::Found(runs) if runs.is_empty() => {
            words("No other run of this plan is recorded.", theme.dim)
        }
        Runs::Found(runs) => {
            let shown = ROWS.min(screen.height.saturating_sub(6) as usize).max(1);
            let first = (choice.chosen + 1).saturating_sub(shown);
            if runs.len() > shown {
                more = format!(" {} of {} ", choice.chosen + 1, runs.len());
            }
            let rows = runs.iter().enumerate().skip(first).take(shown);
            rows.map(|(at, run)| row(model, run, at == choice.chosen, room))
                .collect()
        }
    };
    let area = super::question::centred(screen, width, lines.len() as u16 + 2);
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let title = Line::from(" compare with another run ");
    let inner = super::pane(model, buf, area, true, title, Line::from(more));
    for (at, line) in lines.iter().take(inner.height as usize).enumerate() {
        let x = inner.x + u16::from(inner.width > 2);
        buf.set_line(x, inner.y + at as u16, line, inner.width.saturating_sub(2));
    }
}

fn row(model: &Model, run: &PastRun, chosen: bool, room: usize) -> Line<'static> {
    let theme = &model.theme;
    let style = match run.status {
        "succeeded" => theme.good,
        "failed" | "limit_exceeded" => theme.bad,
        _ => theme.warning,
    };
    let cost = run
        .cost
        .map_or_else(|| "–".to_owned(), |cost| cost.to_string());
    let mut spans = vec![
        Span::styled(text::pad(&run.started, 19), theme.text),
        Span::styled(format!("  {:<14}", run.status), style),
        Span::styled(format!("{:>8}", format::duration(run.took)), theme.text),
        Span::styled(format!("{cost:>10}"), theme.text),
        Span::styled(format!("{:>6}/{}", run.steps.0, run.steps.1), theme.dim),
    ];
    let used: usize = spans.iter().map(Span::width).sum();
    let id = text::fit(&run.run_id, room.saturating_sub(used + 2));
    spans.push(Span::styled(
        format!("  {}", text::pad(&id, room.saturating_sub(used + 2))),
        theme.dim,
    ));
    let line = Line::from(spans);
    if chosen {
        line.patch_style(theme.selection)
    } else {
        line
    }
}
