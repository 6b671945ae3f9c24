//! Paths into values.

use serde_json::Value;
use std::sync::Arc;

/// One segment of a path into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A member of an object.
    Field(Arc<str>),
    /// An element of a list; from the end where negative.
    Index(i64),
}

/// What a path leads to.
pub(super) fn follow<'v>(root: &'v Value, path: &[Segment]) -> Option<&'v Value> {
    path.iter().try_fold(root, step_into)
}

/// What one segment leads to.
pub(super) fn step_into<'v>(value: &'v Value, segment: &Segment) -> Option<&'v Value> {
    match (value, segment) {
        (Value::Object(map), Segment::Field(field)) => map.get(&**field),
        (Value::Object(map), Segment::Index(index)) => map.get(&index.to_string()),
        (Value::Array(list), Segment::Index(index)) => element(list, *index),
        (Value::Array(list), Segment::Field(field)) => element(list, field.parse().ok()?),
        _ => None,
    }
}

fn element(list: &[Value], index: i64) -> Option<&Value> {
    let at = if index < 0 {
        list.len()
            .checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
    } else {
        usize::try_from(index).ok()?
    };
    list.get(at)
}
