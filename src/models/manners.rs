//! What servers of the chat-completions format take, and how a request is put for each.

use super::chat::ChatRequest;
use serde_json::{Map, Value, json};

/// What a server takes for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manners {
    pub(super) format: Format,
    /// `max_completion_tokens` instead of `max_tokens`.
    pub(super) completion_tokens: bool,
    pub(super) temperature: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Strict,
    Schema,
    Object,
    Text,
}

impl Manners {
    /// What is tried first.
    pub(super) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let reasons = ["o1", "o3", "o4", "gpt-5"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        Self {
            format: Format::Strict,
            completion_tokens: reasons,
            temperature: !reasons,
        }
    }

    /// What to try after a refusal that says `said`; `None` where nothing is left to change.
    pub(super) fn after(self, said: &str, with_schema: bool) -> Option<Self> {
        let said = said.to_ascii_lowercase();
        if said.contains("max_completion_tokens") && !self.completion_tokens {
            return Some(Self {
                completion_tokens: true,
                ..self
            });
        }
        if said.contains("max_completion_tokens") && self.completion_tokens {
            return Some(Self {
                completion_tokens: false,
                ..self
            });
        }
        if said.contains("temperature") && self.temperature {
            return Some(Self {
                temperature: false,
                ..self
            });
        }
        if !with_schema || !is_about_the_form(&said) {
            return None;
        }
        let format = match self.format {
            Format::Strict => Format::Schema,
            Format::Schema => Format::Object,
            Format::Object => Format::Text,
            Format::Text => return None,
        };
        Some(Self { format, ..self })
    }
}

/// Whether a refusal can be about the form of the answer that was asked for. Anything else (a prompt that is too
/// long, a model that is not there) is refused in every form, and is said at once.
fn is_about_the_form(said: &str) -> bool {
    [
        "format",
        "schema",
        "json",
        "strict",
        "grammar",
        "support",
        "unknown",
        "unrecogni",
        "unexpected",
        "extra",
        "not permitted",
        "not allowed",
    ]
    .iter()
    .any(|word| said.contains(word))
}

pub(super) fn payload(request: &ChatRequest, manners: Manners) -> Value {
    let messages: Vec<Value> = request
        .messages
        .iter()
        .map(|(role, text)| json!({"role": role.word(), "content": text}))
        .collect();
    let mut payload = Map::new();
    payload.insert("model".to_owned(), request.model.into());
    payload.insert("messages".to_owned(), messages.into());
    if manners.temperature {
        payload.insert("temperature".to_owned(), 0.into());
    }
    let most = if manners.completion_tokens {
        "max_completion_tokens"
    } else {
        "max_tokens"
    };
    payload.insert(most.to_owned(), request.max_tokens.into());
    if let Some(schema) = request.schema {
        let format = match manners.format {
            Format::Strict => Some(json!({"type": "json_schema",
                "json_schema": {"name": "output", "strict": true, "schema": schema}})),
            Format::Schema => Some(json!({"type": "json_schema",
                "json_schema": {"name": "output", "strict": false, "schema": schema}})),
            Format::Object => Some(json!({"type": "json_object"})),
            Format::Text => None,
        };
        payload.extend(format.map(|format| ("response_format".to_owned(), format)));
    }
    Value::Object(payload)
}

/// Whether a schema keeps the rules of strict output: every object closed and all its properties required.
pub(super) fn is_strict(schema: &Value) -> bool {
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

/// What a schema is sent as: with an object at its root (a list or a plain value goes into its member `output`),
/// and closed where all its members are required, so that it can be strict.
pub fn sendable(schema: &Value) -> Value {
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

    #[test]
    fn refusals_change_one_thing_at_a_time_and_end() {
        let mut manners = Manners::of("gpt-4o-mini");
        let mut seen = vec![manners];
        for said in [
            "use max_completion_tokens",
            "temperature is not supported",
            "bad schema",
            "this model does not support response format `json_schema`",
            "json mode is not enabled",
        ] {
            manners = manners.after(said, true).unwrap();
            assert!(!seen.contains(&manners));
            seen.push(manners);
        }
        assert_eq!(manners.after("bad schema", true), None);
        assert_eq!(Manners::of("gpt-4o").after("bad schema", false), None);
    }

    #[test]
    fn a_refusal_of_the_request_itself_is_not_asked_again_in_another_form() {
        for said in [
            "the prompt is too long",
            "bad request",
            "model not found",
            "",
        ] {
            assert_eq!(Manners::of("gpt-4o").after(said, true), None, "{said}");
        }
    }
}
