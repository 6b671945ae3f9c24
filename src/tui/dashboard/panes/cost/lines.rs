//! Lines of words from the top of the pane down, and the bars in them.

use crate::text;
use crate::tui::Theme;
use crate::units::Money;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Lines from the top of the pane.
pub(super) struct LineWriter<'a> {
    pub buf: &'a mut Buffer,
    pub area: Rect,
    pub y: u16,
    pub theme: &'a Theme,
}

impl LineWriter<'_> {
    pub(super) fn line(&mut self, words: Vec<(String, Style)>) {
        if self.y < self.area.height {
            let mut x = self.area.x + u16::from(self.area.width > 2);
            for (words, style) in words {
                let room = self.area.right().saturating_sub(x) as usize;
                let words = text::fit(&words, room);
                x = self
                    .buf
                    .set_stringn(x, self.area.y + self.y, words, room, style)
                    .0;
            }
        }
        self.y += 1;
    }

    /// Words in as many lines as they need, at most up to `most` lines of the pane; they break at gaps, and
    /// what does not fit is left out.
    pub(super) fn wrapped(&mut self, words: &[(String, Style)], most: u16) {
        let room = usize::from(self.area.width).saturating_sub(2);
        let mut line: Vec<(String, Style)> = Vec::new();
        let mut used = 0;
        for group in words.split_inclusive(|(words, _)| words == "   ") {
            let width: usize = group.iter().map(|(words, _)| text::width(words)).sum();
            if used > 0 && used + width > room + 3 {
                if self.y + 1 >= most {
                    break;
                }
                self.line(std::mem::take(&mut line));
                used = 0;
            }
            line.extend_from_slice(group);
            used += width;
        }
        self.line(line);
    }
}

/// Parts of a whole as cells, each that is not nothing at least one.
pub(super) fn bar(
    parts: &[(Money, &'static str, Style)],
    whole: Money,
    width: usize,
) -> Vec<(String, Style)> {
    let mut left = width;
    let mut sum = Money::ZERO;
    let mut taken = 0;
    let mut cells = Vec::new();
    for (amount, glyph, style) in parts {
        if amount.pico() <= 0 {
            continue;
        }
        // Rounded where each part ends, so that the length of all together is that of their sum.
        sum += *amount;
        let end = (sum.usd() / whole.usd() * width as f64).round() as usize;
        let count = end.saturating_sub(taken).clamp(1, left.max(1)).min(left);
        cells.push((glyph.repeat(count), *style));
        taken += count;
        left -= count;
    }
    cells
}
