//! The receipt plan with a model behind an OpenAI-compatible endpoint: what it costs, what it is told, and what
//! becomes of answers that do not come.

use crate::common::model_server::{Answer, ModelServer};
use crate::common::program::{code, json, plandeck, run_json, stderr, step};
use crate::common::samples::sample;
use serde_json::{Value, json};
use std::process::Output;
use std::time::Duration;

const KEY: &str = "sk-test-51d0c0ffee";
/// Pico-dollars for a token of gpt-4o-mini: input and output.
const PRICE: (i64, i64) = (150_000, 600_000);
const MODEL_STEPS: [(&str, &str); 5] = [
    ("header", "Read the head of this till receipt"),
    ("items", "List every line of this till receipt"),
    ("totals", "Read the sums that this till receipt"),
    ("categorize", "Give each line a household category"),
    ("summary", "Write two or three plain sentences"),
];

/// The answers that rules give, said by a model; of the steps named only.
fn answers(of: &[&str]) -> Vec<Answer> {
    let (status, result) = run_json(&sample("receipt"), &[]);
    assert_eq!(status, 0);
    MODEL_STEPS
        .into_iter()
        .filter(|(id, _)| of.contains(id))
        .map(|(id, to)| Answer {
            to: to.to_owned(),
            says: step(&result, id)["output"].clone(),
            after: Duration::ZERO,
        })
        .collect()
}

fn run_with(server: &ModelServer, more: &[&str]) -> (Output, String) {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.jsonl");
    let output = plandeck()
        .env("OPENAI_API_KEY", KEY)
        .arg("run")
        .arg(sample("receipt"))
        .args(["--worker", "gpt-4o-mini", "--base-url", &server.url()])
        .args(["--headless", "--json", "--events"])
        .arg(&events)
        .args(more)
        .output()
        .unwrap();
    let events = std::fs::read_to_string(&events).unwrap_or_default();
    (output, events)
}

#[test]
fn a_model_does_the_work_and_its_price_is_exact() {
    let every = MODEL_STEPS.map(|(id, _)| id);
    let server = ModelServer::start(answers(&every));
    let (output, events) = run_with(&server, &["--max-total-cost-usd", "0.10"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let result = json(&output);
    assert_eq!(result["result"]["accepted"], true);
    assert_eq!(result["result"]["total"], 63.81);
    assert_eq!(result["simulated"], false);
    assert!(result["worker"].as_str().unwrap().ends_with("gpt-4o-mini"));
    let mut sum = 0;
    for id in every {
        let row = step(&result, id);
        let tokens = |name: &str| row["tokens"][name].as_i64().unwrap();
        let pico = tokens("input") * PRICE.0 + tokens("output") * PRICE.1;
        assert!(tokens("input") > 0 && tokens("output") > 0);
        assert_eq!(row["cost"], json!(pico as f64 / 1e12), "{id}");
        assert!(row["model"].as_str().unwrap().contains("gpt-4o-mini"));
        sum += pico;
    }
    assert_eq!(result["cost"], json!(sum as f64 / 1e12));
    assert_eq!(step(&result, "validate")["cost"], 0.0);

    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    for (authorization, body) in &requests {
        assert_eq!(authorization, &format!("Bearer {KEY}"));
        assert_eq!(body["model"], "gpt-4o-mini");
    }
    // What a step refers to reaches the model, and nothing is left of the references.
    let asked: Vec<String> = requests
        .iter()
        .map(|(_, body)| body["messages"].to_string())
        .collect();
    assert!(
        asked
            .iter()
            .any(|asked| asked.contains("GREENFIELD MARKET"))
    );
    assert!(asked.iter().all(|asked| !asked.contains("{{")));
    for (name, text) in [
        (
            "standard output",
            String::from_utf8_lossy(&output.stdout).into_owned(),
        ),
        ("standard error", stderr(&output)),
        ("the events", events),
    ] {
        assert!(!text.contains(KEY), "the key stands in {name}");
    }
}

#[test]
fn what_no_call_could_be_paid_from_stops_the_run() {
    let server = ModelServer::start(answers(&MODEL_STEPS.map(|(id, _)| id)));
    let (output, _) = run_with(&server, &["--max-total-cost-usd", "0.0000001"]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let result = json(&output);
    assert_eq!(result["exceeded_limits"], json!(["max_total_cost_usd"]));
    assert_eq!(result["cost"], 0.0);
    assert!(
        server.requests().is_empty(),
        "a call was made that nothing was left for"
    );
}

#[test]
fn a_model_without_a_price_is_refused_under_a_limit() {
    let server = ModelServer::start(Vec::new());
    let output = plandeck()
        .env("OPENAI_API_KEY", KEY)
        .arg("run")
        .arg(sample("receipt"))
        .args([
            "--worker",
            "a-model-of-ones-own",
            "--base-url",
            &server.url(),
            "--headless",
        ])
        .output()
        .unwrap();
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    let said = stderr(&output);
    assert!(
        said.contains("a-model-of-ones-own") && said.contains("--no-track-cost"),
        "{said}"
    );
    assert!(server.requests().is_empty());
}

#[test]
fn a_model_that_refuses_fails_its_step_alone() {
    let server = ModelServer::start(answers(&["header", "items", "totals"]));
    let (output, _) = run_with(&server, &[]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let result = json(&output);
    let error = &step(&result, "categorize")["error"];
    assert_eq!(error["type"], "ToolExecutionError");
    // The server answers with 404, which another attempt does not fix.
    assert_eq!(
        (&error["retryable"], &error["attempts"]),
        (&Value::Bool(false), &json!(1))
    );
    assert!(
        error["message"].as_str().unwrap().contains("404"),
        "{error}"
    );
    assert_eq!(step(&result, "validate")["status"], "succeeded");
    assert_eq!(step(&result, "date_check")["status"], "succeeded");
    assert_eq!(step(&result, "summary")["reason"], "upstream");
}

/// A prompt that names only some of its parameters does not lose the others.
#[test]
fn every_parameter_reaches_the_model() {
    let server = ModelServer::start(vec![Answer {
        to: "Pick the colour for Ada".to_owned(),
        says: json!("red"),
        after: Duration::ZERO,
    }]);
    let folder = crate::common::program::folder(
        "plan.json",
        r#"{"steps": [{"id": 1, "tool": "pick", "parameters": {"who": "Ada", "from": ["crimson", "teal"]}}]}"#,
        "tools: {pick: {type: model, description: Picks, prompt: 'Pick the colour for {{who}}.', output_schema: {type: string}}}",
    );
    let output = plandeck()
        .env("OPENAI_API_KEY", KEY)
        .arg("run")
        .arg(crate::common::program::plan_in(folder.path()))
        .args(["--worker", "gpt-4o-mini", "--base-url", &server.url()])
        .args(["--headless", "--json"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(json(&output)["result"], "red");
    let asked = server.requests()[0].1["messages"].to_string();
    assert!(
        asked.contains("crimson") && asked.contains("teal"),
        "{asked}"
    );
    assert_eq!(asked.matches("Ada").count(), 1, "{asked}");
}
