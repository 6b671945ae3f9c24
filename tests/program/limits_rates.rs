//! Rates through the program: never more than they allow, and waiting steps show for what and until when.

use crate::common::model_server::{Answer, ModelServer};
use crate::common::program::{code, json, plan_in, plandeck, stderr};
use serde_json::{Value, json};
use std::process::Output;
use std::time::Duration;
use tempfile::TempDir;

const NAP: &str =
    "tools: {nap: {type: process, pool: press, command: [sh, -c, 'sleep 0.1; echo 1']}}";

/// A folder with a plan of so many steps beside one another, and settings.
fn naps(count: usize, settings: &str) -> TempDir {
    let steps: Vec<Value> = (0..count)
        .map(|id| json!({"id": id, "tool": "nap", "parameters": {}}))
        .collect();
    let folder =
        crate::common::program::folder("plan.json", &json!({"steps": steps}).to_string(), NAP);
    std::fs::write(folder.path().join("plandeck.toml"), settings).unwrap();
    folder
}

fn run(folder: &TempDir, more: &[&str]) -> (Output, Vec<Value>) {
    let events = folder.path().join("events.jsonl");
    let output = plandeck()
        .current_dir(folder.path())
        .arg("run")
        .arg(plan_in(folder.path()))
        .args(["--headless", "--json", "--journal", "off", "--events"])
        .arg(&events)
        .args(more)
        .output()
        .unwrap();
    let text = std::fs::read_to_string(&events).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (output, lines.collect())
}

fn of_type<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["type"] == name)
        .collect()
}

#[test]
fn a_pool_of_the_settings_lets_one_in_at_a_time() {
    let folder = naps(4, "[rates.press]\nmax_concurrent = 1\n");
    let (output, events) = run(&folder, &["--worker", "offline"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(events[0]["rates"]["press"]["max_concurrent"], 1);
    let mut running = 0;
    for event in &events {
        match event["type"].as_str() {
            Some("attempt_started") => running += 1,
            Some("attempt_ended") => running -= 1,
            _ => {}
        }
        assert!(running <= 1, "{event}");
    }
    let waits = of_type(&events, "step_waiting");
    assert_eq!(waits.len(), 3, "each says it once");
    for wait in waits {
        assert_eq!(
            (&wait["reason"], &wait["on"]),
            (&json!("rate"), &json!("press"))
        );
        assert!(wait.get("until_ms").is_none(), "that depends on an end");
    }
    assert!(
        stderr(&output).contains("for the rate of press, until a call has ended"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn calls_in_a_minute_are_counted_and_the_moment_is_said() {
    let folder = naps(3, "");
    let (output, events) = run(
        &folder,
        &[
            "--worker",
            "offline",
            "--rate",
            "press=2",
            "--timeout-seconds",
            "1",
        ],
    );
    // The third would have to wait for most of a minute.
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let starts = of_type(&events, "attempt_started");
    assert_eq!(starts.len(), 2);
    let waits = of_type(&events, "step_waiting");
    assert_eq!(waits.len(), 1);
    let first = starts[0]["at_ms"].as_f64().unwrap();
    let until = waits[0]["until_ms"].as_f64().unwrap();
    assert!(
        (until - first - 60_000.0).abs() < 0.01,
        "{until} after {first}"
    );
    let skipped = of_type(&events, "step_skipped");
    assert_eq!(skipped[0]["reason"], "limit");
    assert!(stderr(&output).contains("for the rate of press, "));
}

#[test]
fn a_model_is_asked_no_more_often_than_its_rate() {
    let server = ModelServer::start(vec![Answer {
        to: "Name".to_owned(),
        says: json!("teal"),
        after: Duration::ZERO,
    }]);
    let steps = json!({"steps": [
        {"id": "all", "tool": "name", "for_each": [1, 2, 3, 4], "parameters": {"of": "{{item}}"}},
    ]});
    let folder = crate::common::program::folder(
        "plan.json",
        &steps.to_string(),
        "tools: {name: {type: model, prompt: 'Name a colour for {{of}}.', output_schema: {type: string}}}",
    );
    std::fs::write(
        folder.path().join("plandeck.toml"),
        "[rates.\"gpt-4o-mini\"]\nrequests_per_minute = 3\n",
    )
    .unwrap();
    let (output, events) = run(
        &folder,
        &[
            "--worker",
            "gpt-4o-mini",
            "--base-url",
            &server.url(),
            "--timeout-seconds",
            "2",
        ],
    );
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert_eq!(server.requests().len(), 3);
    let result = json(&output);
    let statuses: Vec<&str> = result["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["status"].as_str().unwrap())
        .collect();
    let done = statuses.iter().filter(|status| **status == "succeeded");
    assert_eq!(done.count(), 3, "{statuses:?}");
    let waits = of_type(&events, "step_waiting");
    assert_eq!(waits.last().unwrap()["on"], "gpt-4o-mini");
    assert_eq!(waits.last().unwrap()["step"], "all[3]");
}
