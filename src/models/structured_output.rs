//! The JSON Schema of an answer, in the form that structured output requires.
//!
//! Servers require an object at the root, and in strict mode every object closed and all its members required.

use serde_json::{Map, Value, json};

/// Whether a schema keeps the rules of strict output: every object closed and all its properties required.
pub(crate) fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            let closed = match fields.get("properties").and_then(Value::as_object) {
                Some(properties) => {
                    let required = fields.get("required").and_then(Value::as_array);
                    fields.get("additionalProperties") == Some(&Value::Bool(false))
                        && required.map_or(0, Vec::len) == properties.len()
                }
                None => fields.get("type") != Some(&Value::from("object")),
            };
            closed
                && fields.iter().all(|(name, value)| {
                    matches!(name.as_str(), "enum" | "const" | "default" | "examples")
                        || is_strict(value)
                })
        }
        Value::Array(items) => items.iter().all(is_strict),
        _ => true,
    }
}

/// The schema as it is sent: with an object at its root (a list or a plain value goes into its member `output`),
/// and closed where all its members are required, so that it can be strict.
pub(crate) fn sendable(schema: &Value) -> Value {
    let is_object = schema.get("type") == Some(&Value::from("object"));
    let mut root = if is_object {
        schema.clone()
    } else {
        let mut root =
            json!({"type": "object", "properties": {"output": schema}, "required": ["output"]});
        for definitions in ["$defs", "definitions"] {
            if let Some(found) = schema.get(definitions) {
                root[definitions] = found.clone();
            }
        }
        root
    };
    close(&mut root);
    root
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let properties = fields
                .get("properties")
                .and_then(Value::as_object)
                .map(Map::len);
            let required = fields
                .get("required")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            if properties == Some(required) && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".to_owned(), false.into());
            }
            for (name, value) in fields.iter_mut() {
                if !matches!(name.as_str(), "enum" | "const" | "default" | "examples") {
                    close(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_sent_as_strict_as_it_allows() {
        let all =
            json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]});
        assert!(is_strict(&sendable(&all)));
        let some = json!({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]});
        assert!(!is_strict(&sendable(&some)));
        assert!(!is_strict(&sendable(&json!({"type": "object"}))));
        let list = sendable(
            &json!({"type": "array", "items": {"$ref": "#/$defs/x"}, "$defs": {"x": {"type": "string"}}}),
        );
        assert_eq!(list["$defs"]["x"]["type"], "string");
        assert_eq!(list["required"], json!(["output"]));
        assert!(is_strict(&list));
    }
}
