//! Text that came from outside, made fit for a number of cells.

use crate::text::{is_unsafe, judged};
use unicode_width::UnicodeWidthChar;

/// What stands for a character that must not reach the terminal.
const SUBSTITUTE: char = '\u{fffd}';

/// The columns that `text` takes once it is [`clean`].
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// `text` with a substitute for each unsafe character and without the joiners of emoji, no longer than `most`
/// characters.
pub(super) fn clean(text: &str, most: usize) -> String {
    let shown = judged(text).filter_map(|(c, unsafe_here)| match (unsafe_here, is_unsafe(c)) {
        (true, _) => Some(SUBSTITUTE),
        (false, joins) => (!joins).then_some(c),
    });
    shown.take(most).collect()
}

/// The beginning of `text` in at most `columns` columns; `…` (or `~`) marks that something is missing.
pub(super) fn fit(text: &str, columns: usize, ascii: bool) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else {
        return String::new();
    };
    let mut used = 0;
    let mut fitted = String::new();
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        fitted.push(c);
    }
    fitted.truncate(fitted.trim_end().len());
    fitted.push(if ascii { '~' } else { '…' });
    fitted
}
