//! `code_exec` and `jq` tools in real sandboxes, with code that means no good.

use crate::common::process::assert_stopped_in_time;
use crate::common::program::HANG;
use crate::common::toolbox::{call, catalog, environment, output, refusal, run, tool, toolbox};
use plandeck::models::SmallModelWorker;
use plandeck::tools::{CatalogToolbox, FnTool, Program, Tool, ToolOptions, Toolbox};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The builtin tool that runs what a step brings.
fn python() -> Arc<dyn Tool> {
    tool("tools: {none: {}}", "code_exec")
}

fn jq(filter: &str) -> Arc<dyn Tool> {
    tool(
        &json!({"tools": {"t": {"type": "jq", "filter": filter}}}).to_string(),
        "t",
    )
}

#[tokio::test]
async fn a_step_brings_code_or_the_catalog_has_it() {
    let input = json!({"code": "output = sum(input_data['n'])", "input_data": {"n": [1, 2, 3]}});
    assert_eq!(output(&python(), input).await, json!(6));
    assert_eq!(
        output(&python(), json!({"code": "output = input_data"})).await,
        json!({})
    );
    let own = tool(
        "tools: {t: {code: 'output = {\"twice\": input_data[\"n\"] * 2}'}}",
        "t",
    );
    assert_eq!(own.kind().name, "code_exec");
    assert_eq!(output(&own, json!({"n": 21})).await, json!({"twice": 42}));
    assert!(refusal(&python(), json!({})).await.contains("`code`"));
}

#[tokio::test]
async fn prints_are_logged_and_errors_are_tracebacks() {
    let (call, said) = call(json!({"code": "print('a')\nprint('b\\x1b[31m')\noutput = 1 / 0"}));
    let error = python().call(call).await.output.unwrap_err();
    assert!(
        error.message.contains("ZeroDivisionError") && error.message.contains("line 3"),
        "{error}"
    );
    assert!(!error.retryable);
    assert_eq!(*said.lock().unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn a_sandbox_serves_many_calls() {
    let code = "output = input_data['n'] + 1";
    // Five tools start a sandbox each.
    let started = Instant::now();
    let mut python = python();
    for _ in 0..5 {
        python = self::python();
        output(&python, json!({"code": code, "input_data": {"n": 0}})).await;
    }
    let five_starts = started.elapsed();
    let started = Instant::now();
    for n in 0..50 {
        assert_eq!(
            output(&python, json!({"code": code, "input_data": {"n": n}})).await,
            json!(n + 1)
        );
    }
    let fifty_calls = started.elapsed();
    // With a sandbox for each call it would be ten times as long as five starts.
    assert!(
        fifty_calls < five_starts * 5,
        "{fifty_calls:?} for fifty calls, {five_starts:?} for five starts"
    );
}

#[tokio::test]
async fn a_loop_without_end_is_killed_when_the_call_is() {
    for (name, tool, input) in [
        ("python", python(), json!({"code": "while True: pass"})),
        ("jq", jq("def f: f; f"), json!({})),
        ("jq range", jq("[range(infinite)] | length"), json!({})),
    ] {
        let (call, _) = call(input);
        let cancel = call.cancel.clone();
        let mut running = tokio::spawn(tool.call(call));
        // It is up, and it does not end by itself.
        let ended = tokio::time::timeout(Duration::from_millis(300), &mut running).await;
        assert!(ended.is_err(), "{name}");
        let started = Instant::now();
        cancel.cancel();
        let error = running.await.unwrap().output.unwrap_err();
        let took = started.elapsed();
        assert_eq!(error.message, "cancelled", "{name}");
        assert_stopped_in_time(name, took);
        // The next call gets a sandbox of its own.
        assert_eq!(
            output(&python(), json!({"code": "output = 1"})).await,
            json!(1)
        );
    }
}

#[tokio::test]
async fn a_loop_without_end_is_stopped_by_the_tools_own_time() {
    let looping = tool(
        "tools: {t: {code: 'while True: pass', timeout_s: 0.5}}",
        "t",
    );
    let message = refusal(&looping, json!({})).await;
    assert!(message.contains("time limit"), "{message}");
    let looping = tool("tools: {t: {filter: 'def f: f; f', timeout_s: 0.5}}", "t");
    let message = refusal(&looping, json!({})).await;
    assert!(message.contains("processor time"), "{message}");
}

#[tokio::test]
async fn memory_is_bounded() {
    for input in [
        json!({"code": "a = ['x' * 1000000]\nwhile True: a.append(a[-1] + 'y')"}),
        json!({"code": "output = 'x' * 3000000000"}),
        json!({"code": "a = []\nwhile True: a.append([1, 2, 3])"}),
    ] {
        let (mut call, _) = call(input.clone());
        call.max_memory_mb = Some(100);
        let error = python().call(call).await.output.unwrap_err();
        let told =
            error.message.contains("100 MB of memory") || error.message.contains("MemoryError");
        assert!(told, "{input}: {error}");
        assert!(!error.retryable);
    }
    let message = refusal(&jq("\"x\" * 10000000000"), json!({})).await;
    assert!(message.contains("memory"), "{message}");
    // Address space that the allocator reserves beforehand would hold this much.
    let (mut call, _) = call(json!({}));
    call.max_memory_mb = Some(100);
    let output = jq("\"x\" * 300000000 | length").call(call).await.output;
    let message = output.unwrap_err().message;
    assert!(message.contains("memory"), "{message}");
}

#[tokio::test]
async fn depth_is_bounded() {
    let recursion = json!({"code": "def f(n):\n    return f(n + 1)\noutput = f(0)"});
    assert!(
        refusal(&python(), recursion)
            .await
            .contains("RecursionError")
    );
    let nested = json!({"code": "a = []\nfor i in range(100000): a = [a]\noutput = a"});
    let message = refusal(&python(), nested).await;
    assert!(
        message.contains("nested") || message.contains("deep"),
        "{message}"
    );
    let source = json!({"code": format!("output = {}1{}", "(".repeat(20_000), ")".repeat(20_000))});
    assert!(!refusal(&python(), source).await.is_empty());
    let message = refusal(&jq("reduce range(1000000) as $i (null; [.])"), json!({})).await;
    assert!(
        message.contains("nested") || message.contains("deep"),
        "{message}"
    );
    assert_eq!(
        output(&python(), json!({"code": "output = 2"})).await,
        json!(2)
    );
}

#[tokio::test]
async fn the_processor_share_holds_for_sandboxes() {
    let (mut limited, _) = call(json!({"code": "n = 0\nwhile n < 300000: n += 1\noutput = n"}));
    limited.max_cpu_percent = Some(50);
    assert_eq!(
        *python().call(limited).await.output.unwrap(),
        json!(300_000)
    );
}

#[tokio::test]
async fn a_program_that_is_no_sandbox_is_named() {
    let options = ToolOptions {
        allow_unsandboxed: false,
        program: Program::at("/bin/true"),
        environment: environment(&[]),
        ..ToolOptions::default()
    };
    let toolbox = CatalogToolbox::new(
        &catalog("tools: {none: {}}"),
        &SmallModelWorker::offline(),
        options,
    );
    let message = refusal(
        &toolbox.tool("code_exec").unwrap(),
        json!({"code": "output = 1"}),
    )
    .await;
    assert!(message.contains("PLANDECK_EXE"), "{message}");
}

#[tokio::test]
async fn jq_filters_run_in_place_where_they_surely_end() {
    let sum = jq("[.items[].price] | add");
    let input = Arc::new(json!({"items": [{"price": 1.5}, {"price": 2}]}));
    let report = sum.call_now(&input).expect("an answer at once");
    assert_eq!(*report.output.unwrap(), json!(3.5));
    assert_eq!(output(&sum, (*input).clone()).await, json!(3.5));
    let recursive = jq("def f: if . > 10 then . else . + 1 | f end; f");
    assert!(recursive.call_now(&Arc::new(json!(1))).is_none());
    assert_eq!(output(&recursive, json!(1)).await, json!(11));
    assert!(
        refusal(&jq(".a + {}"), json!({"a": 1}))
            .await
            .contains("cannot")
    );
}

#[tokio::test]
async fn model_tools_work_by_their_rules_offline() {
    let toolbox = toolbox(
        r#"{"tools": {
            "total": {"type": "model", "cost_usd": 1, "offline": {"jq": "{total: ([.items[].price] | add)}"},
                      "output_schema": {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}},
            "shout": {"type": "model", "offline": {"code": "output = input_data['text'].upper()"}},
            "wrong": {"type": "model", "offline": {"jq": "1"}, "output_schema": {"type": "string"}},
            "none": {"type": "model"}
        }}"#,
    );
    let named = |name| toolbox.tool(name).unwrap();
    let report = run(
        &named("total"),
        json!({"items": [{"price": 2}, {"price": 0.5}]}),
    )
    .await;
    assert_eq!((report.cost.unwrap().pico(), report.model), (0, None));
    assert_eq!(*report.output.unwrap(), json!({"total": 2.5}));
    assert_eq!(
        output(&named("shout"), json!({"text": "hey"})).await,
        json!("HEY")
    );
    assert!(
        refusal(&named("wrong"), json!({}))
            .await
            .contains("output_schema")
    );
    let message = refusal(&named("none"), json!({})).await;
    assert!(
        message.contains("offline") && message.contains("--worker"),
        "{message}"
    );
    let called = json!({"name": "shout", "args": {"text": "hey"}});
    assert_eq!(output(&named("function_call"), called).await, json!("HEY"));
    assert!(
        refusal(&named("function_call"), json!({"name": "nobody"}))
            .await
            .contains("nobody")
    );
    let text = json!({"prompt_template": "The total is 3."});
    assert_eq!(
        output(&named("final_synthesis"), text).await,
        json!("The total is 3.")
    );
}

#[tokio::test]
async fn rust_functions_are_tools_too() {
    let twice: Arc<dyn Tool> = Arc::new(FnTool::new(|input| {
        Ok(json!(input.as_i64().unwrap_or(0) * 2))
    }));
    assert_eq!(
        *twice.call_now(&Arc::new(json!(4))).unwrap().output.unwrap(),
        json!(8)
    );
    let slow: Arc<dyn Tool> = Arc::new(FnTool::future(|call| async move {
        tokio::task::yield_now().await;
        Ok(Value::clone(&call.input))
    }));
    assert!(slow.call_now(&Arc::new(json!(1))).is_none());
    assert_eq!(output(&slow, json!([1])).await, json!([1]));
    let endless: Arc<dyn Tool> = Arc::new(FnTool::future(|_| std::future::pending()));
    let (call, _) = call(json!(0));
    call.cancel.cancel();
    assert!(endless.call(call).await.output.is_err());
}

#[test]
fn a_sandbox_ends_with_whoever_started_it() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};
    let mut sandbox = Command::new(crate::common::toolbox::PROGRAM)
        .args(["__sandbox", "--memory-mb", "200"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = sandbox.stdin.take().unwrap();
    let mut output = BufReader::new(sandbox.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "\"ready\"\n");
    line.clear();
    output.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"about\":"), "{line}");
    let request = json!({"language": "python", "source": "print(1)\nwhile True: pass", "input": {}, "seconds": 1000});
    writeln!(input, "{request}").unwrap();
    line.clear();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "{\"log\":\"1\"}\n");
    drop(input);
    let deadline = Instant::now() + HANG;
    let status = loop {
        if let Some(status) = sandbox.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "the sandbox goes on");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success());
}

/// The walls that the system puts up around the process that runs code, whatever its interpreter does.
#[cfg(target_os = "linux")]
#[test]
fn a_sandbox_is_walled_in_by_the_system() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    // The shell leaves a file open, as whoever starts the program may.
    let mut sandbox = Command::new("sh")
        .args(["-c", "exec 7</etc/hostname 8<&7; exec \"$0\" __sandbox"])
        .arg(crate::common::toolbox::PROGRAM)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(sandbox.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let place = format!("/proc/{}", sandbox.id());
    let status = std::fs::read_to_string(format!("{place}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
    };
    let none = Some("0000000000000000".to_owned());
    assert_eq!(field("NoNewPrivs:").as_deref(), Some("1"));
    assert_eq!(field("CapEff:"), none);
    assert_eq!(field("CapPrm:"), none);
    // A kernel without filters has no such line.
    assert!(field("Seccomp:").is_none_or(|mode| mode == "2"), "{status}");
    // Each thread has them.
    for task in std::fs::read_dir(format!("{place}/task")).unwrap() {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        assert!(
            status.contains("NoNewPrivs:\t1") && !status.contains("Seccomp:\t0"),
            "{status}"
        );
        assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    }
    let stat = std::fs::read_to_string(format!("{place}/stat")).unwrap();
    let session = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .nth(3)
        .unwrap();
    assert_eq!(session, sandbox.id().to_string());
    let files = std::fs::read_dir(format!("{place}/fd")).unwrap();
    let files: Vec<_> = files
        .map(|file| std::fs::read_link(file.unwrap().path()).unwrap())
        .collect();
    assert!(
        !files.iter().any(|file| file.ends_with("hostname")),
        "{files:?}"
    );
    drop(sandbox.stdin.take());
    assert!(sandbox.wait().unwrap().success());
}
