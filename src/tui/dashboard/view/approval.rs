//! The question whether a call may be made, with the call.

use crate::plan::StepIx;
use crate::run::{ApprovalState, StepChecks, VoidReason};
use crate::text;
use crate::tui::dashboard::keymap::registry::entries;
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::json;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Cells of the box.
const WIDTH: u16 = 76;

/// Bytes of the call that are looked at.
const BYTES: usize = 16 << 10;

/// The answers, by the names of their actions.
const ANSWERS: [&str; 4] = ["grant", "refuse", "edit-call", "answer-later"];

/// Draws the question.
pub(super) fn draw(model: &Model, step: StepIx, buf: &mut Buffer, screen: Rect) {
    let Some(row) = model.run.steps.get(step.at()) else {
        return;
    };
    let Some(asked) = row.asked_approval() else {
        return;
    };
    let theme = &model.theme;
    let width = screen.width.min(WIDTH);
    let room = usize::from(width.saturating_sub(4));
    let tool = text::fit(&format!("{} ({})", row.info.tool, row.info.kind), 34);
    let id = model
        .names
        .fit(&row.info.id, room.saturating_sub(text::width(&tool) + 2));
    let mut above = vec![Line::from(vec![
        Span::styled(id, theme.strong),
        Span::styled(format!("  {tool}"), theme.dim),
    ])];
    let why = why(row.info.checks.as_deref(), asked);
    above.extend(why.map(|words| Line::styled(text::fit(&words, room), theme.warning)));
    above.push(Line::default());
    let below: Vec<Line<'static>> = ANSWERS
        .iter()
        .filter_map(|name| entries().find(|entry| entry.name == *name))
        .map(|entry| {
            let key = model.keymap.of(entry).first().map(ToString::to_string);
            let words = text::fit(entry.description, room.saturating_sub(5));
            Line::from(vec![
                Span::styled(text::pad(&key.unwrap_or_default(), 5), theme.accent),
                Span::styled(words, theme.text),
            ])
        })
        .collect();
    let (call, whole) = json::pretty(&asked.input.to_value(), BYTES);
    let lines: Vec<&str> = call.lines().collect();
    // The question leaves a line of the screen above and below.
    let most = usize::from(screen.height.saturating_sub(4));
    let left = most.saturating_sub(above.len() + below.len() + 1).max(1);
    let shown = lines.len().min(left);
    above.extend(
        lines[..shown]
            .iter()
            .map(|line| Line::styled(text::fit(&text::line(line), room), theme.text)),
    );
    if shown < lines.len() || !whole {
        let more = lines.len() - shown;
        let words = format!("… {more} more lines: the input page of the inspector has them all");
        above.pop();
        above.push(Line::styled(text::fit(&words, room), theme.dim));
    }
    above.push(Line::default());
    let height = (above.len() + below.len()) as u16 + 2;
    let area = super::question::centred(screen, width, height);
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let count = match model.run_index.unapproved().len() {
        0 | 1 => String::new(),
        many => format!(" one of {many} "),
    };
    let title = Line::from(" make this call? ");
    let inner = super::pane(model, buf, area, true, title, Line::from(count));
    // Where the box is too small for everything, the answers matter most.
    let room = usize::from(inner.height).saturating_sub(below.len());
    let lines = above.into_iter().take(room).chain(below);
    for (at, line) in lines.take(inner.height as usize).enumerate() {
        let x = inner.x + u16::from(inner.width > 2);
        buf.set_line(x, inner.y + at as u16, &line, inner.width.saturating_sub(2));
    }
}

/// Why it is asked, where that is not plain.
fn why(checks: Option<&StepChecks>, asked: &ApprovalState) -> Option<String> {
    match asked.void {
        Some(VoidReason::Changed) => {
            return Some("It was approved, and would be another call now.".to_owned());
        }
        Some(VoidReason::Expired) => return Some("It was approved too long ago.".to_owned()),
        None => {}
    }
    let condition = checks?.approve.as_deref()?;
    (condition != "true").then(|| format!("because {}", text::line(condition)))
}
