//! Tools that do the worst a tool can do, through the program: each fails alone, in bounded memory, with an error
//! that says what happened; the others continue, and a signal ends all of it.

use crate::common::process::{assert_stopped_in_time, lives, start, wait_until};
use crate::common::program::{code, folder, json, signal, stderr, step};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What the program may hold at its peak: a tool's largest output a few times over, and far from a gigabyte.
const PEAK_MB: u64 = 400;

/// A process that is watched until it ends.
struct Watched {
    child: Child,
    peak_kb: Arc<AtomicU64>,
}

impl Watched {
    fn start(folder: &TempDir, home: &Path, more: &[&str]) -> Self {
        let child = start(folder.path(), home, more);
        let peak_kb = Arc::<AtomicU64>::default();
        let (status, peak) = (format!("/proc/{}/status", child.id()), Arc::clone(&peak_kb));
        // The system keeps the peak; it can be asked for as long as the process is there.
        thread::spawn(move || {
            while let Some(kb) = high_water(&status) {
                peak.fetch_max(kb, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self { child, peak_kb }
    }

    /// What it printed, and the most memory it had, in megabytes.
    fn end(self) -> (Output, u64) {
        let output = self.child.wait_with_output().unwrap();
        (output, self.peak_kb.load(Ordering::Relaxed) >> 10)
    }
}

/// A folder with this plan and this catalog.
fn lay_out(plan: &Value, catalog: &Value) -> TempDir {
    let tools = json!({"tools": catalog});
    folder("plan.json", &plan.to_string(), &tools.to_string())
}

/// Runs a plan to its end and gives its result. Asserts the exit status, and that it took a bounded memory.
fn bounded(plan: &Value, catalog: &Value, status: i32) -> Value {
    let folder = lay_out(plan, catalog);
    let home = tempfile::tempdir().unwrap();
    let (output, peak) = Watched::start(&folder, home.path(), &[]).end();
    assert_eq!(code(&output), status, "{}", stderr(&output));
    assert!(peak > 0 && peak < PEAK_MB, "{peak} MB");
    json(&output)
}

/// Asserts that each tool's step failed, with these words in its error.
fn assert_failed(result: &Value, tools: &[(&str, Value, &str)]) {
    for (name, _, words) in tools {
        let row = step(result, name);
        assert_eq!(row["status"], "failed", "{row}");
        let message = row["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{name}: {message}");
        assert_eq!(row["error"]["tool_name"], **name);
    }
}

fn high_water(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A server that answers each request with whatever `answer` writes.
fn server(answer: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                answer(&mut stream);
            });
        }
    });
    format!("http://{address}/")
}

/// A server that never answers.
fn mute_server() -> String {
    server(|stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

fn head(stream: &mut TcpStream, length: u64) {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
}

#[test]
fn each_fails_alone_in_bounded_memory() {
    let flood = server(|stream| {
        head(stream, 1 << 30);
        let piece = vec![b'x'; 65_536];
        while stream.write_all(&piece).is_ok() {}
    });
    let cut_off = server(|stream| {
        head(stream, 1000);
        let _ = stream.write_all(b"{\"half\":");
    });
    let deep = server(|stream| {
        head(stream, 20_000);
        let _ = stream.write_all(&[b'['; 10_000]);
        let _ = stream.write_all(&[b']'; 10_000]);
    });
    let crowded = server(|stream| {
        head(stream, 9_000_001);
        let _ = stream.write_all(b"[");
        let _ = stream.write_all(&b"[],".repeat(2_999_999));
        let _ = stream.write_all(b"[]]");
    });
    let shell = |script: &str| json!({"type": "process", "command": ["sh", "-c", script]});
    let mut endless = shell("sleep 600 & wait");
    endless["timeout_s"] = json!(0.5);
    let http =
        |url: &str| json!({"type": "http", "method": "POST", "url": url, "description": "Asks."});
    // The name of each tool, what it is, and words of its error.
    let tools = [
        (
            "prints_1_gb",
            shell("head -c 1073741824 /dev/zero | tr '\\0' x"),
            "64 MB",
        ),
        ("endless", endless, "timeout_s"),
        ("signalled", shell("kill -SEGV $$"), "signal 11"),
        (
            "deep",
            shell("head -c 10000 /dev/zero | tr '\\0' '['; head -c 10000 /dev/zero | tr '\\0' ']'"),
            "nested deeper",
        ),
        (
            "not_text",
            shell("printf '\\377\\376abc'"),
            "not valid UTF-8",
        ),
        ("code", shell("echo because >&2; exit 3"), "code 3: because"),
        (
            "many_numbers",
            shell("printf '[0'; yes ',0' | tr -d '\\n' | head -c 6000000; printf ']'"),
            "MB of memory",
        ),
        (
            "many_objects",
            shell("printf '[0'; yes ',{\"a\":1}' | tr -d '\\n' | head -c 4500000; printf ']'"),
            "MB of memory",
        ),
        (
            "never_closed",
            shell("yes '[' | tr -d '\\n' | head -c 20000000"),
            "nested deeper",
        ),
        ("server_floods", http(&flood), "32 MB"),
        ("server_stops", http(&cut_off), ""),
        ("server_is_deep", http(&deep), "nested deeper"),
        ("server_is_crowded", http(&crowded), "MB of memory"),
        (
            "loops",
            json!({"type": "code_exec", "code": "while True: pass", "timeout_s": 0.5}),
            "time",
        ),
        (
            "grows",
            json!({"type": "code_exec", "code": "a = []\nwhile True: a.append('x' * 100000)"}),
            "memory",
        ),
        (
            "code_crowds",
            json!({"type": "code_exec", "code": "output = [{'a': 1}] * 400000"}),
            "MB of memory",
        ),
        (
            "nests",
            json!({"type": "code_exec", "code": "a = []\nfor i in range(10000): a = [a]\noutput = a"}),
            "nested",
        ),
        (
            "jq_nests",
            json!({"type": "jq", "filter": "reduce range(10000) as $i (null; [.])"}),
            "nested",
        ),
    ];
    let mut catalog = json!({"good": {"type": "jq", "filter": "(.n // 0) + 1"}});
    let mut steps = Vec::new();
    for (name, tool, _) in &tools {
        catalog[name] = tool.clone();
        steps.push(json!({"id": name, "tool": name, "parameters": {}}));
        steps.push(json!({"id": format!("after_{name}"), "tool": "good", "parameters": {"n": {"x": format!("step:{name}")}}}));
    }
    for at in 0..20 {
        let parameters = match at {
            0 => json!({}),
            _ => json!({"n": format!("step:good-{}", at - 1)}),
        };
        steps.push(json!({"id": format!("good-{at}"), "tool": "good", "parameters": parameters}));
    }
    let result = bounded(&json!({"steps": steps}), &catalog, 1);
    assert_failed(&result, &tools);
    for (name, _, _) in &tools {
        assert_eq!(
            step(&result, &format!("after_{name}"))["reason"],
            "upstream"
        );
    }
    assert_eq!(step(&result, "good-19")["output"], 20);
}

/// Each alone is allowed, and five of them at the same time take no more than the outputs of a run may.
#[test]
fn large_outputs_at_the_same_time_take_turns() {
    let python = |code: &str| json!({"type": "process", "command": ["python3", "-c", code]});
    let text = python("print('x' * 60_000_000)");
    let numbers = python("print(list(range(1_400_000)))");
    let many = server(|stream| {
        let body = format!("[{}0]", "0,".repeat(1_400_000));
        head(stream, body.len() as u64);
        let _ = stream.write_all(body.as_bytes());
    });
    let page = json!({"type": "http", "method": "GET", "url": many, "description": "Asks."});
    for tool in [text, numbers, page] {
        let steps: Vec<Value> = (0..5)
            .map(|at| json!({"id": format!("s{at}"), "tool": "t", "parameters": {"n": at}}))
            .collect();
        let result = bounded(&json!({"steps": steps}), &json!({"t": tool}), 1);
        let steps = result["steps"].as_array().unwrap();
        let (done, failed): (Vec<&Value>, Vec<&Value>) =
            steps.iter().partition(|step| step["status"] == "succeeded");
        assert_eq!(done.len(), 1);
        for step in failed {
            let message = step["error"]["message"].as_str().unwrap();
            assert!(message.contains("may take 96 MB together"), "{message}");
        }
    }
}

/// A value of 60 MB is an input of five programs: its copies, and their texts, take no more than one call may.
#[test]
fn large_inputs_at_the_same_time_take_turns() {
    let plan = json!({"steps": [
        {"id": "big", "tool": "big", "parameters": {}},
        {"id": "all", "tool": "count", "for_each": [1, 2, 3, 4, 5], "parameters": {"n": "{{item}}", "x": "{{big}}"}},
    ]});
    let catalog = json!({
        "big": {"type": "process", "command": ["python3", "-c", "print('x' * 60_000_000)"]},
        "count": {"type": "process", "command": ["wc", "-c"]},
    });
    let result = bounded(&plan, &catalog, 0);
    // {"n":1,"x":"…"}
    assert_eq!(step(&result, "all")["output"], json!(vec![60_000_014; 5]));
}

/// A run that is stopped also ends the calls that were only waiting to be made.
#[test]
fn large_calls_that_wait_are_stopped_too() {
    let there = tempfile::tempdir().unwrap();
    let plan = json!({"steps": [
        {"id": "big", "tool": "big", "parameters": {}},
        {"id": "all", "tool": "hang", "for_each": [1, 2, 3], "parameters": {"n": "{{item}}", "x": "{{big}}"}},
    ]});
    let catalog = json!({
        "big": {"type": "process", "command": ["python3", "-c", "print('x' * 17_000_000)"]},
        "hang": {"type": "process", "cwd": there.path(), "command": ["sh", "-c", "touch up; sleep 600"]},
    });
    let folder = lay_out(&plan, &catalog);
    let home = tempfile::tempdir().unwrap();
    let child = start(folder.path(), home.path(), &[]);
    wait_until("the first call", || there.path().join("up").exists());
    signal("INT", child.id());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130);
    let result = json(&output);
    let all = result["steps"].as_array().unwrap();
    let elements: Vec<&Value> = all.iter().filter(|step| step["id"] != "big").collect();
    assert_eq!(elements.len(), 4);
    for element in elements {
        assert_eq!(element["status"], "cancelled", "{element}");
    }
}

/// The standard error of a tool is kept up to a bound; beyond it a note counts what was dropped.
#[test]
fn a_flood_on_standard_error_is_bounded_in_memory_and_on_disk() {
    let folder = folder(
        "plan.json",
        r#"{"steps": [{"id": "noisy", "tool": "noisy", "parameters": {}}]}"#,
        &json!({"tools": {"noisy": {"type": "process", "command":
            ["sh", "-c", "yes 'a line that is said again and again and again and again and again' | head -c 268435456 >&2; echo done"]}}})
        .to_string(),
    );
    let home = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.jsonl");
    let more = ["--events", events.to_str().unwrap()];
    let (output, peak) = Watched::start(&folder, home.path(), &more).end();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(json(&output)["result"], "done");
    let events = std::fs::read_to_string(&events).unwrap();
    assert_eq!(events.matches("is not kept").count(), 1);
    assert!(events.len() < 8 << 20, "{} bytes of events", events.len());
    assert!(peak > 0 && peak < PEAK_MB, "{peak} MB");
    let files = std::fs::read_dir(home.path()).unwrap();
    let kept: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(kept < 4 << 20, "{} MB on disk", kept >> 20);
}

/// Every way to hang at once: a program that heeds no signal and has a child, a loop in the sandbox, a server that
/// does not answer, a retry that is far away.
fn hanging(name: &str, status: i32) {
    let refuses = server(|stream| {
        let _ = stream
            .write_all(b"HTTP/1.1 503 Busy\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n");
    });
    let catalog = json!({
        "quick": {"type": "jq", "filter": "\"done\""},
        "stubborn": {"type": "process", "command": ["sh", "-c",
            "trap '' TERM INT HUP; sleep 600 & echo $$ $! > processes.tmp; mv processes.tmp processes; wait; wait"]},
        "loop": {"type": "code_exec", "code": "while True: pass"},
        "mute": {"type": "http", "method": "GET", "url": mute_server()},
        "refuses": {"type": "http", "method": "GET", "url": refuses},
    });
    let ids = ["stubborn", "loop", "mute", "refuses"];
    let mut steps = vec![json!({"id": "quick", "tool": "quick", "parameters": {}})];
    for id in ids {
        steps.push(json!({"id": id, "tool": id, "parameters": {}, "depends_on": ["quick"]}));
    }
    steps.push(json!({"id": "last", "tool": "quick", "parameters": {}, "depends_on": ids}));
    let folder = lay_out(&json!({"steps": steps}), &catalog);
    let home = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.jsonl");
    let running = Watched::start(
        &folder,
        home.path(),
        &["--events", events.to_str().unwrap()],
    );
    let processes = folder.path().join("processes");
    wait_until("everything to hang", || {
        let events = std::fs::read_to_string(&events).unwrap_or_default();
        let count = |kind: &str| events.matches(kind).count();
        processes.exists() && count("\"attempt_started\"") == 5 && count("retry_in_ms") == 1
    });
    let processes = std::fs::read_to_string(&processes).unwrap();
    let before = Instant::now();
    signal(name, running.child.id());
    let (output, _) = running.end();
    let took = before.elapsed();
    assert_stopped_in_time("the program", took);
    for process in processes.split_whitespace() {
        wait_until("the children to be gone", || !lives(process));
    }
    assert_eq!(code(&output), status, "{}", stderr(&output));
    let result: Value = json(&output);
    assert_eq!(result["status"], "cancelled");
    assert_eq!(step(&result, "quick")["output"], "done");
    for id in ids {
        assert_eq!(step(&result, id)["status"], "cancelled", "{id}");
    }
    assert_eq!(step(&result, "last")["status"], "skipped");
}

#[test]
fn terminated_while_everything_hangs() {
    hanging("TERM", 143);
}

#[test]
fn interrupted_while_everything_hangs() {
    hanging("INT", 130);
}

/// Expressions and texts of a plan that try to take all memory, or for ever: each step fails alone.
#[test]
fn what_a_plan_computes_is_bounded() {
    let letters: Vec<&str> = vec!["a"; 2000];
    let conditions = [
        ("joins", "{{ letters|join(letters|join(letters)) }}"),
        ("repeats", "{{ (note * 99999999)|length > 3 }}"),
        (
            "lists",
            "{{ [note * 90000000, note * 90000001, note * 90000002, note * 90000003, note * 90000004] }}",
        ),
        (
            "replaces",
            "{{ letters|join|replace('', letters|join|replace('', letters|join)) }}",
        ),
    ];
    let mut steps = vec![json!({"id": "t0", "tool": "start", "parameters": {}})];
    for (id, condition) in conditions {
        steps.push(json!({"id": id, "tool": "echo", "run_if": condition, "parameters": {}}));
    }
    // Each is twice the one before it.
    for at in 1..12 {
        let before = at - 1;
        let text = format!("{{{{t{before}}}}}{{{{t{before}}}}}");
        steps.push(json!({"id": format!("t{at}"), "tool": "echo", "parameters": {"x": text}}));
    }
    steps.push(json!({"id": "rows", "tool": "echo", "parameters": {"x": vec!["{{t3}}."; 100]}}));
    steps.push(
        json!({"id": "good", "tool": "echo", "run_if": "{{ letters|length * 2 == 4000 }}",
        "parameters": {"x": "{{ letters|join('-')|length }}"}}),
    );
    let catalog = json!({
        "start": {"type": "code_exec", "code": "output = 'x' * 1000000"},
        "echo": {"type": "jq", "filter": ".x"},
    });
    let plan = json!({"steps": steps, "context": {"letters": letters, "note": "xy"}});
    let result = bounded(&plan, &catalog, 1);
    for (id, _) in conditions {
        let row = step(&result, id);
        assert_eq!(row["status"], "failed", "{id}");
        let message = row["error"]["message"].as_str().unwrap();
        assert!(
            ["memory", "too large", "fuel", "within", "processor time"]
                .iter()
                .any(|word| message.contains(word)),
            "{id}: {message}"
        );
    }
    for id in ["t6", "rows"] {
        let message = step(&result, id)["error"]["message"].as_str().unwrap();
        assert!(message.contains("32 MB"), "{id}: {message}");
    }
    assert_eq!(step(&result, "t7")["reason"], "upstream");
    assert_eq!(step(&result, "good")["output"], 3999);
}

/// An evaluation that takes long holds up neither the run's time limit nor a signal.
#[test]
fn a_slow_expression_delays_no_end() {
    let numbers: Vec<usize> = (0..30_000).collect();
    let condition = "{{ numbers|select('in', numbers)|list|length > 1 }}";
    let plan = json!({"steps": [{"id": "slow", "tool": "echo", "run_if": condition, "parameters": {}}],
        "context": {"numbers": numbers}});
    let folder = lay_out(&plan, &json!({"echo": {"type": "jq", "filter": "1"}}));
    let home = tempfile::tempdir().unwrap();
    let before = Instant::now();
    let (output, _) = Watched::start(&folder, home.path(), &["--timeout-seconds", "1"]).end();
    // One second is the limit.
    assert_stopped_in_time(
        "the program",
        before.elapsed().saturating_sub(Duration::from_secs(1)),
    );
    assert_eq!(code(&output), 3, "{}", stderr(&output));
}

/// Texts that are put together for a call multiply what they are given: too large ones are given up before they are
/// built, and cost nothing.
#[test]
fn what_is_put_together_for_a_call_is_bounded() {
    let asked = Arc::<AtomicU64>::default();
    let count = Arc::clone(&asked);
    let model = server(move |stream| {
        count.fetch_add(1, Ordering::Relaxed);
        let _ = stream.write_all(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n");
    });
    let often = |what: &str| what.repeat(400);
    let http = |fields: Value| {
        let mut tool =
            json!({"type": "http", "method": "POST", "url": model, "description": "Asks."});
        tool.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        tool
    };
    let tools = [
        ("asks", json!({"type": "model"}), "16 MB"),
        (
            "repeats",
            json!({"type": "model", "prompt": often("{{text}}")}),
            "16 MB",
        ),
        (
            "adds",
            json!({"type": "model", "prompt": "Read this:"}),
            "16 MB",
        ),
        (
            "sends",
            http(json!({"body": {"all": often("{{text}}")}})),
            "32 MB",
        ),
        (
            "sends_lists",
            http(json!({"body": vec!["{{text}}"; 400]})),
            "32 MB",
        ),
        (
            "heads",
            http(json!({"headers": {"x-all": often("{{text}}")}})),
            "32 MB",
        ),
    ];
    let mut catalog = json!({"text": {"type": "process", "command": ["sh", "-c", "head -c 11500000 /dev/zero | tr '\\0' x"]}});
    let mut steps = vec![json!({"id": "text", "tool": "text", "input": {}})];
    for (name, tool, _) in &tools {
        catalog[name] = tool.clone();
        steps.push(json!({"id": name, "tool": name, "input": {"text": "step:text", "more": "step:text"}, "depends_on": ["text"]}));
    }
    let last = json!({"prompt_template": "{{text}}{{text}}"});
    let plan = json!({"request_id": "r", "steps": steps, "final_synthesis": last});
    let folder = lay_out(&plan, &catalog);
    let home = tempfile::tempdir().unwrap();
    let more = [
        "--worker",
        "gpt-4o-mini",
        "--base-url",
        &model,
        "--max-total-cost-usd",
        "0.01",
    ];
    let (output, peak) = Watched::start(&folder, home.path(), &more).end();
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let result = json(&output);
    assert_failed(&result, &tools);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(result["cost"], 0.0);
    assert!(peak > 0 && peak < PEAK_MB, "{peak} MB");
    // What is not asked of a model has a bound as well.
    let several: Vec<Value> = (0..3)
        .map(|at| json!({"id": format!("t{at}"), "tool": "text", "input": {}}))
        .collect();
    let last = json!({"prompt_template": "{{steps}}"});
    let plan = json!({"request_id": "r", "steps": several, "final_synthesis": last});
    let result = bounded(&plan, &catalog, 1);
    let message = step(&result, "final_synthesis")["error"]["message"].to_string();
    assert!(message.contains("32 MB"), "{message}");
}

/// Names that refer to the next one twice, so that all of them together are too many to be looked at.
fn doubling(keyword: &str) -> Value {
    let mut names = serde_json::Map::new();
    for at in 0..36 {
        let next = json!({"$ref": format!("#/definitions/n{}", at + 1)});
        names.insert(format!("n{at}"), json!({keyword: [next, next]}));
    }
    names.insert("n36".to_owned(), json!({"required": ["a"]}));
    json!({"$ref": "#/definitions/n0", "definitions": names})
}

/// Schemas that ask for more than can be done: each step fails alone, in bounded time and memory, and says why.
#[test]
fn schemas_that_ask_for_too_much_are_given_up() {
    let tree = json!({"anyOf": [
        {"items": {"$ref": "#"}, "type": "array"}, {"items": {"$ref": "#"}, "type": "array", "maxItems": 9}, {"type": "boolean"}]});
    let mut chain = serde_json::Map::new();
    for at in 0..20_000 {
        chain.insert(
            format!("n{at}"),
            json!({"$ref": format!("#/definitions/n{}", at + 1)}),
        );
    }
    chain.insert("n20000".to_owned(), json!({"type": "string"}));
    let chain = json!({"$ref": "#/definitions/n0", "definitions": chain});
    let choices: Vec<Value> = (0..2000).map(|n| json!({"n": n})).collect();
    let rules = |schema: &Value, filter: &str| json!({"type": "model", "prompt": "x", "output_schema": schema, "offline": {"jq": filter}});
    let limited = |schema: &Value, filter: &str| {
        let mut tool = rules(schema, filter);
        tool["timeout_s"] = json!(1);
        tool
    };
    // What each is, and words of its error.
    let tools = [
        ("all", limited(&doubling("allOf"), "{a: 1}"), "time"),
        ("any", limited(&doubling("anyOf"), "{b: 1}"), "time"),
        ("one", limited(&doubling("oneOf"), "{b: 1}"), "time"),
        ("chain", limited(&chain, "1"), ""),
        (
            "tree",
            rules(&tree, "reduce range(90) as $n (1; [.])"),
            "not valid",
        ),
        (
            "looks",
            rules(&json!({"pattern": "^(?:(?=(a|a)+)a)*\\1c"}), "\"a\" * 3000"),
            "pattern",
        ),
        (
            "states",
            rules(&json!({"pattern": "(((b{90}){90}){90})"}), "\"b\" * 30"),
            "regex",
        ),
        (
            "steps",
            limited(
                &json!({"pattern": "(?:.*a.*c|.*b){900}z"}),
                "\"abc\" * 400000",
            ),
            "",
        ),
        (
            "copies",
            rules(
                &json!({"items": {"enum": choices}}),
                "[range(2000) | {n: -.}]",
            ),
            "does not allow",
        ),
        (
            "named",
            rules(
                &json!({"properties": {"k": {"type": "integer"}}}),
                "{k: \"v\"}",
            ),
            "/k: \"v\" is not of type",
        ),
    ];
    let mut catalog = json!({"good": {"type": "jq", "filter": "1"}});
    let mut steps = vec![json!({"id": "good", "tool": "good", "parameters": {}})];
    for (name, tool, _) in &tools {
        catalog[name] = tool.clone();
        steps.push(json!({"id": name, "tool": name, "parameters": {}}));
    }
    // Few enough steps are made, whatever the schema looks like.
    catalog["long"] = rules(
        &json!({"items": {"type": "integer"}}),
        "[range(90000)] | length as $n | [$n]",
    );
    steps.push(json!({"id": "long", "tool": "long", "parameters": {}}));
    let result = bounded(&json!({"steps": steps}), &catalog, 1);
    assert_failed(&result, &tools);
    for (name, _, _) in &tools {
        assert_eq!(step(&result, name)["attempts"], 1, "{name}");
    }
    assert_eq!(step(&result, "good")["output"], 1);
    assert_eq!(step(&result, "long")["output"], json!([90_000]));
}

/// Validation that takes long holds up neither the run's time limit nor a signal.
#[test]
fn a_slow_validation_delays_no_end() {
    let tool = json!({"type": "model", "prompt": "x", "output_schema": doubling("oneOf"), "offline": {"jq": "{a: 1}"}});
    let plan = json!({"steps": [{"id": "slow", "tool": "slow", "parameters": {}}]});
    let folder = lay_out(&plan, &json!({"slow": tool}));
    let home = tempfile::tempdir().unwrap();
    let before = Instant::now();
    let (output, _) = Watched::start(&folder, home.path(), &["--timeout-seconds", "1"]).end();
    assert_stopped_in_time(
        "the program",
        before.elapsed().saturating_sub(Duration::from_secs(1)),
    );
    assert_eq!(code(&output), 3);
    let events = folder.path().join("events.jsonl");
    let running = Watched::start(
        &folder,
        home.path(),
        &["--events", events.to_str().unwrap()],
    );
    wait_until("the step to start", || {
        let events = std::fs::read_to_string(&events).unwrap_or_default();
        events.contains("\"attempt_started\"")
    });
    let before = Instant::now();
    signal("INT", running.child.id());
    let (output, _) = running.end();
    assert_stopped_in_time("the program", before.elapsed());
    assert_eq!(code(&output), 130);
}

/// All outputs together, and all elements of lists, have a bound as well: what does not fit fails alone.
#[test]
fn what_a_run_holds_is_bounded() {
    let catalog = json!({
        "fills": {"type": "process", "command": ["sh", "-c", "head -c 45000000 /dev/zero | tr '\\0' x"], "cache": false},
        "lists": {"type": "jq", "filter": "[range(100001)]"},
        "one": {"type": "jq", "filter": ".x"},
        "length": {"type": "jq", "filter": ".x | length"},
    });
    let mut steps = vec![
        json!({"id": "numbers", "tool": "lists", "parameters": {}}),
        json!({"id": "each", "tool": "one", "for_each": "{{numbers}}", "parameters": {"x": "{{item}}"}}),
        json!({"id": "all", "tool": "length", "parameters": {"x": "step:numbers"}}),
    ];
    for at in 0..6 {
        let before: Vec<String> = (0..at).map(|before| format!("f{before}")).collect();
        steps.push(
            json!({"id": format!("f{at}"), "tool": "fills", "parameters": {}, "depends_on": before,
            "trigger": "all_done"}),
        );
    }
    let result = bounded(&json!({"steps": steps}), &catalog, 1);
    let message = |id: &str| step(&result, id)["error"]["message"].to_string();
    assert!(message("each").contains("100000"), "{}", message("each"));
    assert_eq!(step(&result, "all")["output"], 100_001);
    for id in ["f0", "f1"] {
        assert_eq!(step(&result, id)["status"], "succeeded", "{}", message(id));
    }
    for id in ["f3", "f5"] {
        assert!(message(id).contains("together"), "{id}: {}", message(id));
    }
}
