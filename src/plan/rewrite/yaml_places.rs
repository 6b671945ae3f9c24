//! Where values stand in the text of a YAML file.

use super::follow;
use super::layout::{column, line_end, line_start};
use crate::plan::node::{Kind, Member, Node};
use crate::plan::path::Segment;
use std::ops::Range;

/// Whether the object or list of a node, or one around it, is a flow.
pub(super) fn is_flow(text: &str, root: &Node, path: &[Segment]) -> bool {
    (0..=path.len())
        .any(|known| follow(root, &path[..known]).is_some_and(|node| begins_flow(text, node)))
}

/// Whether a node is written as a flow.
pub(super) fn begins_flow(text: &str, node: &Node) -> bool {
    let has_parts = matches!(node.kind, Kind::Object(_) | Kind::List(_));
    let first = text
        .get(node.span.start..)
        .and_then(|rest| rest.chars().next());
    has_parts && matches!(first, Some('{' | '['))
}

/// Where a value stands in a block: after the colon of its key, or after the dash of its item.
pub(super) struct Place {
    /// From the colon or the dash to the end of the last line that belongs to the value.
    pub(super) range: Range<usize>,
    /// The column of the key or the dash.
    pub(super) column: usize,
}

/// Where the value at the end of a path stands in a block.
pub(super) fn place_in_block(text: &str, root: &Node, path: &[Segment]) -> Option<Place> {
    let (last, around) = path.split_last()?;
    let around = follow(root, around)?;
    match last {
        Segment::Field(key) => {
            let members = around.as_object()?;
            place_of(text, members.iter().find(|member| member.key == *key)?)
        }
        Segment::Index(at) => {
            let item = around.as_list()?.get(usize::try_from(*at).ok()?)?;
            let start = line_start(text, item.span.start);
            let dash = start + text.get(start..item.span.start + 1)?.rfind('-')?;
            let column = column(text, dash);
            Some(Place {
                range: dash + 1..end_of_block(text, dash + 1, column, false),
                column,
            })
        }
    }
}

/// Where the value of a member stands in a block.
pub(super) fn place_of(text: &str, member: &Member) -> Option<Place> {
    let colon = member.key_span.end + text.get(member.key_span.end..)?.find(':')?;
    let column = column(text, member.key_span.start);
    let is_list = matches!(member.value.kind, Kind::List(_));
    Some(Place {
        range: colon + 1..end_of_block(text, colon + 1, column, is_list),
        column,
    })
}

/// Where what belongs to a key or a dash in this column ends: before the first line that is not deeper. The items of a list
/// may stand below their key.
fn end_of_block(text: &str, from: usize, own_column: usize, is_list: bool) -> usize {
    let mut end = line_end(text, from);
    let mut next = end;
    while let Some(newline) = text.get(next..).and_then(|rest| rest.find('\n')) {
        let start = next + newline + 1;
        let stop = line_end(text, start);
        let line = text.get(start..stop).unwrap_or_default();
        next = stop;
        if line.trim().is_empty() {
            continue;
        }
        let depth = line.len() - line.trim_start_matches(' ').len();
        let is_item = is_list && depth == own_column && line.trim_start().starts_with('-');
        if depth <= own_column && !is_item {
            break;
        }
        end = stop;
    }
    end
}

/// Where a value in a flow ends.
pub(super) fn end_in_flow(text: &str, node: &Node) -> usize {
    if !begins_flow(text, node) {
        return node.span.end;
    }
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    let rest = text.get(node.span.start..).unwrap_or_default();
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return node.span.start + at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}
