//! A JSON or YAML value that remembers where it stood.

use serde_json::{Map, Number, Value};
use std::ops::Range;
use std::sync::Arc;

/// The deepest nesting that is read. Every JSON reader that a value meets later (events, journals, models)
/// bears more than this, so what was read once can always be read again.
pub(super) const MAX_DEPTH: usize = 100;

/// A value and its place in the source, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub kind: Kind,
    pub span: Range<usize>,
}

/// What a [`Node`] is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(Arc<str>),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// One member of an object.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub key: Arc<str>,
    pub key_span: Range<usize>,
    pub value: Node,
}

impl Node {
    pub(super) fn new(kind: Kind, span: Range<usize>) -> Self {
        Self { kind, span }
    }

    pub(super) fn text(text: impl Into<Arc<str>>, span: Range<usize>) -> Self {
        Self::new(Kind::Text(text.into()), span)
    }

    pub(super) fn object(members: Vec<Member>, span: Range<usize>) -> Self {
        Self::new(Kind::Object(members), span)
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(list) => Some(list),
            _ => None,
        }
    }

    pub(super) fn as_object(&self) -> Option<&[Member]> {
        match &self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// A member of an object, by key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.as_object()?
            .iter()
            .find(|member| *member.key == *key)
            .map(|member| &member.value)
    }

    /// What it is, in a JSON Schema's words.
    pub(super) fn type_name(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "boolean",
            Kind::Number(number) if number.is_f64() => "number",
            Kind::Number(_) => "integer",
            Kind::Text(_) => "string",
            Kind::List(_) => "array",
            Kind::Object(_) => "object",
        }
    }

    /// The value without its places.
    pub(super) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(truth) => Value::Bool(*truth),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.to_string()),
            Kind::List(list) => Value::Array(list.iter().map(Self::to_value).collect()),
            Kind::Object(members) => Value::Object(members_to_map(members)),
        }
    }

    /// The same value without any place, for plans that never were text.
    pub(super) fn from_value(value: Value) -> Self {
        let kind = match value {
            Value::Null => Kind::Null,
            Value::Bool(truth) => Kind::Bool(truth),
            Value::Number(number) => Kind::Number(number),
            Value::String(text) => Kind::Text(text.into()),
            Value::Array(list) => Kind::List(list.into_iter().map(Self::from_value).collect()),
            Value::Object(map) => Kind::Object(
                map.into_iter()
                    .map(|(key, value)| Member {
                        key: key.into(),
                        key_span: 0..0,
                        value: Self::from_value(value),
                    })
                    .collect(),
            ),
        };
        Self::new(kind, 0..0)
    }

    /// The same in a text that begins `by` bytes earlier.
    pub(super) fn shift(&mut self, by: usize) {
        if by > 0 {
            self.map_spans(&|span| span.start + by..span.end + by);
        }
    }

    /// Changes every place in the value.
    pub(super) fn map_spans(&mut self, map: &impl Fn(&Range<usize>) -> Range<usize>) {
        self.span = map(&self.span);
        match &mut self.kind {
            Kind::List(list) => {
                for node in list {
                    node.map_spans(map);
                }
            }
            Kind::Object(members) => {
                for member in members {
                    member.key_span = map(&member.key_span);
                    member.value.map_spans(map);
                }
            }
            _ => {}
        }
    }
}

/// The members as a map, in their order.
pub(super) fn members_to_map(members: &[Member]) -> Map<String, Value> {
    members
        .iter()
        .map(|member| (member.key.to_string(), member.value.to_value()))
        .collect()
}
