//! A page of text in the making: fields with labels, paragraphs and headings, wrapped to a width.

use crate::text;
use crate::tui::theme::Theme;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Cells of the column of labels.
const LABEL: usize = 11;
/// Most lines of one field.
const FIELD: usize = 60;
/// Widths below which labels stand on lines of their own.
const NARROW: usize = 28;

/// Lines so far.
pub(crate) struct TextPage<'a> {
    /// Styles.
    pub theme: &'a Theme,
    width: usize,
    most: usize,
    lines: Vec<Line<'static>>,
    /// Lines that name a step, with its number.
    named: Vec<(usize, u32)>,
    cut: bool,
}

impl<'a> TextPage<'a> {
    /// An empty page.
    pub(crate) fn new(theme: &'a Theme, width: usize, most: usize) -> Self {
        Self {
            theme,
            width,
            most,
            lines: Vec::new(),
            named: Vec::new(),
            cut: false,
        }
    }

    /// The cells of a line.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Whether a field has room for a sign, a name and a word beside it on one line.
    pub(crate) fn has_room_for(&self, name: &str, word: &str) -> bool {
        LABEL + 4 + text::width(name) + text::width(word) <= self.width
    }

    /// A heading, with an empty line before it.
    pub(crate) fn heading(&mut self, words: &str) {
        if !self.lines.is_empty() {
            self.space();
        }
        let words = text::fit(words, self.width);
        self.push(Line::styled(words, self.theme.strong));
    }

    /// An empty line.
    pub(crate) fn space(&mut self) {
        self.push(Line::default());
    }

    /// A paragraph.
    pub(crate) fn text(&mut self, words: &str, style: Style) {
        self.indented(0, words, style);
    }

    /// A paragraph that stands `by` cells in.
    pub(crate) fn indented(&mut self, by: usize, words: &str, style: Style) {
        self.bounded(by, words, style, usize::MAX);
    }

    /// A paragraph of at most `most` lines, `by` cells in.
    pub(crate) fn bounded(&mut self, by: usize, words: &str, style: Style, most: usize) {
        let by = by.min(self.width / 4);
        let left = self.most.saturating_sub(self.lines.len());
        let wrapped = text::wrap(words, self.width.saturating_sub(by), most.min(left));
        for line in wrapped.lines {
            let indent = Span::raw(" ".repeat(by));
            self.push(Line::from(vec![indent, Span::styled(line, style)]));
        }
        if wrapped.cut && most < left {
            let indent = Span::raw(" ".repeat(by));
            self.push(Line::from(vec![indent, Span::styled("…", self.theme.dim)]));
        }
        self.cut |= wrapped.cut && left <= most;
    }

    /// The last lines of a paragraph, at most `most` of them.
    pub(crate) fn last_lines(&mut self, words: &str, style: Style, most: usize) {
        // Longer than that it does not get, however wide its characters are.
        let from = words.len().saturating_sub(self.width * most * 4);
        let from = (from..words.len()).find(|at| words.is_char_boundary(*at));
        let end = &words[from.unwrap_or(words.len())..];
        let wrapped = text::wrap(end, self.width, end.len() + 1);
        let skipped = wrapped.lines.len().saturating_sub(most);
        for line in wrapped.lines.into_iter().skip(skipped) {
            self.push(Line::styled(line, style));
        }
    }

    /// A label and what it says.
    pub(crate) fn field(&mut self, label: &'static str, words: &str) {
        self.spans(label, vec![(words.to_owned(), self.theme.text)]);
    }

    /// Two words that belong together: the second in brackets behind the first, or on a line of its own.
    pub(crate) fn pair(
        &mut self,
        label: &'static str,
        words: &str,
        other: &'static str,
        more: &str,
    ) {
        let bracket = format!("  ({more})");
        if LABEL + text::width(words) + text::width(&bracket) <= self.width {
            let (text, dim) = (self.theme.text, self.theme.dim);
            self.spans(label, vec![(words.to_owned(), text), (bracket, dim)]);
        } else {
            self.field(label, words);
            self.field(other, more);
        }
    }

    /// A label and what it says in several styles; only the last is wrapped.
    pub(crate) fn spans(&mut self, label: &'static str, mut spans: Vec<(String, Style)>) {
        let column = if self.width < NARROW { 0 } else { LABEL };
        let head = if column == 0 {
            self.push(Line::styled(label, self.theme.dim));
            Span::raw("")
        } else {
            Span::styled(format!("{label:<column$}"), self.theme.dim)
        };
        let Some((words, style)) = spans.pop() else {
            return;
        };
        let mut line = vec![head];
        let mut used = column;
        for (words, style) in spans {
            let words = text::fit(&words, self.width.saturating_sub(used));
            used += text::width(&words);
            line.push(Span::styled(words, style));
        }
        let wrapped = text::wrap(&words, self.width.saturating_sub(used), FIELD);
        let mut lines = wrapped.lines.into_iter();
        line.push(Span::styled(lines.next().unwrap_or_default(), style));
        self.push(Line::from(line));
        for rest in lines {
            let indent = Span::raw(" ".repeat(used.min(self.width)));
            self.push(Line::from(vec![indent, Span::styled(rest, style)]));
        }
    }

    /// Like [`spans`](Self::spans), for lines that name a step: a click on them goes there.
    pub(crate) fn naming(&mut self, step: u32, label: &'static str, spans: Vec<(String, Style)>) {
        let from = self.lines.len();
        self.spans(label, spans);
        self.named
            .extend((from..self.lines.len()).map(|line| (line, step)));
    }

    /// The step that a line names.
    pub(crate) fn named(&self, line: usize) -> Option<u32> {
        let found = self.named.iter().find(|(named, _)| *named == line);
        found.map(|(_, step)| *step)
    }

    /// A line as it is.
    pub(crate) fn push(&mut self, line: Line<'static>) {
        if self.lines.len() < self.most {
            self.lines.push(line);
        } else {
            self.cut = true;
        }
    }

    /// Says that there was more than the page shows.
    pub(crate) fn cut(&mut self) {
        self.cut = true;
    }

    /// The lines.
    pub(crate) fn finish(mut self) -> Vec<Line<'static>> {
        if self.cut {
            let words = text::fit("… there is more; y copies it", self.width);
            self.lines.push(Line::styled(words, self.theme.warning));
        }
        self.lines
    }
}
