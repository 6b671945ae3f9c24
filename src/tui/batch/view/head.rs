//! The head: which batch it is and how it stands, its figures, and how far it is.

use super::super::model::Model;
use crate::run::StepStatus;
use crate::text::{self, format};
use crate::tui::widgets::header_segments::{self, Segment};
use crate::tui::widgets::progress;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

/// Letters of the id that are shown, from its end: the beginning is a time, which batches of a day share.
const ID: usize = 8;

/// Draws the head; gives its rows.
pub(super) fn draw(model: &Model, buf: &mut Buffer, area: Rect) -> u16 {
    let line = |at: u16| Rect {
        y: area.y + at,
        height: 1,
        ..area
    };
    first(model, buf, line(0));
    if area.height < 8 {
        return 1;
    }
    progress::draw(counts(model), &model.theme, buf, line(1));
    2
}

/// Items by what they show in the progress.
fn counts(model: &Model) -> [usize; 8] {
    let counts = model.state.counts;
    let mut all = [0; 8];
    let mut set = |status: StepStatus, count: u64| all[status as usize] = count as usize;
    set(StepStatus::Succeeded, counts.succeeded);
    set(StepStatus::Failed, counts.failed + counts.limit_exceeded);
    set(StepStatus::Cancelled, counts.cancelled);
    set(StepStatus::Unknown, counts.waiting);
    if model.state.header.live {
        set(StepStatus::Running, counts.running);
    }
    let begun: usize = all.iter().sum();
    all[StepStatus::Pending as usize] = model.state.total().saturating_sub(begun);
    all
}

/// How the batch stands: the word, and the sign before it.
fn standing(model: &Model) -> (StepStatus, &'static str, Style) {
    let (state, theme) = (&model.state, &model.theme);
    let counts = state.counts;
    let rest = state.total() as u64 > counts.ended() || counts.cancelled > 0;
    match () {
        () if state.header.live && model.stopping => {
            (StepStatus::Running, "stopping", theme.warning)
        }
        () if state.header.live => (
            StepStatus::Running,
            "running",
            theme.status(StepStatus::Running).style,
        ),
        () if model.reading => (StepStatus::Pending, "reading", theme.dim),
        () if counts.limit_exceeded > 0 => (StepStatus::Failed, "stopped by a limit", theme.bad),
        () if rest => (StepStatus::Unknown, "interrupted", theme.warning),
        () if counts.failed > 0 => (StepStatus::Failed, "some failed", theme.bad),
        () if counts.waiting > 0 => (StepStatus::Unknown, "some wait", theme.warning),
        () => (StepStatus::Succeeded, "succeeded", theme.good),
    }
}

fn first(model: &Model, buf: &mut Buffer, line: Rect) {
    let (state, theme) = (&model.state, &model.theme);
    let header = &state.header;
    let plan = text::fit(&text::line(&header.plan), 32);
    let id = header.batch.get(header.batch.len().saturating_sub(ID)..);
    let (status, word, style) = standing(model);
    let left = vec![
        Segment::new(2, vec![Span::styled("plandeck", theme.dim)]),
        Segment::new(9, vec![Span::styled(plan, theme.strong)]),
        Segment::new(
            4,
            vec![Span::styled(
                format!("batch …{}", id.unwrap_or_default()),
                theme.dim,
            )],
        ),
        Segment::new(
            8,
            vec![Span::styled(
                format!("{} {word}", theme.status(status).glyph),
                style,
            )],
        ),
    ];
    let passed = format::elapsed(state.passed(model.now));
    let pace = state.per_second(model.now);
    let mut right = vec![Segment::new(7, vec![Span::styled(passed, theme.text)])];
    if pace > 0.0 {
        let mut words = if pace >= 100.0 {
            format!("{pace:.0}/s")
        } else if pace >= 0.1 {
            format!("{pace:.1}/s")
        } else {
            format!("{:.1}/min", pace * 60.0)
        };
        if let Some(left) = state.time_left(model.now) {
            words = format!("{words}, {} left", format::whole_seconds(left));
        }
        right.push(Segment::new(6, vec![Span::styled(words, theme.text)]));
    }
    let cost = format::cost_or_zero(state.cost);
    right.push(Segment::new(8, vec![Span::styled(cost, theme.strong)]));
    if header.live && !state.cost.is_zero() {
        let words = format!("of about {}", format::cost(state.expected_cost()));
        right.push(Segment::new(5, vec![Span::styled(words, theme.dim)]));
    }
    header_segments::draw(buf, line, left, right);
}
