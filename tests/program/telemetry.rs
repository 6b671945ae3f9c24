//! Runs sent to a collector of OpenTelemetry while they are running.

use crate::common::process::wait_until;
use crate::common::program::{HANG, code, json, plandeck, stderr};
use crate::common::raw_server::{Act, RawServer};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Output;
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn answer(status: &str) -> Vec<Act> {
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
    );
    vec![Act::Say(text)]
}

fn collector() -> RawServer {
    RawServer::start(vec![answer("200 OK")])
}

/// Everything that a collector has of one kind, in the order in which it came.
fn got(collector: &RawServer, lists: [&str; 3]) -> Vec<Value> {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let bodies = collector.bodies().into_iter();
    bodies
        .flat_map(|body| list(&body, lists[0]))
        .flat_map(|resource| list(&resource, lists[1]))
        .flat_map(|scope| list(&scope, lists[2]))
        .collect()
}

fn spans(collector: &RawServer) -> Vec<Value> {
    got(collector, ["resourceSpans", "scopeSpans", "spans"])
}

fn records(collector: &RawServer) -> Vec<Value> {
    got(collector, ["resourceLogs", "scopeLogs", "logRecords"])
}

/// The last points of a metric, by the values of their attributes.
fn points(collector: &RawServer, name: &str) -> BTreeMap<Vec<String>, Value> {
    let all = got(collector, ["resourceMetrics", "scopeMetrics", "metrics"]);
    let metric = all.into_iter().rev().find(|one| one["name"] == name);
    let metric = metric.unwrap_or_else(|| panic!("no metric {name}"));
    let data = [&metric["sum"], &metric["histogram"]];
    let points = data
        .iter()
        .find_map(|data| data["dataPoints"].as_array())
        .unwrap();
    let key = |point: &Value| {
        let all = point["attributes"].as_array().unwrap().iter();
        all.map(|one| one["value"]["stringValue"].as_str().unwrap().to_owned())
            .collect()
    };
    points
        .iter()
        .map(|point| (key(point), point.clone()))
        .collect()
}

fn attribute<'a>(span: &'a Value, name: &str) -> Option<&'a Value> {
    let all = span["attributes"].as_array()?;
    let one = all.iter().find(|one| one["key"] == name)?;
    one["value"].as_object()?.values().next()
}

fn run_span(spans: &[Value]) -> &Value {
    let is_run = |span: &&Value| {
        span["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("invoke_workflow"))
    };
    let runs: Vec<&Value> = spans.iter().filter(is_run).collect();
    assert_eq!(runs.len(), 1, "{spans:#?}");
    runs[0]
}

fn command(folder: &TempDir, collector: &str) -> assert_cmd::Command {
    let mut command = plandeck();
    command
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    command
}

fn write(folder: &TempDir, plan: &Value) {
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
}

fn run(folder: &TempDir, collector: &str, variables: &[(&str, &str)]) -> Output {
    run_with("simulated", folder, collector, variables)
}

fn run_with(worker: &str, folder: &TempDir, collector: &str, variables: &[(&str, &str)]) -> Output {
    command(folder, collector)
        .envs(variables.iter().copied())
        .args([
            "run",
            "plan.json",
            "--worker",
            worker,
            "--headless",
            "--json",
        ])
        .output()
        .unwrap()
}

/// A step that asks a model, between two that work and one that fails.
fn plan() -> Value {
    json!({
        "name": "round",
        "tools": {
            "same": {"type": "jq", "filter": "."},
            "bad": {"type": "jq", "filter": "error(\"no luck\")"},
            "ask": {"type": "model", "prompt": "Say {{n}}."},
        },
        "steps": [
            {"id": "a", "tool": "same", "parameters": {"n": "private-input"}},
            {"id": "b", "tool": "ask", "parameters": {"n": "{{a.n}}"}},
            {"id": "c", "tool": "same", "parameters": {"n": "{{a.n}}", "of": "{{b}}"}},
            {"id": "d", "tool": "bad", "parameters": {"of": "{{c}}"}},
        ],
    })
}

fn with_plan() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, &plan());
    folder
}

#[test]
fn a_run_is_sent_as_it_is_exported_with_its_failures_and_figures() {
    let (folder, collector) = (with_plan(), collector());
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "x-team=a%20b");
    let output = run(
        &folder,
        collector.url(),
        &[headers, ("OTEL_SERVICE_NAME", "shop")],
    );
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(
        !stderr(&output).contains("OpenTelemetry"),
        "{}",
        stderr(&output)
    );
    let result = json(&output);

    let exported = command(&folder, collector.url())
        .args(["export", "last", "--format", "otlp"])
        .output()
        .unwrap();
    let exported = json(&exported)["resourceSpans"][0]["scopeSpans"][0]["spans"].clone();
    let by_id = |spans: &[Value]| -> BTreeMap<String, Value> {
        let one = |span: &Value| (span["spanId"].as_str().unwrap().to_owned(), span.clone());
        spans.iter().map(one).collect()
    };
    let sent = spans(&collector);
    let exported = exported.as_array().unwrap();
    assert_eq!(by_id(&sent), by_id(exported));
    assert_eq!(sent.len(), exported.len(), "none is sent twice");
    assert_eq!(sent.last(), Some(run_span(&sent)), "the run comes last");

    let failed = sent
        .iter()
        .find(|span| attribute(span, "plandeck.step") == Some(&json!("d")));
    let failed = failed.unwrap();
    // The simulated worker is overloaded at first: those attempts are told too.
    let (again, told): (Vec<Value>, Vec<Value>) = records(&collector)
        .into_iter()
        .partition(|record| attribute(record, "plandeck.step") == Some(&json!("b")));
    let attempts = result["steps"][1]["attempts"].as_u64().unwrap();
    assert_eq!(again.len() as u64 + 1, attempts);
    let names: Vec<_> = told
        .iter()
        .map(|one| one["eventName"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "plandeck.attempt.failed",
            "plandeck.step.failed",
            "plandeck.run.failed"
        ]
    );
    for (record, span) in told.iter().zip([failed, failed, run_span(&sent)]) {
        assert_eq!(
            (&record["traceId"], &record["spanId"]),
            (&span["traceId"], &span["spanId"]),
            "{record:#}"
        );
    }
    assert!(
        told[1]["body"]["stringValue"]
            .as_str()
            .unwrap()
            .contains("no luck")
    );

    let worker = result["worker"].as_str().unwrap();
    let model = result["steps"][1]["model"].as_str().unwrap().to_owned();
    let provider = worker.split('/').next().unwrap().to_owned();
    let chat = vec!["chat".to_owned(), provider, model];
    let took = points(&collector, "gen_ai.client.operation.duration");
    assert_eq!(took[&chat]["count"], "1", "{took:#?}");
    let bad = ["execute_tool", "bad", "ToolExecutionError"].map(str::to_owned);
    assert_eq!(took[&bad.to_vec()]["count"], "1", "{took:#?}");
    let tokens = points(&collector, "gen_ai.client.token.usage");
    let kind = |word: &str| [&chat[..], &[word.to_owned()]].concat();
    let counted = result["steps"][1]["tokens"]["input"].as_f64();
    assert_eq!(tokens[&kind("input")]["sum"].as_f64(), counted);
    let steps = points(&collector, "plandeck.steps");
    let steps = ["succeeded", "failed"].map(|word| &steps[&vec![word.to_owned()]]["asInt"]);
    assert_eq!(steps, [&json!("3"), &json!("1")]);
    let running = points(&collector, "plandeck.attempts.running");
    assert_eq!(running[&vec![]]["asInt"], "0");

    for head in collector.heads() {
        assert!(head.contains("content-type: application/json"), "{head}");
        assert!(head.contains("x-team: a b"), "{head}");
    }
    let paths: BTreeSet<String> = collector
        .heads()
        .iter()
        .map(|head| head.lines().next().unwrap().to_owned())
        .collect();
    let expected = ["traces", "metrics", "logs"].map(|word| format!("post /v1/{word} http/1.1"));
    assert_eq!(paths, expected.into());
    for body in collector.bodies() {
        let text = body.to_string();
        assert!(!text.contains("private-input"), "{text}");
        assert!(text.contains("\"shop\""), "{text}");
    }
}

#[test]
fn protobuf_is_sent_unless_json_is_asked_for_and_says_the_same() {
    let (folder, collector) = (with_plan(), collector());
    let output = run(
        &folder,
        collector.url(),
        &[
            ("OTEL_EXPORTER_OTLP_PROTOCOL", ""),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json"),
            ("OTEL_METRICS_EXPORTER", "none"),
        ],
    );
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(!stderr(&output).contains("OpenTelemetry"));
    let (heads, bodies) = (collector.heads(), collector.raw_bodies());
    let mut sent = BTreeMap::new();
    for (head, body) in heads.iter().zip(&bodies) {
        let is_trace = head.starts_with("post /v1/traces");
        assert_eq!(
            head.contains("content-type: application/x-protobuf"),
            is_trace,
            "{head}"
        );
        if !is_trace {
            continue;
        }
        let request = ExportTraceServiceRequest::decode(&**body).unwrap();
        let spans = request.resource_spans.into_iter();
        let spans = spans
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans);
        let told = spans.map(|span| (span.span_id.clone(), span));
        sent.extend(told);
    }
    assert!(!records(&collector).is_empty());
    let exported = command(&folder, collector.url())
        .args(["export", "last", "--format", "otlp"])
        .output()
        .unwrap();
    let exported: ExportTraceServiceRequest = serde_json::from_value(json(&exported)).unwrap();
    let exported = exported.resource_spans[0].scope_spans[0].spans.iter();
    let exported = exported.map(|span| (span.span_id.clone(), span.clone()));
    assert_eq!(sent, exported.collect());
}

#[test]
fn inputs_and_outputs_are_sent_where_they_are_asked_for_and_secrets_never() {
    let (folder, collector) = (tempfile::tempdir().unwrap(), collector());
    write(
        &folder,
        &json!({
            "name": "told",
            "tools": {"tell": {"type": "process", "command": ["sh", "-c", "cat; echo \" $KEY\""], "env": {"KEY": "${TELL_KEY}"}}},
            "steps": [{"id": "a", "tool": "tell", "parameters": {"n": "private-input"}}],
        }),
    );
    let output = run_with(
        "offline",
        &folder,
        collector.url(),
        &[
            ("TELL_KEY", "hunter2hunter2"),
            (
                "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
                "SPAN_ONLY",
            ),
        ],
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let all = spans(&collector);
    let call = all
        .iter()
        .find(|span| attribute(span, "plandeck.step").is_some())
        .unwrap();
    let given = attribute(call, "gen_ai.tool.call.arguments").unwrap();
    assert!(
        given.as_str().unwrap().contains("private-input"),
        "{call:#}"
    );
    let gave = attribute(call, "gen_ai.tool.call.result").unwrap();
    assert!(gave.as_str().unwrap().contains("private-input"), "{call:#}");
    for body in collector.bodies() {
        assert!(!body.to_string().contains("hunter2"), "{body:#}");
    }
}

#[test]
fn a_step_is_sent_while_the_run_is_running() {
    let (folder, collector) = (tempfile::tempdir().unwrap(), collector());
    let held = folder.path().join("go-on");
    write(
        &folder,
        &json!({
            "name": "long",
            "tools": {
                "same": {"type": "jq", "filter": "."},
                "wait": {"type": "process", "command": ["sh", "-c", "until [ -e go-on ]; do sleep 0.05; done; echo {}"], "cwd": folder.path()},
            },
            "steps": [
                {"id": "a", "tool": "same", "parameters": {"n": 1}},
                {"id": "b", "tool": "wait", "parameters": {}, "depends_on": ["a"]},
            ],
        }),
    );
    let path = folder.path().to_path_buf();
    let url = collector.url().to_owned();
    let running = std::thread::spawn(move || {
        let mut command = plandeck();
        command
            .current_dir(&path)
            .env("PLANDECK_HOME", path.join("home"))
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", url)
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
            .env("OTEL_BSP_SCHEDULE_DELAY", "20")
            .args([
                "run",
                "plan.json",
                "--worker",
                "offline",
                "--headless",
                "--json",
            ]);
        command.output().unwrap()
    });
    let until = Instant::now() + HANG;
    while spans(&collector).is_empty() {
        assert!(
            Instant::now() < until,
            "no span came while the run was running"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let first = spans(&collector);
    assert_eq!(first.len(), 1, "{first:#?}");
    assert_eq!(attribute(&first[0], "plandeck.step"), Some(&json!("a")));
    std::fs::write(held, "").unwrap();
    let output = running.join().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let all = spans(&collector);
    assert_eq!(all.len(), 3);
    assert_eq!(first[0]["parentSpanId"], run_span(&all)["spanId"]);
}

/// Without its own id, times and worker.
fn comparable(output: &Output) -> (i32, Value) {
    let mut result = json(output);
    for step in result["steps"].as_array_mut().unwrap() {
        for part in ["latency_ms", "started_ms", "ended_ms"] {
            step[part] = Value::Null;
        }
    }
    let kept = json!([result["status"], result["error"], result["steps"]]);
    (code(output), kept)
}

#[test]
fn a_collector_that_is_down_or_slow_or_fails_changes_nothing_and_is_noted() {
    let folder = with_plan();
    let alone = plandeck()
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args([
            "run",
            "plan.json",
            "--worker",
            "simulated",
            "--headless",
            "--json",
        ])
        .output()
        .unwrap();
    let down = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let slow = RawServer::start(vec![vec![Act::Hang]]);
    let broken = RawServer::start(vec![answer("500 Internal Server Error")]);
    let result = json(&alone);
    let attempts = result["steps"].as_array().unwrap().iter();
    let attempts: u64 = attempts
        .map(|step| step["attempts"].as_u64().unwrap())
        .sum();
    // Three of the attempts succeed; the step and the run fail too.
    let lost = format!(
        "{} spans and {} log records",
        attempts + 1,
        attempts - 3 + 2
    );
    for (url, says) in [
        (&*down, "did not arrive"),
        (slow.url(), "did not arrive"),
        (broken.url(), "500 Internal Server Error"),
    ] {
        let output = run(&folder, url, &[]);
        assert_eq!(comparable(&output), comparable(&alone), "{url}");
        let words = stderr(&output);
        let notes: Vec<&str> = words
            .lines()
            .filter(|line| line.contains("OpenTelemetry"))
            .collect();
        assert_eq!(notes.len(), 1, "{words}");
        assert!(
            notes[0].contains(&lost) && notes[0].contains(says),
            "{words}"
        );
    }
    // One that has no time at first is asked again.
    let busy = RawServer::start(vec![answer("503 Service Unavailable"), answer("200 OK")]);
    let output = run(
        &folder,
        busy.url(),
        &[
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ],
    );
    assert_eq!(code(&output), 1);
    let ids: BTreeSet<String> = spans(&busy)
        .iter()
        .map(|span| span["spanId"].to_string())
        .collect();
    assert!(!ids.is_empty());
}

#[test]
fn what_the_collector_rejects_is_noted() {
    let folder = with_plan();
    let body = r#"{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}}"#;
    let text = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let picky = RawServer::start(vec![vec![Act::Say(text)]]);
    let delay = ("OTEL_BSP_SCHEDULE_DELAY", "60000");
    let output = run(
        &folder,
        picky.url(),
        &[delay, ("OTEL_LOGS_EXPORTER", "none")],
    );
    let words = stderr(&output);
    assert!(
        words.contains("2 spans did not arrive") && words.contains("too old"),
        "{words}"
    );
}

#[test]
fn a_batch_is_sent_as_its_runs_in_the_span_of_the_caller() {
    let (folder, collector) = (tempfile::tempdir().unwrap(), collector());
    write(
        &folder,
        &json!({
            "name": "many",
            "tools": {"same": {"type": "jq", "filter": "."}},
            "steps": [{"id": "a", "tool": "same", "parameters": {"n": "{{n}}"}}],
        }),
    );
    std::fs::write(
        folder.path().join("in.jsonl"),
        "{\"n\": 1}\n{\"n\": 2}\n{\"n\": 3}\n",
    )
    .unwrap();
    let batch = |parent: Option<&str>| {
        let output = command(&folder, collector.url())
            .envs(parent.map(|parent| ("TRACEPARENT", parent)))
            .args([
                "batch",
                "plan.json",
                "--inputs",
                "in.jsonl",
                "--worker",
                "offline",
            ])
            .output()
            .unwrap();
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    };
    batch(None);
    let all = spans(&collector);
    let of = |spans: &[Value], name: &str| -> BTreeSet<String> {
        spans.iter().map(|span| span[name].to_string()).collect()
    };
    assert_eq!((all.len(), of(&all, "traceId").len()), (6, 3));
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    batch(Some(&format!("00-{trace}-{parent}-01")));
    let inside = &spans(&collector)[6..];
    assert_eq!(of(inside, "traceId"), [format!("\"{trace}\"")].into());
    assert_eq!(
        of(inside, "spanId").len(),
        6,
        "no two spans have the same id"
    );
    let runs = inside.iter().filter(|span| span["parentSpanId"] == parent);
    assert_eq!(runs.count(), 3);
    batch(Some(&format!("00-{trace}-{parent}-00")));
    assert_eq!(
        spans(&collector).len(),
        12,
        "the caller does not record its trace"
    );
}

#[test]
fn a_run_that_is_resumed_is_linked_to_what_came_before() {
    let (folder, collector) = (tempfile::tempdir().unwrap(), collector());
    write(
        &folder,
        &json!({
            "name": "held",
            "tools": {"same": {"type": "jq", "filter": "."}},
            "steps": [
                {"id": "a", "tool": "same", "parameters": {"n": 1}},
                {"id": "b", "tool": "same", "parameters": {"n": "{{a.n}}"}, "approve": true},
            ],
        }),
    );
    let output = run_with("offline", &folder, collector.url(), &[]);
    assert_eq!(code(&output), 4, "{}", stderr(&output));
    let before = spans(&collector);
    let first = run_span(&before).clone();
    let output = command(&folder, collector.url())
        .args([
            "run",
            "--resume",
            "last",
            "--approve",
            "b=yes",
            "--headless",
            "--json",
        ])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let after = spans(&collector)[before.len()..].to_vec();
    let second = run_span(&after);
    assert_ne!(second["spanId"], first["spanId"]);
    let link = &second["links"][0];
    assert_eq!(
        (&link["traceId"], &link["spanId"]),
        (&first["traceId"], &first["spanId"]),
        "{second:#}"
    );
    let steps: Vec<_> = after
        .iter()
        .filter_map(|span| attribute(span, "plandeck.step"))
        .collect();
    assert_eq!(steps, [&json!("b")], "what had ended is not sent again");
}

#[test]
fn what_is_wrong_with_the_configuration_is_noted_and_the_run_goes_on() {
    let folder = with_plan();
    let output = run(&folder, "collector:4318", &[]);
    assert_eq!(code(&output), 1);
    let words = stderr(&output);
    assert!(
        words.contains("OpenTelemetry is off: OTEL_EXPORTER_OTLP_ENDPOINT"),
        "{words}"
    );
    let none = collector();
    let output = run(&folder, none.url(), &[("OTEL_SDK_DISABLED", "true")]);
    assert_eq!(code(&output), 1);
    assert!(none.bodies().is_empty());
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let output = run(&folder, none.url(), &[grpc]);
    let words = stderr(&output);
    assert!(words.contains("set it to http/protobuf"), "{words}");
    assert!(none.bodies().is_empty());
}

#[test]
fn a_run_without_a_terminal_of_its_own_is_sent_too() {
    let (folder, collector) = (with_plan(), collector());
    let started = command(&folder, collector.url())
        .args(["run", "plan.json", "--worker", "simulated", "--detach"])
        .output()
        .unwrap();
    assert_eq!(code(&started), 0, "{}", stderr(&started));
    let is_sent = || {
        let named = |span: &Value| span["name"] == "invoke_workflow round";
        spans(&collector).iter().any(named)
    };
    wait_until("the span of the run", is_sent);
}
