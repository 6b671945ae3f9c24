//! What is chosen: an item with its steps, or several items together.

use super::super::model::Model;
use super::grid::standing;
use crate::run::StepStatus;
use crate::text::{self, format};
use crate::tui::widgets::frame::frame;
use crate::units::{Micros, Money};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::fmt::Write as _;

/// Lines of a message.
const MESSAGE: usize = 8;

/// Draws it with its frame.
pub(super) fn draw(model: &Model, buf: &mut Buffer, area: Rect) {
    let theme = &model.theme;
    let (title, lines) = match model.item() {
        Some((at, item)) if item.status.is_some() => {
            let room = area.width.saturating_sub(8) as usize;
            (
                text::fit(&text::line(&item.key), room),
                item_lines(model, at, area),
            )
        }
        _ => ("chosen items".to_owned(), several_lines(model)),
    };
    let title = Line::from(format!(" {title} "));
    let inner = frame(theme, buf, area, false, title, Line::default());
    if inner.width < 4 {
        return;
    }
    for (row, line) in (0..inner.height).zip(&lines) {
        buf.set_line(
            inner.x + 1,
            inner.y + row,
            line,
            inner.width.saturating_sub(2),
        );
    }
}

/// Cells of the name of a fact.
const FACT: usize = 10;

fn fact(model: &Model, name: &str, words: String) -> Line<'static> {
    Line::from(vec![
        Span::styled(text::pad(name, FACT), model.theme.dim),
        Span::styled(words, model.theme.text),
    ])
}

fn item_lines(model: &Model, at: usize, area: Rect) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let Some(item) = model.state.items().get(at) else {
        return Vec::new();
    };
    let status = standing(model, item.status);
    let look = theme.status(status);
    let word = item.status.map_or("", crate::run::RunWord::word);
    let word = if word == "running" && !model.state.header.live {
        "interrupted"
    } else {
        word
    };
    let beside = area.width.saturating_sub(4 + FACT as u16) as usize;
    let mut lines = vec![
        Line::styled(
            format!("{} {}", look.glyph, word.replace('_', " ")),
            look.style,
        ),
        Line::default(),
        fact(model, "item", format::thousands(at as u64)),
        fact(model, "run", text::fit(&text::line(&item.run_id), beside)),
        fact(model, "took", format::duration(item.latency)),
        fact(
            model,
            "cost",
            item.cost
                .map_or_else(|| "not known".to_owned(), format::cost_or_zero),
        ),
    ];
    if let Some(message) = &item.message {
        lines.push(Line::default());
        let room = area.width.saturating_sub(4).max(8) as usize;
        let wrapped = text::wrap(message, room, MESSAGE).lines;
        lines.extend(
            wrapped
                .into_iter()
                .map(|line| Line::styled(line, theme.bad)),
        );
    }
    lines.push(Line::default());
    let name = usize::from(area.width / 3).max(8);
    for (step, cell) in model.state.header.steps.iter().zip(model.state.cells(at)) {
        let look = theme.status(cell.status);
        let mut words = String::new();
        if cell.attempts > 0 {
            words = format!("{:>7}  ", format::duration(cell.service));
            words += &cell
                .cost
                .map_or_else(|| "-".to_owned(), format::cost_or_zero);
            if cell.attempts > 1 {
                let _ = write!(words, "  ×{}", cell.attempts);
            }
        }
        lines.push(Line::from(vec![
            Span::styled(format!("{} ", look.glyph), look.style),
            Span::styled(
                text::pad(&text::fit(&text::line(step), name), name + 1),
                theme.text,
            ),
            Span::styled(words, theme.dim),
        ]));
    }
    lines
}

fn several_lines(model: &Model) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let span = model.window.chosen_span();
    let items = model.order.get(span).unwrap_or_default();
    let mut counts = [0_usize; 8];
    let (mut time, mut ended, mut slowest, mut cost) = (0, 0, Micros(0), Money::ZERO);
    for at in items {
        let item = model.state.items().get(*at as usize);
        let status = standing(model, item.and_then(|item| item.status));
        counts[status as usize] += 1;
        let Some(item) = item else { continue };
        cost += item.cost.unwrap_or_default();
        if item.has_ended() {
            ended += 1;
            time += item.latency.0;
            slowest = slowest.max(item.latency);
        }
    }
    let mut lines = vec![
        Line::styled(format::count(items.len(), "item"), theme.strong),
        Line::default(),
    ];
    for status in StepStatus::ALL {
        let count = counts[status as usize];
        if count > 0 {
            let look = theme.status(status);
            let word = match status {
                StepStatus::Pending => "to come",
                StepStatus::Unknown => "waiting or interrupted",
                status => status.word(),
            };
            lines.push(Line::from(vec![
                Span::styled(format!("{} ", look.glyph), look.style),
                Span::styled(
                    format!("{:>8}  ", format::thousands(count as u64)),
                    theme.text,
                ),
                Span::styled(word, theme.dim),
            ]));
        }
    }
    lines.push(Line::default());
    if let Some(mean) = time.checked_div(ended) {
        lines.push(fact(model, "mean", format::duration(Micros(mean))));
        lines.push(fact(model, "slowest", format::duration(slowest)));
    }
    lines.push(fact(model, "cost", format::cost_or_zero(cost)));
    lines
}
