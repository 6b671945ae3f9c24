//! What is looked for in the page that the inspector shows.

use crate::tui::input::text_field::Field;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// What is looked for in a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageSearch {
    /// What was typed.
    pub field: Field,
}

impl PageSearch {
    /// The words, where there are any.
    pub(crate) fn words(&self) -> Option<&str> {
        let words = self.field.text();
        (!words.trim().is_empty()).then_some(words)
    }
}

/// The places of `words` in a line, capitals or not, in characters.
pub(crate) fn places(line: &str, words: &str) -> Vec<usize> {
    let fold = |text: &str| -> Vec<char> {
        let one = |c: char| c.to_lowercase().next().unwrap_or(c);
        text.chars().map(one).collect()
    };
    let (line, words) = (fold(line), fold(words));
    if words.is_empty() {
        return Vec::new();
    }
    let starts = line.windows(words.len()).enumerate();
    starts
        .filter(|(_, part)| **part == *words)
        .map(|(at, _)| at)
        .collect()
}

/// Marks the words where they are drawn.
pub(crate) fn mark(buf: &mut Buffer, area: Rect, words: &str, style: Style) {
    let count = words.chars().count();
    for y in area.top()..area.bottom() {
        let mut line = String::new();
        // The cell of each character.
        let mut cells = Vec::new();
        for x in area.left()..area.right() {
            for c in buf[(x, y)].symbol().chars() {
                line.push(c);
                cells.push(x);
            }
        }
        for at in places(&line, words) {
            for x in &cells[at..at + count] {
                buf[(*x, y)].set_style(style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whatever_their_capitals() {
        assert_eq!(places("Tea, tea and TEA", "tea"), [0, 5, 13]);
        assert_eq!(places("ΟΔΟΣ straße", "STRA"), [5]);
        assert!(places("tea", "").is_empty() && places("", "tea").is_empty());
    }
}
