//! Runs that other systems recorded: `plandeck open`, and `plandeck export --format otlp` in the other direction.

use crate::common::program::{code, json, plandeck, stderr, step};
use serde_json::{Value, json};
use std::process::Output;
use tempfile::TempDir;

fn open(folder: &TempDir, text: &str, more: &[&str]) -> Output {
    std::fs::write(folder.path().join("trace.json"), text).unwrap();
    run(folder, &[&["open", "trace.json"], more].concat())
}

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    plandeck()
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args(arguments)
        .output()
        .unwrap()
}

fn opened(text: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let output = open(&folder, text, &["--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    json(&output)
}

/// What each step waited for, by the events.
fn graph(text: &str) -> Vec<(String, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    let output = open(&folder, text, &["--events"]);
    let first = String::from_utf8(output.stdout).unwrap();
    let started: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    let steps = started["steps"].as_array().unwrap();
    let id = |at: &Value| {
        let step = &steps[usize::try_from(at.as_u64().unwrap()).unwrap()];
        step["id"].as_str().unwrap().to_owned()
    };
    let row = |step: &Value| {
        let before = step["depends_on"].as_array().into_iter().flatten();
        (
            step["id"].as_str().unwrap().to_owned(),
            before.map(id).collect(),
        )
    };
    steps.iter().map(row).collect()
}

fn rows(rows: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let words = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    rows.iter()
        .map(|(id, before)| ((*id).to_owned(), words(before)))
        .collect()
}

fn attributes(list: &[(&str, Value)]) -> Value {
    let one = |(key, value): &(&str, Value)| {
        let value = match value {
            Value::String(text) => json!({"stringValue": text}),
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                json!({"intValue": number.to_string()})
            }
            other => json!({"doubleValue": other}),
        };
        json!({"key": key, "value": value})
    };
    list.iter().map(one).collect()
}

/// A span from `start` to `end`, in milliseconds.
fn span(
    (id, parent): (&str, &str),
    name: &str,
    (start, end): (u64, u64),
    about: &[(&str, Value)],
) -> Value {
    let nanos = |ms: u64| (1_790_000_000_000_000_000 + ms * 1_000_000).to_string();
    json!({"traceId": "5b8efff798038103d269b633813fc60c", "spanId": id, "parentSpanId": parent, "name": name, "kind": 1,
        "startTimeUnixNano": nanos(start), "endTimeUnixNano": nanos(end), "attributes": attributes(about)})
}

fn otlp(spans: &[Value]) -> Value {
    json!({"resourceSpans": [{"resource": {"attributes": attributes(&[("service.name", json!("shop"))])},
        "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}]}]})
}

/// An agent that looks two things up at once, asks a model and calls a tool, by the conventions of `OpenInference`.
fn agent() -> Vec<Value> {
    let kind = |kind: &str| ("openinference.span.kind", json!(kind));
    vec![
        span(
            ("a1", ""),
            "agent",
            (0, 1000),
            &[kind("AGENT"), ("output.value", json!("done"))],
        ),
        span(
            ("b1", "a1"),
            "search",
            (10, 210),
            &[kind("RETRIEVER"), ("input.value", json!("{\"q\": 1}"))],
        ),
        span(("b2", "a1"), "search", (15, 115), &[kind("RETRIEVER")]),
        span(
            ("h1", "b1"),
            "HTTP GET",
            (20, 200),
            &[("http.method", json!("GET"))],
        ),
        span(
            ("c1", "a1"),
            "ChatOpenAI",
            (220, 620),
            &[
                kind("LLM"),
                ("llm.model_name", json!("gpt-4o-mini")),
                ("llm.token_count.prompt", json!(1000)),
                ("llm.token_count.completion", json!(100)),
                ("output.value", json!("{\"total\": 5}")),
            ],
        ),
        span(
            ("d1", "a1"),
            "save",
            (630, 900),
            &[kind("TOOL"), ("tool.name", json!("save_receipt"))],
        ),
    ]
}

#[test]
fn open_telemetry_becomes_steps_with_their_order_money_and_times() {
    let text = otlp(&agent()).to_string();
    let result = opened(&text);
    assert_eq!(
        (&result["status"], &result["result"], &result["plan"]),
        (&json!("succeeded"), &json!("done"), &json!("shop"))
    );
    let model = step(&result, "ChatOpenAI");
    assert_eq!(model["output"], json!({"total": 5}));
    assert_eq!(
        model["tokens"],
        json!({"input": 1000, "cached_input": 0, "output": 100})
    );
    // 1,000 tokens in and 100 out of gpt-4o-mini.
    assert!(
        (model["cost"].as_f64().unwrap() - 0.000_21).abs() < 1e-9,
        "{model}"
    );
    assert!(
        (model["latency_ms"].as_f64().unwrap() - 400.0).abs() < 0.1,
        "{model}"
    );
    assert_eq!(step(&result, "search")["output"], Value::Null);
    assert!(
        result["left_out"][0]
            .as_str()
            .unwrap()
            .contains("1 spans below"),
        "{result}"
    );
    assert_eq!(
        graph(&text),
        rows(&[
            ("search", &[]),
            ("search 2", &[]),
            ("ChatOpenAI", &["search", "search 2"]),
            ("save_receipt", &["ChatOpenAI"]),
        ])
    );
    assert_eq!(
        result["critical_path"],
        json!(["search", "ChatOpenAI", "save_receipt"])
    );
    // The lines that a collector writes are the same.
    let lines: Vec<String> = agent()
        .into_iter()
        .map(|one| otlp(&[one]).to_string())
        .collect();
    assert_eq!(opened(&lines.join("\n"))["steps"], result["steps"]);
}

#[test]
fn groups_that_overlap_have_no_order_between_them() {
    let op = |name: &str| ("gen_ai.operation.name", json!(name));
    let spans = [
        span(
            ("r", ""),
            "invoke_workflow",
            (0, 1000),
            &[op("invoke_workflow")],
        ),
        span(
            ("x", "r"),
            "invoke_agent",
            (0, 500),
            &[op("invoke_agent"), ("gen_ai.agent.name", json!("left"))],
        ),
        span(
            ("x1", "x"),
            "execute_tool",
            (0, 100),
            &[op("execute_tool"), ("gen_ai.tool.name", json!("l1"))],
        ),
        span(
            ("x2", "x"),
            "execute_tool",
            (300, 500),
            &[op("execute_tool"), ("gen_ai.tool.name", json!("l2"))],
        ),
        span(("y", "r"), "invoke_agent", (0, 600), &[op("invoke_agent")]),
        span(
            ("y1", "y"),
            "chat m",
            (150, 250),
            &[op("chat"), ("gen_ai.request.model", json!("m"))],
        ),
        span(
            ("z", "r"),
            "execute_tool",
            (700, 800),
            &[op("execute_tool"), ("gen_ai.tool.name", json!("last"))],
        ),
    ];
    assert_eq!(
        graph(&otlp(&spans).to_string()),
        rows(&[
            ("l1", &[]),
            ("chat m", &[]),
            ("l2", &["l1"]),
            ("last", &["chat m", "l2"])
        ])
    );
}

#[test]
fn what_is_exported_is_opened_as_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let plan = json!({
        "name": "round",
        "tools": {
            "same": {"type": "jq", "filter": "."},
            "bad": {"type": "jq", "filter": "error(\"no luck\")"},
            "ask": {"type": "model", "prompt": "Say {{n}}."},
        },
        "steps": [
            {"id": "a", "tool": "same", "parameters": {"n": 1}},
            {"id": "b", "tool": "ask", "parameters": {"n": "{{a.n}}"}},
            {"id": "c", "tool": "same", "parameters": {"n": "{{a.n}}", "of": "{{b}}"}},
            {"id": "d", "tool": "bad", "parameters": {"of": "{{c}}"}},
        ],
    });
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let first = json(&run(
        &folder,
        &["run", "plan.json", "--worker", "simulated", "--json"],
    ));
    let export = |more: &[&str]| {
        let output = run(
            &folder,
            &[&["export", "last", "--format", "otlp"], more].concat(),
        );
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let bare = export(&[]);
    assert!(
        !bare.contains("Say 1"),
        "content is left out unless it is asked for"
    );
    let text = export(&["--content"]);
    assert_eq!(text, export(&["--content"]), "ids are the same each time");
    let again = json(&open(&folder, &text, &["--json"]));
    assert_eq!(
        (&again["status"], &again["plan"]),
        (&json!("failed"), &json!("round"))
    );
    for id in ["a", "b", "c", "d"] {
        let (was, is) = (step(&first, id), step(&again, id));
        for part in ["status", "output", "tokens", "cost"] {
            assert_eq!(was[part], is[part], "{part} of {id}");
        }
    }
    assert_eq!(
        step(&again, "d")["error"]["message"],
        step(&first, "d")["error"]["message"]
    );
    assert_eq!(
        graph(&text),
        rows(&[("a", &[]), ("b", &["a"]), ("c", &["a", "b"]), ("d", &["c"])])
    );
}

#[test]
fn runs_of_lang_graph_are_opened() {
    let run = |id: &str, name: &str, kind: &str, (start, end): (&str, &str)| {
        json!({"id": id, "name": name, "run_type": kind, "start_time": format!("2026-11-22T10:00:{start}"),
            "end_time": format!("2026-11-22T10:00:{end}"), "inputs": {"n": 1}, "outputs": {"of": name}, "trace_id": "t"})
    };
    let mut root = run("r", "LangGraph", "chain", ("00.0", "09.5"));
    let mut node = run("n", "think", "chain", ("00.1", "04.0"));
    let mut model = run("m", "ChatAnthropic", "llm", ("00.2", "03.9"));
    model["extra"] = json!({"metadata": {"ls_model_name": "claude-sonnet-4-5"}});
    model["prompt_tokens"] = json!(10);
    model["completion_tokens"] = json!(5);
    node["child_runs"] = json!([model]);
    let mut tool = run("t", "search", "tool", ("04.1", "06.0"));
    tool["error"] = json!("ReadTimeout: it took too long");
    root["child_runs"] = json!([node, run("u", "route", "chain", ("04.05", "04.08")), tool]);
    let result = opened(&root.to_string());
    assert_eq!(
        (&result["plan"], &result["status"]),
        (&json!("LangGraph"), &json!("succeeded"))
    );
    assert_eq!(step(&result, "ChatAnthropic")["tokens"]["output"], 5);
    assert_eq!(step(&result, "search")["error"]["type"], "TimeoutError");
    assert_eq!(
        graph(&json!([root]).to_string()),
        rows(&[
            ("ChatAnthropic", &[]),
            ("route", &["ChatAnthropic"]),
            ("search", &["route"])
        ])
    );
}

#[test]
fn a_run_of_promptflow_is_opened() {
    let run = |name: &str, id: &str, parent: &str, (start, end): (u8, u8)| {
        json!({"node": name, "run_id": id, "parent_run_id": parent, "status": "Completed", "inputs": {"q": "x"},
            "output": {"of": name}, "start_time": format!("2026-11-22T10:00:0{start}.000000"),
            "end_time": format!("2026-11-22T10:00:0{end}.000000"), "error": null, "system_metrics": {"duration": 1.0}})
    };
    let mut flow = run("", "f", "", (0, 9));
    flow["result"] = json!({"answer": 7});
    flow["output"] = Value::Null;
    let mut ask = run("ask", "f_ask", "f", (3, 6));
    ask["system_metrics"] = json!({"prompt_tokens": 30, "completion_tokens": 4});
    ask["api_calls"] = json!([{"name": "openai", "inputs": {"model": "gpt-4o-mini"}}]);
    let mut parse = run("parse", "f_parse", "f", (7, 8));
    parse["status"] = json!("Failed");
    parse["error"] = json!({"message": "no number in it"});
    let text = json!({"flow_runs": [flow], "node_runs": [run("fetch", "f_fetch", "f", (1, 2)), ask, parse]}).to_string();
    let result = opened(&text);
    assert_eq!(result["result"], json!({"answer": 7}));
    assert_eq!(step(&result, "ask")["tokens"]["input"], 30);
    assert_eq!(
        step(&result, "parse")["error"]["message"],
        "no number in it"
    );
    assert_eq!(
        graph(&text),
        rows(&[("fetch", &[]), ("ask", &["fetch"]), ("parse", &["ask"])])
    );
}

#[test]
fn a_session_of_claude_code_is_opened() {
    let line = |kind: &str, second: u8, message: Value| {
        json!({"type": kind, "sessionId": "s", "uuid": format!("u{second}"), "timestamp": format!("2026-11-22T10:00:{second:02}.000Z"),
            "message": message})
        .to_string()
    };
    let usage = json!({"input_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 8});
    let says = |id: &str, content: Value| json!({"role": "assistant", "id": id, "model": "claude-sonnet-4-5", "content": content, "usage": usage});
    let uses = |id: &str, name: &str| json!({"type": "tool_use", "id": id, "name": name, "input": {"of": id}});
    let result = |id: &str, bad: bool| json!({"type": "tool_result", "tool_use_id": id, "content": "42", "is_error": bad});
    let lines = [
        json!({"type": "summary", "summary": "Adds it up", "leafUuid": "x"}).to_string(),
        line("user", 0, json!({"role": "user", "content": "Add it up"})),
        line(
            "assistant",
            2,
            says("m1", json!([{"type": "text", "text": "I look."}])),
        ),
        line("assistant", 3, says("m1", json!([uses("t1", "Read")]))),
        line("assistant", 4, says("m1", json!([uses("t2", "Bash")]))),
        line(
            "user",
            6,
            json!({"role": "user", "content": [result("t1", false)]}),
        ),
        line(
            "user",
            9,
            json!({"role": "user", "content": [result("t2", true)]}),
        ),
        line(
            "assistant",
            12,
            says("m2", json!([{"type": "text", "text": "It is 42."}])),
        ),
        "{\"type\": \"user\", \"sess".to_owned(),
    ];
    let text = lines.join("\n");
    let seen = opened(&text);
    assert_eq!(
        (&seen["plan"], seen["steps"].as_array().unwrap().len()),
        (&json!("Adds it up"), 4)
    );
    assert_eq!(
        step(&seen, "model")["tokens"],
        json!({"input": 123, "cached_input": 100, "cache_write": 20, "output": 8})
    );
    assert_eq!(
        (
            &step(&seen, "Read")["output"],
            &step(&seen, "Bash")["status"]
        ),
        (&json!("42"), &json!("failed"))
    );
    assert!(seen["left_out"].to_string().contains("cut off"), "{seen}");
    assert_eq!(
        graph(&text),
        rows(&[
            ("model", &[]),
            ("Read", &["model"]),
            ("Bash", &["model"]),
            ("model 2", &["Read", "Bash"])
        ])
    );
}

/// Groups of very many spans after each other would make more dependencies than anyone can hold.
#[test]
fn wide_groups_after_each_other_are_opened_in_time() {
    let op = |name: &str| ("gen_ai.operation.name", json!(name));
    let mut spans = Vec::new();
    for group in 0..3_u64 {
        let id = format!("g{group}");
        let times = (group * 1_000, group * 1_000 + 900);
        spans.push(span((&id, ""), "group", times, &[op("invoke_agent")]));
        for at in 0..3_000_u64 {
            let times = (group * 1_000 + 1, group * 1_000 + 800);
            let own = format!("{id}-{at}");
            spans.push(span((&own, &id), "tool", times, &[op("execute_tool")]));
        }
    }
    let result = opened(&otlp(&spans).to_string());
    assert_eq!(result["steps_completed"], 9_000);
}

#[test]
fn spans_inside_of_each_other_and_deep_ones_are_opened() {
    let op = ("gen_ai.operation.name", json!("invoke_agent"));
    let mut spans = vec![
        span(("x", "y"), "x", (0, 10), std::slice::from_ref(&op)),
        span(("y", "x"), "y", (0, 10), std::slice::from_ref(&op)),
    ];
    for at in 0..5_000_u64 {
        let (id, parent) = (format!("d{at}"), format!("d{}", at.wrapping_sub(1)));
        spans.push(span(
            (&id, &parent),
            "deep",
            (at, 10_000),
            std::slice::from_ref(&op),
        ));
    }
    let result = opened(&otlp(&spans).to_string());
    assert_eq!(result["steps_completed"], 2);
    assert!(
        result["left_out"]
            .to_string()
            .contains("inside of themselves"),
        "{result}"
    );
}

#[test]
fn what_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let two = {
        let mut other = span(("z", ""), "other", (0, 1), &[]);
        other["traceId"] = json!("ffff");
        let mut all = agent();
        all.push(other);
        otlp(&all).to_string()
    };
    for (text, more, says) in [
        ("{\"steps\": []}", &[][..], "none of these: OTLP"),
        ("", &[], "none of these"),
        ("{\"resourceSpans\": []}", &[], "it holds no spans"),
        (
            "{\"resourceSpans\": [{\"scopeSpans\": 1}]}",
            &[],
            "OTLP traces as JSON: line 1",
        ),
        (&two, &["--trace", "0"], "it has no trace 0; it has: 5b8e"),
    ] {
        let output = open(&folder, text, &[more, &["--json"]].concat());
        assert_eq!(code(&output), 2, "{text}");
        assert!(
            stderr(&output).contains(says),
            "{text}: {}",
            stderr(&output)
        );
    }
    let output = open(&folder, &two, &["--trace", "ff", "--json"]);
    assert_eq!(
        json(&output)["steps"][0]["id"],
        "other",
        "{}",
        stderr(&output)
    );
    let output = open(&folder, &two, &[]);
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(
        said.starts_with("OTLP traces as JSON\n") && said.contains("4 of 4 steps"),
        "{said}"
    );
    assert!(
        stderr(&output).contains("--trace shows another one: ffff"),
        "{}",
        stderr(&output)
    );
}
