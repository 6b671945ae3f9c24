//! Where two JSON values differ.

use super::json::beginning;
use serde_json::Value;
use std::fmt;

/// Bytes of a value that are shown.
const SHOWN: usize = 80;

/// A place at which two values differ.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValueDifference {
    /// The place as a jq path: `.` for the whole value, `.rows[2].name`.
    pub path: String,
    /// What the first value has there; `None` where it has nothing.
    pub left: Option<Value>,
    /// What the second value has there; `None` where it has nothing.
    pub right: Option<Value>,
}

impl fmt::Display for ValueDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value>| {
            value.as_ref().map_or_else(
                || "nothing".to_owned(),
                |value| super::fit(&super::line(&beginning(value, SHOWN)), SHOWN),
            )
        };
        write!(
            f,
            "at {}: {} instead of {}",
            super::line(&self.path),
            shown(&self.left),
            shown(&self.right)
        )
    }
}

/// The first place at which `left` differs from `right`, in the order of `right`; `None` where they are equal. Numbers
/// are equal where their values are: `1` and `1.0`.
pub(crate) fn first_difference(left: &Value, right: &Value) -> Option<ValueDifference> {
    differences(left, right, 1).pop()
}

/// At how many places two values differ, counted up to `most`.
pub(crate) fn distance(left: &Value, right: &Value, most: usize) -> usize {
    differences(left, right, most).len()
}

/// The differences, first to last, at most `most`. Values nest as deep as plans and outputs may, so no stack is used.
fn differences(left: &Value, right: &Value, most: usize) -> Vec<ValueDifference> {
    let mut found = Vec::new();
    let mut open: Vec<(String, Option<&Value>, Option<&Value>)> =
        vec![(String::new(), Some(left), Some(right))];
    while let Some((path, left, right)) = open.pop() {
        if found.len() >= most {
            break;
        }
        let mut inner = Vec::new();
        match (left, right) {
            (Some(Value::Object(left)), Some(Value::Object(right))) => {
                for (name, value) in right {
                    inner.push((field(&path, name), left.get(name), Some(value)));
                }
                for (name, value) in left.iter().filter(|(name, _)| !right.contains_key(*name)) {
                    inner.push((field(&path, name), Some(value), None));
                }
            }
            (Some(Value::Array(left)), Some(Value::Array(right))) => {
                for at in 0..left.len().max(right.len()) {
                    inner.push((format!("{path}[{at}]"), left.get(at), right.get(at)));
                }
            }
            (Some(left), Some(right)) if is_equal(left, right) => {}
            (left, right) => found.push(ValueDifference {
                path: if path.is_empty() {
                    ".".to_owned()
                } else {
                    path
                },
                left: left.cloned(),
                right: right.cloned(),
            }),
        }
        open.extend(inner.into_iter().rev());
    }
    found
}

fn field(path: &str, name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || c == '_';
    if !name.is_empty() && name.chars().all(is_plain) {
        format!("{path}.{name}")
    } else {
        let quoted = Value::from(name);
        format!("{}[{quoted}]", if path.is_empty() { "." } else { path })
    }
}

#[allow(
    clippy::float_cmp,
    reason = "a number is another one where its value is"
)]
fn is_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right
                || left
                    .as_f64()
                    .is_some_and(|left| right.as_f64() == Some(left))
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_named_by_its_path() {
        let right = json!({"rows": [{"a b": 1}, {"n": 2, "m": "x"}], "last": null});
        let mut left = right.clone();
        assert_eq!(first_difference(&left, &right), None);
        left["rows"][1]["n"] = json!(2.0);
        assert_eq!(first_difference(&left, &right), None);
        left["rows"][0]["a b"] = json!([1]);
        left["last"] = json!(0);
        let found = first_difference(&left, &right).unwrap();
        assert_eq!(found.to_string(), "at .rows[0][\"a b\"]: [1] instead of 1");
        assert_eq!(distance(&left, &right, 9), 2);
        assert_eq!(distance(&left, &right, 1), 1);
        let found = first_difference(&json!({"a": 1}), &json!({"b": 1})).unwrap();
        assert_eq!(found.to_string(), "at .b: nothing instead of 1");
        assert_eq!(first_difference(&json!(1), &json!([])).unwrap().path, ".");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            (0..3_i64).prop_map(Value::from),
            "[ab]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[abc]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_differ_exactly_where_a_difference_is_found(left in values(), right in values()) {
            let found = first_difference(&left, &right);
            prop_assert_eq!(found.is_none(), left == right);
            if let Some(found) = found {
                prop_assert_ne!(found.left, found.right);
            }
        }
    }
}
