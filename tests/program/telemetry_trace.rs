//! The trace of a run handed on to its tools, and to nobody else.

use crate::common::program::{code, json, plandeck, stderr};
use crate::common::raw_server::{Act, RawServer, chunk, end, stream};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

fn says_json(body: &str) -> RawServer {
    let text = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    RawServer::start(vec![vec![Act::Say(text)]])
}

/// Runs a plan with a program, a server and a model; `shop` is the server.
fn run(folder: &Path, shop: &RawServer, model: &RawServer, variables: &[(&str, &str)]) -> Output {
    let tell = "printf '\"%s\"' \"${TRACEPARENT:-none}\"";
    let plan = json!({
        "name": "told",
        "tools": {
            "tell": {"type": "process", "command": ["sh", "-c", tell]},
            "order": {"type": "http", "method": "POST", "url": format!("{}/order", shop.url())},
            "ask": {"type": "model", "prompt": "Say yes."},
        },
        "steps": [
            {"id": "a", "tool": "tell", "parameters": {}},
            {"id": "b", "tool": "order", "parameters": {"n": 1}, "depends_on": ["a"]},
            {"id": "c", "tool": "ask", "parameters": {}, "depends_on": ["b"]},
        ],
    });
    std::fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
    plandeck()
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .env("OPENAI_API_KEY", "sk-none")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        .envs(variables.iter().copied())
        .args([
            "run",
            "plan.json",
            "--headless",
            "--json",
            "--worker",
            "gpt-4o-mini",
        ])
        .args(["--base-url", &format!("{}/v1", model.url())])
        .output()
        .unwrap()
}

fn header(server: &RawServer) -> Option<String> {
    let heads = server.heads();
    assert_eq!(heads.len(), 1, "{heads:?}");
    let mut lines = heads[0].lines();
    lines.find_map(|line| Some(line.strip_prefix("traceparent:")?.trim().to_owned()))
}

fn model() -> RawServer {
    let [stop, usage] = end("stop", 5, 1);
    RawServer::start(vec![vec![Act::Say(stream(&[chunk("yes"), stop, usage]))]])
}

/// The spans that were sent, by their steps: trace and span.
fn sent(collector: &RawServer, step: &str) -> (String, String) {
    let bodies = collector.bodies();
    let spans = bodies
        .iter()
        .filter_map(|body| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array());
    let of_step = |span: &&Value| {
        let attributes = span["attributes"].as_array().unwrap();
        let named = json!({"key": "plandeck.step", "value": {"stringValue": step}});
        attributes.contains(&named)
    };
    let span = spans.flatten().find(of_step).unwrap();
    let id = |name: &str| span[name].as_str().unwrap().to_owned();
    (id("traceId"), id("spanId"))
}

#[test]
fn tools_are_told_of_the_span_that_their_work_is_in_and_models_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, shop, asked) = (says_json("{}"), says_json("{}"), model());
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for parent in [None, Some(caller)] {
        let (shop, asked) = if parent.is_none() {
            (&shop, &asked)
        } else {
            (&says_json("{}"), &model())
        };
        let collector = if parent.is_none() {
            &collector
        } else {
            &says_json("{}")
        };
        let mut variables = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())];
        variables.extend(parent.map(|parent| ("TRACEPARENT", parent)));
        let output = run(folder.path(), shop, asked, &variables);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let told = json(&output)["steps"][0]["output"].clone();
        let (trace, span) = sent(collector, "a");
        assert_eq!(told, format!("00-{trace}-{span}-01"));
        let (trace, span) = sent(collector, "b");
        assert_eq!(header(shop), Some(format!("00-{trace}-{span}-01")));
        assert_eq!(header(asked), None, "a provider is told nothing");
        if let Some(parent) = parent {
            assert!(parent.contains(&trace));
        }
    }
}

#[test]
fn without_a_collector_nobody_is_told_anything() {
    let folder = tempfile::tempdir().unwrap();
    let (shop, asked) = (says_json("{}"), model());
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let output = run(folder.path(), &shop, &asked, &[("TRACEPARENT", caller)]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(json(&output)["steps"][0]["output"], "none");
    assert_eq!(header(&shop), None);
}
