//! Changes of JSON.

use super::change::Change;
use super::layout::{indent_at, on_many_lines, on_one_line};
use super::{Splice, follow};
use crate::plan::node::{Member, Node};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The ways to make a change, the best first.
pub(super) fn ways(text: &str, root: &Node, change: &Change) -> Vec<Splice> {
    let found = match change {
        Change::Replace(path, value) => follow(root, path).map(|node| replace(text, node, value)),
        Change::Insert(path, key, value) => {
            follow(root, path).and_then(|node| insert(text, node, key, value))
        }
        Change::Remove(path, key) => follow(root, path).and_then(|node| remove(node, key)),
        Change::InsertItem(path, at, value) => {
            follow(root, path).and_then(|node| insert_item(text, node, *at, value))
        }
        Change::RemoveItem(path, at) => follow(root, path).and_then(|node| remove_item(node, *at)),
    };
    found.into_iter().collect()
}

fn replace(text: &str, node: &Node, value: &Value) -> Splice {
    let before = text.get(node.span.clone()).unwrap_or_default();
    (
        node.span.clone(),
        written(
            value,
            before.contains('\n'),
            indent_at(text, node.span.start),
        ),
    )
}

/// A value, on many lines where it has parts and what stood there had many lines.
fn written(value: &Value, has_lines: bool, indent: &str) -> String {
    let has_parts = match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    };
    if has_lines && has_parts {
        on_many_lines(value, indent)
    } else {
        on_one_line(value)
    }
}

fn insert(text: &str, node: &Node, key: &Arc<str>, value: &Value) -> Option<Splice> {
    let members = node.as_object()?;
    let Some(last) = members.last() else {
        let only = Value::Object(Map::from_iter([(key.to_string(), value.clone())]));
        return Some(replace(text, node, &only));
    };
    let before = text.get(..last.key_span.start)?;
    let blanks = before.get(before.trim_end().len()..)?;
    let has_lines = blanks.contains('\n');
    let colon = text.get(last.key_span.end..last.value.span.start)?;
    let separator = match (has_lines, members.len()) {
        (true, _) => blanks,
        (false, 1) if colon.ends_with(' ') => " ",
        (false, 1) => "",
        (false, _) => blanks,
    };
    let indent = indent_at(text, last.key_span.start);
    let value = written(value, has_lines, indent);
    let key = Value::from(&**key);
    let end = last.value.span.end;
    Some((end..end, format!(",{separator}{key}{colon}{value}")))
}

fn remove(node: &Node, key: &str) -> Option<Splice> {
    let members = node.as_object()?;
    let at = members.iter().position(|member| &*member.key == key)?;
    let end = |member: &Member| member.value.span.end;
    let range = match (at.checked_sub(1), members.get(at + 1)) {
        (_, Some(next)) => members[at].key_span.start..next.key_span.start,
        (Some(before), None) => end(&members[before])..end(&members[at]),
        (None, None) => return None,
    };
    Some((range, String::new()))
}

/// What stands between the items of a list, after the comma.
fn before_item<'t>(text: &'t str, item: &Node) -> &'t str {
    let before = text.get(..item.span.start).unwrap_or_default();
    before.get(before.trim_end().len()..).unwrap_or_default()
}

fn insert_item(text: &str, node: &Node, at: usize, value: &Value) -> Option<Splice> {
    let items = node.as_list()?;
    let Some(beside) = items.get(at.saturating_sub(1)) else {
        return Some(replace(text, node, &Value::Array(vec![value.clone()])));
    };
    // As the items are that are there.
    let has_lines = items.iter().any(|item| {
        let item = text.get(item.span.clone());
        item.is_some_and(|item| item.contains('\n'))
    });
    let indent = indent_at(text, beside.span.start);
    let value = written(value, has_lines, indent);
    let blanks = before_item(text, items.last().unwrap_or(beside));
    Some(if at == 0 {
        let start = beside.span.start;
        (start..start, format!("{value},{}", separator(blanks)))
    } else {
        let end = beside.span.end;
        (end..end, format!(",{}{value}", separator(blanks)))
    })
}

/// Between two items of a list on one line is a blank.
fn separator(blanks: &str) -> &str {
    if blanks.is_empty() { " " } else { blanks }
}

fn remove_item(node: &Node, at: usize) -> Option<Splice> {
    let items = node.as_list()?;
    let item = items.get(at)?;
    let range = match (at.checked_sub(1), items.get(at + 1)) {
        (_, Some(next)) => item.span.start..next.span.start,
        (Some(before), None) => items[before].span.end..item.span.end,
        (None, None) => return None,
    };
    Some((range, String::new()))
}
