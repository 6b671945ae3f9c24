//! Planning sent to a collector, and collectors that the settings name.

use crate::common::program::{code, plandeck, stderr};
use crate::common::raw_server::{Act, RawServer, chunk, end, stream};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

const TOOLS: &str = r#"
tools:
  count_words:
    type: jq
    filter: '.text | split(" ") | length'
    description: Counts the words of a text.
    parameters: [{name: text, type: string, required: true}]
    output_schema: {type: integer}
"#;

fn collector() -> RawServer {
    let text = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    RawServer::start(vec![vec![Act::Say(text.to_owned())]])
}

/// The spans that arrived.
fn spans(collector: &RawServer) -> Vec<Value> {
    let bodies = collector.bodies().into_iter();
    let spans = bodies.map(|body| body["resourceSpans"][0]["scopeSpans"][0]["spans"].clone());
    spans
        .flat_map(|spans| spans.as_array().cloned().unwrap_or_default())
        .collect()
}

fn attribute(span: &Value, name: &str) -> Value {
    let all = span["attributes"].as_array().unwrap();
    let one = all.iter().find(|one| one["key"] == name);
    one.and_then(|one| one["value"].as_object()?.values().next().cloned())
        .unwrap_or_default()
}

fn workplace() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("catalog.yaml"), TOOLS).unwrap();
    folder
}

fn plan(folder: &Path, collector: &RawServer, more: &[&str]) -> i32 {
    let output = plandeck()
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .env("OPENAI_API_KEY", "sk-none")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        .env(
            "TRACEPARENT",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .args([
            "plan",
            "count the words of the letter",
            "--tools",
            "catalog.yaml",
        ])
        .args(["-c", "letter=a short note", "--json"])
        .args(more)
        .output()
        .unwrap();
    assert!(
        !stderr(&output).contains("OpenTelemetry"),
        "{}",
        stderr(&output)
    );
    code(&output)
}

#[test]
fn a_plan_that_a_model_wrote_is_a_span_with_what_it_took() {
    let (folder, collector) = (workplace(), collector());
    let answer = |plan: &Value| {
        let [stop, usage] = end("stop", 1000, 200);
        vec![Act::Say(stream(&[chunk(&plan.to_string()), stop, usage]))]
    };
    let step = |tool: &str| json!({"name": "count", "steps": [{"id": "count", "tool": tool, "parameters": {"text": "{{letter}}"}, "depends_on": []}]});
    let model = RawServer::start(vec![
        answer(&step("no_such_tool")),
        answer(&step("count_words")),
    ]);
    let url = format!("{}/v1", model.url());
    let more = ["--planner", "openai/gpt-4o", "--base-url", &url];
    assert_eq!(plan(folder.path(), &collector, &more), 0);
    let all = spans(&collector);
    assert_eq!(all.len(), 1, "{all:#?}");
    let span = &all[0];
    assert_eq!(span["name"], "plan");
    assert_eq!(span["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(span["parentSpanId"], "b7ad6b7169203331");
    for (name, value) in [
        ("gen_ai.operation.name", json!("plan")),
        ("gen_ai.provider.name", json!("openai")),
        ("gen_ai.request.model", json!("gpt-4o")),
        ("gen_ai.usage.input_tokens", json!("2000")),
        ("gen_ai.usage.output_tokens", json!("400")),
        ("plandeck.planning.requests", json!("2")),
        ("plandeck.planning.corrections", json!("1")),
        ("plandeck.planning.steps", json!("1")),
        ("gen_ai.workflow.name", json!("count")),
    ] {
        assert_eq!(attribute(span, name), value, "{name} of {span:#}");
    }
    assert!(attribute(span, "plandeck.cost_usd").as_f64().unwrap() > 0.0);
    assert_eq!(attribute(span, "input.value"), Value::Null);
    let times = ["startTimeUnixNano", "endTimeUnixNano"];
    let times = times.map(|name| span[name].as_str().unwrap().parse::<u128>().unwrap());
    assert!(times[0] < times[1]);
}

#[test]
fn planning_without_a_result_says_why() {
    let (folder, collector) = (workplace(), collector());
    let more = ["--planner", "offline"];
    let output = plandeck()
        .current_dir(folder.path())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        .args([
            "plan",
            "paint the fence of the neighbours",
            "--tools",
            "catalog.yaml",
        ])
        .args(more)
        .output()
        .unwrap();
    assert_ne!(code(&output), 0);
    let all = spans(&collector);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(all[0]["status"]["code"], 2);
    assert_eq!(attribute(&all[0], "error.type"), "OutOfReach");
}

/// Runs a plan in `folder` with the settings there; what is said on standard error.
fn run(folder: &Path, trust: bool, variables: &[(&str, &str)]) -> String {
    let plan = json!({"name": "one", "tools": {"same": {"type": "jq", "filter": "."}},
        "steps": [{"id": "a", "tool": "same", "parameters": {"n": 1}}]});
    std::fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
    let mut command = plandeck();
    if !trust {
        command.env_remove("PLANDECK_TRUST");
    }
    let output = command
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .envs(variables.iter().copied())
        .args(["run", "plan.json", "--worker", "offline", "--headless"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    stderr(&output)
}

#[test]
fn the_settings_name_a_collector_where_the_environment_does_not() {
    let (folder, of_settings) = (tempfile::tempdir().unwrap(), collector());
    let settings = format!(
        "[telemetry]\nendpoint = \"{}\"\nprotocol = \"http/json\"\ncontent = true\nservice_name = \"shop\"\n\
         headers = {{ authorization = \"Bearer ${{COLLECTOR_TOKEN}}\" }}\n",
        of_settings.url()
    );
    std::fs::write(folder.path().join("plandeck.toml"), settings).unwrap();
    let token = ("COLLECTOR_TOKEN", "hunter2=hunter2");
    // A project may come from anybody.
    let said = run(folder.path(), false, &[token]);
    assert!(
        said.contains("has no effect: run `plandeck trust"),
        "{said}"
    );
    assert!(of_settings.bodies().is_empty());
    let said = run(folder.path(), true, &[token]);
    assert!(!said.contains("telemetry"), "{said}");
    assert_eq!(spans(&of_settings).len(), 2);
    for head in of_settings.heads() {
        assert!(
            head.contains("authorization: bearer hunter2=hunter2"),
            "{head}"
        );
    }
    for body in of_settings.bodies() {
        let text = body.to_string();
        assert!(
            text.contains("\"shop\"") && !text.contains("hunter2"),
            "{text}"
        );
    }
    assert!(
        spans(&of_settings)[0]
            .to_string()
            .contains("gen_ai.tool.call.arguments")
    );
    // The environment names another one, which gets no header of the settings.
    let of_environment = collector();
    let count = of_settings.bodies().len();
    let variables = [
        token,
        ("OTEL_EXPORTER_OTLP_ENDPOINT", of_environment.url()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
    ];
    run(folder.path(), true, &variables);
    assert_eq!(
        (of_settings.bodies().len(), spans(&of_environment).len()),
        (count, 2)
    );
    assert!(
        of_environment
            .heads()
            .iter()
            .all(|head| !head.contains("authorization"))
    );
    // What is missing is said, and the run goes on.
    let said = run(folder.path(), true, &[]);
    assert!(said.contains("COLLECTOR_TOKEN, which is not set"), "{said}");
}
