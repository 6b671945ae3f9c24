//! Redacts the text of a plan before it is recorded: credentials in its catalog are replaced.

use crate::plan::{ExecutionPlan, Source, credentials};
use serde_json::Value;
use std::sync::Arc;

/// Replaces a credential.
const REDACTED: &str = "[redacted]";

/// The plan's text with the values in `headers` and `env` of its own catalog replaced, because credentials are
/// written there. Nothing else changes: the same words elsewhere in the plan are not secrets.
pub(super) fn without_secrets(source: &Source, plan: &ExecutionPlan) -> Arc<str> {
    let text = &source.text;
    let Some(catalog) = plan
        .catalog
        .as_ref()
        .filter(|catalog| may_hold_secrets(catalog))
    else {
        return Arc::clone(text);
    };
    let mut redacted = String::with_capacity(text.len());
    let mut end = 0;
    let mut done = Vec::new();
    let mut missed = Vec::new();
    for credential in credentials(text) {
        let span = credential.span;
        let before = text.get(end..span.start);
        // A `${VAR}` holds only the name of a variable.
        if credential.value.contains("${") {
            continue;
        }
        let written = text.get(span.clone());
        let written = written.filter(|written| stands_in(written, &credential.value));
        let (Some(before), Some(written)) = (before, written) else {
            missed.push(credential.value);
            continue;
        };
        let quote = written.chars().next().filter(|c| matches!(c, '"' | '\''));
        let quote = quote.map_or_else(String::new, String::from);
        redacted.push_str(before);
        redacted.extend([&*quote, REDACTED, &*quote]);
        done.push(credential.value);
        end = span.end;
    }
    redacted.push_str(text.get(end..).unwrap_or_default());
    done.retain(|value| !missed.contains(value));
    everywhere(redacted, catalog, &done).into()
}

/// Whether a catalog has headers or an environment at all. Most have none, and a large plan is not read once more for it.
fn may_hold_secrets(catalog: &Value) -> bool {
    let mut open = vec![catalog];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if members.contains_key("headers") || members.contains_key("env") {
                    return true;
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    false
}

/// Whether `written` is `value` as JSON or YAML write it. It is not where the place was only guessed by a repair.
fn stands_in(written: &str, value: &str) -> bool {
    let trimmed = written.trim_matches(['"', '\'']);
    trimmed == value || Value::from(value).to_string().trim_matches('"') == trimmed
}

/// Replaces credentials whose place is not known exactly, as in a repaired plan or a folded text, wherever they
/// occur: that may also replace other words, but no secret remains.
fn everywhere(mut text: String, catalog: &Value, done: &[String]) -> String {
    let mut open = vec![(catalog, false)];
    while let Some((value, secret)) = open.pop() {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let secret = secret || matches!(&**name, "headers" | "env");
                    open.push((value, secret));
                }
            }
            Value::Array(items) => open.extend(items.iter().map(|item| (item, secret))),
            Value::String(value)
                if secret && value.len() > 3 && !value.contains("${") && !done.contains(value) =>
            {
                text = text.replace(&**value, REDACTED);
            }
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::parse;

    fn recorded(text: &str) -> String {
        let draft = parse("plan.yaml", text.as_bytes()).unwrap();
        let source = draft.source().clone();
        let plan = draft.check(None, None).unwrap();
        without_secrets(&source, &plan).to_string()
    }

    #[test]
    fn the_value_of_a_header_is_left_out_and_the_same_word_elsewhere_is_not() {
        let text = r#"{"name": "json", "steps": [{"id": 1, "tool": "get", "parameters": {"as": "json"}}],
            "tools": {"get": {"type": "http", "url": "http://localhost/json",
                "headers": {"accept": "json", "authorization": "Bearer ${TOKEN}", "x-key": "a\"b-1234"}}}}"#;
        let left = text
            .replace(r#""accept": "json""#, r#""accept": "[redacted]""#)
            .replace(r#""a\"b-1234""#, r#""[redacted]""#);
        assert_eq!(recorded(text), left);
    }

    #[test]
    fn yaml_keeps_its_layout() {
        let text = "name: letters # env: prod\nsteps:\n  - {id: a, tool: run, parameters: {env: prod}}\ntools:\n  run:\n    type: process\n    command: [echo, prod]\n    env:\n      STAGE: prod\n      KEY: 'sesame'\n";
        let left = text
            .replace("STAGE: prod", "STAGE: [redacted]")
            .replace("'sesame'", "'[redacted]'");
        assert_eq!(recorded(text), left);
    }

    #[test]
    fn a_secret_in_a_plan_that_was_repaired_does_not_stay() {
        let text = "Here is the plan:\n{'steps': [{'id': 1, 'tool': 'get',}], 'tools': {'get': {'type': 'http', 'url': 'http://localhost', 'headers': {'x-key': 'sesame-open'}}}}";
        assert!(!recorded(text).contains("sesame"), "{}", recorded(text));
    }
}
