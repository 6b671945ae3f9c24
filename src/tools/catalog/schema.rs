//! The JSON Schemas of a tool's parameters and output, from every notation that catalogs use.

use super::read::Reader;
use crate::plan::Severity;
use crate::text::schema;
use crate::tools::definition::ToolDefinition;
use crate::tools::fields::{Fields, type_name};
use serde_json::{Map, Value, json};
use std::sync::Arc;

impl Reader<'_> {
    /// Reads the input and output schema into `tool`.
    pub(super) fn schemas(&mut self, tool: &mut ToolDefinition, fields: &mut Fields) {
        let given = ["input_schema", "inputSchema"]
            .into_iter()
            .find(|field| fields.has(field));
        let input = given.and_then(|field| fields.schema(field));
        let parameters = fields.take("parameters");
        tool.input_schema = input
            .or_else(|| match parameters? {
                Value::Array(list) if list.is_empty() => None,
                Value::Array(list) => Some(self.schema_of(&tool.name, &list)),
                // The function-calling format has a JSON Schema here.
                object @ Value::Object(_) => match schema::fault(&object) {
                    None => Some(object),
                    Some(error) => {
                        fields.fault(
                            "parameters",
                            format!("`parameters` is not a valid JSON Schema: {error}"),
                        );
                        None
                    }
                },
                other => {
                    let got = type_name(&other);
                    fields.fault(
                        "parameters",
                        format!("`parameters` must be a list, not {got}"),
                    );
                    None
                }
            })
            .map(Arc::new);
        let given = ["output_schema", "outputSchema", "returns"]
            .into_iter()
            .find(|field| fields.has(field));
        tool.output_schema = given.and_then(|field| fields.schema(field)).map(Arc::new);
    }

    /// A JSON Schema from ToolWeaver's list of parameters.
    fn schema_of(&mut self, tool: &str, list: &[Value]) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for (at, parameter) in list.iter().enumerate() {
            let Some(name) = parameter.get("name").and_then(Value::as_str) else {
                let place = at + 1;
                self.report(
                    Severity::Error,
                    "bad_field",
                    Some(tool),
                    format!("the parameter at place {place} has no name"),
                );
                continue;
            };
            let mut schema = Map::new();
            match parameter.get("type") {
                Some(Value::String(word)) => match json_type(word) {
                    Some(kind) => {
                        schema.insert("type".to_owned(), kind.into());
                    }
                    None if word == "any" => {}
                    None => {
                        self.report(Severity::Warning, "unknown_type", Some(tool), format!("the parameter \"{name}\" has the type \"{word}\", which is not known; anything is taken"));
                    }
                },
                Some(kinds @ Value::Array(_)) => {
                    schema.insert("type".to_owned(), kinds.clone());
                }
                _ => {}
            }
            for field in [
                "description",
                "enum",
                "properties",
                "items",
                "default",
                "minimum",
                "maximum",
                "pattern",
                "format",
            ] {
                if let Some(value) = parameter.get(field).filter(|value| !value.is_null()) {
                    schema.insert(field.to_owned(), value.clone());
                }
            }
            let schema = Value::Object(schema);
            if let Some(error) = schema::fault(&schema) {
                self.report(
                    Severity::Error,
                    "bad_field",
                    Some(tool),
                    format!("the parameter \"{name}\" has no valid description: {error}"),
                );
            }
            properties.insert(name.to_owned(), schema);
            if parameter.get("required").and_then(Value::as_bool) == Some(true) {
                required.push(Value::from(name));
            }
        }
        json!({"type": "object", "properties": properties, "required": required})
    }
}

fn json_type(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "string" | "str" | "text" => "string",
        "integer" | "int" => "integer",
        "number" | "float" | "double" | "decimal" => "number",
        "boolean" | "bool" => "boolean",
        "object" | "dict" | "map" => "object",
        "array" | "list" | "tuple" => "array",
        "null" | "none" => "null",
        _ => return None,
    })
}
