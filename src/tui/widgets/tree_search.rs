//! Looking for words in all of a JSON value, folded or not.

use super::json::members;
use serde_json::Value;
use std::cmp::Ordering;

/// Whether a search found anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is selected now.
    There,
    /// It is not in the value.
    Nowhere,
    /// Not in as much of the value as was looked at.
    TooFar,
}

/// Members that one search looks at.
const LOOKED_AT: usize = 2_000_000;

/// The places of the next member after `current`, or of the last one before it, that contains the words, around the
/// ends; and whether all of the value was looked at.
pub(super) fn look_for(
    value: &Value,
    words: &str,
    current: &[usize],
    forward: bool,
    depth: usize,
) -> (Option<Vec<usize>>, bool) {
    let words = words.to_lowercase();
    let contains = |text: &str| {
        if text.is_ascii() && words.is_ascii() {
            let bytes = text.as_bytes().windows(words.len().max(1));
            bytes
                .into_iter()
                .any(|part| part.eq_ignore_ascii_case(words.as_bytes()))
        } else {
            text.to_lowercase().contains(&words)
        }
    };
    let is_found = |key: Option<&str>, value: &Value| {
        key.is_some_and(contains)
            || match value {
                Value::String(text) => contains(text),
                Value::Array(_) | Value::Object(_) => false,
                plain => contains(&plain.to_string()),
            }
    };
    let (mut first, mut last, mut before, mut after) = (None, None, None, None);
    let mut open = vec![members(value).enumerate()];
    let mut places: Vec<usize> = Vec::new();
    let mut looked_at = 0;
    while let Some(level) = open.last_mut() {
        let Some((at, (key, member))) = level.next() else {
            open.pop();
            places.pop();
            continue;
        };
        looked_at += 1;
        if looked_at > LOOKED_AT {
            break;
        }
        places.truncate(open.len() - 1);
        places.push(at);
        if is_found(key, member) {
            let place = || Some(places.clone());
            match places.as_slice().cmp(current) {
                Ordering::Less => before = place(),
                Ordering::Greater if after.is_none() => after = place(),
                Ordering::Greater | Ordering::Equal => {}
            }
            if first.is_none() {
                first = place();
            }
            if forward && after.is_some() {
                break;
            }
            last = place();
        }
        if open.len() < depth {
            open.push(members(member).enumerate());
        }
    }
    let found = if forward {
        after.or(first)
    } else {
        before.or(last)
    };
    (found, looked_at <= LOOKED_AT)
}
