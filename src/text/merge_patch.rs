//! Changes of a JSON object as a merge patch (RFC 7396): members that are given replace, and null removes.

use serde_json::{Map, Value};

/// The object with the change. Members keep their order, and new ones come last.
pub(crate) fn patched(
    before: &Map<String, Value>,
    patch: &Map<String, Value>,
) -> Map<String, Value> {
    let mut after = before.clone();
    for (name, change) in patch {
        match change {
            Value::Null => drop(after.shift_remove(name)),
            Value::Object(change) => {
                let known = after.get(name).and_then(Value::as_object);
                let member = patched(known.unwrap_or(&Map::new()), change);
                after.insert(name.clone(), Value::Object(member));
            }
            other => drop(after.insert(name.clone(), other.clone())),
        }
    }
    after
}

/// The change that makes one object of another; `None` where no such change does, because a member is to be null that
/// was not.
pub(crate) fn patch_between(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let mut patch: Map<String, Value> = gone.map(|name| (name.clone(), Value::Null)).collect();
    for (name, wanted) in after {
        let known = before.get(name);
        let change = match (known, wanted) {
            (Some(known), wanted) if known == wanted => continue,
            (_, Value::Null) => return None,
            (Some(Value::Object(known)), Value::Object(wanted)) => {
                Value::Object(patch_between(known, wanted)?)
            }
            (_, Value::Object(wanted)) => Value::Object(patch_between(&Map::new(), wanted)?),
            (_, other) => other.clone(),
        };
        patch.insert(name.clone(), change);
    }
    Some(patch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    /// Values of a few names, so that objects have much in common; lists hold nulls, and with `nulls` objects do.
    fn value(nulls: bool) -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0..3).prop_map(Value::from),
            "[ab]{0,2}".prop_map(Value::from),
            vec(
                prop_oneof![Just(Value::Null), (0..3).prop_map(Value::from)],
                0..3
            )
            .prop_map(Value::from),
        ];
        let leaf = if nulls {
            prop_oneof![3 => leaf, 1 => Just(Value::Null)].boxed()
        } else {
            leaf.boxed()
        };
        leaf.prop_recursive(3, 20, 4, |inner| {
            btree_map("[abc]", inner, 0..4).prop_map(|all| Value::Object(all.into_iter().collect()))
        })
    }

    fn members(nulls: bool) -> impl Strategy<Value = Map<String, Value>> {
        btree_map("[abc]", value(nulls), 0..4).prop_map(|all| all.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_change_makes_of_one_what_the_other_is(before in members(true), after in members(false)) {
            let patch = patch_between(&before, &after);
            prop_assert_eq!(patched(&before, &patch.unwrap()), after);
        }

        #[test]
        fn a_null_that_is_new_is_never_lost(before in members(true), after in members(true)) {
            if let Some(patch) = patch_between(&before, &after) {
                prop_assert_eq!(patched(&before, &patch), after);
            }
        }
    }

    #[test]
    fn the_examples_of_the_standard() {
        for (before, patch, after) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            assert_eq!(patched(&object(before), &object(patch)), object(after));
        }
    }
}
