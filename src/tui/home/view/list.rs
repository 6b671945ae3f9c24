//! The list: headings, plans and runs, a line each; only what is in view is looked at.

use super::super::item::{PlanItem, RunItem, Standing};
use super::super::list::Selected;
use super::super::model::Model;
use super::super::row::{Part, Row};
use crate::run::StepStatus;
use crate::text::fuzzy::Found;
use crate::text::{self, format};
use crate::tui::input::text_field::highlight;
use crate::tui::theme::{StatusStyle, Theme};
use crate::tui::widgets::frame::frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Draws the list into `area`.
pub(super) fn draw(model: &mut Model, buf: &mut Buffer, area: Rect) {
    let title = Line::from(" plans and runs ");
    let place = place(model);
    let inner = frame(&model.theme, buf, area, true, title, Line::from(place));
    if inner.is_empty() {
        return;
    }
    let height = inner.height as usize;
    model.height = height;
    keep_in_view(model, height);
    if model.rows.is_empty() {
        let words = if model.field.is_empty() {
            "reading…"
        } else {
            "nothing matches; esc clears the filter"
        };
        let words = text::fit(words, inner.width.saturating_sub(2) as usize);
        buf.set_string(inner.x + 1, inner.y, words, model.theme.dim);
        return;
    }
    let rows = model.rows.iter().enumerate().skip(model.top).take(height);
    for (line, (at, row)) in rows.enumerate() {
        let area = Rect {
            y: inner.y + line as u16,
            height: 1,
            ..inner
        };
        let spans = match (row, model.at(at)) {
            (Row::Heading(part, count), _) => heading(model, *part, *count, area.width as usize),
            (Row::Item(_, place, found), Some(Selected::Run(run))) => {
                let depth = model.depth_of(*place);
                run_line(model, (run, depth), found, area.width as usize)
            }
            (Row::Item(_, _, found), Some(Selected::Plan(plan))) => {
                plan_line(&model.theme, plan, found, area.width as usize)
            }
            (Row::Item(..), None) | (Row::Gap, _) => continue,
        };
        buf.set_line(area.x, area.y, &Line::from(spans), area.width);
        if at == model.selected {
            buf.set_style(area, model.theme.selection);
        }
    }
}

/// Where the selection is among what can be chosen, for the border.
fn place(model: &Model) -> String {
    let items = |rows: &[Row]| {
        rows.iter()
            .filter(|row| matches!(row, Row::Item(..)))
            .count()
    };
    let all = items(&model.rows);
    if all <= model.height {
        return String::new();
    }
    let here = items(&model.rows[..=model.selected.min(model.rows.len() - 1)]);
    format!(
        " {} of {} ",
        format::thousands(here as u64),
        format::thousands(all as u64)
    )
}

/// Scrolls as little as brings the selection into view, its heading too where that stands right above it.
fn keep_in_view(model: &mut Model, height: usize) {
    let above = model.selected.checked_sub(1);
    let headed = above.is_some_and(|at| matches!(model.rows.get(at), Some(Row::Heading(..))));
    let first = model.selected - usize::from(headed && height > 1);
    let lowest = (model.selected + 1).saturating_sub(height);
    let most = model.rows.len().saturating_sub(height);
    model.top = model
        .top
        .clamp(lowest, first.max(lowest))
        .min(most.max(lowest));
}

fn heading(model: &Model, part: Part, count: usize, width: usize) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let said = match (part, count) {
        (Part::Runs, 0) => match &model.fault {
            Some(fault) => format!("cannot be read: {fault}"),
            None if model.reading => "reading…".to_owned(),
            None => "none yet: run a plan and it appears here".to_owned(),
        },
        _ => format::thousands(count as u64),
    };
    let style = if model.fault.is_some() && part == Part::Runs {
        theme.warning
    } else {
        theme.dim
    };
    let name = text::fit(part.name(), width);
    let room = width.saturating_sub(text::width(&name) + 3);
    vec![
        Span::styled(format!(" {name}"), theme.strong),
        Span::styled(format!("  {}", text::fit(&said, room)), style),
    ]
}

/// How a run is marked: the shape of a step in the same state.
pub(super) fn look(theme: &Theme, standing: Standing) -> StatusStyle {
    theme.status(match standing {
        Standing::Running => StepStatus::Running,
        Standing::Interrupted => StepStatus::Unknown,
        Standing::Continued => StepStatus::Skipped,
        Standing::Succeeded => StepStatus::Succeeded,
        Standing::Failed | Standing::LimitExceeded => StepStatus::Failed,
        Standing::Cancelled => StepStatus::Cancelled,
    })
}

/// A column on the right of a line.
struct Column {
    text: String,
    width: usize,
    style: Style,
}

/// A run; one that was forked stands below its parent, as deep as `depth`.
fn run_line(
    model: &Model,
    (run, depth): (&RunItem, usize),
    found: &Found,
    width: usize,
) -> Vec<Span<'static>> {
    let theme = &model.theme;
    let look = look(theme, run.standing);
    let column = |text: String, width: usize, style: Style| Column { text, width, style };
    let took = match run.standing {
        // Its time is that of many runs.
        _ if run.is_batch => column("batch".to_owned(), 9, theme.accent),
        Standing::Interrupted => column("resumable".to_owned(), 9, theme.warning),
        Standing::LimitExceeded => column("at limit".to_owned(), 9, theme.bad),
        _ => column(format::duration(run.took), 9, theme.text),
    };
    let cost = run
        .cost
        .map_or_else(|| "–".to_owned(), |cost| cost.to_string());
    let steps = if run.is_batch {
        short_counts(run.done, run.steps)
    } else {
        format!("{}/{}", run.done, run.steps)
    };
    let failed = match run.failed {
        0 => String::new(),
        failed => format!("{failed} ✖"),
    };
    // In the order in which they are given room, and where they stand.
    let columns = [
        (1, 34, column(ago(model.now, run.started), 8, theme.dim)),
        (3, 62, took),
        (4, 72, column(cost, 9, theme.text)),
        (2, 42, column(steps, 7, theme.text)),
        (5, 50, column(failed, 5, theme.bad)),
        (6, 96, column(run.worker.to_string(), 22, theme.dim)),
    ];
    let shown: Vec<&Column> = columns
        .iter()
        .filter(|(_, least, _)| width >= *least)
        .map(|(_, _, column)| column)
        .collect();
    let taken: usize = shown.iter().map(|column| column.width + 2).sum();
    let branch = match depth {
        0 => String::new(),
        depth => format!("{}└ ", "  ".repeat(depth - 1)),
    };
    let name = width.saturating_sub(taken + 4 + text::width(&branch));
    let mut spans = vec![
        Span::raw(" "),
        Span::styled(branch, theme.dim),
        Span::styled(look.glyph, look.style),
        Span::raw(" "),
    ];
    let shown_name = text::pad(&run.plan, name);
    spans.extend(highlight(
        &shown_name,
        found.in_field(0),
        theme.text,
        theme.accent,
    ));
    for column in shown {
        let is_worker = column.width > 20;
        let text = text::fit(&column.text, column.width);
        let room = " ".repeat(column.width.saturating_sub(text::width(&text)));
        let padded = if is_worker {
            format!("  {text}{room}")
        } else {
            format!("  {room}{text}")
        };
        spans.push(Span::styled(padded, column.style));
    }
    spans
}

/// How many of all, in seven cells: thousands as such where there are many.
fn short_counts(done: u64, all: u64) -> String {
    let short = |count: u64| match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{}k", count / 1_000),
        _ => format!("{}M", count / 1_000_000),
    };
    let whole = format!("{done}/{all}");
    if whole.len() <= 7 {
        whole
    } else {
        format!("{}/{}", short(done), short(all))
    }
}

fn plan_line(theme: &Theme, plan: &PlanItem, found: &Found, width: usize) -> Vec<Span<'static>> {
    let steps = format::count(plan.steps, "step");
    let steps = if width >= 34 { steps } else { String::new() };
    let right = text::width(&steps) + 2;
    let name = (width / 3).clamp(10, 24).min(width.saturating_sub(4));
    let room = width.saturating_sub(name + right + 6);
    // What a plan is for says more than its place.
    let (words, field) = if plan.about.is_empty() {
        (&plan.shown, 1)
    } else {
        (&plan.about, 2)
    };
    let mut spans = vec![Span::styled(" ▸ ", theme.accent)];
    let shown_name = text::pad(&plan.name, name);
    spans.extend(highlight(
        &shown_name,
        found.in_field(0),
        theme.text,
        theme.accent,
    ));
    spans.push(Span::raw("  "));
    let shown = text::pad(words, room);
    spans.extend(highlight(
        &shown,
        found.in_field(field),
        theme.dim,
        theme.accent,
    ));
    spans.push(Span::styled(format!(" {steps}"), theme.dim));
    spans
}

/// The time since `then`, in the largest unit that says enough.
pub(super) fn ago(now: i64, then: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match now - then {
        ..MINUTE => "just now".to_owned(),
        since @ MINUTE..HOUR => format!("{}m ago", since / MINUTE),
        since @ HOUR..DAY => format!("{}h ago", since / HOUR),
        since => format!("{}d ago", since / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_ago_are_short() {
        let said = [0, 59, 60, 3_599, 3_600, 86_399, 86_400, 864_000, -5];
        let said = said.map(|since| ago(1_000_000, 1_000_000 - since));
        let expected = [
            "just now", "just now", "1m ago", "59m ago", "1h ago", "23h ago", "1d ago", "10d ago",
            "just now",
        ];
        assert_eq!(said, expected);
    }
}
