//! Reading a model's answer as an output.

use crate::text::json;
use serde_json::Value;

/// Deeper nesting is refused before anything recurses over it.
const MAX_DEPTH: usize = 120;

/// The maximum of violations in one message.
const MAX_VIOLATIONS: usize = 5;

/// What is wrong with a JSON Schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(String);

/// A compiled output schema.
#[derive(Debug)]
pub struct OutputSchema {
    schema: Value,
    validator: jsonschema::Validator,
}

impl OutputSchema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn new(schema: &Value) -> Result<Self, SchemaError> {
        let validator =
            jsonschema::validator_for(schema).map_err(|error| SchemaError(error.to_string()))?;
        Ok(Self {
            schema: schema.clone(),
            validator,
        })
    }

    /// The schema itself.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// What is wrong with `value`, one violation a line; `None` where it is valid.
    pub fn violation(&self, value: &Value) -> Option<String> {
        if self.validator.is_valid(value) {
            return None;
        }
        let faults: Vec<String> = self
            .validator
            .iter_errors(value)
            .take(MAX_VIOLATIONS)
            .map(|error| {
                let path = error.instance_path().to_string();
                let place = if path.is_empty() {
                    "the value"
                } else {
                    path.as_str()
                };
                let message: String = error.to_string().chars().take(300).collect();
                format!("{place}: {message}")
            })
            .collect();
        Some(faults.join("\n"))
    }
}

/// The output in `text`. With a schema it is the first JSON in the text that is valid against it, if need be after a
/// repair; the error says what is wrong with the best candidate. Without a schema it is JSON where the whole text is
/// valid JSON, else the text.
pub(super) fn read(text: &str, schema: Option<&OutputSchema>) -> Result<Value, String> {
    let trimmed = text.trim();
    let Some(schema) = schema else {
        let inner = fenced(trimmed)
            .filter(|inner| trimmed.len() - inner.len() < 20)
            .unwrap_or(trimmed);
        return Ok(parse(inner).unwrap_or_else(|| Value::String(trimmed.to_owned())));
    };
    let mut violation = None;
    let candidates: Vec<&str> = [Some(trimmed), fenced(trimmed), balanced(trimmed)]
        .into_iter()
        .flatten()
        .collect();
    let strict = candidates.iter().map(|text| parse(text));
    let repaired = candidates.iter().rev().map(|text| repair(text));
    for value in strict.chain(repaired).flatten() {
        match fit(value, schema) {
            Ok(value) => return Ok(value),
            Err(error) => violation = violation.or(Some(error)),
        }
    }
    // A tool whose output is text may be answered in plain text.
    let plain = Value::String(trimmed.to_owned());
    if !trimmed.is_empty() && schema.violation(&plain).is_none() {
        return Ok(plain);
    }
    Err(violation.unwrap_or_else(|| {
        if trimmed.is_empty() {
            "it is empty".to_owned()
        } else {
            "it is not valid JSON".to_owned()
        }
    }))
}

/// The value, or its member `output`, whichever is valid. A schema of anything but an object is sent to models as the
/// member `output` of one, so there the member is preferred.
fn fit(value: Value, schema: &OutputSchema) -> Result<Value, String> {
    let inner = value
        .as_object()
        .filter(|members| members.len() == 1)
        .and_then(|members| members.get("output"))
        .filter(|inner| schema.violation(inner).is_none());
    let wrapped = schema.schema.get("type") != Some(&Value::from("object"));
    match (schema.violation(&value), inner) {
        (None, Some(inner)) if wrapped => Ok(inner.clone()),
        (None, _) => Ok(value),
        (Some(_), Some(inner)) => Ok(inner.clone()),
        (Some(violation), None) => Err(violation),
    }
}

fn parse(text: &str) -> Option<Value> {
    json::read(text.as_bytes()).ok()
}

fn repair(text: &str) -> Option<Value> {
    // Prose would be "repaired" into a string, and deep nesting would overflow the stack.
    if !text.starts_with(['{', '[']) || max_depth(text) > MAX_DEPTH {
        return None;
    }
    parse(&jsonrepair_rs::jsonrepair(text).ok()?)
}

fn max_depth(text: &str) -> usize {
    let (mut depth, mut max) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'(' => {
                depth += 1;
                max = max.max(depth);
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    max
}

/// The content of the first code fence.
fn fenced(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("```")?;
    let (_, rest) = rest.split_once('\n')?;
    Some(rest.split("```").next().unwrap_or(rest).trim())
}

/// From the first opening bracket to its closing one, or to the end where it is not closed.
fn balanced(text: &str) -> Option<&str> {
    let from = text.find(['{', '['])?;
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate().skip(from) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(&text[from..=at]);
                }
            }
            _ => {}
        }
    }
    Some(&text[from..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn schema() -> OutputSchema {
        OutputSchema::new(
            &json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}),
        )
        .unwrap()
    }

    #[test]
    fn json_is_found_in_whatever_surrounds_it() {
        for text in [
            "{\"n\": 1}",
            "```json\n{\"n\": 1}\n```",
            "Here you are:\n```\n{\"n\": 1}\n```\nAnything else?",
            "Sure! {\"n\": 1} as asked.",
            "{'n': 1,}",
            "{\"n\": 1",
            "{\"output\": {\"n\": 1}}",
        ] {
            assert_eq!(
                read(text, Some(&schema())).unwrap(),
                json!({"n": 1}),
                "{text}"
            );
        }
    }

    #[test]
    fn errors_name_the_violation() {
        let error = read("{\"n\": \"x\"}", Some(&schema())).unwrap_err();
        assert!(error.contains("/n") && error.contains("integer"), "{error}");
        assert_eq!(
            read("I cannot.", Some(&schema())).unwrap_err(),
            "it is not valid JSON"
        );
        assert_eq!(read(" ", Some(&schema())).unwrap_err(), "it is empty");
    }

    #[test]
    fn plain_text_does_without_a_schema_and_for_text() {
        assert_eq!(read("Hello.", None).unwrap(), json!("Hello."));
        assert_eq!(read("```json\n[1]\n```", None).unwrap(), json!([1]));
        assert_eq!(read("{\"a\": 1}", None).unwrap(), json!({"a": 1}));
        let text = OutputSchema::new(&json!({"type": "string"})).unwrap();
        assert_eq!(read("Hello.", Some(&text)).unwrap(), json!("Hello."));
        assert_eq!(read("\"Hello.\"", Some(&text)).unwrap(), json!("Hello."));
    }

    #[test]
    fn depth_does_not_overflow_a_stack() {
        for text in ["[".repeat(200_000), "{\"a\":".repeat(200_000)] {
            assert!(read(&text, Some(&schema())).is_err());
            assert!(read(&text, None).unwrap().is_string());
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(text in "[\\[\\]{}\",:'`a-z0-9\\\\\n ]{0,80}") {
            if let Ok(value) = read(&text, Some(&schema())) {
                prop_assert!(schema().violation(&value).is_none());
            }
            let _ = read(&text, None);
        }
    }
}
