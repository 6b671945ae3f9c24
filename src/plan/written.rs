//! The contents of a file once its form is known: a value with places, or the text of a planner.

use super::node::{Kind, Node};
use std::ops::Range;

/// The help where a file is not a plan.
pub(super) const NO_PLAN_HELP: &str =
    "a plan is an object with `steps` in JSON or YAML, or the text of a planner in a known form";

/// A plan whose form is known and whose dialect is not.
pub(super) enum Written<'a> {
    /// A JSON or YAML value.
    Value(Node),
    /// A part of the source that is neither.
    Text {
        /// The whole source, which places count from.
        source: &'a str,
        /// Where the text stands in it.
        part: Range<usize>,
    },
}

impl<'a> Written<'a> {
    /// The value, where it is one.
    pub(super) fn value(&self) -> Option<&Node> {
        match self {
            Self::Value(node) => Some(node),
            Self::Text { .. } => None,
        }
    }

    /// The text, where it is not a value.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self {
            Self::Value(_) => None,
            Self::Text { source, part } => source.get(part.clone()),
        }
    }

    /// Whether two plans are the same but for their places.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(one), Self::Value(other)) => one.to_value() == other.to_value(),
            _ => self.text().map(str::trim) == other.text().map(str::trim) && self.text().is_some(),
        }
    }

    /// The value itself; null for a text.
    pub(super) fn into_value(self) -> Node {
        match self {
            Self::Value(node) => node,
            Self::Text { part, .. } => Node::new(Kind::Null, part),
        }
    }

    /// The source and the place of the text; empty for a value.
    pub(super) fn into_text(self) -> (&'a str, Range<usize>) {
        match self {
            Self::Value(_) => ("", 0..0),
            Self::Text { source, part } => (source, part),
        }
    }
}
