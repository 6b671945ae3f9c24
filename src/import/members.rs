//! A JSON value with only the members that are looked at: lines of a session hold much more than that.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

/// The members of an object that are read, each with those of its own value; `None` where all of it is.
#[derive(Clone, Copy)]
pub(super) struct Members(pub(super) &'static [(&'static str, Option<Members>)]);

impl Members {
    /// Reads these members of a text. What is not an object is read as it is.
    pub(super) fn of(self, text: &str) -> serde_json::Result<Value> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let value = self.deserialize(&mut reader)?;
        reader.end()?;
        Ok(value)
    }
}

impl<'de> DeserializeSeed<'de> for Members {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = from.next_key::<Name<'de>>()? {
            let known = self.0.iter().find(|(known, _)| **known == *name.0);
            let value = match known {
                None => {
                    from.next_value::<IgnoredAny>()?;
                    continue;
                }
                Some((_, None)) => from.next_value::<Value>()?,
                Some((_, Some(own))) => from.next_value_seed(*own)?,
            };
            members.insert(name.0.into_owned(), value);
        }
        Ok(Value::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = from.next_element()? {
            all.push(one);
        }
        Ok(Value::Array(all))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bool<E>(self, is_so: bool) -> Result<Value, E> {
        Ok(is_so.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// The name of a member, without a copy where it is written without escapes.
#[derive(serde::Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SOME: Members = Members(&[("a", None), ("b", Some(Members(&[("c", None)])))]);

    /// The same by hand.
    fn kept(value: &Value, members: Members) -> Value {
        let Value::Object(all) = value else {
            return value.clone();
        };
        let kept = all.iter().filter_map(|(name, value)| {
            let (_, own) = members.0.iter().find(|(known, _)| known == name)?;
            let value = own.map_or_else(|| value.clone(), |own| kept(value, own));
            Some((name.clone(), value))
        });
        Value::Object(kept.collect())
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1.0e9..1.0e9).prop_map(Value::from),
            "[a\"\\\\é\n]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let names = prop::sample::select(vec!["a", "b", "c", "d", "a\"b"]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((names, inner), 0..5).prop_map(|members| {
                    let members = members.into_iter();
                    members
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect()
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn known_members_are_read_as_they_are(value in value()) {
            prop_assert_eq!(SOME.of(&value.to_string()).unwrap(), kept(&value, SOME));
        }
    }

    #[test]
    fn the_last_of_two_members_counts_and_what_is_wrong_is_refused_anywhere() {
        let twice = SOME.of(r#"{"a": 1, "\u0061": 2, "x": {"a": 3}}"#).unwrap();
        assert_eq!(twice, serde_json::json!({"a": 2}));
        for wrong in ["", "{\"x\": [1,}", "{\"a\": 1} 2", "{\"x\": \"", "{\"x\"}"] {
            assert!(SOME.of(wrong).is_err(), "{wrong}");
        }
    }
}
