//! Faults and warnings of a plan as people read them, with the excerpt they are about, and as machines do.
//!
//! What is shown was written by others: control characters become visible text, and of a long line only what
//! is around the place is shown.

use crate::plan::{Diagnostic, PlanFaults, Severity, Source};
use crate::text::{judged, visible};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    NarratableReportHandler, SourceCode, SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};
use serde_json::{Value, json};
use std::cell::Cell;
use std::fmt::{self, Write};
use std::ops::Range;

/// How diagnostics are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiagnosticStyle {
    /// Whether the frame is drawn with line characters, or with ASCII alone.
    pub unicode: bool,
    /// Whether colours are used.
    pub colour: bool,
    /// The columns there are; at least 40 are used.
    pub width: usize,
    /// Sentences instead of a drawing, for screen readers.
    pub narrated: bool,
}

impl Default for DiagnosticStyle {
    /// A drawing without colours, 100 columns wide.
    fn default() -> Self {
        Self {
            unicode: true,
            colour: false,
            width: 100,
            narrated: false,
        }
    }
}

impl DiagnosticStyle {
    /// A drawing for standard error.
    pub(crate) fn for_stderr(colour: bool) -> Self {
        Self {
            colour,
            ..Self::default()
        }
    }
}

/// All faults and warnings of a plan that does not run, one after the other.
pub fn render_faults(faults: &PlanFaults, style: DiagnosticStyle) -> String {
    render(&faults.source_text, &faults.diagnostics, style)
}

/// Diagnostics about a text, one after the other.
pub(crate) fn render(
    source: &Source,
    diagnostics: &[Diagnostic],
    style: DiagnosticStyle,
) -> String {
    let width = style.width.max(40);
    let lines = Lines::of(&source.text);
    let mut rendered = String::new();
    for diagnostic in diagnostics {
        if !rendered.is_empty() {
            rendered.push('\n');
        }
        let shown = Shown::new(source, &lines, diagnostic, style, width);
        // Writing to a string cannot fail, and what can go wrong in reading an excerpt is only a drawing.
        let drawn = if style.narrated {
            NarratableReportHandler::new().render_report(&mut rendered, &shown)
        } else {
            drawer(style, width).render_report(&mut rendered, &shown)
        };
        if drawn.is_err() {
            rendered.push_str(&shown.message);
        }
        if !rendered.ends_with('\n') {
            rendered.push('\n');
        }
        if place(&source.text, diagnostic).is_none() {
            // Without a place in it, the file is not named by what was drawn. Of an empty text there is nothing
            // to draw, and its only place is its beginning.
            let begin = if diagnostic.span.is_some() {
                ":1:1"
            } else {
                ""
            };
            let _ = writeln!(rendered, "  in {}{begin}", visible(&source.name, width));
        }
    }
    rendered
}

/// A list of `{"severity", "code", "message", "help", "file", "line", "column", "step"}`. Lines and columns
/// count from 1, columns in characters; they are `null` where a diagnostic has no place.
pub fn to_json(source: &Source, diagnostics: &[Diagnostic]) -> Value {
    let lines = Lines::of(&source.text);
    diagnostics
        .iter()
        .map(|diagnostic| {
            let place = place(&source.text, diagnostic)
                .or_else(|| diagnostic.span.as_ref().map(|_| 0..0))
                .map(|span| lines.position(span.start));
            json!({
                "severity": diagnostic.severity,
                "code": diagnostic.code,
                "message": diagnostic.message,
                "help": diagnostic.help,
                "file": &*source.name,
                "line": place.map(|(line, _)| line),
                "column": place.map(|(_, column)| column),
                "step": diagnostic.step.as_deref(),
            })
        })
        .collect()
}

fn drawer(style: DiagnosticStyle, width: usize) -> GraphicalReportHandler {
    let theme = GraphicalTheme {
        characters: if style.unicode {
            ThemeCharacters::unicode()
        } else {
            ThemeCharacters::ascii()
        },
        styles: if style.colour {
            ThemeStyles::ansi()
        } else {
            ThemeStyles::none()
        },
    };
    GraphicalReportHandler::new_themed(theme)
        .with_width(width)
        .with_links(false)
        .with_urls(false)
        .without_syntax_highlighting()
}

/// The place of a diagnostic within the text, on whole characters; `None` where there is nothing to show.
fn place(text: &str, diagnostic: &Diagnostic) -> Option<Range<usize>> {
    let span = diagnostic.span.as_ref()?;
    if text.is_empty() {
        return None;
    }
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    Some(start..end)
}

/// Where the lines of a text begin.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The place that was asked for last and its column: diagnostics come in order, and counting the
    /// characters of one very long line again for each would take long.
    last: Cell<(usize, usize)>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        Self {
            text,
            starts,
            last: Cell::new((0, 1)),
        }
    }

    /// Which line, from 0.
    fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }

    /// Line and column, from 1.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line(offset);
        let start = self.starts[line];
        let (known, column) = self.last.get();
        let (from, counted) = if known >= start && known <= offset {
            (known, column)
        } else {
            (start, 1)
        };
        let column = counted + self.text[from..offset].chars().count();
        self.last.set((offset, column));
        (line + 1, column)
    }

    /// A line without its end.
    fn range(&self, line: usize) -> Range<usize> {
        let start = self.starts[line];
        let end = self
            .starts
            .get(line + 1)
            .map_or(self.text.len(), |next| next - 1);
        let end = if self.text[start..end].ends_with('\r') {
            end - 1
        } else {
            end
        };
        start..end
    }
}

/// A diagnostic in the form that is drawn: an excerpt of a few clipped lines, and where in it the place is.
#[derive(Debug)]
struct Shown {
    severity: Severity,
    code: &'static str,
    message: String,
    help: Option<String>,
    excerpt: Option<Excerpt>,
}

impl Shown {
    fn new(
        source: &Source,
        lines: &Lines<'_>,
        diagnostic: &Diagnostic,
        style: DiagnosticStyle,
        width: usize,
    ) -> Self {
        let text = |text: &str, limit| {
            let text = visible(text, limit);
            if style.unicode {
                text
            } else {
                text.replace('→', "->").replace('…', "...")
            }
        };
        Self {
            severity: diagnostic.severity,
            code: diagnostic.code,
            message: text(&diagnostic.message, 20_000),
            help: diagnostic.help.as_ref().map(|help| text(help, 4_000)),
            excerpt: place(&source.text, diagnostic)
                .map(|span| Excerpt::new(source, lines, &span, style, width)),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown {}

impl miette::Diagnostic for Shown {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Repaired => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt
            .as_ref()
            .map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let excerpt = self.excerpt.as_ref()?;
        let label = LabeledSpan::new_primary_with_span(excerpt.label.clone(), excerpt.span);
        Some(Box::new(std::iter::once(label)))
    }
}

/// The line a place is on and its neighbours.
#[derive(Debug)]
struct Excerpt {
    name: String,
    text: String,
    /// The place in `text`.
    span: SourceSpan,
    /// The first line of `text` in the source, from 0.
    first_line: usize,
    lines: usize,
    /// The true line and column of the place, from 0.
    position: (usize, usize),
    /// The exact place in words, where the drawing does not show it.
    label: Option<String>,
}

impl Excerpt {
    fn new(
        source: &Source,
        lines: &Lines<'_>,
        span: &Range<usize>,
        style: DiagnosticStyle,
        width: usize,
    ) -> Self {
        let ellipsis = if style.unicode { "…" } else { "..." };
        let (line, column) = lines.position(span.start);
        let line = line - 1;
        // The gutter with the line number and the frame.
        let room = width.saturating_sub(12 + (line + 2).to_string().len());
        let first_line = line.saturating_sub(1);
        let last_line = (line + 1).min(lines.starts.len() - 1);
        let mut text = String::new();
        let mut marked = 0..0;
        for at in first_line..=last_line {
            let range = lines.range(at);
            if at == line {
                let clipped = clip(&source.text, &range, Some(span), room, ellipsis);
                marked = text.len() + clipped.marked.start..text.len() + clipped.marked.end;
                text.push_str(&clipped.text);
            } else {
                text.push_str(&clip(&source.text, &range, None, room, ellipsis).text);
            }
            if at < last_line {
                text.push('\n');
            }
        }
        Self {
            name: visible(&source.name, 200),
            text,
            span: (marked.start, marked.len()).into(),
            first_line,
            lines: last_line - first_line + 1,
            position: (line, column - 1),
            label: style
                .narrated
                .then(|| format!("line {} column {column} of the file", line + 1)),
        }
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let data = self.text.as_bytes();
        if before == 0 && after == 0 {
            // Asked for to name the place: that is where it is in the source, not in the excerpt.
            let end = (span.offset() + span.len()).min(data.len());
            let start = span.offset().min(end);
            return Ok(Box::new(MietteSpanContents::new_named(
                self.name.clone(),
                &data[start..end],
                *span,
                self.position.0,
                self.position.1,
                1,
            )));
        }
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            data,
            (0, data.len()).into(),
            self.first_line,
            0,
            self.lines,
        )))
    }
}

struct Clipped {
    text: String,
    /// Where the place is in `text`.
    marked: Range<usize>,
}

/// The part of a line around a place that fits in `room` columns, nothing in it but text.
fn clip(
    text: &str,
    line: &Range<usize>,
    span: Option<&Range<usize>>,
    room: usize,
    ellipsis: &str,
) -> Clipped {
    let start = span.map_or(line.start, |span| span.start.clamp(line.start, line.end));
    let end = span.map_or(line.start, |span| span.end.clamp(start, line.end));
    // A third of the room before the place, the rest from it on.
    let lead = text[line.start..start]
        .char_indices()
        .rev()
        .nth(room / 3)
        .map_or(line.start, |(at, _)| line.start + at);
    let from = if text[line.start..end].chars().take(room + 1).count() <= room {
        line.start
    } else {
        lead
    };
    let mut clipped = String::new();
    let mut marked = 0..0;
    if from > line.start {
        clipped.push_str(ellipsis);
    }
    let mut columns = 0;
    let mut marked_end = None;
    let shown = &text[from..line.end];
    for ((at, character), (_, is_unsafe)) in shown.char_indices().zip(judged(shown)) {
        let at = from + at;
        if at == start {
            marked.start = clipped.len();
        }
        if at == end {
            marked_end = Some(clipped.len());
        }
        if columns >= room {
            marked_end = marked_end.or(Some(clipped.len()));
            clipped.push_str(ellipsis);
            break;
        }
        let before = clipped.len();
        if character == '\t' {
            clipped.push_str("    ");
        } else if is_unsafe {
            clipped.push_str(&visible(character.encode_utf8(&mut [0; 4]), 1));
        } else {
            clipped.push(character);
        }
        columns += clipped[before..].chars().count();
    }
    if start == line.end {
        marked.start = clipped.len();
    }
    marked.end = marked_end.unwrap_or(clipped.len()).max(marked.start);
    if span.is_none() {
        marked = 0..0;
    }
    Clipped {
        text: clipped,
        marked,
    }
}
