//! Reading a model's answer as an output.

use crate::text::loose_json::{self, Fault};
use crate::text::{fences, json, thoughts};
use serde_json::Value;

/// The maximum of opening brackets in prose that are passed over.
const MAX_BRACKETS: usize = 64;

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

    /// Whether an object has members that this schema describes, so that it could be meant as the output.
    fn resembles(&self, value: &Value) -> bool {
        let described = self.schema.get("properties").and_then(Value::as_object);
        let (Some(described), Some(members)) = (described, value.as_object()) else {
            return false;
        };
        members.keys().any(|key| described.contains_key(key))
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

/// The output in `text`, without what the model thought aloud. With a schema it is the one JSON value in the text that is
/// valid against it, if need be after a repair of its form; the error says what is wrong. Different values that could be
/// meant are an error as well. Without a schema it is JSON where the whole text is valid JSON, else the text.
pub(super) fn read(text: &str, schema: Option<&OutputSchema>) -> Result<Value, String> {
    let trimmed = text.trim();
    let Some(schema) = schema else {
        let answer = without_first_thoughts(trimmed);
        if answer.is_empty() && !trimmed.is_empty() {
            return Err("it holds thoughts and no answer".to_owned());
        }
        let inner = fenced(answer)
            .filter(|inner| answer.len() - inner.len() < 20)
            .unwrap_or(answer);
        return Ok(parse(inner).unwrap_or_else(|| Value::String(answer.to_owned())));
    };
    if let Some(value) = parse(trimmed) {
        let read = fit(value, schema);
        return read.or_else(|violation| plain(trimmed, schema).ok_or(violation));
    }
    let spoken = thoughts::blanked(trimmed, &thoughts::find(trimmed));
    let spoken = spoken.trim();
    let mut violation = None;
    let mut fitting: Vec<Value> = Vec::new();
    let mut rivals = 0;
    for value in values(spoken)? {
        let resembles = schema.resembles(&value);
        match fit(value, schema) {
            Ok(value) if fitting.contains(&value) => {}
            Ok(value) => fitting.push(value),
            Err(error) => {
                violation = violation.or(Some(error));
                rivals += usize::from(resembles);
            }
        }
    }
    if fitting.len() + rivals > 1 {
        return Err(
            "it holds several different JSON values, and it is not clear which is the output: give one and nothing else"
                .to_owned(),
        );
    }
    if let Some(value) = fitting.pop() {
        return Ok(value);
    }
    // A tool whose output is text may be answered in plain text.
    if let Some(plain) = plain(spoken, schema) {
        return Ok(plain);
    }
    Err(violation.unwrap_or_else(|| {
        if spoken.is_empty() {
            "it is empty".to_owned()
        } else {
            "it is not valid JSON".to_owned()
        }
    }))
}

/// The text as the output, where a text is valid.
fn plain(text: &str, schema: &OutputSchema) -> Option<Value> {
    let plain = Value::String(text.to_owned());
    (!text.is_empty() && schema.violation(&plain).is_none()).then_some(plain)
}

/// The text after the thoughts that it begins with.
fn without_first_thoughts(text: &str) -> &str {
    let mut answer = text;
    while let Some(first) = thoughts::find(answer).first()
        && first.start == 0
    {
        answer = answer[first.end..].trim_start();
    }
    answer
}

/// The JSON values in a text: the text itself, else what a code fence holds, else its lists and objects, strict or with
/// a form that has one reading. An object that is neither is an error, since what stands in it would be lost.
fn values(text: &str) -> Result<Vec<Value>, String> {
    if let Some(value) = parse(text) {
        return Ok(vec![value]);
    }
    let fences = fences::find(text);
    if let [fence] = fences.as_slice()
        && let Some(value) = parse(&text[fence.content.clone()])
        && !value.is_array()
        && !value.is_object()
    {
        return Ok(vec![value]);
    }
    let mut values = Vec::new();
    let mut from = 0;
    let mut passed = 0;
    while let Some(open) = text[from..].find(['{', '[']).map(|at| from + at)
        && passed < MAX_BRACKETS
    {
        let read = loose_json::read(text, open, true);
        let reaches_end = matches!(read, Err(Fault::CutOff { .. }));
        let read = read.ok();
        match read.and_then(|read| Some((parse(&read.json)?, read.span.end))) {
            Some((value, end)) => {
                values.push(value);
                from = end;
            }
            None if begins_object(&text[open..]) => return Err("it is not valid JSON".to_owned()),
            None if reaches_end => break,
            None => {
                from = open + 1;
                passed += 1;
            }
        }
    }
    Ok(values)
}

/// Whether a bracket begins JSON rather than a remark: a quote follows it.
fn begins_object(text: &str) -> bool {
    let inside = text.trim_start_matches(|c: char| matches!(c, '{' | '[') || c.is_whitespace());
    inside.starts_with(['"', '\''])
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

/// The content of the only code fence.
fn fenced(text: &str) -> Option<&str> {
    match fences::find(text).as_slice() {
        [fence] => Some(&text[fence.content.clone()]),
        _ => None,
    }
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
    fn thoughts_are_no_answer() {
        for text in [
            "<think>{\"n\": 7}? No.</think>\n{\"n\": 1}",
            "perhaps {\"n\": 7}\n</think>\n\n```json\n{\"n\": 1}\n```",
            "<thinking>\n{\"n\": 7}\n</thinking>Here: {\"n\": 1}",
        ] {
            assert_eq!(read(text, Some(&schema())), Ok(json!({"n": 1})), "{text}");
        }
        assert_eq!(read("<think>seven</think>\nOne.", None), Ok(json!("One.")));
        assert_eq!(read("<think>[7]</think>[1]", None), Ok(json!([1])));
        assert_eq!(
            read("The tag <think> opens.", None),
            Ok(json!("The tag <think> opens."))
        );
        assert!(read("<think>seven", None).is_err());
        assert!(read("<think>{\"n\": 7}", Some(&schema())).is_err());
        let kept = json!({"n": 1, "tag": "</think>"});
        assert_eq!(read(&kept.to_string(), Some(&schema())), Ok(kept));
    }

    #[test]
    fn several_values_are_no_answer() {
        for text in [
            "{\"n\": 7}\nWait, that is wrong.\n{\"n\": 1}",
            "{\"n\": 7} or {\"n\": \"one\"}",
            "```json\n{\"n\": 7}\n```\n```json\n{\"n\": 1}\n```",
        ] {
            let error = read(text, Some(&schema())).unwrap_err();
            assert!(error.contains("several"), "{text}: {error}");
        }
        for text in [
            "{\"n\": 1}\nAgain: {\"n\": 1}",
            "From {\"city\": \"Oslo\"} and [1] follows {\"n\": 1}",
        ] {
            assert_eq!(read(text, Some(&schema())), Ok(json!({"n": 1})), "{text}");
        }
    }

    #[test]
    fn nothing_of_a_broken_object_is_an_answer() {
        for text in [
            "{\"data\": {\"n\": 1}, \"say\": \"a \"b\" c\"}",
            "{\"n\": 1, ...}",
            "{\"n\": ",
        ] {
            assert!(read(text, Some(&schema())).is_err(), "{text}");
        }
        let text = "{\"n\": 1, \"path\": \"C:\\Users\\me\"}";
        let value = json!({"n": 1, "path": "C:\\Users\\me"});
        assert_eq!(read(text, Some(&schema())), Ok(value));
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
