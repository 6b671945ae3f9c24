//! Whatever a file holds, a plan that passes the check comes of it, or an error.

use super::{ConvertError, ConvertOptions, check, converted, recognized};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// Keys of all formats.
const KEYS: &[&str] = &[
    "arazzo",
    "workflows",
    "workflowId",
    "steps",
    "stepId",
    "operationId",
    "operationPath",
    "parameters",
    "name",
    "in",
    "value",
    "requestBody",
    "payload",
    "replacements",
    "target",
    "contentType",
    "successCriteria",
    "condition",
    "context",
    "selector",
    "type",
    "onFailure",
    "onSuccess",
    "retryLimit",
    "retryAfter",
    "outputs",
    "inputs",
    "properties",
    "default",
    "required",
    "sourceDescriptions",
    "url",
    "reference",
    "dependsOn",
    "timeout",
    "nodes",
    "source",
    "path",
    "activate",
    "when",
    "is",
    "aggregation",
    "node_variants",
    "use_variants",
    "command",
    "script",
    "depends",
    "env",
    "params",
    "output",
    "continue_on",
    "failure",
    "exit_code",
    "preconditions",
    "expected",
    "negate",
    "retry_policy",
    "limit",
    "call",
    "exec",
    "args",
    "executor",
    "with",
    "body",
    "headers",
    "messages",
    "content",
    "shell",
    "working_dir",
    "defaults",
    "secrets",
    "tasks",
    "id",
    "title",
    "status",
    "dependencies",
    "subtasks",
    "master",
];

/// Texts that some format reads as something.
const TEXTS: &[&str] = &[
    "1.0.1",
    "2",
    "a",
    "b",
    "a.b",
    "step",
    "result",
    "output",
    "$inputs.a",
    "$steps.a.outputs.b",
    "x {$inputs.a} y",
    "$response.body#/a/0",
    "$response.header.X",
    "$statusCode == 200",
    "$statusCode > 'a' || !($inputs.a)",
    "$.a[*]",
    "$request.body",
    "$url",
    "get",
    "{$sourceDescriptions.a.url}#/paths/~1a/get",
    "lookUp",
    "api.yaml",
    "${a}",
    "$A",
    "${a.output.b}",
    "${inputs.a}",
    "${A.b[0]}",
    "echo ${OUT.xecho ${OUT.x}",
    "${A:-${B}}",
    "{{a}}",
    "{{ a | b }}",
    "step:a",
    "done",
    "pending",
    "python",
    "llm",
    "prompt",
    "code",
    "a.py",
    "a.jinja2",
    "b.jinja2",
    "graph",
    "chain",
    "http",
    "GET https://a.example/${A}",
    "jq",
    "chat",
    "docker",
    "echo $A `date`",
    "re:^a$",
    "failed",
    "A=1 b",
    "",
    " ",
    ".",
    "é\u{202e}",
    "null",
    "-1",
    "retry",
    "goto",
    "end",
    "query",
    "header",
    "path",
    "jsonpath",
    "inner",
];

fn documents() -> Vec<Value> {
    vec![
        json!({"arazzo": "1.0.1", "sourceDescriptions": [{"name": "a", "url": "api.yaml", "type": "openapi"}],
            "workflows": [
                {"workflowId": "a", "inputs": {"properties": {"a": {"default": 1}}},
                 "steps": [
                    {"stepId": "a", "operationId": "lookUp", "parameters": [{"name": "id", "in": "path", "value": "$inputs.a"}],
                     "successCriteria": [{"condition": "$statusCode == 200"}], "outputs": {"b": "$response.body#/a"}},
                    {"stepId": "b", "workflowId": "b", "parameters": [{"name": "x", "value": "$steps.a.outputs.b"}]}],
                 "outputs": {"c": "$steps.a.outputs.b"}},
                {"workflowId": "b", "steps": [{"stepId": "c", "operationPath": "{$sourceDescriptions.a.url}#/paths/~1a~1{id}/get",
                    "requestBody": {"payload": {"x": "$inputs.x"}}}]}]}),
        json!({"type": "graph", "env": [{"A": "1"}], "params": ["B=2"], "steps": [
            {"name": "a", "command": "echo $A", "output": "OUT"},
            {"name": "b", "depends": ["a"], "command": "echo ${OUT.x}", "preconditions": [{"condition": "${B}", "expected": "2"}],
             "continue_on": {"failure": true}},
            {"name": "c", "depends": "b", "call": "inner", "params": "X=${OUT}"}]}),
        json!({"inputs": {"a": {"default": 1}}, "outputs": {"o": {"reference": "${b.output}"}}, "nodes": [
            {"name": "a", "type": "python", "source": {"type": "code", "path": "a.py"}, "inputs": {"x": "${inputs.a}"}},
            {"name": "b", "type": "llm", "source": {"type": "code", "path": "a.jinja2"}, "inputs": {"a": "${a.output}"},
             "activate": {"when": "${a.output}", "is": true}}]}),
        json!({"master": {"tasks": [
            {"id": 1, "title": "a", "status": "pending"},
            {"id": 2, "title": "b", "dependencies": [1], "subtasks": [{"id": 1, "title": "c", "dependencies": []}]}]}}),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..1_000).prop_map(Value::from),
        Just(json!(0.5)),
        select(TEXTS).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((select(KEYS), inner), 0..4).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

/// Puts a value at the `at`th place of a document: in place of what is there, or beside it under a key.
fn put(document: &mut Value, at: &mut usize, key: &str, value: &Value) -> bool {
    if *at == 0 {
        match document {
            Value::Object(members) => drop(members.insert(key.to_owned(), value.clone())),
            other => *other = value.clone(),
        }
        return true;
    }
    *at -= 1;
    match document {
        Value::Object(members) => members
            .values_mut()
            .any(|member| put(member, at, key, value)),
        Value::Array(list) => list.iter_mut().any(|item| put(item, at, key, value)),
        _ => false,
    }
}

fn file(name: &str) -> Result<String, String> {
    Ok(match name {
        "api.yaml" => {
            "openapi: 3.0.0\ninfo: {title: A}\nservers: [{url: 'https://a.example'}]\npaths:\n  /a/{id}:\n    get: \
                {operationId: lookUp, parameters: [{name: id, in: path, required: true}]}\n"
        }
        "a.py" => "def a(x): return x",
        "a.jinja2" => "Hi {{a}} {{ x.y }}",
        "b.jinja2" => "{% if a %}b{% endif %}",
        "inner.yaml" => "steps: [{name: in, command: 'echo $X', output: Y}]",
        _ => return Err("there is none".to_owned()),
    }
    .to_owned())
}

fn outcome(text: &str) -> Result<(), TestCaseError> {
    let options = ConvertOptions {
        name: "file",
        workflow: None,
        format: None,
        open_api: &[],
        files: &file,
    };
    match converted(text, &options) {
        Ok(found) => {
            prop_assert_eq!(recognized(text), Some(found.format.1));
            let steps = found.plan["steps"].as_array().map_or(0, Vec::len);
            prop_assert!(steps > 0);
            prop_assert!(
                found
                    .left_out
                    .iter()
                    .all(|left| left.place.starts_with("line ") && !left.what.is_empty())
            );
            // What is written is what was checked.
            let written = serde_saphyr::to_string(&found.plan).unwrap_or_default();
            if let Ok(back) = crate::plan::read_data(&written)
                && back == found.plan
            {
                prop_assert!(check(&back).is_ok());
            }
            prop_assert!(check(&found.plan).is_ok());
        }
        Err(ConvertError::Unknown(_)) => prop_assert_eq!(recognized(text), None),
        Err(error) => prop_assert!(!error.to_string().is_empty()),
    }
    Ok(())
}

#[test]
fn the_documents_of_the_properties_are_plans() {
    for document in documents() {
        let text = document.to_string();
        let options = ConvertOptions {
            name: "file",
            workflow: None,
            format: None,
            open_api: &[],
            files: &file,
        };
        let found = converted(&text, &options).unwrap();
        // Each step can be called.
        let plan = found.plan.to_string();
        assert!(!plan.contains("not carried over"), "{:#?}", found.left_out);
    }
}

proptest! {
    #[test]
    fn any_value_becomes_a_sound_plan_or_an_error(value in value()) {
        outcome(&value.to_string())?;
    }

    #[test]
    fn any_change_of_a_document_does_too(
        document in select(documents()),
        changes in prop::collection::vec((0_usize..60, select(KEYS), value()), 1..6),
    ) {
        let mut document = document;
        for (at, key, value) in changes {
            let mut at = at;
            put(&mut document, &mut at, key, &value);
        }
        outcome(&document.to_string())?;
        let yaml = serde_saphyr::to_string(&document).unwrap_or_default();
        outcome(&yaml)?;
    }
}
