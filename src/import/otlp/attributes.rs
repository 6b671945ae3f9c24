//! Attributes as OTLP writes them, read without copying texts.

use super::super::value::{dollars, number, parsed};
use crate::units::Money;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

/// An attribute.
#[derive(Deserialize)]
pub(super) struct KeyValue<'t> {
    #[serde(borrow)]
    pub(super) key: Cow<'t, str>,
    #[serde(borrow, default)]
    pub(super) value: Plain<'t>,
}

/// A value without its wrapping: `{"stringValue": "x"}` as `"x"`.
pub(super) enum Plain<'t> {
    Text(Cow<'t, str>),
    Other(Value),
}

impl Default for Plain<'_> {
    fn default() -> Self {
        Self::Other(Value::Null)
    }
}

impl Plain<'_> {
    /// The text that it is.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(_) => None,
        }
    }

    /// A whole number, which may be written as a text or with a point.
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Other(value) => number(value),
        }
    }

    /// An amount in dollars.
    pub(super) fn dollars(&self) -> Option<Money> {
        match self {
            Self::Text(text) => dollars(&Value::from(text.parse::<f64>().ok()?)),
            Self::Other(value) => dollars(value),
        }
    }

    /// As JSON; a text that holds JSON is read.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Text(text) => parsed(text),
            Self::Other(value) => value.clone(),
        }
    }

    /// As JSON; a text as it is.
    fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.into_owned()),
            Self::Other(value) => value,
        }
    }
}

impl<'de: 't, 't> Deserialize<'de> for Plain<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader { is_wrapped: true })
    }
}

/// What is inside of the wrapping.
struct Bare<'t>(Plain<'t>);

impl<'de: 't, 't> Deserialize<'de> for Bare<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(Reader { is_wrapped: false })
            .map(Self)
    }
}

/// The word for the kind of a value.
#[derive(Deserialize)]
struct Kind<'t>(#[serde(borrow)] Cow<'t, str>);

struct Reader {
    is_wrapped: bool,
}

impl<'de> Visitor<'de> for Reader {
    type Value = Plain<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Plain<'de>, E> {
        Ok(Plain::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Plain<'de>, E> {
        Ok(Plain::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Plain<'de>, E> {
        Ok(Plain::Text(Cow::Owned(text)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Plain<'de>, E> {
        Ok(Plain::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Plain<'de>, E> {
        Ok(Plain::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Plain<'de>, E> {
        Ok(Plain::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Plain<'de>, E> {
        Ok(Plain::Other(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Plain<'de>, E> {
        Ok(Plain::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Plain<'de>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(values)).map(Plain::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Plain<'de>, A::Error> {
        if !self.is_wrapped {
            let value = Value::deserialize(MapAccessDeserializer::new(members));
            return value.map(Plain::Other);
        }
        let Some(Kind(kind)) = members.next_key()? else {
            return Ok(Plain::default());
        };
        let Bare(value) = members.next_value()?;
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(match (&*kind, value) {
            ("intValue" | "int_value", Plain::Text(text)) => match text.parse::<i64>() {
                Ok(number) => Plain::Other(number.into()),
                Err(_) => Plain::Text(text),
            },
            (_, text @ Plain::Text(_)) => text,
            (kind, Plain::Other(value)) => Plain::Other(unwrapped(kind, value)),
        })
    }
}

/// A value of this kind.
fn unwrapped(kind: &str, mut value: Value) -> Value {
    let mut values = || match value.get_mut("values").map(Value::take) {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    };
    match kind {
        "arrayValue" | "array_value" => values().into_iter().map(plain).collect(),
        "kvlistValue" | "kvlist_value" => {
            let members = values().into_iter().filter_map(|mut member| {
                let Value::String(key) = member.get_mut("key")?.take() else {
                    return None;
                };
                let value = member.get_mut("value").map(Value::take);
                Some((key, plain(value.unwrap_or_default())))
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        _ => value,
    }
}

fn plain(value: Value) -> Value {
    let read = Plain::deserialize(value);
    read.map_or(Value::Null, Plain::into_value)
}

/// What is said about a span: its attributes, and those of its events.
#[derive(Default)]
pub(super) struct About<'t> {
    pub(super) own: Vec<KeyValue<'t>>,
    pub(super) of_events: Vec<KeyValue<'t>>,
}

impl<'t> About<'t> {
    /// The value of this name. Older instrumentations give prompts and answers as events of the span.
    pub(super) fn get(&self, name: &str) -> Option<&Plain<'t>> {
        let all = self.own.iter().rev().chain(&self.of_events);
        let mut named = all.filter(|one| one.key == name);
        named.next().map(|one| &one.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        serde_json::from_str::<Plain>(text).unwrap().into_value()
    }

    #[test]
    fn values_lose_their_wrapping() {
        for (text, value) in [
            (r#"{"stringValue": "a \"b\""}"#, json!("a \"b\"")),
            (r#"{"intValue": "-7"}"#, json!(-7)),
            (r#"{"int_value": 7}"#, json!(7)),
            (r#"{"intValue": "many"}"#, json!("many")),
            (r#"{"doubleValue": 0.5}"#, json!(0.5)),
            (r#"{"boolValue": true, "more": [1]}"#, json!(true)),
            (r#"{"stringValue": {"a": [1]}}"#, json!({"a": [1]})),
            (
                r#"{"arrayValue": {"values": [{"stringValue": "x"}, {"intValue": "1"}, null]}}"#,
                json!(["x", 1, null]),
            ),
            (r#"{"arrayValue": {}}"#, json!([])),
            (
                r#"{"kvlistValue": {"values": [{"key": "k", "value": {"arrayValue": {"values": [{"boolValue": false}]}}}, {"value": 1}]}}"#,
                json!({"k": [false]}),
            ),
            ("{}", json!(null)),
            ("null", json!(null)),
            ("\"bare\"", json!("bare")),
            ("[1, \"2\"]", json!([1, "2"])),
        ] {
            assert_eq!(read(text), value, "{text}");
        }
    }

    #[test]
    fn texts_without_escapes_are_not_copied() {
        let text = r#"{"key": "a", "value": {"stringValue": "b"}}"#;
        let read: KeyValue = serde_json::from_str(text).unwrap();
        let is_borrowed = matches!(read.value, Plain::Text(Cow::Borrowed("b")));
        assert!(is_borrowed && matches!(read.key, Cow::Borrowed("a")));
    }

    #[test]
    fn the_last_of_the_same_name_counts_and_a_span_before_its_events() {
        let one = |value: i64| KeyValue {
            key: "a".into(),
            value: Plain::Other(value.into()),
        };
        let about = About {
            own: vec![one(1), one(2)],
            of_events: vec![one(3)],
        };
        assert_eq!(about.get("a").and_then(Plain::number), Some(2));
        assert!(about.get("b").is_none());
    }
}
