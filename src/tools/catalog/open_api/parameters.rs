//! The parameters of the tool that an operation becomes.

use super::schemas::{self, Schema};
use super::{Document, add_sentence, plain_name};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Where a parameter stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

impl Place {
    pub(super) fn of(parameter: &Value) -> Option<Self> {
        Some(match parameter["in"].as_str()? {
            "path" => Self::Path,
            "query" => Self::Query,
            "header" => Self::Header,
            "cookie" => Self::Cookie,
            _ => return None,
        })
    }

    /// The word that documents have for it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }

    /// What becomes of a parameter that is written in a way that is not supported.
    pub(super) fn unsupported_style(self, parameter: &Value) -> Option<String> {
        let usual = match self {
            Self::Path | Self::Header => "simple",
            Self::Query | Self::Cookie => "form",
        };
        let style = parameter["style"].as_str().unwrap_or(usual);
        if style != usual {
            let style = crate::text::message::quote(style, 40);
            return Some(format!(
                "has the style \"{style}\", and is written in the style \"{usual}\""
            ));
        }
        let is_list = parameter["schema"]["type"] == "array";
        let is_joined = parameter["explode"] == false && self == Self::Query;
        (is_list && is_joined)
            .then(|| "is a list to be joined by commas; give it as one text".to_owned())
    }
}

/// The parameters of a tool, by their names.
#[derive(Default)]
pub(super) struct Parameters {
    properties: Map<String, Value>,
    required: BTreeSet<String>,
    /// The schemas that theirs refer to.
    refers_to: BTreeSet<String>,
    /// What stands for the parameters of the path.
    path: Vec<(String, String)>,
}

impl Parameters {
    /// Adds a parameter; gives the name that it has for the tool, which can stand in a template.
    pub(super) fn add(
        &mut self,
        name: &str,
        described: &Value,
        schema: Schema,
        is_required: bool,
    ) -> String {
        let plain = plain_name(name);
        let base = if plain.is_empty() {
            "parameter"
        } else {
            &plain
        };
        let mut alias = base.to_owned();
        for number in 2.. {
            if !self.properties.contains_key(&alias) {
                break;
            }
            alias = format!("{base}_{number}");
        }
        let mut schema_value = match schema.value {
            Value::Null => schemas::anything(),
            given => given,
        };
        if let (Some(object), Some(words)) = (
            schema_value.as_object_mut(),
            described["description"].as_str(),
        ) {
            let known = object.get("description").and_then(Value::as_str);
            let mut text = words.to_owned();
            add_sentence(
                &mut text,
                known
                    .filter(|known| !words.contains(known))
                    .unwrap_or_default(),
            );
            object.insert("description".to_owned(), text.into());
        }
        self.properties.insert(alias.clone(), schema_value);
        self.refers_to.extend(schema.refers_to);
        if is_required || described["required"] == true {
            self.required.insert(alias.clone());
        }
        alias
    }

    /// Notes what stands for a parameter of the path.
    pub(super) fn in_path(&mut self, name: &str, reference: &str) {
        self.path
            .push((format!("{{{name}}}"), reference.to_owned()));
    }

    /// The path with its parameters.
    pub(super) fn path(&self, path: &str) -> Result<String, String> {
        let mut filled = path.to_owned();
        for (name, reference) in &self.path {
            filled = filled.replace(name, reference);
        }
        let without = filled.replace("{{", "").replace("}}", "");
        match without.find('{') {
            None => Ok(filled),
            Some(at) => {
                let name = crate::text::message::quote(&without[at..], 60);
                Err(format!(
                    "the path has {name}, and no such parameter is described"
                ))
            }
        }
    }

    /// Takes over the fields of a body as parameters of their own; whether that is possible.
    pub(super) fn take_fields(&mut self, schema: &Schema, is_required: bool) -> bool {
        let plain = [
            "type",
            "properties",
            "required",
            "description",
            "title",
            "additionalProperties",
            "examples",
        ];
        let Some(object) = schema.value.as_object() else {
            return false;
        };
        let is_plain = object.keys().all(|key| plain.contains(&&**key));
        let Some(fields) = object.get("properties").and_then(Value::as_object) else {
            return false;
        };
        let is_free = fields
            .keys()
            .all(|name| !self.properties.contains_key(name));
        let is_open = object
            .get("additionalProperties")
            .is_some_and(|more| *more != false);
        if !is_plain || !is_free || is_open || fields.is_empty() {
            return false;
        }
        self.properties.extend(fields.clone());
        self.refers_to.extend(schema.refers_to.iter().cloned());
        if is_required {
            let required = object.get("required").and_then(Value::as_array);
            let names = required.into_iter().flatten().filter_map(Value::as_str);
            self.required.extend(names.map(str::to_owned));
        }
        true
    }

    /// The schema of the parameters together.
    pub(super) fn schema(
        &self,
        document: &Document<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Value, String> {
        let required: Vec<&String> = self.required.iter().collect();
        let whole = Schema {
            value: json!({"type": "object", "properties": self.properties, "required": required}),
            refers_to: self.refers_to.clone(),
        };
        if let Some(whole) = whole.whole(document)? {
            return Ok(whole);
        }
        warnings.push(
            "the schema of its parameters is too large, or not valid; they are taken as they are"
                .to_owned(),
        );
        let names = self.properties.keys().map(|name| (name.clone(), json!({})));
        let bare = Schema {
            value: json!({"type": "object", "properties": names.collect::<Map<_, _>>(), "required": required}),
            refers_to: BTreeSet::new(),
        };
        Ok(bare.whole(document)?.unwrap_or_else(schemas::anything))
    }
}
