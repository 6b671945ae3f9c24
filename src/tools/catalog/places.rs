//! Finds tools in a catalog's text, for the places of faults.

use serde_json::Value;
use std::ops::Range;

/// The place of a tool's name, in bytes: as a key, else as the value of `name`.
pub(super) fn find_tool(text: &str, name: &str) -> Option<Range<usize>> {
    let quoted = Value::from(name).to_string();
    let places =
        |needle: &str| -> Vec<usize> { text.match_indices(needle).map(|(at, _)| at).collect() };
    let key = |at: &usize, length: usize| {
        text[at + length..]
            .trim_start_matches([' ', '\t'])
            .starts_with(':')
    };
    for at in places(&quoted) {
        if key(&at, quoted.len()) {
            return Some(at..at + quoted.len());
        }
    }
    for at in places(name) {
        let before = text[..at].rsplit('\n').next().unwrap_or_default();
        // A key is the first in its line, or follows what opens or separates the entries of a mapping or a list.
        let before = before.trim_end_matches([' ', '\t', '\'', '"']);
        if key(&at, name.len()) && (before.is_empty() || before.ends_with(['-', '{', ','])) {
            return Some(at..at + name.len());
        }
    }
    for at in places(name) {
        let before = text[..at].trim_end_matches([' ', '\'', '"', '\t']);
        let before = before
            .strip_suffix(':')
            .map(|before| before.trim_end_matches([' ', '"', '\'']));
        let after = text[at + name.len()..].chars().next();
        let whole = after.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        if whole && before.is_some_and(|before| before.ends_with("name")) {
            return Some(at..at + name.len());
        }
    }
    None
}
