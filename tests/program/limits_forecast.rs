//! The cost forecast, printed by `check` and at the start of a run, compared with the cost of the run.

use crate::common::model_server::{Answer, ModelServer};
use crate::common::program::{code, json, plan_in, plandeck, run_json, stderr, step};
use crate::common::samples::sample;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

fn check(plan: &Path, more: &[&str]) -> Output {
    plandeck()
        .env("OPENAI_API_KEY", "sk-test")
        .arg("check")
        .arg(plan)
        .args(more)
        .output()
        .unwrap()
}

fn cost(plan: &Path, more: &[&str]) -> Value {
    let mut more = more.to_vec();
    more.push("--json");
    let output = check(plan, &more);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    json(&output)["cost"].clone()
}

const PRICED: &str = "tools:
  ask: {type: process, command: [echo, '1'], cost_usd: 0.01, read_only: true}
  post: {type: process, command: [echo, '1'], cost_usd: 0.1}
  free: {type: jq, filter: .}
";

#[test]
fn attempts_conditions_and_lists_are_counted() {
    let plan = json!({"context": {"who": [1, 2, 3]}, "steps": [
        {"id": "a", "tool": "ask", "parameters": {}},
        {"id": "b", "tool": "post", "parameters": {}, "depends_on": ["a"], "run_if": "{{a.good}}"},
        {"id": "c", "tool": "post", "parameters": {}, "depends_on": ["b"]},
        {"id": "d", "tool": "post", "for_each": "{{who}}", "parameters": {"who": "{{item}}"}},
        {"id": "e", "tool": "free", "parameters": {}},
        {"id": "f", "tool": "function_call", "parameters": {"name": "ask", "args": {}}},
    ]});
    let folder = crate::common::program::folder("plan.json", &plan.to_string(), PRICED);
    // `a` and `f` may be repeated and have three attempts; `b` may be skipped, and `c` with it; `d` runs three times.
    assert_eq!(
        cost(&plan_in(folder.path()), &["--worker", "offline"]),
        json!({"least": 0.32, "expected": 0.52, "most": 0.56})
    );
    let said = check(&plan_in(folder.path()), &["--worker", "offline"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        said.contains("at least $0.3200, $0.5200 expected, at most $0.5600"),
        "{said}"
    );
}

#[test]
fn what_is_not_known_is_said_and_is_not_nothing() {
    let plan = json!({"steps": [
        {"id": "a", "tool": "free", "parameters": {}},
        {"id": "b", "tool": "ask", "for_each": "{{a.list}}", "parameters": {}},
    ]});
    let folder = crate::common::program::folder("plan.json", &plan.to_string(), PRICED);
    assert_eq!(
        cost(&plan_in(folder.path()), &["--worker", "offline"]),
        json!({"least": 0.0, "expected": null, "most": null})
    );
    let unpriced = [
        "--worker",
        "a-model-of-ones-own",
        "--base-url",
        "http://127.0.0.1:9",
    ];
    assert_eq!(
        cost(&sample("receipt"), &unpriced),
        json!({"least": 0.0, "expected": null, "most": null})
    );
    let said = check(&sample("receipt"), &unpriced);
    assert!(String::from_utf8_lossy(&said.stdout).contains("no upper bound is known"));
    assert_eq!(
        cost(&sample("receipt"), &["--worker", "offline"]),
        json!({"least": 0.0, "expected": 0.0, "most": 0.0})
    );
}

#[test]
fn a_run_costs_no_less_than_the_least_and_no_more_than_the_most() {
    let (status, by_rules) = run_json(&sample("receipt"), &[]);
    assert_eq!(status, 0);
    let answers = [
        ("header", "Read the head of this till receipt"),
        ("items", "List every line of this till receipt"),
        ("totals", "Read the sums that this till receipt"),
        ("categorize", "Give each line a household category"),
        ("summary", "Write two or three plain sentences"),
    ]
    .map(|(id, to)| Answer {
        to: to.to_owned(),
        says: step(&by_rules, id)["output"].clone(),
        after: Duration::ZERO,
    });
    let server = ModelServer::start(answers.to_vec());
    let worker = ["--worker", "gpt-4o-mini", "--base-url", &server.url()];
    let forecast = cost(&sample("receipt"), &worker);
    let of = |name: &str| forecast[name].as_f64().unwrap();
    assert!(of("least") > 0.0 && of("least") < of("expected") && of("expected") < of("most"));

    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.jsonl");
    let output = plandeck()
        .env("OPENAI_API_KEY", "sk-test")
        .arg("run")
        .arg(sample("receipt"))
        .args(worker)
        .args(["--headless", "--json", "--events"])
        .arg(&events)
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let spent = json(&output)["cost"].as_f64().unwrap();
    assert!(
        of("least") <= spent && spent <= of("most"),
        "{spent} {forecast}"
    );
    // Readers of the run find the same: the prices of its steps stand in its head.
    let events = std::fs::read_to_string(&events).unwrap();
    let head: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    assert_eq!(head["priced"], true);
    let steps = head["steps"].as_array().unwrap();
    let priced = steps.iter().filter(|step| step.get("price").is_some());
    assert_eq!(priced.count(), 5);
    let validate = steps.iter().find(|step| step["id"] == "validate").unwrap();
    assert!(validate.get("price").is_none());
}

#[test]
fn a_call_of_another_tool_is_tried_as_often_as_that_tool_is() {
    let plan = json!({"steps": [
        {"id": "a", "tool": "function_call", "parameters": {"name": "bad", "args": {}}},
    ]});
    let tools = "tools: {bad: {type: process, command: ['false'], read_only: true}}";
    let folder = crate::common::program::folder("plan.json", &plan.to_string(), tools);
    let (status, result) = run_json(&plan_in(folder.path()), &[]);
    assert_eq!(status, 1);
    assert_eq!(step(&result, "a")["attempts"], 3);
}
