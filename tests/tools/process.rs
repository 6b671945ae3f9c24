//! `process` tools with real programs.

use crate::common::process::{assert_stopped_in_time, lives};
use crate::common::program::HANG;
use crate::common::toolbox::{call, catalog, environment, output, refusal, tool, toolbox_with};
use plandeck::models::SmallModelWorker;
use plandeck::tools::Toolbox;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn shell(script: &str) -> std::sync::Arc<dyn plandeck::tools::Tool> {
    let catalog = json!({"tools": {"t": {"type": "process", "command": ["sh", "-c", script]}}});
    tool(&catalog.to_string(), "t")
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < HANG, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn parameters_go_in_as_json_and_json_or_text_comes_out() {
    assert_eq!(
        output(&shell("cat"), json!({"a": [1, "é"]})).await,
        json!({"a": [1, "é"]})
    );
    assert_eq!(
        output(&shell("printf 'two\\nlines\\n\\n'"), json!({})).await,
        json!("two\nlines\n")
    );
    assert_eq!(output(&shell("true"), json!({})).await, Value::Null);
    assert_eq!(output(&shell("echo 42"), json!({})).await, json!(42));
}

#[tokio::test]
async fn standard_error_is_logged_and_quoted_when_it_fails() {
    let (call, said) = call(json!({}));
    let report = shell("echo '  one' >&2; printf '\\033[31mtwo\\033[0m\\n' >&2; exit 3")
        .call(call)
        .await;
    let error = report.output.unwrap_err();
    assert!(error.retryable);
    assert!(
        error.message.contains("exited with code 3") && error.message.ends_with("one\ntwo"),
        "{error}"
    );
    assert_eq!(*said.lock().unwrap(), ["  one", "\u{1b}[31mtwo\u{1b}[0m"]);
}

#[tokio::test]
async fn a_program_gets_the_name_of_its_attempt() {
    let (call, _) = call(json!({}));
    let name = call.idempotency_key.to_string();
    let report = shell("printf %s \"$PLANDECK_ATTEMPT\"").call(call).await;
    assert_eq!(*report.output.unwrap(), json!(name));
}

#[tokio::test]
async fn a_signal_is_named() {
    let report = shell("kill -SEGV $$").call(call(json!({})).0).await;
    let error = report.output.unwrap_err();
    assert!(error.message.contains("signal 11"), "{error}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error_with_a_remedy() {
    let missing = tool(
        "tools: {t: {type: process, command: no-such-program-anywhere}}",
        "t",
    );
    let message = refusal(&missing, json!({})).await;
    assert!(
        message.contains("no-such-program-anywhere") && message.contains("install it"),
        "{message}"
    );
    let (mut limited, _) = call(json!({}));
    limited.max_memory_mb = Some(64);
    let error = missing.call(limited).await.output.unwrap_err();
    assert!(error.message.contains("install it"), "{error}");
}

#[tokio::test]
async fn input_that_is_not_read_does_not_hang() {
    let large = json!({"text": "x".repeat(8 << 20)});
    assert_eq!(
        output(&shell("exec 0<&-; echo done"), large.clone()).await,
        json!("done")
    );
    assert_eq!(
        output(&shell("echo done; exec 1>&-; sleep 0.1"), large).await,
        json!("done")
    );
}

#[tokio::test]
async fn output_is_bounded() {
    let flood = shell("exec cat /dev/zero");
    let message = tokio::time::timeout(HANG, refusal(&flood, json!({})));
    let message = message.await.unwrap();
    assert!(message.contains("more than 64 MB"), "{message}");
}

#[tokio::test]
async fn output_that_is_no_text_or_too_deep_is_an_error() {
    let message = refusal(&shell("printf 'ab\\377'"), json!({})).await;
    assert!(
        message.contains("not valid UTF-8 (byte 2 of 3)"),
        "{message}"
    );
    let message = refusal(&shell("head -c 10000 /dev/zero | tr '\\0' '['"), json!({})).await;
    assert!(message.contains("nested deeper"), "{message}");
}

#[tokio::test]
async fn cancelling_ends_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let ids = folder.path().join("ids");
    let script = format!(
        "sh -c 'trap \"\" TERM; echo $$ >> {0}; sleep 600' & echo $$ >> {0}; sleep 600",
        ids.display()
    );
    let (call, _) = call(json!({}));
    let cancel = call.cancel.clone();
    let running = tokio::spawn(shell(&script).call(call));
    let read = || std::fs::read_to_string(&ids).unwrap_or_default();
    until("both processes are up", || read().lines().count() == 2).await;
    let started = Instant::now();
    cancel.cancel();
    let error = running.await.unwrap().output.unwrap_err();
    assert_eq!(error.message, "cancelled");
    assert_stopped_in_time("the call", started.elapsed());
    until("the group is gone", || !read().lines().any(lives)).await;
}

#[tokio::test]
async fn dropping_the_call_ends_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let ids = folder.path().join("ids");
    let script = format!(
        "sh -c 'echo $$ >> {0}; sleep 600' & echo $$ >> {0}; sleep 600",
        ids.display()
    );
    let running = tokio::spawn(shell(&script).call(call(json!({})).0));
    let read = || std::fs::read_to_string(&ids).unwrap_or_default();
    until("both processes are up", || read().lines().count() == 2).await;
    running.abort();
    until("the group is gone", || !read().lines().any(lives)).await;
}

#[tokio::test]
async fn what_is_left_in_the_background_does_not_outlive_the_call() {
    let sleeper = shell("sleep 600 & echo $!");
    let background = tokio::time::timeout(HANG, output(&sleeper, json!({})));
    let background = background.await.unwrap();
    until("the sleeper is gone", || !lives(&background.to_string())).await;
}

#[tokio::test]
async fn secrets_are_never_seen() {
    let catalog = catalog(
        "tools: {t: {type: process, command: [sh, -c, 'echo \"got $TOKEN\" >&2; echo \"{\\\"t\\\": \\\"$TOKEN\\\"}\"; exit $CODE'], env: {TOKEN: '${MY_TOKEN}', CODE: '${MY_CODE}'}}}",
    );
    for code in ["0", "1"] {
        let environment = environment(&[
            ("MY_TOKEN", "sesame-open"),
            ("MY_CODE", if code == "0" { "0" } else { "1" }),
        ]);
        let tool = toolbox_with(&catalog, &SmallModelWorker::offline(), environment)
            .tool("t")
            .unwrap();
        let (call, said) = call(json!({}));
        let report = tool.call(call).await;
        let everything = format!("{report:?} {:?}", said.lock().unwrap());
        assert!(!everything.contains("sesame"), "{everything}");
        assert!(everything.contains("[redacted]"), "{everything}");
        assert_eq!(report.output.is_ok(), code == "0");
    }
    let tool = toolbox_with(&catalog, &SmallModelWorker::offline(), environment(&[]))
        .tool("t")
        .unwrap();
    assert!(refusal(&tool, json!({})).await.contains("MY_TOKEN"));
}

#[tokio::test]
async fn memory_is_limited_by_the_system() {
    let bomb = shell("exec python3 -c 'print(len(bytearray(300 << 20)))'");
    let (mut small, _) = call(json!({}));
    small.max_memory_mb = Some(100);
    let error = bomb.call(small).await.output.unwrap_err();
    assert!(error.message.contains("MemoryError"), "{error}");
    let (mut large, _) = call(json!({}));
    large.max_memory_mb = Some(600);
    assert_eq!(*bomb.call(large).await.output.unwrap(), json!(300 << 20));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_processor_share_is_limited() {
    // Works until it has used 0.8 s of processor time, and prints how many times as long that took.
    let busy = shell(
        "exec python3 -c 'import time\nt = time.time()\nwhile time.process_time() < 0.8: pass\nprint((time.time() - t) / 0.8)'",
    );
    let (mut limited, _) = call(json!({}));
    limited.max_cpu_percent = Some(25);
    let output = busy.call(limited).await.output.unwrap();
    // Four times as long, less the burst at the beginning and what runs until the supervisor looks again.
    assert!(output.as_f64().unwrap() > 2.0, "{output}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn how_a_supervised_program_ended_is_seen() {
    let limited = |script: &str| {
        let (mut limited, _) = call(json!({}));
        limited.max_cpu_percent = Some(80);
        shell(script).call(limited)
    };
    let error = limited("exit 7").await.output.unwrap_err();
    assert!(error.message.contains("code 7"), "{error}");
    let error = limited("kill -ABRT $$").await.output.unwrap_err();
    assert!(error.message.contains("signal 6"), "{error}");
    assert_eq!(*limited("cat").await.output.unwrap(), json!({}));
}

#[tokio::test]
async fn programs_run_in_the_catalogs_folder() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    std::fs::create_dir(folder.join("sub")).unwrap();
    std::fs::write(folder.join("own"), "#!/bin/sh\npwd\n").unwrap();
    std::fs::set_permissions(folder.join("own"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(
        folder.join("tools.yaml"),
        "tools:\n  a: {command: ./own}\n  b: {command: ./own, cwd: sub}\n  c: {command: pwd}\n",
    )
    .unwrap();
    let catalog = plandeck::tools::Catalog::load(&folder.join("tools.yaml")).unwrap();
    let toolbox = toolbox_with(&catalog, &SmallModelWorker::offline(), environment(&[]));
    for (name, place) in [
        ("a", folder.clone()),
        ("b", folder.join("sub")),
        ("c", folder.clone()),
    ] {
        let tool = toolbox.tool(name).unwrap();
        assert_eq!(output(&tool, json!({})).await, json!(place), "{name}");
    }
}

#[tokio::test]
async fn a_fixed_price_is_paid_for_what_was_started() {
    let catalog = catalog(
        "tools: {a: {command: 'false', cost_usd: 0.01}, b: {command: no-such-program, cost_usd: 0.01}}",
    );
    let toolbox = toolbox_with(&catalog, &SmallModelWorker::offline(), environment(&[]));
    for (name, cost) in [("a", 10_000_000_000), ("b", 0)] {
        let report = toolbox.tool(name).unwrap().call(call(json!({})).0).await;
        assert!(report.output.is_err());
        assert_eq!(report.cost.unwrap().pico(), cost, "{name}");
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_not_part_of_an_output() {
    let marked = |text: &str| shell(&format!("printf '\\357\\273\\277{text}'"));
    assert_eq!(
        output(&marked(r#"[1, {"k": 2}]"#), json!({})).await,
        json!([1, {"k": 2}])
    );
    assert_eq!(output(&marked("plain"), json!({})).await, json!("plain"));
    assert_eq!(output(&marked(""), json!({})).await, Value::Null);
}

#[tokio::test]
async fn an_integer_that_would_be_rounded_is_an_error() {
    let message = refusal(&shell("echo '{\"id\": 36893488147419103232}'"), json!({})).await;
    assert!(
        message.contains("36893488147419103232") && message.contains("beyond 64 bits"),
        "{message}"
    );
    let kept = shell(
        "echo '{\"id\": \"36893488147419103232\", \"n\": 18446744073709551615, \"f\": 1e30}'",
    );
    assert_eq!(
        output(&kept, json!({})).await,
        json!({"id": "36893488147419103232", "n": u64::MAX, "f": 1e30})
    );
}

#[tokio::test]
async fn variables_of_a_program_take_parameters() {
    let env = json!({"WHO": "{{who}}", "LINE": "{{n}} of ${TOTAL}"});
    let script = "printf '%s|%s' \"$WHO\" \"$LINE\"";
    let tool = json!({"type": "process", "command": ["sh", "-c", script], "env": env});
    let catalog = catalog(&json!({"tools": {"t": tool}}).to_string());
    let variables = environment(&[("TOTAL", "9")]);
    let tool = toolbox_with(&catalog, &SmallModelWorker::offline(), variables);
    let tool = tool.tool("t").unwrap();
    let given = json!({"who": "a'; ${TOTAL} {{n}}", "n": 3});
    assert_eq!(
        output(&tool, given).await,
        json!("a'; ${TOTAL} {{n}}|3 of 9")
    );
    let error = refusal(&tool, json!({"n": 3})).await;
    assert!(
        error.contains("in `env`, WHO: ") && error.contains("\"who\""),
        "{error}"
    );
}
