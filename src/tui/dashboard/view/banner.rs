//! What came of the run, over the lower end of the panes: until the next key.

use crate::report::money;
use crate::run::{RunHeader, RunOutcome, RunPhase, StepStatus};
use crate::text::{self, format};
use crate::tui::dashboard::layout::Areas;
use crate::tui::dashboard::state::model::Model;
use crate::tui::widgets::json;
use crate::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};
use serde_json::Value;

/// Bytes of the result that are looked at for one line.
const BYTES: usize = 400;
/// The steps that decided the time which are named.
const STEPS: usize = 4;
/// Rows of the body from which there is a banner.
const ROOM: u16 = 9;
/// The shortest work of which speed says anything.
const WORTH_A_FIGURE: Micros = Micros(100_000);

/// Draws the banner.
pub(super) fn draw(model: &Model, buf: &mut Buffer, areas: Areas) {
    let RunPhase::Ended(outcome) = model.run.phase else {
        return;
    };
    let body = Rect {
        y: areas.header.bottom(),
        height: areas.footer.y.saturating_sub(areas.header.bottom()),
        ..areas.footer
    };
    if body.height < ROOM || body.width < 20 {
        return;
    }
    let theme = &model.theme;
    let room = usize::from(body.width - 4);
    let (status, word, style) = match outcome {
        RunOutcome::Succeeded => (StepStatus::Succeeded, "succeeded", theme.good),
        RunOutcome::Failed => (StepStatus::Failed, "failed", theme.bad),
        RunOutcome::LimitExceeded => (StepStatus::Failed, "stopped by a limit", theme.bad),
        RunOutcome::Cancelled => (StepStatus::Cancelled, "cancelled", theme.warning),
        RunOutcome::Waiting => (StepStatus::Ready, "waits for an answer", theme.warning),
    };
    let title = format!(" {} {word} ", theme.status(status).glyph);
    let mut lines = vec![came_out(model, outcome, room)];
    lines.push(Line::styled(text::fit(&facts(model), room), theme.text));
    lines.extend(decided(model, room));
    let height = lines.len() as u16 + 2;
    let area = Rect {
        y: body.bottom() - height,
        height,
        ..body
    };
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let inner = super::pane(
        model,
        buf,
        area,
        false,
        Line::styled(title, style),
        Line::from(hint(outcome)),
    );
    paint_border(buf, area, style);
    for (at, line) in lines.iter().enumerate() {
        buf.set_line(
            inner.x + 1,
            inner.y + at as u16,
            line,
            inner.width.saturating_sub(2),
        );
    }
}

/// Gives the frame, not the words in it, the colour of the outcome.
fn paint_border(buf: &mut Buffer, area: Rect, style: Style) {
    for position in area.positions() {
        let at_edge = position.x == area.x
            || position.x + 1 == area.right()
            || position.y == area.y
            || position.y + 1 == area.bottom();
        let cell = &mut buf[position];
        if at_edge && matches!(cell.symbol(), "─" | "│" | "╭" | "╮" | "╰" | "╯") {
            cell.set_style(style);
        }
    }
}

const fn hint(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Succeeded => " a the whole result   any key closes this ",
        RunOutcome::Failed => " n the failure   any key closes this ",
        _ => " any key closes this ",
    }
}

/// The result, or why there is none, on one line.
fn came_out(model: &Model, outcome: RunOutcome, room: usize) -> Line<'static> {
    let (run, theme) = (&model.run, &model.theme);
    let failed = run
        .steps
        .iter()
        .find(|row| row.status == StepStatus::Failed)
        .filter(|_| outcome == RunOutcome::Failed);
    if let Some(row) = failed {
        let message = row.error.as_ref().map_or("", |error| &error.message);
        let id = model.names.fit(&row.info.id, room / 3);
        let words = format!("{id}: {}", one_line(message));
        return Line::styled(text::fit(&words, room), theme.bad);
    }
    if outcome == RunOutcome::LimitExceeded {
        let names: Vec<&str> = run.exceeded.iter().map(|limit| limit.name()).collect();
        let words = format!("reached {}", names.join(", "));
        return Line::styled(text::fit(&words, room), theme.bad);
    }
    let words = match run.result.as_deref() {
        None | Some(Value::Null) => "no result".to_owned(),
        Some(Value::String(words)) => one_line(&words[..words.floor_char_boundary(BYTES)]),
        Some(other) => one_line(&json::pretty(other, BYTES).0),
    };
    Line::styled(text::fit(&words, room), theme.strong)
}

/// The words of a text with one space between them.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How much was done, how long it took, how much faster than one step after the other, and what it cost.
fn facts(model: &Model) -> String {
    let (run, figures) = (&model.run, &model.figures);
    let steps = run.header.as_deref().map_or(0, |header| header.steps.len());
    let done = run.count(StepStatus::Succeeded);
    let mut facts = vec![format!(
        "{} of {} in {}",
        format::thousands(done as u64),
        format::count(steps, "step"),
        format::duration(run.wall(run.at))
    )];
    let measured = figures.work >= WORTH_A_FIGURE;
    if let Some(speedup) = figures.speedup.filter(|ratio| measured && *ratio >= 1.05) {
        facts.push(format!("{} faster than one by one", format::times(speedup)));
    }
    let tracks_cost = run
        .header
        .as_deref()
        .is_some_and(|header: &RunHeader| header.track_cost);
    if tracks_cost {
        facts.push(money::of_run(run, "at least "));
    }
    facts.join("  ·  ")
}

/// The path that decided how long the run took.
fn decided(model: &Model, room: usize) -> Option<Line<'static>> {
    let figures = &model.figures;
    if figures.work < WORTH_A_FIGURE {
        return None;
    }
    // The longest steps of the path, in the order of the path.
    let path = &figures.critical_path;
    let time = |ix: &crate::plan::StepIx| model.run.steps.get(ix.at()).map(|row| row.service);
    let mut longest: Vec<usize> = (0..path.len()).collect();
    longest.sort_by_key(|at| std::cmp::Reverse(time(&path[*at])));
    longest.truncate(STEPS);
    longest.sort_unstable();
    let each = room / (STEPS + 1);
    let names: Vec<String> = longest
        .iter()
        .filter_map(|at| model.run.steps.get(path[*at].at()))
        .map(|row| model.names.fit(&row.info.id, each))
        .collect();
    if names.is_empty() {
        return None;
    }
    let theme = &model.theme;
    let words = format!(
        "{} took {} of it",
        names.join(" → "),
        format::duration(figures.span)
    );
    Some(Line::from(vec![Span::styled(
        text::fit(&words, room),
        theme.dim,
    )]))
}
