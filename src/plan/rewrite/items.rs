//! Items of lists in YAML that come and go.

use super::layout::{deeper, indented, line_end, line_start, on_one_line};
use super::yaml_places::{Place, end_in_flow, is_flow, place_in_block};
use super::{Splice, follow};
use crate::plan::node::Node;
use crate::plan::path::Segment;
use serde_json::Value;

/// The ways to put an item into a list, the best first.
pub(super) fn insert_item(
    text: &str,
    root: &Node,
    path: &[Segment],
    at: usize,
    value: &Value,
) -> Option<Vec<Splice>> {
    let items = follow(root, path)?.as_list()?;
    let first = items.first()?;
    if is_flow(text, root, path) {
        let value = on_one_line(value);
        return Some(vec![
            match items.get(at.checked_sub(1).unwrap_or(items.len())) {
                None => {
                    let start = first.span.start;
                    (start..start, format!("{value}, "))
                }
                Some(before) => {
                    let end = end_in_flow(text, before);
                    (end..end, format!(", {value}"))
                }
            },
        ]);
    }
    let place = place_of(text, root, path, at.saturating_sub(1))?;
    let item = item(value, place.column);
    let gap = if has_gaps(text, root, path) { "\n" } else { "" };
    if at > 0 {
        // What stands above the item that follows stays with it.
        let end = place.range.end;
        return Some(vec![(end..end, format!("\n{gap}{item}"))]);
    }
    let dash = line_start(text, place.range.start);
    let above = start_above(text, dash, false);
    let starts = [above, dash].into_iter();
    // What a file begins with is about the whole of it.
    let starts = starts.filter(|start| *start > 0 || dash == 0);
    let ways = starts.map(|start| (start..start, format!("{item}\n{gap}")));
    Some(ways.collect())
}

/// The ways to take an item out of a list, the best first. Comments right above it go with it.
pub(super) fn remove_item(
    text: &str,
    root: &Node,
    path: &[Segment],
    at: usize,
) -> Option<Vec<Splice>> {
    let items = follow(root, path)?.as_list()?;
    let own = items.get(at)?;
    if is_flow(text, root, path) {
        let range = match (at.checked_sub(1), items.get(at + 1)) {
            (_, Some(next)) => own.span.start..next.span.start,
            (Some(before), None) => end_in_flow(text, &items[before])..end_in_flow(text, own),
            (None, None) => return None,
        };
        return Some(vec![(range, String::new())]);
    }
    if items.len() < 2 {
        return None;
    }
    let place = place_of(text, root, path, at)?;
    let dash = line_start(text, place.range.start);
    let end = after_line(text, place.range.end);
    // A comment above the first item may be about the whole list.
    let above = if at == 0 {
        dash
    } else {
        start_above(text, dash, true)
    };
    Some(
        [above, dash]
            .map(|start| (start..end, String::new()))
            .into(),
    )
}

/// An item as lines, the dash of which is in this column.
fn item(value: &Value, column: usize) -> String {
    let indent = " ".repeat(column);
    let block = match value {
        Value::Object(members) if !members.is_empty() => serde_saphyr::to_string(value).ok(),
        _ => None,
    };
    let block = block.map(|block| indented(block.trim_end_matches('\n'), &deeper(column)));
    format!("{indent}- {}", block.unwrap_or_else(|| on_one_line(value)))
}

fn place_of(text: &str, root: &Node, path: &[Segment], at: usize) -> Option<Place> {
    let mut path = path.to_vec();
    path.push(Segment::Index(at as i64));
    place_in_block(text, root, &path)
}

/// Whether an empty line stands between the items of a list.
fn has_gaps(text: &str, root: &Node, path: &[Segment]) -> bool {
    let places = |at| {
        Some((
            place_of(text, root, path, at)?,
            place_of(text, root, path, at + 1)?,
        ))
    };
    places(0).is_some_and(|(one, next)| {
        let between = text
            .get(one.range.end..next.range.start)
            .unwrap_or_default();
        let mut lines = between.split('\n').skip(1);
        lines.any(|line| line.trim().is_empty())
    })
}

/// Where the comments begin that stand right above a line; with `gaps`, the empty lines above them too.
fn start_above(text: &str, line: usize, gaps: bool) -> usize {
    let mut start = line;
    let mut are_comments = true;
    while let Some(end) = start.checked_sub(1) {
        let above = line_start(text, end);
        let words = text.get(above..line_end(text, above)).unwrap_or_default();
        let is_comment = are_comments && words.trim_start().starts_with('#');
        are_comments &= is_comment;
        if !(is_comment || gaps && words.trim().is_empty()) {
            break;
        }
        start = above;
    }
    start
}

/// Where the line after the one begins in which a place is.
fn after_line(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find('\n')
        .map_or(text.len(), |newline| at + newline + 1)
}
