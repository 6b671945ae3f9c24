//! The figures of each step over all items, below its column.

use super::super::heat::Heat;
use super::super::model::Model;
use super::cells::{cost_in, right};
use super::columns::{Columns, StepColumn};
use crate::run::Quantiles;
use crate::text::{self, format};
use crate::units::{Micros, Money};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// One of the quantiles.
type Quantile = fn(&Quantiles) -> f64;

/// The rows of figures, without the rule above them.
pub(super) const ROWS: u16 = 5;

fn milliseconds(ms: f64) -> String {
    format::duration(Micros((ms * 1e3) as u64))
}

/// Draws a rule, and the figures under it.
pub(super) fn draw(model: &Model, buf: &mut Buffer, area: Rect, columns: &Columns) {
    let (state, theme) = (&model.state, &model.theme);
    for x in area.x..area.right() {
        buf.set_stringn(x, area.y, "─", 1, theme.border);
    }
    // The quantiles are those of what the cells stand for; the sums are always there.
    let by_cost = model.heat == Heat::Cost;
    let show = |figure: f64, cells: u16| {
        if by_cost {
            cost_in(Some(Money::from_usd(figure)), cells)
        } else {
            milliseconds(figure)
        }
    };
    let lines: [(&str, Quantile); 3] = [
        ("half below", |found| found.p50),
        ("90% below", |found| found.p90),
        ("99% below", |found| found.p99),
    ];
    let label = |buf: &mut Buffer, y: u16, words: &str| {
        let (x, cells) = columns.label;
        buf.set_stringn(
            x,
            y,
            text::fit(words, cells as usize),
            cells as usize,
            theme.dim,
        );
    };
    let of_items = if by_cost {
        state.cost_usd()
    } else {
        state.latency_ms()
    };
    let place = if by_cost { columns.cost } else { columns.time };
    let any = state.counts.ended() > 0;
    for (row, (words, of)) in (1..).zip(lines) {
        let y = area.y + row;
        label(buf, y, words);
        for &StepColumn { step, x, cells } in &columns.steps {
            let step = &state.steps[step];
            if step.has_calls() {
                let found = if by_cost {
                    step.cost_usd()
                } else {
                    step.time_ms()
                };
                buf.set_stringn(x, y, show(of(&found), cells), cells.into(), theme.text);
            }
        }
        if any {
            let cells = place.map_or(0, |(_, cells)| cells);
            right(buf, y, place, &show(of(&of_items), cells), theme.text);
        }
    }
    let y = area.y + 4;
    label(buf, y, "cost");
    for &StepColumn { step, x, cells } in &columns.steps {
        let step = &state.steps[step];
        let style = if step.cost.is_zero() {
            theme.dim
        } else {
            theme.text
        };
        buf.set_stringn(x, y, cost_in(Some(step.cost), cells), cells.into(), style);
    }
    right(
        buf,
        y,
        columns.cost,
        &cost_in(Some(state.cost), columns.cost.map_or(0, |(_, cells)| cells)),
        theme.strong,
    );
    let y = area.y + 5;
    label(buf, y, "failed");
    for &StepColumn { step, x, cells } in &columns.steps {
        let wrong = state.steps[step].wrong();
        let (words, style) = if wrong == 0 {
            ("0".to_owned(), theme.dim)
        } else {
            let all: u64 = state.steps[step].counts.iter().sum();
            let share = wrong as f64 / all.max(1) as f64;
            let percent = if share < 0.01 {
                format!("{:.1}%", share * 100.0)
            } else {
                format::percent(share)
            };
            let words = format!("{} ({percent})", format::thousands(wrong));
            let words = if text::width(&words) > usize::from(cells) {
                format::thousands(wrong)
            } else {
                words
            };
            (words, theme.bad)
        };
        buf.set_stringn(x, y, words, cells.into(), style);
    }
    let wrong = state.counts.failed + state.counts.limit_exceeded + state.counts.cancelled;
    if wrong > 0 {
        right(buf, y, columns.failed, &format::thousands(wrong), theme.bad);
    }
}
