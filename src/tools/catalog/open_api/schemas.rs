//! The schemas of a document as JSON Schemas that stand alone.

use super::Document;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The most bytes of a schema with all that it refers to: each tool has its own copy.
const MAX_BYTES: usize = 256 << 10;

/// Keywords that say nothing about a value.
const LEFT_OUT: [&str; 5] = [
    "nullable",
    "discriminator",
    "xml",
    "externalDocs",
    "example",
];

/// Keywords whose members are schemas by name.
const OF_SCHEMAS: [&str; 5] = [
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
];

/// A schema without what it refers to.
#[derive(Clone, Debug, Default)]
pub(super) struct Schema {
    pub value: Value,
    /// The places of the document that it refers to.
    pub refers_to: BTreeSet<String>,
}

/// A schema that takes anything.
pub(super) fn anything() -> Value {
    json!({})
}

/// A copy of a schema of the document; where it is a reference, of what that leads to.
pub(super) fn copied(document: &Document<'_>, schema: &Value) -> Result<Schema, String> {
    let mut refers_to = BTreeSet::new();
    let has_siblings = schema.as_object().is_some_and(|object| object.len() > 1);
    let target = match schema["$ref"].as_str().filter(|_| !has_siblings) {
        Some(reference) => document.resolve(document.at(reference)?)?,
        None => schema,
    };
    let value = copy(target, &mut refers_to);
    Ok(Schema { value, refers_to })
}

impl Schema {
    /// The schema with everything that it refers to; `None` where that is too large, or not a valid JSON Schema.
    pub(super) fn whole(mut self, document: &Document<'_>) -> Result<Option<Value>, String> {
        let mut definitions = Map::new();
        let mut bytes = self.value.to_string().len();
        while let Some(reference) = self.refers_to.pop_first() {
            let name = name_of(&reference);
            if definitions.contains_key(&name) {
                continue;
            }
            let mut more = BTreeSet::new();
            let definition = copy(document.at(&reference)?, &mut more);
            bytes += definition.to_string().len();
            if bytes > MAX_BYTES {
                return Ok(None);
            }
            definitions.insert(name, definition);
            self.refers_to.extend(more);
        }
        let mut value = match self.value {
            Value::Null => anything(),
            value => value,
        };
        if let Some(object) = value.as_object_mut().filter(|_| !definitions.is_empty()) {
            object.insert("$defs".to_owned(), definitions.into());
        }
        let is_valid = value.is_object() && crate::text::schema::fault(&value).is_none();
        Ok(is_valid.then_some(value))
    }
}

/// The name under which a definition stands.
fn name_of(reference: &str) -> String {
    let short = reference.strip_prefix("#/components/schemas/");
    let name = short.unwrap_or(reference.trim_start_matches(['#', '/']));
    name.replace(['/', '~', '%', '#'], "_")
}

/// A copy of a schema in the words of JSON Schema 2020-12, with references to `$defs`.
fn copy(schema: &Value, refers_to: &mut BTreeSet<String>) -> Value {
    // What is read is nested at most 100 levels deep.
    let Some(object) = schema.as_object() else {
        return schema.clone();
    };
    let mut result = Map::with_capacity(object.len());
    for (key, value) in object {
        match (key.as_str(), value) {
            ("$ref", Value::String(reference)) => {
                let name = name_of(reference);
                refers_to.insert(reference.clone());
                result.insert(key.clone(), format!("#/$defs/{name}").into());
            }
            (key, _) if LEFT_OUT.contains(&key) => {}
            // In OpenAPI 3.0 they say how `minimum` and `maximum` are meant.
            ("exclusiveMinimum" | "exclusiveMaximum", Value::Bool(_)) => {}
            ("minimum", _) if object.get("exclusiveMinimum") == Some(&Value::Bool(true)) => {
                result.insert("exclusiveMinimum".to_owned(), value.clone());
            }
            ("maximum", _) if object.get("exclusiveMaximum") == Some(&Value::Bool(true)) => {
                result.insert("exclusiveMaximum".to_owned(), value.clone());
            }
            ("enum" | "const" | "default" | "examples" | "required", _) => {
                result.insert(key.clone(), value.clone());
            }
            (key, Value::Object(members)) if OF_SCHEMAS.contains(&key) => {
                let mut copies = Map::with_capacity(members.len());
                for (name, member) in members {
                    copies.insert(name.clone(), copy(member, refers_to));
                }
                result.insert(key.to_owned(), copies.into());
            }
            (key, Value::Object(_)) if !key.starts_with("x-") => {
                result.insert(key.to_owned(), copy(value, refers_to));
            }
            (key, Value::Array(items)) if !key.starts_with("x-") => {
                let items = items.iter().map(|item| copy(item, refers_to));
                result.insert(key.to_owned(), items.collect::<Vec<_>>().into());
            }
            (key, _) if key.starts_with("x-") => {}
            _ => drop(result.insert(key.clone(), value.clone())),
        }
    }
    if let Some(example) = object.get("example") {
        result.entry("examples").or_insert_with(|| json!([example]));
    }
    if object.get("nullable") == Some(&Value::Bool(true)) {
        or_null(result)
    } else {
        result.into()
    }
}

/// The same schema, for null too.
fn or_null(mut schema: Map<String, Value>) -> Value {
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut)
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    match schema.get_mut("type") {
        Some(kind @ Value::String(_)) => {
            *kind = json!([kind.take(), "null"]);
            schema.into()
        }
        _ => json!({"anyOf": [schema, {"type": "null"}]}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(root: &Value, schema: &Value) -> Value {
        let document = Document {
            root,
            prefix: String::new(),
        };
        let copied = copied(&document, schema).unwrap();
        copied.whole(&document).unwrap().unwrap()
    }

    #[test]
    fn a_schema_brings_all_that_it_refers_to() {
        let root = json!({"components": {"schemas": {
            "Tree": {"type": "object", "properties": {"left": {"$ref": "#/components/schemas/Tree"}, "leaf": {"$ref": "#/components/schemas/Leaf"}}},
            "Leaf": {"type": "string", "nullable": true, "example": "a"},
            "Other": {"type": "integer"},
        }}});
        let tree = whole(&root, &json!({"$ref": "#/components/schemas/Tree"}));
        assert_eq!(tree["properties"]["left"], json!({"$ref": "#/$defs/Tree"}));
        let names: Vec<&String> = tree["$defs"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["Leaf", "Tree"]);
        assert_eq!(
            tree["$defs"]["Leaf"],
            json!({"type": ["string", "null"], "examples": ["a"]})
        );
    }

    #[test]
    fn words_of_older_versions_are_translated() {
        let root = json!({});
        let number = json!({"type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false});
        assert_eq!(
            whole(&root, &number),
            json!({"type": "number", "exclusiveMinimum": 0, "maximum": 9})
        );
        let any =
            json!({"oneOf": [{"type": "string"}], "nullable": true, "x-note": {"$ref": "gone"}});
        assert_eq!(
            whole(&root, &any),
            json!({"anyOf": [{"oneOf": [{"type": "string"}]}, {"type": "null"}]})
        );
        let named = json!({"properties": {"nullable": {"type": "string"}, "example": {"enum": ["a"], "type": "string", "nullable": true}}});
        assert_eq!(
            whole(&root, &named),
            json!({"properties": {"nullable": {"type": "string"}, "example": {"enum": ["a", null], "type": ["string", "null"]}}})
        );
    }
}
