//! What the attempts of a step logged, oldest first. The page follows: who looks at its end sees what comes.

use crate::run::{AttemptState, StepState, StepStatus};
use crate::text::format;
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::fmt::Write as _;

/// Attempts that are shown, the last ones.
const ATTEMPTS: usize = 50;

/// The last attempts of the step.
pub(super) fn attempts(row: &StepState) -> &[AttemptState] {
    let from = row.attempts.len().saturating_sub(ATTEMPTS);
    &row.attempts[from..]
}

/// A part of the page: lines of its own, or those of an attempt's log.
enum Part<'a> {
    Line(Line<'static>),
    Entry(&'a [Line<'static>]),
}

/// Draws the page; gives what stands in the border.
pub(super) fn draw(model: &mut Model, buf: &mut Buffer, area: Rect) -> Option<String> {
    let step = model.selected?;
    let mut log = std::mem::take(&mut model.inspector.log);
    let row = model.run.steps.get(step.at())?;
    log.lines
        .sync(step, attempts(row), area.width as usize, &model.theme);
    let dropped = log.lines.take_dropped();
    let parts = parts(model, row, &log.lines);
    let total = parts.iter().map(Part::height).sum::<usize>();
    let height = area.height as usize;
    let inspector = &mut model.inspector;
    inspector.extent = (total, height);
    if log.follows {
        inspector.scroll = total;
        log.seen = total;
    } else {
        // What is looked at stays where it is while lines are dropped above it.
        inspector.scroll = inspector.scroll.saturating_sub(dropped);
        log.seen = log.seen.saturating_sub(dropped);
    }
    inspector.scroll_by(0);
    let from = inspector.scroll;
    log.seen = log.seen.max(from + height);
    let lines = parts.iter().flat_map(Part::lines).skip(from).take(height);
    for (at, line) in lines.enumerate() {
        buf.set_line(area.x, area.y + at as u16, line, area.width);
    }
    let unseen = total.saturating_sub(log.seen);
    let position = if unseen > 0 {
        Some(format!("▼ {} new", format::thousands(unseen as u64)))
    } else if log.follows && row.status == StepStatus::Running && total > 0 {
        Some(format!("following, {}", format::count(total, "line")))
    } else {
        let to = (from + height).min(total);
        (total > height).then(|| {
            format!(
                "{} to {to} of {}",
                from + 1,
                format::thousands(total as u64)
            )
        })
    };
    drop(parts);
    model.inspector.log = log;
    position
}

fn parts<'a>(
    model: &Model,
    row: &StepState,
    log: &'a crate::tui::dashboard::state::log_lines::LogLines,
) -> Vec<Part<'a>> {
    let theme = &model.theme;
    let mut parts = Vec::new();
    let attempts = attempts(row);
    if attempts.is_empty() {
        let words = Span::styled("It has not been called.", theme.dim);
        return vec![Part::Line(words.into())];
    }
    let hidden = row.attempts.len() - attempts.len();
    if hidden > 0 {
        let words = format!("{} are not shown", format::count(hidden, "earlier attempt"));
        parts.push(Part::Line(Line::styled(words, theme.dim)));
    }
    for (at, attempt) in attempts.iter().enumerate() {
        if attempts.len() > 1 {
            if at > 0 {
                parts.push(Part::Line(Line::default()));
            }
            parts.push(Part::Line(super::attempts::headline(model, attempt)));
        }
        if attempt.log.dropped() > 0 {
            let words = format!(
                "{} earlier lines are not shown",
                format::thousands(attempt.log.dropped())
            );
            parts.push(Part::Line(Line::styled(words, theme.dim)));
        }
        if attempt.log.is_empty() {
            let words = if attempt.end.is_none() {
                "Nothing is logged yet."
            } else {
                "Nothing was logged."
            };
            parts.push(Part::Line(Line::styled(words, theme.dim)));
        }
        parts.extend(log.of(attempt.number).map(|(_, lines)| Part::Entry(lines)));
    }
    parts
}

impl Part<'_> {
    fn lines(&self) -> &[Line<'static>] {
        match self {
            Self::Line(line) => std::slice::from_ref(line),
            Self::Entry(lines) => lines,
        }
    }

    fn height(&self) -> usize {
        self.lines().len()
    }
}

/// The lines of the page as they were drawn last.
pub(super) fn texts(model: &Model) -> Vec<String> {
    let Some(row) = model.row() else {
        return Vec::new();
    };
    let parts = parts(model, row, &model.inspector.log.lines);
    let lines = parts.iter().flat_map(Part::lines);
    lines.map(ToString::to_string).collect()
}

/// The logs as text.
pub(super) fn plain(row: &StepState) -> String {
    use crate::text::message::clean;
    let mut text = String::new();
    for attempt in &row.attempts {
        if row.attempts.len() > 1 {
            let _ = writeln!(text, "# attempt {}", attempt.number);
        }
        for (_, entry) in attempt.log.iter() {
            text.push_str(&clean(entry, entry.len()));
            text.push('\n');
        }
    }
    text
}
