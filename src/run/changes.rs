//! How two JSON values differ, place by place.

use serde::Serialize;
use serde_json::Value;

/// One place in which two values differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The place, as `text` or `items[3].price`; empty for the whole.
    pub path: String,
    /// What stood there; `None` where nothing did.
    pub before: Option<Value>,
    /// The value there; `None` where there is none.
    pub after: Option<Value>,
}

/// The places in which `after` differs from `before`, in the order of the values, at most `most` of them.
pub(crate) fn changes(before: &Value, after: &Value, most: usize) -> Vec<Change> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), Some(before), Some(after))];
    while let Some((path, before, after)) = open.pop() {
        if before == after {
            continue;
        }
        if found.len() >= most {
            break;
        }
        let mut parts = Vec::new();
        match (before, after) {
            (Some(Value::Object(a)), Some(Value::Object(b))) => {
                let name = |key: &str| {
                    if path.is_empty() {
                        key.to_owned()
                    } else {
                        format!("{path}.{key}")
                    }
                };
                parts.extend(
                    a.iter()
                        .map(|(key, value)| (name(key), Some(value), b.get(key))),
                );
                let added = b.iter().filter(|(key, _)| !a.contains_key(*key));
                parts.extend(added.map(|(key, value)| (name(key), None, Some(value))));
            }
            (Some(Value::Array(a)), Some(Value::Array(b))) => {
                let rows = 0..a.len().max(b.len());
                parts.extend(rows.map(|at| (format!("{path}[{at}]"), a.get(at), b.get(at))));
            }
            _ => found.push(Change {
                path,
                before: before.cloned(),
                after: after.cloned(),
            }),
        }
        open.extend(parts.into_iter().rev());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn no_more_places_are_named_than_asked_for() {
        let before = json!({"a": 1, "b": 2, "c": 3});
        assert_eq!(changes(&before, &json!({}), 2).len(), 2);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0..4).prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 20, 4, |part| {
            prop_oneof![
                prop::collection::vec(part.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab]", part, 0..3)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_is_named_exactly_where_nothing_differs(a in value(), b in value()) {
            prop_assert_eq!(changes(&a, &b, usize::MAX).is_empty(), a == b);
            prop_assert!(changes(&a, &a, usize::MAX).is_empty());
            prop_assert_eq!(changes(&a, &b, usize::MAX).len(), changes(&b, &a, usize::MAX).len());
        }
    }
}
