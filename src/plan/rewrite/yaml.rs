//! Changes of YAML, in its blocks and in its flows (`{a: 1, b: [2]}`).

use super::change::Change;
use super::items::{insert_item, remove_item};
use super::layout::{column, deeper, indented, line_start, on_one_line};
use super::yaml_places::{begins_flow, end_in_flow, is_flow, place_in_block, place_of};
use super::{Splice, follow};
use crate::plan::node::{Kind, Node};
use crate::plan::path::Segment;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The ways to make a change, the best first.
pub(super) fn ways(text: &str, root: &Node, change: &Change) -> Vec<Splice> {
    let found = match change {
        Change::Replace(path, value) => replace(text, root, path, value),
        Change::Insert(path, key, value) => insert(text, root, path, key, value),
        Change::Remove(path, key) => remove(text, root, path, key),
        Change::InsertItem(path, at, value) => insert_item(text, root, path, *at, value),
        Change::RemoveItem(path, at) => remove_item(text, root, path, *at),
    };
    found.unwrap_or_default()
}

fn replace(text: &str, root: &Node, path: &[Segment], value: &Value) -> Option<Vec<Splice>> {
    let node = follow(root, path)?;
    let (_, around) = path.split_last()?;
    let own = node.span.start..end_in_flow(text, node);
    let on_one_line = inline(text, node, value);
    if is_flow(text, root, around) {
        let ways = on_one_line.into_iter();
        return Some(ways.map(|way| (own.clone(), way)).collect());
    }
    let place = place_in_block(text, root, path)?;
    let old = text.get(place.range.clone())?;
    let has_parts = matches!(node.kind, Kind::Object(_) | Kind::List(_));
    let is_empty = old.trim().is_empty() || old.trim().starts_with('#');
    let spaced = |way: &String| format!(" {way}");
    // A comment on the line stays on it.
    let comment = text.get(own.end..place.range.end).unwrap_or_default();
    let comment = if !old.contains('\n') && comment.trim_start().starts_with('#') {
        comment.trim_end()
    } else {
        ""
    };
    let block = in_block(value, place.column);
    let block = block.map(|way| way.replacen('\n', &format!("{comment}\n"), 1));
    let block = block.map(|way| (place.range.clone(), way));
    let mut ways = Vec::new();
    if begins_flow(text, node) || !has_parts && !is_empty && !old.contains('\n') {
        // What follows on the line stays.
        ways.extend(on_one_line.iter().map(|way| (own.clone(), way.clone())));
    } else if is_empty {
        let start = place.range.start;
        ways.extend(on_one_line.iter().map(|way| (start..start, spaced(way))));
    }
    if begins_flow(text, node) {
        ways.extend(block);
    } else {
        ways.splice(0..0, block);
    }
    let whole = on_one_line.iter();
    ways.extend(whole.map(|way| (place.range.clone(), spaced(way))));
    Some(ways)
}

/// The value on one line: as what stood there was quoted, else as plain text, else as JSON.
fn inline(text: &str, node: &Node, value: &Value) -> Vec<String> {
    let first = text
        .get(node.span.start..)
        .and_then(|rest| rest.chars().next());
    let mut ways = Vec::new();
    if let Value::String(new) = value
        && !new.contains(['\n', '\r'])
    {
        match first.filter(|_| matches!(node.kind, Kind::Text(_))) {
            Some('\'') => ways.push(format!("'{}'", new.replace('\'', "''"))),
            Some('"') => {}
            _ => ways.push(new.clone()),
        }
    }
    ways.push(on_one_line(value));
    ways
}

/// The value on lines of its own, below a key or a dash in this column; `None` for one that needs none.
fn in_block(value: &Value, column: usize) -> Option<String> {
    let indent = deeper(column);
    match value {
        Value::String(text) if text.contains('\n') => literal(text, &indent),
        Value::Array(items) if !items.is_empty() => lines(value, &indent),
        Value::Object(members) if !members.is_empty() => lines(value, &indent),
        _ => None,
    }
}

/// A text of many lines as it stands.
fn literal(text: &str, indent: &str) -> Option<String> {
    if text.contains('\r') {
        return None;
    }
    let body = text.trim_end_matches('\n');
    let chomping = match text.len() - body.len() {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let hint = if body.starts_with([' ', '\n']) {
        "2"
    } else {
        ""
    };
    let kept = if chomping == "+" {
        &text[..text.len() - 1]
    } else {
        body
    };
    Some(format!(
        " |{hint}{chomping}\n{indent}{}",
        indented(kept, indent)
    ))
}

/// An object or a list as a block.
fn lines(value: &Value, indent: &str) -> Option<String> {
    let block = serde_saphyr::to_string(value).ok()?;
    let block = block.trim_end_matches('\n');
    Some(format!("\n{indent}{}", indented(block, indent)))
}

fn insert(
    text: &str,
    root: &Node,
    path: &[Segment],
    key: &Arc<str>,
    value: &Value,
) -> Option<Vec<Splice>> {
    let node = follow(root, path)?;
    let members = node.as_object()?;
    let Some(last) = members.last() else {
        let only = Value::Object(Map::from_iter([(key.to_string(), value.clone())]));
        return replace(text, root, path, &only);
    };
    let key = plain_key(key);
    let ways_on_one_line = |end: usize| {
        let nothing = Node::new(Kind::Null, end..end);
        inline(text, &nothing, value).into_iter()
    };
    if is_flow(text, root, path) {
        let end = end_in_flow(text, &last.value);
        let ways = ways_on_one_line(end);
        return Some(
            ways.map(|way| (end..end, format!(", {key}: {way}")))
                .collect(),
        );
    }
    let column = column(text, last.key_span.start);
    let indent = " ".repeat(column);
    // After a member on one line, so that comments stay with what they are about.
    let one_line = members.iter().rev().find(|member| {
        let place = place_of(text, member);
        let old = place.and_then(|place| text.get(place.range));
        old.is_some_and(|old| !old.contains('\n'))
    });
    let end = place_of(text, one_line.unwrap_or(last))?.range.end;
    let block = in_block(value, column).into_iter();
    let ways = block.chain(ways_on_one_line(end).map(|way| format!(" {way}")));
    Some(
        ways.map(|way| (end..end, format!("\n{indent}{key}:{way}")))
            .collect(),
    )
}

fn plain_key(key: &str) -> String {
    let is_plain = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_plain {
        key.to_owned()
    } else {
        Value::from(key).to_string()
    }
}

fn remove(text: &str, root: &Node, path: &[Segment], key: &str) -> Option<Vec<Splice>> {
    let members = follow(root, path)?.as_object()?;
    let at = members.iter().position(|member| &*member.key == key)?;
    let member = members.get(at)?;
    let next = members.get(at + 1);
    if is_flow(text, root, path) {
        let range = match (at.checked_sub(1), next) {
            (_, Some(next)) => member.key_span.start..next.key_span.start,
            (Some(before), None) => {
                end_in_flow(text, &members[before].value)..end_in_flow(text, &member.value)
            }
            (None, None) => return None,
        };
        return Some(vec![(range, String::new())]);
    }
    let start = line_start(text, member.key_span.start);
    let is_first_in_line = text.get(start..member.key_span.start)?.trim().is_empty();
    let end = place_of(text, member)?.range.end;
    let mut ways = Vec::new();
    if is_first_in_line {
        let rest = text.get(end..)?;
        let newline = if rest.starts_with("\r\n") {
            2
        } else {
            usize::from(rest.starts_with('\n'))
        };
        ways.push((start..end + newline, String::new()));
    }
    if let Some(next) = next {
        ways.push((member.key_span.start..next.key_span.start, String::new()));
    }
    Some(ways)
}
