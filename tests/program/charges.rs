//! The sum that makes the cost of an attempt: tokens times price for each class, in the result, the events and in words.

use crate::common::model_server::ModelServer;
use crate::common::program::{code, folder, json, plan_in, stderr, step};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use wiremock::{Request, ResponseTemplate};

const PLAN: &str =
    "steps:\n  - {id: summary, tool: summarize, parameters: {text: a long report}}\n";
const TOOLS: &str = "tools:\n  summarize: {type: model, max_tokens: 100, cost_usd: 0.002}\n";
const CONFIG: &str = "[prices.\"counted\"]\ninput = 2\ncached = 0.5\ncache_write = 2.5\ncache_write_1h = 4\noutput = 10\n";

fn plandeck(home: &Path, args: &[&str]) -> Output {
    let mut command = crate::common::program::command();
    command
        .env("PLANDECK_HOME", home)
        .env("PLANDECK_CONFIG", home.join("plandeck.toml"))
        .env("OPENAI_API_KEY", "sk-counts-tokens")
        .args(args)
        .output()
        .unwrap()
}

/// Runs the plan once against a server that reports `usage`; gives the result, the events and what `show` and
/// `explain` say.
fn counted(usage: Value) -> (Value, Vec<Value>, String, String) {
    let server = ModelServer::answering(move |_: &Request| {
        let message = json!({"role": "assistant", "content": "It is long."});
        ResponseTemplate::new(200).set_body_json(json!({
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": usage,
        }))
    });
    let folder = folder("plan.yaml", PLAN, TOOLS);
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("plandeck.toml"), CONFIG).unwrap();
    let events = home.path().join("events.jsonl");
    let output = plandeck(
        home.path(),
        &[
            "run",
            plan_in(folder.path()).to_str().unwrap(),
            "--trust",
            "--headless",
            "--json",
            "--worker",
            "counted",
            "--base-url",
            &server.url(),
            "--events",
            events.to_str().unwrap(),
        ],
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let result = json(&output);
    let events = std::fs::read_to_string(&events).unwrap();
    let events = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let words = |args: &[&str]| {
        let output = plandeck(home.path(), args);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = json(&Output {
        stdout: words(&["show", "last", "--json"]).into_bytes(),
        ..output
    });
    assert_eq!(shown["steps"][0]["tokens"], result["steps"][0]["tokens"]);
    (
        result,
        events,
        words(&["show", "last"]),
        words(&["explain", "last", "summary"]),
    )
}

#[test]
fn every_class_of_tokens_is_recorded_and_has_its_price() {
    let (result, events, shown, explained) = counted(json!({
        "prompt_tokens": 1_000, "completion_tokens": 90, "total_tokens": 1_090,
        "prompt_tokens_details": {"cached_tokens": 400, "cache_write_tokens": 150},
        "completion_tokens_details": {"reasoning_tokens": 60},
    }));
    let row = step(&result, "summary");
    assert_eq!(
        row["tokens"],
        json!({"input": 1_000, "cached_input": 400, "cache_write": 150, "output": 90, "reasoning": 60})
    );
    let pico =
        450 * 2_000_000 + 400 * 500_000 + 150 * 2_500_000 + 90 * 10_000_000 + 2_000_000_000_i64;
    assert_eq!(row["cost"], json!(pico as f64 / 1e12));
    let ended = events
        .iter()
        .find(|event| event["type"] == "attempt_ended")
        .unwrap();
    let sum: f64 = ended["charges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|charge| charge["count"].as_f64().unwrap() * charge["price"].as_f64().unwrap())
        .sum();
    assert!((sum * 1e12 - pico as f64).abs() < 1.0, "{ended}");
    let words = "450 input × $2/M + 400 cached input × $0.5/M + 150 cache write × $2.5/M + 30 output × $10/M + \
                 60 reasoning × $10/M + 1 call × $0.002 = $0.004375";
    assert!(shown.contains(words), "{shown}");
    assert!(explained.contains(words), "{explained}");
}

#[test]
fn a_usage_that_the_server_does_not_report_is_shown_as_a_bound() {
    let (result, _, shown, _) = counted(json!({"prompt_tokens": 1_000}));
    let row = step(&result, "summary");
    assert_eq!(row["tokens"], Value::Null);
    assert_eq!(row["cost"], json!(0.005));
    let words = "1,000 input × $2/M + at most 100 output (the server does not say) × $10/M + 1 call × $0.002 = $0.005";
    assert!(shown.contains(words), "{shown}");
}

/// The tokens of these usages make $0.003 at the prices of the settings, and the call costs $0.002.
fn usage_with(bill: &Value) -> Value {
    json!({"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100, "cost": bill})
}

fn notes(events: &[Value]) -> Vec<&str> {
    let logs = events.iter().filter(|event| event["type"] == "attempt_log");
    logs.filter_map(|event| event["text"].as_str()).collect()
}

#[test]
fn a_bill_above_the_sum_of_the_tokens_counts() {
    let (result, events, shown, explained) = counted(usage_with(&json!(0.0037)));
    assert_eq!(step(&result, "summary")["cost"], json!(0.0057));
    let words = "1,000 input × $2/M + 100 output × $10/M + $0.0007 more by the provider's bill + 1 call × $0.002 = \
                 $0.0057 (the provider states $0.0037)";
    assert!(shown.contains(words), "{shown}");
    assert!(explained.contains(words), "{explained}");
    let notes = notes(&events);
    assert_eq!(notes.len(), 1, "{notes:?}");
    for part in ["states a bill of $0.0037", "make $0.003;", "[prices]"] {
        assert!(notes[0].contains(part), "{notes:?}");
    }
}

#[test]
fn a_bill_below_the_sum_of_the_tokens_is_shown_and_does_not_count() {
    let (result, events, shown, _) = counted(usage_with(&json!("0.0021")));
    assert_eq!(step(&result, "summary")["cost"], json!(0.005));
    let words = "= $0.005 (the provider states $0.0021; the higher amount counts)";
    assert!(shown.contains(words), "{shown}");
    assert_eq!(notes(&events).len(), 1);
}

#[test]
fn a_bill_that_agrees_needs_no_warning() {
    let (result, events, shown, _) = counted(usage_with(&json!(0.003)));
    assert_eq!(step(&result, "summary")["cost"], json!(0.005));
    assert!(
        shown.contains("= $0.005 (the provider states the same)"),
        "{shown}"
    );
    assert_eq!(notes(&events), [""; 0]);
}

#[test]
fn what_cannot_be_a_bill_changes_nothing() {
    for odd in [json!(null), json!(-2), json!("soon"), json!(1e40)] {
        let (result, events, shown, _) = counted(usage_with(&odd));
        assert_eq!(step(&result, "summary")["cost"], json!(0.005), "{odd}");
        assert!(!shown.contains("the provider states"), "{shown}");
        assert_eq!(notes(&events), [""; 0], "{odd}");
    }
}
