//! The JSON Schema of an answer, in the forms that structured output requires.
//!
//! Servers require an object at the root, and in strict mode a subset of JSON Schema: nothing refers to another place,
//! every object is closed and has all its members required. A schema is converted to that subset where it can be: an
//! optional member becomes one that may be null, and what the subset does not have is left out. Answers are validated
//! against the schema as it was written, so nothing that is left out is lost.

use super::estimate;
use serde_json::{Map, Value, json};

/// The maximum of schemas inside one that is converted. References can make a short schema very large.
const MAX_NODES: usize = 4_000;

/// The maximum depth of a schema that is converted.
const MAX_DEPTH: usize = 64;

/// The formats of texts that strict modes accept.
const FORMATS: [&str; 9] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uuid",
];

/// What a strict mode accepts beside types, members, choices and descriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subset {
    /// Bounds of numbers and lists, patterns and formats.
    pub(crate) constraints: bool,
    /// Members that are not required.
    pub(crate) optional: bool,
}

/// A schema in the forms in which it can be sent.
#[derive(Clone, Debug)]
pub(crate) struct SentSchema {
    open: Value,
    strict: Option<Value>,
}

impl SentSchema {
    /// The forms of `schema` for a server whose strict mode accepts `subset`.
    pub(crate) fn new(schema: &Value, subset: Subset) -> Self {
        let open = with_object_root(schema);
        let mut converter = Converter {
            root: &open,
            subset,
            nodes: 0,
            depth: 0,
            references: Vec::new(),
        };
        let strict = converter.convert(&open);
        Self { open, strict }
    }

    /// With an object at its root, else as it was written. A list or a plain value is the member `output` of the object.
    pub(crate) fn open(&self) -> &Value {
        &self.open
    }

    /// In the subset of strict modes; `None` where that cannot say it, as for objects with any members.
    pub(crate) fn strict(&self) -> Option<&Value> {
        self.strict.as_ref()
    }

    /// An upper bound of the tokens of the longest form.
    pub(crate) fn max_tokens(&self) -> u64 {
        let strict = self
            .strict()
            .map_or(0, |schema| estimate::tokens(&schema.to_string()));
        estimate::tokens(&self.open.to_string()).max(strict)
    }
}

fn with_object_root(schema: &Value) -> Value {
    if schema.get("type") == Some(&Value::from("object")) {
        return schema.clone();
    }
    let mut root = json!({"type": "object", "properties": {"output": schema}, "required": ["output"], "additionalProperties": false});
    for definitions in ["$defs", "definitions"] {
        if let Some(found) = schema.get(definitions) {
            root[definitions] = found.clone();
        }
    }
    root
}

struct Converter<'a> {
    root: &'a Value,
    subset: Subset,
    nodes: usize,
    depth: usize,
    /// The references that are being followed.
    references: Vec<&'a str>,
}

impl<'a> Converter<'a> {
    /// The schema in the subset; `None` where the subset cannot say it.
    fn convert(&mut self, schema: &'a Value) -> Option<Value> {
        self.nodes += 1;
        if self.nodes > MAX_NODES || self.depth == MAX_DEPTH {
            return None;
        }
        let fields = schema.as_object()?;
        self.depth += 1;
        let converted = self.convert_fields(fields);
        self.depth -= 1;
        converted
    }

    fn convert_fields(&mut self, fields: &'a Map<String, Value>) -> Option<Value> {
        if let Some(reference) = fields.get("$ref") {
            return self.follow(reference.as_str()?, fields);
        }
        if let Some(all) = fields.get("allOf").and_then(Value::as_array) {
            // One that is alone is how many programs write a reference with a description.
            let [only] = all.as_slice() else { return None };
            if fields.contains_key("properties") || fields.contains_key("type") {
                return None;
            }
            return Some(described(self.convert(only)?, fields));
        }
        let choices = fields.get("anyOf").or_else(|| fields.get("oneOf"));
        if let Some(choices) = choices.filter(|_| !fields.contains_key("properties")) {
            let choices = choices.as_array()?.iter();
            let choices: Option<Vec<Value>> = choices.map(|choice| self.convert(choice)).collect();
            return Some(described(json!({"anyOf": choices?}), fields));
        }
        let mut converted = Map::new();
        self.values(fields, &mut converted)?;
        if is_a(&converted, "object") {
            self.members(fields, &mut converted)?;
        }
        if is_a(&converted, "array") {
            let items = self.convert(fields.get("items")?)?;
            converted.insert("items".to_owned(), items);
        }
        Some(described(Value::Object(converted), fields))
    }

    fn follow(&mut self, reference: &'a str, fields: &Map<String, Value>) -> Option<Value> {
        let target = self.root.pointer(reference.strip_prefix('#')?)?;
        if self.references.contains(&reference) {
            return None;
        }
        self.references.push(reference);
        let converted = self.convert(target);
        self.references.pop();
        Some(described(converted?, fields))
    }

    /// The type, the choices and, where the subset has them, the constraints of a value.
    fn values(
        &self,
        fields: &Map<String, Value>,
        converted: &mut Map<String, Value>,
    ) -> Option<()> {
        let choices = fields.get("enum").and_then(Value::as_array);
        let kind = fields.get("type").cloned().or_else(|| {
            let constant = fields.get("const").map(std::slice::from_ref);
            let of_choices = constant
                .or(choices.map(Vec::as_slice))
                .and_then(type_of_all);
            let structure = [("properties", "object"), ("items", "array")];
            let of_fields = structure
                .into_iter()
                .find(|(field, _)| fields.contains_key(*field));
            of_choices
                .or(of_fields.map(|(_, kind)| kind))
                .map(Value::from)
        });
        converted.insert("type".to_owned(), kind?);
        let mut keep = |names: &[&str]| {
            for name in names {
                if let Some(value) = fields.get(*name) {
                    converted.insert((*name).to_owned(), value.clone());
                }
            }
        };
        keep(&["enum", "const"]);
        if self.subset.constraints {
            keep(&[
                "minimum",
                "maximum",
                "exclusiveMinimum",
                "exclusiveMaximum",
                "multipleOf",
                "minItems",
                "maxItems",
                "pattern",
            ]);
            let format = fields.get("format").and_then(Value::as_str);
            if format.is_some_and(|format| FORMATS.contains(&format)) {
                keep(&["format"]);
            }
        }
        Some(())
    }

    fn members(
        &mut self,
        fields: &'a Map<String, Value>,
        converted: &mut Map<String, Value>,
    ) -> Option<()> {
        let others = fields.get("additionalProperties");
        let is_map =
            others.is_some_and(Value::is_object) || fields.contains_key("patternProperties");
        let members = fields.get("properties").and_then(Value::as_object);
        let is_closed = others == Some(&Value::Bool(false));
        if is_map || members.is_none() && !is_closed {
            return None;
        }
        let required = fields.get("required").and_then(Value::as_array);
        let is_required = |name: &str| {
            required.is_some_and(|names| names.iter().any(|required| required == name))
        };
        let mut properties = Map::new();
        for (name, schema) in members.into_iter().flatten() {
            let schema = match self.convert(schema)? {
                schema if self.subset.optional || is_required(name) => schema,
                schema => nullable(schema),
            };
            properties.insert(name.clone(), schema);
        }
        let required: Vec<Value> = properties
            .keys()
            .filter(|name| !self.subset.optional || is_required(name))
            .map(|name| Value::from(name.as_str()))
            .collect();
        converted.insert("properties".to_owned(), Value::Object(properties));
        converted.insert("required".to_owned(), required.into());
        converted.insert("additionalProperties".to_owned(), false.into());
        Some(())
    }
}

/// The schema with the description in `fields`, which is nearer.
fn described(mut schema: Value, fields: &Map<String, Value>) -> Value {
    if let Some(description) = fields.get("description").filter(|text| text.is_string()) {
        schema["description"] = description.clone();
    }
    schema
}

/// Whether a schema has this type, alone or among others.
fn is_a(schema: &Map<String, Value>, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => false,
    }
}

/// The type that all these values have.
fn type_of_all(values: &[Value]) -> Option<&'static str> {
    let kind = |value: &Value| match value {
        Value::String(_) => Some("string"),
        Value::Bool(_) => Some("boolean"),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some("integer"),
        Value::Number(_) => Some("number"),
        Value::Null => Some("null"),
        _ => None,
    };
    let first = kind(values.first()?)?;
    values
        .iter()
        .all(|value| kind(value) == Some(first))
        .then_some(first)
}

/// The same schema, or null.
fn nullable(mut schema: Value) -> Value {
    let plain = schema.get("const").is_none();
    match schema.get_mut("type") {
        Some(Value::String(kind)) if plain => {
            let kind = std::mem::take(kind);
            if kind == "null" {
                schema["type"] = kind.into();
                return schema;
            }
            schema["type"] = json!([kind, "null"]);
        }
        Some(Value::Array(kinds)) if plain => {
            if !kinds.iter().any(|kind| kind == "null") {
                kinds.push("null".into());
            }
        }
        _ => return json!({"anyOf": [schema, {"type": "null"}]}),
    }
    if let Some(choices) = schema.get_mut("enum").and_then(Value::as_array_mut)
        && !choices.contains(&Value::Null)
    {
        choices.push(Value::Null);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_REQUIRED: Subset = Subset {
        constraints: true,
        optional: false,
    };

    fn strict(schema: &Value) -> Option<Value> {
        SentSchema::new(schema, ALL_REQUIRED).strict().cloned()
    }

    #[test]
    fn every_object_is_closed_and_its_optional_members_may_be_null() {
        let schema = json!({"type": "object", "title": "Bill", "properties": {
            "total": {"type": "number", "minimum": 0},
            "kind": {"type": "string", "enum": ["till", "web"], "default": "till"},
            "only": {"const": 7},
            "shop": {"type": "object", "properties": {"name": {"type": "string", "minLength": 1}}}},
            "required": ["total"]});
        assert_eq!(
            strict(&schema).unwrap(),
            json!({"type": "object", "properties": {
                "total": {"type": "number", "minimum": 0},
                "kind": {"type": ["string", "null"], "enum": ["till", "web", null]},
                "only": {"anyOf": [{"type": "integer", "const": 7}, {"type": "null"}]},
                "shop": {"type": ["object", "null"], "properties": {"name": {"type": ["string", "null"]}},
                    "required": ["name"], "additionalProperties": false}},
                "required": ["total", "kind", "only", "shop"], "additionalProperties": false})
        );
        let loose = Subset {
            constraints: false,
            optional: true,
        };
        let converted = SentSchema::new(&schema, loose);
        let converted = converted.strict().unwrap();
        assert_eq!(converted["required"], json!(["total"]));
        assert_eq!(converted["properties"]["total"], json!({"type": "number"}));
    }

    #[test]
    fn references_are_replaced_by_what_they_refer_to() {
        let schema = json!({"type": "array", "items": {"$ref": "#/$defs/line", "description": "A line."},
            "$defs": {"line": {"type": "object", "properties": {"price": {"$ref": "#/$defs/amount"}},
                "required": ["price"]}, "amount": {"type": "number"}}});
        assert_eq!(
            strict(&schema).unwrap()["properties"]["output"],
            json!({"type": "array", "items": {"type": "object", "description": "A line.",
                "properties": {"price": {"type": "number"}}, "required": ["price"],
                "additionalProperties": false}})
        );
    }

    #[test]
    fn what_the_subset_cannot_say_is_not_strict() {
        for schema in [
            json!({"type": "object"}),
            json!({"type": "object", "properties": {"any": {}}}),
            json!({"type": "object", "additionalProperties": {"type": "number"}}),
            json!({"type": "object", "properties": {"list": {"type": "array"}}}),
            json!({"type": "object", "properties": {"a": {"$ref": "other.json"}}}),
            json!({"type": "array", "items": {"$ref": "#/items"}}),
            json!({"type": "object", "properties": {"next": {"$ref": "#"}}}),
            json!({"allOf": [{"type": "object"}, {"type": "object"}]}),
            json!(true),
        ] {
            assert_eq!(strict(&schema), None, "{schema}");
        }
        // Each definition has two of the next: 2^40 schemas.
        let mut definitions = Map::new();
        for level in 0..40 {
            let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
            definitions.insert(
                level.to_string(),
                json!({"type": "object", "properties": {"a": next, "b": next}}),
            );
        }
        definitions.insert("40".to_owned(), json!({"type": "string"}));
        assert_eq!(
            strict(&json!({"$ref": "#/$defs/0", "$defs": definitions})),
            None
        );
    }

    #[test]
    fn choices_stay_choices() {
        let schema = json!({"type": "object", "properties": {
            "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            "one": {"allOf": [{"$ref": "#/$defs/name"}], "description": "Who."},
            "word": {"enum": ["a", "b"]}},
            "required": ["either", "one", "word"], "$defs": {"name": {"type": "string"}}});
        let properties = &strict(&schema).unwrap()["properties"];
        assert_eq!(
            properties["either"],
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}]})
        );
        assert_eq!(
            properties["one"],
            json!({"type": "string", "description": "Who."})
        );
        assert_eq!(
            properties["word"],
            json!({"type": "string", "enum": ["a", "b"]})
        );
    }
}
