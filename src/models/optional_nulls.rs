//! Nulls for members that a schema leaves out.
//!
//! Strict modes require every member, so a schema is sent with its optional members as ones that may be null. A model
//! then writes null for a member that it would leave out.

use serde_json::{Map, Value};

/// The maximum of pairs of a value and a schema that are looked at.
const MAX_STEPS: usize = 100_000;

/// The maximum depth of a schema and its references that is followed.
const MAX_DEPTH: usize = 100;

/// The maximum of references that lead from one to the next.
const MAX_REFERENCES: usize = 16;

/// `value` without its members that are null, not required by `schema`, and not to be null by it; `None` where there are
/// none.
pub(super) fn without_nulls(value: &Value, schema: &Value) -> Option<Value> {
    let mut value = value.clone();
    let mut cleaner = Cleaner {
        root: schema,
        steps: 0,
        changed: false,
    };
    cleaner.clean(&mut value, schema, 0);
    cleaner.changed.then_some(value)
}

struct Cleaner<'a> {
    root: &'a Value,
    /// How many pairs of a value and a schema were looked at.
    steps: usize,
    /// Whether anything was removed.
    changed: bool,
}

impl Cleaner<'_> {
    fn clean(&mut self, value: &mut Value, schema: &Value, depth: usize) {
        self.steps += 1;
        // Choices may refer to themselves.
        if self.steps > MAX_STEPS || depth > MAX_DEPTH {
            return;
        }
        let Some(schema) = resolved(schema, self.root) else {
            return;
        };
        for choices in ["anyOf", "oneOf", "allOf"] {
            let choices = schema.get(choices).and_then(Value::as_array);
            for choice in choices.into_iter().flatten() {
                self.clean(value, choice, depth + 1);
            }
        }
        match value {
            Value::Object(members) => {
                if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                    self.clean_members(members, properties, schema, depth);
                }
            }
            Value::Array(items) => {
                if let Some(of_items) = schema.get("items") {
                    for item in items {
                        self.clean(item, of_items, depth + 1);
                    }
                }
            }
            _ => {}
        }
    }

    fn clean_members(
        &mut self,
        members: &mut Map<String, Value>,
        properties: &Map<String, Value>,
        schema: &Map<String, Value>,
        depth: usize,
    ) {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| {
            required.is_some_and(|names| names.iter().any(|required| required == name))
        };
        let before = members.len();
        members.retain(|name, value| {
            let unwanted = properties
                .get(name)
                .is_some_and(|schema| !accepts_null(schema, self.root));
            !(value.is_null() && unwanted && !is_required(name))
        });
        self.changed |= members.len() < before;
        for (name, value) in members {
            if let Some(schema) = properties.get(name) {
                self.clean(value, schema, depth + 1);
            }
        }
    }
}

/// Whether null can be valid, as far as the schema says it plainly.
fn accepts_null(schema: &Value, root: &Value) -> bool {
    let Some(fields) = resolved(schema, root) else {
        return true;
    };
    let is_null = |kind: &Value| kind == "null";
    if let Some(kind) = fields.get("type") {
        return is_null(kind)
            || kind
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(is_null));
    }
    if let Some(choices) = fields.get("enum").and_then(Value::as_array) {
        return choices.contains(&Value::Null);
    }
    if let Some(constant) = fields.get("const") {
        return constant.is_null();
    }
    let choices = fields.get("anyOf").or_else(|| fields.get("oneOf"));
    choices.and_then(Value::as_array).is_none_or(|choices| {
        choices.iter().any(|choice| {
            let is_reference = choice.get("$ref").is_some();
            is_reference || accepts_null(choice, root)
        })
    })
}

/// The fields of a schema, or of what it refers to.
fn resolved<'a>(mut schema: &'a Value, root: &'a Value) -> Option<&'a Map<String, Value>> {
    for _ in 0..MAX_REFERENCES {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => schema = root.pointer(reference.strip_prefix('#')?)?,
            None => return schema.as_object(),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_optional_member_may_be_null() {
        let schema = json!({"type": "object", "required": ["n"], "properties": {
            "n": {"type": "integer"}, "note": {"$ref": "#/$defs/note"}, "free": {"type": ["string", "null"]},
            "any": {}, "choice": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "lines": {"type": "array", "items": {"properties": {"price": {"enum": [1, 2]}}}}},
            "$defs": {"note": {"type": "string"}}});
        let value = json!({"n": null, "note": null, "free": null, "any": null, "choice": null, "other": null,
            "lines": [{"price": null}, {"price": 1}]});
        assert_eq!(
            without_nulls(&value, &schema),
            Some(
                json!({"n": null, "free": null, "any": null, "other": null, "lines": [{}, {"price": 1}]})
            )
        );
        assert_eq!(without_nulls(&json!({"n": 1, "note": "x"}), &schema), None);
    }

    #[test]
    fn references_in_circles_end() {
        let schema = json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}});
        assert_eq!(without_nulls(&json!({"x": null}), &schema), None);
        let tree = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        let value = json!({"next": {"next": {"next": null}}});
        assert_eq!(
            without_nulls(&value, &tree),
            Some(json!({"next": {"next": {}}}))
        );
        let itself = json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]});
        assert_eq!(without_nulls(&json!(1), &itself), None);
    }
}
