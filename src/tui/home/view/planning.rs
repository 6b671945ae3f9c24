//! The box in which a plan is made: the task, what the planner says, and the plan with its graph and its price.

use super::super::item::{MadePlan, MadeStep};
use super::super::model::Model;
use super::super::planning::Planning;
use crate::text::{self, format};
use crate::tui::theme::Theme;
use crate::tui::widgets::frame::frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// The most columns of the box.
const WIDTH: u16 = 110;
/// The columns of a fact's name.
const FACT: usize = 12;
/// The lines of what the planner says, above the graph of a plan that is arriving.
const WORDS: u16 = 4;
/// The columns of the plan in words, beside its graph.
const WORDS_BESIDE: u16 = 68;
/// The fewest columns and rows of a graph.
const GRAPH: (u16, u16) = (24, 4);
/// The seconds after which the time is shown in which nothing has come.
const SILENCE: i64 = 2;
/// The most lines of a message.
const MESSAGE: usize = 60;

/// Draws the box over the screen.
pub(super) fn draw(model: &mut Model, buf: &mut Buffer, screen: Rect) {
    let theme = &model.theme;
    let Some(planning) = &mut model.planning else {
        return;
    };
    let width = screen
        .width
        .saturating_sub(4)
        .clamp(screen.width.min(20), WIDTH);
    let height = screen.height.saturating_sub(4).max(screen.height.min(5));
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let state = if planning.working {
        " the planner works "
    } else if planning.made.is_some() {
        " the plan is ready "
    } else {
        " what should it do? "
    };
    let inner = frame(
        theme,
        buf,
        area,
        true,
        Line::from(" new plan "),
        Line::from(state),
    );
    if inner.width < 4 || inner.height == 0 {
        return;
    }
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width - 2,
        ..inner
    };
    let label = if planning.changing {
        "change "
    } else {
        "task "
    };
    buf.set_stringn(inner.x, inner.y, label, inner.width as usize, theme.accent);
    let taken = (label.len() as u16).min(inner.width);
    let field = Rect {
        x: inner.x + taken,
        width: inner.width - taken,
        height: 1,
        ..inner
    };
    if planning.is_typing() {
        let hint = if planning.changing {
            "what should change, in plain words"
        } else {
            "what the plan should do, in plain words"
        };
        planning.field.draw(buf, field, hint, theme);
    } else {
        let shown = text::fit(planning.field.text(), field.width as usize);
        buf.set_stringn(field.x, field.y, shown, field.width as usize, theme.text);
    }
    let body = Rect {
        y: inner.y + 2,
        height: inner.height.saturating_sub(2),
        ..inner
    };
    let (words, graph) = parts(planning, body);
    draw_words(planning, theme, buf, words, model.now);
    if let Some(graph) = graph {
        planning.preview.draw(buf, graph, theme);
    }
}

/// Where the words stand, and where the graph of the plan: beside them where there is room, and below them while the
/// plan arrives.
fn parts(planning: &Planning, body: Rect) -> (Rect, Option<Rect>) {
    if planning.preview.is_empty() {
        return (body, None);
    }
    if planning.made.is_none() || planning.working {
        // The last words are enough.
        let words = WORDS.min(body.height);
        let graph = Rect {
            y: body.y + words,
            height: body.height - words,
            ..body
        };
        let words = Rect {
            height: words,
            ..body
        };
        return (words, (graph.height >= GRAPH.1).then_some(graph));
    }
    if body.width < WORDS_BESIDE + 1 + GRAPH.0 {
        return (body, None);
    }
    let graph = Rect {
        x: body.x + WORDS_BESIDE + 1,
        width: body.width - WORDS_BESIDE - 1,
        ..body
    };
    let words = Rect {
        width: WORDS_BESIDE,
        ..body
    };
    (words, Some(graph))
}

/// Draws what the planner says, or the plan in words.
fn draw_words(planning: &mut Planning, theme: &Theme, buf: &mut Buffer, area: Rect, now: i64) {
    let room = area.width as usize;
    let mut lines: Vec<Line<'static>> = Vec::new();
    if let Some(made) = planning.made.as_ref().filter(|_| !planning.working) {
        plan(made, theme, room, &mut lines);
    }
    for said in &planning.said {
        let wrapped = text::wrap(said, room, MESSAGE).lines.into_iter();
        lines.extend(wrapped.map(|line| Line::styled(line, theme.text)));
    }
    if planning.working {
        let words = planning.arriving.clone().unwrap_or_else(|| {
            let seconds = now.saturating_sub(planning.began).max(0);
            if seconds < SILENCE {
                "…".to_owned()
            } else {
                format!("… {seconds} s")
            }
        });
        lines.push(Line::styled(text::fit(&words, room), theme.accent));
    }
    let rows = area.height as usize;
    let most = lines.len().saturating_sub(rows);
    // The newest line stays in view until there is a plan.
    planning.scroll = if planning.made.is_none() || planning.working {
        most
    } else {
        planning.scroll.min(most)
    };
    for (row, line) in lines.iter().skip(planning.scroll).take(rows).enumerate() {
        buf.set_line(area.x, area.y + row as u16, line, area.width);
    }
}

/// The plan: what it took, what a run can cost, and its steps with what each of them waits for.
fn plan(made: &MadePlan, theme: &Theme, room: usize, lines: &mut Vec<Line<'static>>) {
    let mut fact = |name: &str, value: &str| {
        let name = Span::styled(text::pad(name, FACT), theme.dim);
        lines.push(Line::from(vec![
            name,
            Span::styled(text::fit(value, room.saturating_sub(FACT)), theme.text),
        ]));
    };
    fact("plan", &made.name);
    fact("planned by", &made.took);
    fact("a run", &made.price);
    for note in &made.notes {
        fact("note", note);
    }
    lines.push(Line::default());
    lines.push(Line::styled(
        format::count(made.steps.len(), "step"),
        theme.strong,
    ));
    let indent = |step: &MadeStep| 2 * step.depth.min(room / 8);
    let widths = made.steps.iter();
    let widths = widths.map(|step| indent(step) + text::width(&step.id));
    let name = widths.max().unwrap_or(0).min(room / 2);
    for step in &made.steps {
        let indent = indent(step);
        let mut spans = vec![
            Span::styled(format!(" {}▸ ", " ".repeat(indent)), theme.accent),
            Span::styled(text::pad(&step.id, name.saturating_sub(indent)), theme.text),
            Span::styled(format!("  {}", text::fit(&step.tool, room / 3)), theme.dim),
        ];
        if !step.waits_for.is_empty() {
            let waits_for = step.waits_for.join(", ");
            spans.push(Span::styled(
                format!("  ◂ {}", text::fit(&waits_for, room / 3)),
                theme.dim,
            ));
        }
        lines.push(Line::from(spans));
    }
    if !made.diff.is_empty() {
        lines.push(Line::default());
        lines.push(Line::styled("what changed", theme.strong));
        for line in made.diff.lines() {
            let style = match line.as_bytes().first() {
                Some(b'-') => theme.bad,
                Some(b'+') => theme.good,
                _ => theme.dim,
            };
            lines.push(Line::styled(text::fit(line, room), style));
        }
    }
}
