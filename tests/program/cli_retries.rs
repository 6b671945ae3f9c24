//! How often a failing call is made, by the plan's policy, its dialect, and what the catalog says of the tool.

use crate::common::program::{folder, run_json, step};
use serde_json::{Value, json};

/// Runs a plan with one step `a` of a program that fails `failures` times; how often it was called, and the step.
fn calls(plan: &str, field: &str, failures: usize) -> (usize, Value) {
    let tools = format!(
        "tools: {{flaky: {{type: process, command: [sh, -c, 'echo x >> calls; test $(wc -l < calls) -gt {failures}'], {field}}}}}"
    );
    let folder = folder("plan.yaml", plan, &tools);
    let (_, result) = run_json(&folder.path().join("plan.yaml"), &[]);
    let calls = std::fs::read_to_string(folder.path().join("calls")).unwrap();
    (calls.lines().count(), step(&result, "a").clone())
}

#[test]
fn a_policy_of_the_runtime_dialect_counts_all_tries() {
    let plan = "request_id: r\nsteps: [{id: a, tool: flaky, input: {}, retry_policy: {retries: 3, backoff_s: 0.01}}]";
    let (made, step) = calls(plan, "", 9);
    assert_eq!((made, &step["attempts"]), (3, &json!(3)));
    assert_eq!(step["error"]["attempts"], 3);
    let (made, step) = calls(plan, "", 2);
    assert_eq!((made, &step["status"]), (3, &json!("succeeded")));
}

#[test]
fn a_count_of_the_template_dialect_counts_those_after_the_first() {
    let plan = "steps: [{step_id: a, tool_name: flaky, parameters: {}, retry_policy: {backoff_s: 0.01}, retry_count: 2}]";
    assert_eq!(calls(plan, "", 9).0, 3);
}

#[test]
fn without_a_policy_only_what_may_be_repeated_is() {
    let plan = "steps: [{id: a, tool: flaky, parameters: {}}]";
    assert_eq!(calls(plan, "description: d", 9).0, 1);
    assert_eq!(calls(plan, "read_only: true", 1).0, 2);
    assert_eq!(calls(plan, "idempotent: true", 1).0, 2);
}

#[test]
fn a_policy_counts_for_what_may_be_repeated_as_well() {
    let plan = "steps: [{id: a, tool: flaky, parameters: {}, retry_policy: {retries: 1}}]";
    assert_eq!(calls(plan, "read_only: true", 9).0, 1);
}

#[test]
fn what_cannot_be_started_is_not_tried_again() {
    let plan = "steps: [{id: a, tool: missing, parameters: {}, retry_policy: {retries: 3, backoff_s: 0.01}}]";
    let folder = folder(
        "plan.yaml",
        plan,
        "tools: {missing: {type: process, command: no-such-program-anywhere}}",
    );
    let (_, result) = run_json(&folder.path().join("plan.yaml"), &[]);
    assert_eq!(step(&result, "a")["attempts"], 1);
}

/// The same code over the same input loops again, whoever runs it and whatever the plan says of failures.
#[test]
fn what_computes_without_end_is_not_tried_again() {
    let tools = json!({"tools": {
        "code": {"type": "code_exec", "code": "n = 0\nwhile n >= 0: n += 1", "timeout_s": 0.3},
        "filter": {"type": "jq", "filter": "[limit(1; repeat(1) | select(. > 1))]", "timeout_s": 0.3},
        "rules": {"type": "model", "offline": {"code": "while input_data is not None: pass"}, "timeout_s": 0.3},
        "asleep": {"type": "process", "command": ["sleep", "600"], "read_only": true, "timeout_s": 0.3},
    }});
    let plan = json!({"steps": [
        {"id": "code", "tool": "code", "parameters": {}},
        {"id": "insists", "tool": "code", "parameters": {}, "retry_policy": {"retries": 3, "backoff_s": 0.01}},
        {"id": "called", "tool": "function_call", "parameters": {"name": "code", "args": {}}},
        {"id": "filter", "tool": "filter", "parameters": {}},
        {"id": "rules", "tool": "rules", "parameters": {"n": 1}},
        {"id": "asleep", "tool": "asleep", "parameters": {}, "retry_policy": {"retries": 2, "backoff_s": 0.01}},
    ]});
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    let (_, result) = run_json(&folder.path().join("plan.json"), &[]);
    for id in ["code", "insists", "called", "filter", "rules"] {
        let row = step(&result, id);
        assert_eq!(row["error"]["type"], "TimeoutError", "{row}");
        assert_eq!(
            (&row["attempts"], &row["error"]["retryable"]),
            (&json!(1), &json!(false)),
            "{id}"
        );
    }
    assert_eq!(step(&result, "asleep")["attempts"], 2);
}
