//! Streamed answers from outside: what the events and the record say of them, and what is left of one that is interrupted.

use crate::common::program::{code, folder, json, plandeck, stderr, step};
use crate::common::raw_server::{Act, RawServer, STREAM, chunk, end, sse, stream};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

const KEY: &str = "sk-streams-5520-quietly";

fn plan(settings: &str) -> String {
    format!(
        "steps:\n  - {{id: total, tool: add_up, parameters: {{note: 'Tea 4.50, key {KEY}'}}{settings}}}\n"
    )
}

const TOOLS: &str = "tools:\n  add_up: {type: model, output_schema: {type: object, properties: {total: {type: number}}, required: [total]}}\n";

/// Runs the plan against a server; gives what it printed and its events.
fn run(folder: &Path, server: &RawServer) -> (Output, Vec<Value>) {
    let events = folder.join("events.jsonl");
    let url = format!("{}/v1", server.url());
    let output = plandeck()
        .env("PLANDECK_HOME", folder.join("home"))
        .env("OPENAI_API_KEY", KEY)
        .arg("run")
        .arg(folder.join("plan.yaml"))
        .args(["--headless", "--json", "--trust", "--worker", "gpt-4o-mini"])
        .args(["--base-url", &url, "--events"])
        .arg(&events)
        .output()
        .unwrap();
    (output, lines(&std::fs::read_to_string(events).unwrap()))
}

fn lines(text: &str) -> Vec<Value> {
    assert!(!text.contains(KEY), "{text}");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The events of the run on record.
fn recorded(folder: &Path) -> Vec<Value> {
    let output = plandeck()
        .env("PLANDECK_HOME", folder.join("home"))
        .args(["export", "last", "--format", "jsonl"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    lines(&String::from_utf8(output.stdout).unwrap())
}

fn of_type<'a>(events: &'a [Value], kind: &str) -> &'a Value {
    let mut found = events.iter().filter(|event| event["type"] == kind);
    let one = found
        .next()
        .unwrap_or_else(|| panic!("no {kind} in {events:?}"));
    assert!(found.next().is_none(), "more than one {kind}");
    one
}

fn say(text: impl Into<String>) -> Act {
    Act::Say(text.into())
}

#[test]
fn the_prompt_is_in_the_first_event_and_the_speed_in_the_last() {
    let begun = format!("{STREAM}{}", sse(&chunk("{\"total\": ")));
    let rest: String = end("stop", 60, 7).iter().map(sse).collect();
    let server = RawServer::start(vec![vec![
        say(begun),
        Act::Wait,
        say(sse(&chunk("4.5}")) + &rest),
    ]]);
    let folder = folder("plan.yaml", &plan(""), TOOLS);
    let (output, events) = std::thread::scope(|scope| {
        let running = scope.spawn(|| run(folder.path(), &server));
        // While the answer arrives, the prompt is on record already.
        let events = folder.path().join("events.jsonl");
        let has_started =
            || std::fs::read_to_string(&events).is_ok_and(|text| text.contains("attempt_started"));
        while !has_started() {
            assert!(!running.is_finished(), "the run ended");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let so_far = lines(&std::fs::read_to_string(&events).unwrap());
        let prompt = of_type(&so_far, "attempt_started")["prompt"]
            .as_str()
            .unwrap();
        assert!(prompt.contains("Tea 4.50, key [redacted]"), "{prompt}");
        server.go_on();
        running.join().unwrap()
    });
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(step(&json(&output), "total")["output"]["total"], 4.5);
    // The server was sent the value as it is.
    assert!(server.bodies()[0].to_string().contains(KEY));
    for events in [events, recorded(folder.path())] {
        let ended = of_type(&events, "attempt_ended");
        let first = ended["first_token_ms"].as_f64().unwrap();
        let service = ended["service_ms"].as_f64().unwrap();
        assert!(first > 0.0 && first <= service, "{first} of {service}");
        assert!(ended["tokens_per_second"].as_f64().unwrap() > 0.0);
        assert_eq!(ended["answer"], "{\"total\": 4.5}");
        assert!(of_type(&events, "attempt_started")["prompt"].is_string());
    }
}

#[test]
fn an_answer_that_came_whole_has_no_speed() {
    let whole = serde_json::json!({"choices": [{"message": {"content": "{\"total\": 4.5}"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1}})
    .to_string();
    let whole = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{whole}",
        whole.len()
    );
    let server = RawServer::start(vec![vec![say(whole)]]);
    let folder = folder("plan.yaml", &plan(""), TOOLS);
    let (output, events) = run(folder.path(), &server);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let ended = of_type(&events, "attempt_ended");
    assert!(ended.get("first_token_ms").is_none() && ended.get("tokens_per_second").is_none());
}

#[test]
fn a_step_whose_time_is_over_keeps_what_had_come() {
    let thought = serde_json::json!({"choices": [{"delta": {"reasoning_content": "One line."}}]});
    let begun = format!("{STREAM}{}{}", sse(&thought), sse(&chunk("{\"total\": 4")));
    let server = RawServer::start(vec![vec![say(begun), Act::Hang]]);
    let once = ", timeout_s: 1.5, retry_policy: {retries: 1, backoff_s: 0}";
    let folder = folder("plan.yaml", &plan(once), TOOLS);
    let (output, events) = run(folder.path(), &server);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let result = json(&output);
    let error = &step(&result, "total")["error"];
    assert_eq!(error["type"], "TimeoutError");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("timeout_s = 1.5"), "{message}");
    assert!(message.contains("openai/gpt-4o-mini"), "{message}");
    for events in [events, recorded(folder.path())] {
        let ended = of_type(&events, "attempt_ended");
        assert_eq!(ended["answer"], "{\"total\": 4");
        assert_eq!(ended["reasoning"], "One line.");
        assert!(ended["first_token_ms"].as_f64().unwrap() > 0.0);
        // It may have been billed: what was reserved counts.
        assert!(ended["cost"].as_f64().unwrap() > 0.0);
    }
    let raw = plandeck()
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args(["show", "last", "--raw", "--json"])
        .output()
        .unwrap();
    let raw = json(&raw);
    assert!(
        raw[0]["response"]["body"]
            .as_str()
            .unwrap()
            .contains("One line.")
    );
}

#[test]
fn a_repair_streams_as_well_and_the_record_says_the_same() {
    // A repair streams as well: both requests count for the time of the first token and for the speed.
    let bad = stream(
        &[
            vec![chunk("four "), chunk("fifty")],
            end("stop", 50, 5).to_vec(),
        ]
        .concat(),
    );
    let good = stream(
        &[
            vec![chunk("{\"total\":"), chunk(" 4.5}")],
            end("stop", 70, 8).to_vec(),
        ]
        .concat(),
    );
    let server = RawServer::start(vec![vec![say(bad)], vec![say(good)]]);
    let folder = folder("plan.yaml", &plan(""), TOOLS);
    let (output, events) = run(folder.path(), &server);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let ended = of_type(&events, "attempt_ended");
    assert_eq!(ended["tokens"]["output"], 13);
    assert_eq!(ended["answer"], "four fifty\n\n{\"total\": 4.5}");
    assert_eq!(of_type(&recorded(folder.path()), "attempt_ended"), ended);
}
