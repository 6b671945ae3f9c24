//! The lines of a planner's text.

use std::ops::Range;

/// The lines of a text, without their ends.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        start..start + line.trim_end_matches(['\r', '\n']).len()
    })
}

/// The last line with content in a part of a text.
pub(super) fn last(text: &str, part: &Range<usize>) -> Range<usize> {
    let inner = text[part.clone()].trim_end();
    let start = inner.rfind('\n').map_or(0, |at| at + 1);
    part.start + start..part.start + inner.len()
}
