//! Reading a model's answer as an output.

use super::off_thread::off_thread;
use super::optional_nulls::without_nulls;
use super::output_schema::OutputSchema;
use crate::text::loose_json::{self, Fault};
use crate::text::{beyond_64_bits, fences, json, thoughts};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// The maximum of opening brackets in prose that are passed over, and of values that are looked at.
const MAX_BRACKETS: usize = 64;

/// Why an answer is not an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// What is wrong with it; the model can be asked to repair it.
    Wrong(String),
    /// Why it was not validated.
    NotValidated(String),
}

impl From<String> for Unusable {
    fn from(wrong: String) -> Self {
        Self::Wrong(wrong)
    }
}

/// The output in `text`, without what the model thought aloud. With a schema it is the one JSON value in the text that is
/// valid against it, if need be after a repair of its form; the error says what is wrong. Different values that could be
/// meant are an error as well. Without a schema it is JSON where the whole text is valid JSON, else the text.
pub(super) async fn read(text: &str, schema: Option<&OutputSchema>) -> Result<Value, Unusable> {
    let Some(schema) = schema else {
        let plain = apart(text, without_schema).await;
        return Ok(plain?);
    };
    let (spoken, values) = match apart(text, found).await {
        Found::Whole(value) => {
            return match fit(value?, schema).await? {
                Ok(value) => Ok(value),
                Err(violation) => match plain(text.trim(), schema).await? {
                    Some(plain) => Ok(plain),
                    None => Err(violation.into()),
                },
            };
        }
        Found::Parts(spoken, values) => (spoken, values?),
    };
    let mut violation = None;
    let mut fitting: Vec<Value> = Vec::new();
    let mut rivals = 0;
    for value in values {
        let resembles = schema.resembles(&value);
        match fit(value, schema).await? {
            Ok(value) if fitting.contains(&value) => {}
            Ok(value) => fitting.push(value),
            Err(error) => {
                violation = violation.or(Some(error));
                rivals += usize::from(resembles);
            }
        }
    }
    if fitting.len() + rivals > 1 {
        return Err(several().into());
    }
    if let Some(value) = fitting.pop() {
        return Ok(value);
    }
    // A tool whose output is text may be answered in plain text.
    if let Some(plain) = plain(&spoken, schema).await? {
        return Ok(plain);
    }
    Err(Unusable::Wrong(violation.unwrap_or_else(|| {
        if spoken.is_empty() {
            "it is empty".to_owned()
        } else {
            NOT_JSON.to_owned()
        }
    })))
}

const NOT_JSON: &str = "it is not valid JSON";

fn several() -> String {
    "it holds several different JSON values, and it is not clear which is the output: give one and nothing else"
        .to_owned()
}

/// What `work` makes of a text, on a thread where the text is long.
async fn apart<T: Send + 'static>(text: &str, work: fn(&str) -> T) -> T {
    let text: Arc<str> = text.into();
    off_thread(text.len(), move || work(&text)).await
}

/// The output where there is no schema.
fn without_schema(text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    let answer = without_first_thoughts(trimmed);
    if answer.is_empty() && !trimmed.is_empty() {
        return Err("it holds thoughts and no answer".to_owned());
    }
    let inner = fenced(answer)
        .filter(|inner| answer.len() - inner.len() < 20)
        .unwrap_or(answer);
    match parse(inner) {
        // As text the integer keeps its digits.
        Some(Err(_)) if !inner.trim_start().starts_with(['{', '[']) => {
            Ok(Value::String(answer.to_owned()))
        }
        Some(value) => value,
        None => Ok(Value::String(answer.to_owned())),
    }
}

/// What an answer holds.
enum Found {
    /// It is one JSON value.
    Whole(Result<Value, String>),
    /// The text without thoughts, and the JSON values in it.
    Parts(String, Result<Vec<Value>, String>),
}

fn found(text: &str) -> Found {
    let trimmed = text.trim();
    if let Some(value) = parse(trimmed) {
        return Found::Whole(value);
    }
    let spoken = thoughts::blanked(trimmed, &thoughts::find(trimmed));
    let spoken = spoken.trim();
    Found::Parts(spoken.to_owned(), values(spoken))
}

/// The text as the output, where a text is valid.
async fn plain(text: &str, schema: &OutputSchema) -> Result<Option<Value>, Unusable> {
    if text.is_empty() {
        return Ok(None);
    }
    let plain = Arc::new(Value::String(text.to_owned()));
    let violation = violation(&plain, schema).await?;
    Ok(violation.is_none().then(|| Arc::unwrap_or_clone(plain)))
}

async fn violation(value: &Arc<Value>, schema: &OutputSchema) -> Result<Option<String>, Unusable> {
    let violation = schema.violation(value).await;
    violation.map_err(Unusable::NotValidated)
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
        return Ok(vec![value?]);
    }
    let fences = fences::find(text);
    if let [fence] = fences.as_slice()
        && let Some(value) = parse(&text[fence.content.clone()])
    {
        let value = value?;
        if !value.is_array() && !value.is_object() {
            return Ok(vec![value]);
        }
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
                values.push(value?);
                if values.len() > MAX_BRACKETS {
                    return Err(several());
                }
                from = end;
            }
            None if begins_object(&text[open..]) => return Err(NOT_JSON.to_owned()),
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

/// The value, or its member `output`, whichever is valid; the inner error says what is wrong with the value. A schema of
/// anything but an object is sent to models as the member `output` of one, so there the member is preferred.
async fn fit(value: Value, schema: &OutputSchema) -> Result<Result<Value, String>, Unusable> {
    let mut inner = None;
    let value = match value {
        Value::Object(mut members) if members.len() == 1 && members.contains_key("output") => {
            let member = Arc::new(members.remove("output").unwrap_or_default());
            let is_valid = violation(&member, schema).await?.is_none();
            let wrapped = schema.schema().get("type") != Some(&Value::from("object"));
            if is_valid && wrapped {
                return Ok(Ok(Arc::unwrap_or_clone(member)));
            }
            inner = is_valid.then(|| Arc::clone(&member));
            members.insert("output".to_owned(), Arc::unwrap_or_clone(member));
            Value::Object(members)
        }
        value => value,
    };
    let value = Arc::new(value);
    let wrong = match (violation(&value, schema).await?, inner) {
        (None, _) => return Ok(Ok(Arc::unwrap_or_clone(value))),
        (Some(_), Some(inner)) => return Ok(Ok(Arc::unwrap_or_clone(inner))),
        (Some(violation), None) => violation,
    };
    let inner = value
        .get("output")
        .filter(|_| value.as_object().is_some_and(|all| all.len() == 1));
    for value in [Some(&*value), inner].into_iter().flatten() {
        if let Some(value) = without_nulls(value, schema.schema()).map(Arc::new)
            && violation(&value, schema).await?.is_none()
        {
            return Ok(Ok(Arc::unwrap_or_clone(value)));
        }
    }
    Ok(Err(wrong))
}

/// The value of a text that is valid JSON; the error names an integer in it that would be rounded.
fn parse(text: &str) -> Option<Result<Value, String>> {
    let value = json::read(text.as_bytes()).ok()?;
    Some(match beyond_64_bits(text) {
        None => Ok(value),
        Some(integer) => Err(format!(
            "it has the integer {}, which is beyond 64 bits and would be rounded: give it as text, in quotes",
            shortened(integer)
        )),
    })
}

fn shortened(integer: &str) -> Cow<'_, str> {
    match integer.get(..60) {
        Some(first) => format!("{first}…").into(),
        None => integer.into(),
    }
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

    /// Reads without a thread to wait for.
    fn read(text: &str, schema: Option<&OutputSchema>) -> Result<Value, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime
            .block_on(super::read(text, schema))
            .map_err(|error| match error {
                Unusable::Wrong(why) | Unusable::NotValidated(why) => why,
            })
    }

    fn schema() -> OutputSchema {
        OutputSchema::new(
            "t",
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
    fn an_optional_member_may_be_null() {
        let schema = OutputSchema::new(
            "t",
            &json!({"type": "object", "required": ["n"], "properties": {
            "n": {"type": "integer"}, "note": {"type": "string"}, "a/b": {"type": "object",
                "properties": {"c": {"type": "string"}}}, "free": {"type": ["string", "null"]}}}),
        )
        .unwrap();
        let read = |text: &str| read(text, Some(&schema));
        assert_eq!(
            read("{\"n\": 1, \"note\": null, \"a/b\": {\"c\": null}, \"free\": null}"),
            Ok(json!({"n": 1, "a/b": {}, "free": null}))
        );
        assert!(read("{\"n\": null}").is_err());
        assert!(read("{\"n\": 1, \"note\": 7}").is_err());
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
        let text = OutputSchema::new("t", &json!({"type": "string"})).unwrap();
        assert_eq!(read("Hello.", Some(&text)).unwrap(), json!("Hello."));
        assert_eq!(read("\"Hello.\"", Some(&text)).unwrap(), json!("Hello."));
    }

    #[test]
    fn integers_beyond_64_bits_are_not_rounded() {
        let text = "{\"n\": 340282366920938463463374607431768211455}";
        for (text, schema) in [
            (text, Some(schema())),
            (text, None),
            ("```\n[-9223372036854775809]\n```", None),
        ] {
            let error = read(text, schema.as_ref()).unwrap_err();
            assert!(error.contains("in quotes"), "{error}");
        }
        let prose = format!("Here: {text}, as asked.");
        assert!(read(&prose, Some(&schema())).is_err());
        assert_eq!(
            read("18446744073709551616", None),
            Ok(json!("18446744073709551616"))
        );
        assert_eq!(
            read("{\"n\": 18446744073709551615}", None),
            Ok(json!({"n": u64::MAX}))
        );
    }

    #[test]
    fn long_answers_and_many_values_are_read_in_bounds() {
        let many = "{\"n\": 1} ".repeat(20_000);
        assert!(
            read(&many, Some(&schema()))
                .unwrap_err()
                .contains("several")
        );
        let long = json!({"n": 7, "text": "x".repeat(1 << 20)});
        assert_eq!(read(&long.to_string(), Some(&schema())), Ok(long));
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
                prop_assert_eq!(schema().verdict_now(&value), Some(Ok(())));
            }
            let _ = read(&text, None);
        }
    }
}
