//! Two attempts of a step, or a step in two runs, beside each other; on narrow screens below each other.

use crate::report::money;
use crate::run::{AttemptState, RunState, StepState, StepStatus};
use crate::text::{self, diff, format, message};
use crate::tui::dashboard::state::comparison::{Pair, SideBySide};
use crate::tui::dashboard::state::model::Model;
use crate::tui::theme::Theme;
use crate::tui::widgets::json;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthChar;

/// Bytes of a text that are compared.
const BYTES: usize = 128 * 1024;
/// Columns from which the two stand beside each other.
const WIDE: usize = 70;
/// Cells of the column of labels.
const LABEL: usize = 10;
/// Lines that one line of a text may take.
const LINES: usize = 40;

/// One of the two.
struct Face {
    title: String,
    status: StepStatus,
    facts: Vec<(&'static str, String)>,
    texts: Vec<(&'static str, Option<String>)>,
}

/// Draws the two over the panes.
pub(super) fn draw(model: &Model, shown: &mut SideBySide, buf: &mut Buffer, body: Rect) {
    Clear.render(body, buf);
    buf.set_style(body, model.theme.background);
    let pairs = model.pairs();
    shown.pair = shown.pair.min(pairs.len().saturating_sub(1));
    let at = shown.pair;
    let id = model
        .row()
        .map_or_else(String::new, |row| row.info.id.to_string());
    let title = format!(
        " {} ",
        text::fit(&id, body.width.saturating_sub(6) as usize)
    );
    let place = if pairs.len() > 1 {
        format!(" pair {} of {} ", at + 1, pairs.len())
    } else {
        String::new()
    };
    let inner = super::pane(model, buf, body, true, Line::from(title), Line::from(place));
    let inner = Rect {
        x: inner.x + u16::from(inner.width > 4),
        width: inner.width.saturating_sub(2 * u16::from(inner.width > 4)),
        ..inner
    };
    let key = (model.selected, at, inner.width, model.position());
    let kept = shown.drawn.take().filter(|(kept, _)| *kept == key);
    let lines = match kept {
        Some((_, lines)) => lines,
        None => pairs
            .get(at)
            .map_or_else(Vec::new, |pair| lines(model, *pair, inner.width as usize)),
    };
    let height = inner.height as usize;
    shown.extent = (lines.len(), height);
    shown.scroll = shown.scroll.min(lines.len().saturating_sub(height));
    let visible = lines.iter().skip(shown.scroll).take(height);
    for (row, line) in visible.enumerate() {
        buf.set_line(inner.x, inner.y + row as u16, line, inner.width);
    }
    if lines.len() > height && body.width > 30 {
        let from = shown.scroll;
        let words = format!(
            " {} to {} of {} ",
            from + 1,
            (from + height).min(lines.len()),
            lines.len()
        );
        let x = body.x + 2;
        buf.set_string(x, body.bottom() - 1, words, model.theme.dim);
    }
    shown.drawn = Some((key, lines));
}

fn lines(model: &Model, pair: Pair, width: usize) -> Vec<Line<'static>> {
    let Some(faces) = faces(model, pair) else {
        return Vec::new();
    };
    let mut page = Page {
        theme: &model.theme,
        width,
        wide: width >= WIDE,
        lines: Vec::new(),
    };
    page.heads(&faces);
    page.facts(&faces);
    let [a, b] = &faces;
    let texts = a.texts.iter().zip(&b.texts);
    let texts =
        texts.map(|((name, before), (_, after))| (*name, before.as_deref(), after.as_deref()));
    let (alike, apart): (Vec<_>, Vec<_>) = texts.partition(|(_, before, after)| before == after);
    for (name, before, after) in apart {
        page.section(name, before, after);
    }
    page.alike_texts(
        alike
            .iter()
            .filter(|(_, text, _)| text.is_some())
            .map(|(name, ..)| *name),
    );
    page.lines
}

fn faces(model: &Model, pair: Pair) -> Option<[Face; 2]> {
    let row = model.row()?;
    match pair {
        Pair::Attempts(at) => {
            let face = |at: usize| Some(attempt_face(model, row, row.attempts.get(at)?));
            Some([face(at)?, face(at + 1)?])
        }
        Pair::Runs => {
            let against = model.against.as_ref()?;
            let other = model.twin(row)?;
            let before = format!("run of {}", against.run.started);
            let now = if model.is_past() && !model.is_replay() {
                "this run, then"
            } else {
                "this run"
            };
            Some([
                row_face(against.comparison.other(), other, before),
                row_face(&model.run, row, now.to_owned()),
            ])
        }
    }
}

fn attempt_face(model: &Model, row: &StepState, attempt: &AttemptState) -> Face {
    let end = attempt.end.as_ref().map(|(_, end)| &**end);
    let (status, took) = match end {
        None => (
            StepStatus::Running,
            format::elapsed(row.running_time(model.now).unwrap_or_default()),
        ),
        Some(end) if end.cancelled => (StepStatus::Cancelled, format::duration(end.service)),
        Some(end) if end.error.is_some() => (StepStatus::Failed, format::duration(end.service)),
        Some(end) => (StepStatus::Succeeded, format::duration(end.service)),
    };
    let is_last = row
        .last_attempt()
        .is_some_and(|last| std::ptr::eq(last, attempt));
    let output = row
        .output
        .as_ref()
        .filter(|_| is_last && status == StepStatus::Succeeded);
    let mut facts = vec![
        ("state", status.word().to_owned()),
        ("took", took),
        (
            "from",
            format::duration(model.run.run_time(attempt.started)),
        ),
    ];
    if let Some(end) = end {
        let cost = end.cost.map_or_else(
            || "unknown".to_owned(),
            |cost| money::of_row(&model.run, row, cost),
        );
        facts.push(("cost", cost));
        facts.extend(end.model.as_ref().map(|name| ("model", name.to_string())));
        facts.extend(
            end.tokens
                .as_deref()
                .map(|t| ("tokens", format!("{} + {}", t.input, t.output))),
        );
    }
    Face {
        title: format!("attempt {}", attempt.number),
        status,
        facts,
        texts: texts(Some(attempt), output.map(AsRef::as_ref)),
    }
}

fn row_face(run: &RunState, row: &StepState, title: String) -> Face {
    let mut facts = vec![
        ("state", row.status.word().to_owned()),
        ("took", format::duration(row.service)),
        (
            "cost",
            row.cost.map_or_else(
                || "unknown".to_owned(),
                |cost| money::of_row(run, row, cost),
            ),
        ),
        ("attempts", row.attempts.len().to_string()),
    ];
    facts.extend(row.model().map(|name| ("model", name.to_string())));
    facts.extend(
        row.tokens
            .as_deref()
            .map(|t| ("tokens", format!("{} + {}", t.input, t.output))),
    );
    let mut texts = texts(row.last_attempt(), row.made().map(|output| &**output));
    // What ended without an attempt may have an error all the same.
    if let (Some(error), Some((_, text))) = (&row.error, texts.first_mut()) {
        text.get_or_insert_with(|| error.message.to_string());
    }
    Face {
        title,
        status: row.status,
        facts,
        texts,
    }
}

fn texts(
    attempt: Option<&AttemptState>,
    output: Option<&serde_json::Value>,
) -> Vec<(&'static str, Option<String>)> {
    let end = attempt.and_then(|attempt| Some(&*attempt.end.as_ref()?.1));
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text[..text.floor_char_boundary(BYTES)].to_owned(),
        value => json::pretty(value, BYTES).0,
    };
    let bounded = |text: &str| text[..text.floor_char_boundary(BYTES)].to_owned();
    let said = attempt
        .filter(|attempt| !attempt.log.is_empty())
        .map(|attempt| {
            let lines: Vec<String> = attempt
                .log
                .iter()
                .map(|(_, line)| message::clean(line, line.len()))
                .collect();
            bounded(&lines.join("\n"))
        });
    vec![
        (
            "error",
            end.and_then(|end| Some(bounded(&end.error.as_ref()?.message))),
        ),
        (
            "input",
            attempt.map(|attempt| value(&attempt.input.to_value())),
        ),
        (
            "request",
            end.and_then(|end| end.prompt.as_deref()).map(bounded),
        ),
        (
            "response",
            end.and_then(|end| end.answer.as_deref()).map(bounded),
        ),
        ("output", output.map(value)),
        ("log", said),
    ]
}

struct Page<'a> {
    theme: &'a Theme,
    width: usize,
    wide: bool,
    lines: Vec<Line<'static>>,
}

type Spans = Vec<Span<'static>>;

impl Page<'_> {
    /// Cells of one of the two columns.
    fn column(&self) -> usize {
        if self.wide {
            (self.width - 3) / 2
        } else {
            self.width.saturating_sub(2)
        }
    }

    fn beside(&mut self, left: Spans, right: Spans) {
        let used: usize = left.iter().map(Span::width).sum();
        let mut spans = left;
        spans.push(Span::raw(" ".repeat(self.column().saturating_sub(used))));
        spans.push(Span::styled(" │ ", self.theme.border));
        spans.extend(right);
        self.lines.push(Line::from(spans));
    }

    fn heads(&mut self, faces: &[Face; 2]) {
        let head = |face: &Face, column: usize| {
            let look = self.theme.status(face.status);
            let title = text::fit(&face.title, column.saturating_sub(2));
            vec![
                Span::styled(format!("{} ", look.glyph), look.style),
                Span::styled(title, self.theme.strong),
            ]
        };
        let [a, b] = [0, 1].map(|at| head(&faces[at], self.column()));
        if self.wide {
            self.beside(a, b);
            return;
        }
        // The signs are those of the lines below.
        for (sign, head, style) in [("- ", a, self.theme.bad), ("+ ", b, self.theme.good)] {
            let mut line = vec![Span::styled(sign, style)];
            line.extend(head);
            self.lines.push(Line::from(line));
        }
    }

    /// Labels and values; where the values differ they stand out.
    fn facts(&mut self, faces: &[Face; 2]) {
        let [a, b] = faces;
        let of = |face: &Face, name: &str| {
            let fact = face.facts.iter().find(|(label, _)| *label == name);
            fact.map_or_else(|| "–".to_owned(), |(_, value)| value.clone())
        };
        let mut names: Vec<&'static str> = a.facts.iter().map(|(name, _)| *name).collect();
        for (name, _) in &b.facts {
            if !names.contains(name) {
                names.push(name);
            }
        }
        for name in names {
            let (before, after) = (of(a, name), of(b, name));
            let style = if before == after {
                self.theme.text
            } else {
                self.theme.warning
            };
            let label = || Span::styled(format!("{name:<LABEL$}"), self.theme.dim);
            let room = self.column().saturating_sub(LABEL);
            let value = |value: &str| Span::styled(text::fit(value, room), style);
            if self.wide {
                self.beside(vec![label(), value(&before)], vec![label(), value(&after)]);
            } else if before == after {
                self.lines.push(Line::from(vec![label(), value(&before)]));
            } else {
                let words = text::fit(&format!("{before} → {after}"), room);
                self.lines
                    .push(Line::from(vec![label(), Span::styled(words, style)]));
            }
        }
    }

    /// The texts that need not be shown.
    fn alike_texts(&mut self, names: impl Iterator<Item = &'static str>) {
        let names: Vec<&str> = names.collect();
        if !names.is_empty() {
            self.lines.push(Line::default());
            self.lines.push(Line::from(vec![
                Span::styled(format!("{:<LABEL$}", "alike"), self.theme.dim),
                Span::styled(names.join(", "), self.theme.text),
            ]));
        }
    }

    /// A text that differs.
    fn section(&mut self, name: &'static str, before: Option<&str>, after: Option<&str>) {
        self.lines.push(Line::default());
        self.lines.push(Line::styled(name, self.theme.strong));
        for pair in diff::pairs(before.unwrap_or_default(), after.unwrap_or_default()) {
            match pair {
                diff::Pair::Alike(line) => self.alike(&line),
                diff::Pair::Apart(before, after) => self.apart(before.as_deref(), after.as_deref()),
                diff::Pair::Skipped(lines) => {
                    let words = format!("… {} alike", format::count(lines, "line"));
                    self.lines.push(Line::styled(words, self.theme.dim));
                }
                diff::Pair::Cut => {
                    let words = "… the rest is not compared";
                    self.lines.push(Line::styled(words, self.theme.warning));
                }
            }
        }
    }

    fn alike(&mut self, line: &str) {
        let piece = [diff::Piece {
            text: line.to_owned(),
            changed: false,
        }];
        let (dim, column) = (self.theme.dim, self.column());
        let rows = wrap(&piece, column, dim, dim);
        for spans in rows {
            if self.wide {
                self.beside(spans.clone(), spans);
            } else {
                let mut line = vec![Span::raw("  ")];
                line.extend(spans);
                self.lines.push(Line::from(line));
            }
        }
    }

    fn apart(&mut self, before: Option<&[diff::Piece]>, after: Option<&[diff::Piece]>) {
        let column = self.column();
        let side = |pieces: Option<&[diff::Piece]>, style: Style| {
            let strong = style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
            pieces.map_or_else(Vec::new, |pieces| {
                let whole = pieces.iter().all(|piece| piece.changed);
                wrap(pieces, column, style, if whole { style } else { strong })
            })
        };
        let (left, right) = (side(before, self.theme.bad), side(after, self.theme.good));
        if self.wide {
            for at in 0..left.len().max(right.len()) {
                let segment = |rows: &[Spans]| rows.get(at).cloned().unwrap_or_default();
                self.beside(segment(&left), segment(&right));
            }
            return;
        }
        for (sign, rows, style) in [("- ", left, self.theme.bad), ("+ ", right, self.theme.good)] {
            for spans in rows {
                let mut line = vec![Span::styled(sign, style)];
                line.extend(spans);
                self.lines.push(Line::from(line));
            }
        }
    }
}

/// Pieces in rows of `width` cells.
fn wrap(pieces: &[diff::Piece], width: usize, plain: Style, changed: Style) -> Vec<Spans> {
    let mut rows: Vec<Spans> = Vec::new();
    let mut row: Spans = Vec::new();
    let mut used = 0;
    for piece in pieces {
        let style = if piece.changed { changed } else { plain };
        let mut words = String::new();
        for c in text::clean(&piece.text) {
            let cells = c.width().unwrap_or(0);
            if used + cells > width {
                row.push(Span::styled(std::mem::take(&mut words), style));
                rows.push(std::mem::take(&mut row));
                used = 0;
                if rows.len() >= LINES {
                    rows.push(vec![Span::styled("…", plain)]);
                    return rows;
                }
            }
            if cells <= width {
                words.push(c);
                used += cells;
            }
        }
        if !words.is_empty() {
            row.push(Span::styled(words, style));
        }
    }
    rows.push(row);
    rows
}
