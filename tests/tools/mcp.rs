//! `mcp` tools with a server that behaves as a test says.

use crate::common::process::lives;
use crate::common::scripted_mcp::{SERVER, Scripted, error};
use crate::common::toolbox::{call, catalog, environment, output, refusal, run, toolbox_with};
use plandeck::models::SmallModelWorker;
use plandeck::tools::{Tool, Toolbox};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

#[tokio::test]
async fn both_lifecycles_are_spoken_by_what_the_server_speaks() {
    for (mode, handshake) in [("old", true), ("new", false)] {
        let scripted = Scripted::new(mode);
        assert_eq!(
            scripted.output("say", json!({"text": "good day"})).await,
            "good day"
        );
        let methods = scripted.noted("methods");
        assert_eq!(
            methods.contains(&"initialize".to_owned()),
            handshake,
            "{mode}: {methods:?}"
        );
        scripted.ends().await;
    }
}

#[tokio::test]
async fn servers_that_do_not_know_the_new_lifecycle_need_not_say_so_well() {
    // One answers anything, and one ends when it is asked before the handshake.
    for mode in ["lenient", "strict"] {
        let scripted = Scripted::new(mode);
        assert_eq!(
            scripted.output("say", json!({"text": "good day"})).await,
            "good day",
            "{mode}"
        );
        scripted.ends().await;
    }
}

#[tokio::test]
async fn a_server_that_wants_to_be_asked_again_is() {
    let scripted = Scripted::new("new");
    assert_eq!(scripted.output("again", json!({})).await, "at last");
}

#[tokio::test]
async fn contents_become_an_output() {
    let scripted = Scripted::new("old");
    let say = |text: &str| json!({"text": text});
    assert_eq!(scripted.output("say", say("[1, 2]")).await, json!([1, 2]));
    assert_eq!(scripted.output("say", say("1, 2")).await, json!("1, 2"));
    let sum = scripted.output("sum", json!({"a": 2, "b": 3})).await;
    assert_eq!(sum, json!({"total": 5}));
    assert_eq!(
        scripted.output("strange", json!({})).await,
        json!({"type": "hologram", "depth": 3})
    );
    let picture = scripted.output("picture", json!({})).await;
    assert_eq!(
        (&picture["mime_type"], &picture["size"]),
        (&json!("image/png"), &json!(6))
    );
    let kept = std::fs::read(picture["file"].as_str().unwrap()).unwrap();
    assert_eq!(kept, b"\x89PNG\r\n");
    let several = scripted.output("several", json!({})).await;
    assert_eq!(several[0], json!({"n": 1}));
    assert_eq!(
        several[1],
        json!({"uri": "mem://a", "mime_type": "text/plain", "text": "[1]"})
    );
    assert_eq!(
        (&several[2]["uri"], &several[2]["size"]),
        (&json!("mem://b"), &json!(3))
    );
    let file = Path::new(several[2]["file"].as_str().unwrap());
    assert!(file.extension().is_some_and(|ending| ending == "zip"));
    assert_eq!(several[3]["uri"], "file:///etc/motd");
}

#[tokio::test]
async fn all_calls_share_one_connection() {
    let scripted = Scripted::new("old");
    let say = scripted.tool("say");
    let calls = (0..20).map(|n| output(&say, json!({"text": format!("line {n}")})));
    let all = futures::future::join_all(calls).await;
    for (n, said) in all.into_iter().enumerate() {
        assert_eq!(said, json!(format!("line {n}")));
    }
    assert_eq!(scripted.noted("pids").len(), 1);
}

#[tokio::test]
async fn a_server_gets_the_name_of_the_attempt_and_no_variables_but_its_own() {
    let scripted = Scripted::with("old", &json!({"env": {"LICENCE": "${TOKEN}"}}));
    let (call, _) = call(json!({}));
    let name = call.idempotency_key.to_string();
    let trace = call.trace.clone().unwrap();
    let report = scripted.tool("attempt").call(call.clone()).await;
    assert_eq!(*report.output.unwrap(), json!(name));
    let report = scripted.tool("trace").call(call).await;
    assert_eq!(*report.output.unwrap(), *trace);
    let variables = scripted.output("environment", json!({})).await;
    let has = |name: &str| variables.as_array().unwrap().contains(&json!(name));
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(
        has("PATH") && has("LICENCE") && !has("CARGO_MANIFEST_DIR"),
        "{variables}"
    );
    let said = scripted.output("say", json!({"text": "it is tok-5528-secret"}));
    assert_eq!(said.await, json!("it is [redacted]"));
}

#[tokio::test]
async fn progress_and_logs_are_in_the_log_of_the_step() {
    let scripted = Scripted::new("old");
    let (call, said) = call(json!({}));
    let report = scripted.tool("slow").call(call).await;
    assert_eq!(*report.output.unwrap(), json!("slow but sure"));
    let said = said.lock().unwrap().join("|");
    for line in [
        "progress 1 of 3: part 1\r",
        "progress 3 of 3: part 3\r",
        "warning: disk: {\"free\":7}",
    ] {
        assert!(said.contains(line), "no {line:?} in {said:?}");
    }
}

#[tokio::test]
async fn errors_name_the_server() {
    let scripted = Scripted::new("old");
    let failed = error(run(&scripted.tool("fails"), json!({"text": "no such town"})).await);
    assert_eq!(
        failed.message,
        "\"fails\" of the MCP server \"scripted\" failed: no such town"
    );
    let message = refusal(&scripted.tool("missing"), json!({})).await;
    assert!(
        message.contains("\"scripted\"")
            && message.contains("unknown tool")
            && message.contains("-32602"),
        "{message}"
    );
}

#[tokio::test]
async fn a_call_that_is_stopped_is_cancelled_on_the_server() {
    let scripted = Scripted::new("old");
    let (call, _) = call(json!({}));
    let stop = call.cancel.clone();
    let waiting = tokio::spawn(scripted.tool("waits").call(call));
    scripted
        .until("the call", |it| !it.noted("waiting").is_empty())
        .await;
    stop.cancel();
    let message = error(waiting.await.unwrap()).message;
    assert!(
        message.contains("\"scripted\" had not answered"),
        "{message}"
    );
    scripted
        .until("the cancellation", |it| {
            it.noted("cancelled") == it.noted("waiting")
        })
        .await;
    // The connection is still there for others.
    assert_eq!(
        scripted.output("say", json!({"text": "next"})).await,
        "next"
    );
    assert_eq!(scripted.noted("pids").len(), 1);
    scripted.ends().await;
}

#[tokio::test]
async fn a_server_that_dies_fails_the_call_that_it_had_and_is_started_again() {
    let scripted = Scripted::new("old");
    let died = error(run(&scripted.tool("dies"), json!({})).await);
    assert!(died.retryable);
    for part in ["\"scripted\" was lost", "code 7", "out of paper"] {
        assert!(died.message.contains(part), "{died}");
    }
    assert_eq!(
        scripted.output("say", json!({"text": "back"})).await,
        "back"
    );
    assert_eq!(scripted.noted("pids").len(), 2);
    scripted.ends().await;
}

#[tokio::test]
async fn a_call_that_was_not_sent_moves_to_the_next_connection() {
    let scripted = Scripted::new("old");
    for round in 1..=3 {
        assert_eq!(
            scripted.output("say", json!({"text": "here"})).await,
            "here"
        );
        let pids = scripted.noted("pids");
        assert_eq!(pids.len(), round);
        // It is killed while nothing is asked of it.
        let killed = std::process::Command::new("kill")
            .args(["-9", &pids[round - 1]])
            .status();
        assert!(killed.unwrap().success());
        scripted
            .until("its end", |it| !lives(&it.noted("pids")[round - 1]))
            .await;
    }
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let scripted = Scripted::with("old", &json!({"command": "no-such-server-anywhere"}));
    let message = refusal(&scripted.tool("say"), json!({})).await;
    assert!(
        message.contains("\"scripted\"")
            && message.contains("no-such-server-anywhere")
            && message.contains("install it"),
        "{message}"
    );
    let scripted = Scripted::new("leaver");
    let message = error(run(&scripted.tool("say"), json!({})).await).message;
    assert!(message.contains("code 3: no licence"), "{message}");
    let scripted = Scripted::with("old", &json!({"env": {"K": "${NOT_SET_HERE}"}}));
    let message = refusal(&scripted.tool("say"), json!({})).await;
    assert!(message.contains("NOT_SET_HERE is not set"), "{message}");
}

#[tokio::test]
async fn a_server_that_hangs_or_talks_nonsense_at_the_handshake_is_given_up() {
    for (mode, part) in [
        ("mute", "within 0.7 s after its start: thinking"),
        (
            "garbage",
            "its standard output has what is not a message: ?? not a message ??",
        ),
        ("stranger", "the id of another request"),
    ] {
        let scripted = Scripted::with(mode, &json!({"start_timeout_s": 0.7}));
        let report = run(&scripted.tool("say"), json!({"text": "x"})).await;
        let message = error(report).message;
        assert!(
            message.contains("\"scripted\"") && message.contains(part),
            "{mode}: {message}"
        );
        scripted.ends().await;
    }
}

#[tokio::test]
async fn a_program_that_repeats_what_it_reads_is_no_server() {
    let scripted = Scripted::with("old", &json!({"command": "cat", "args": []}));
    let message = error(run(&scripted.tool("say"), json!({})).await).message;
    assert!(message.contains("sends back what it is sent"), "{message}");
}

#[tokio::test]
async fn what_a_server_prints_for_people_is_logged() {
    let scripted = Scripted::new("chatty");
    let (call, said) = call(json!({"text": "fine"}));
    let report = scripted.tool("say").call(call).await;
    assert_eq!(*report.output.unwrap(), json!("fine"));
    assert!(
        said.lock()
            .unwrap()
            .contains(&"Welcome to the server!".to_owned())
    );
}

#[tokio::test]
async fn a_result_without_end_is_bounded() {
    let scripted = Scripted::new("old");
    let message = error(run(&scripted.tool("huge"), json!({})).await).message;
    assert!(
        message.contains("\"scripted\"") && message.contains("more than 16 MB"),
        "{message}"
    );
    let message = error(run(&scripted.tool("wide"), json!({})).await).message;
    assert!(
        message.contains("\"scripted\"") && message.contains("of memory"),
        "{message}"
    );
    assert_eq!(
        scripted.output("say", json!({"text": "still here"})).await,
        "still here"
    );
    scripted.ends().await;
}

#[tokio::test]
async fn an_answer_with_another_id_is_not_taken() {
    let scripted = Scripted::new("old");
    let (call, _) = call(json!({}));
    let stop = call.cancel.clone();
    let waiting = tokio::spawn(scripted.tool("other_id").call(call));
    scripted
        .until("the call", |it| {
            it.noted("methods").contains(&"tools/call".to_owned())
        })
        .await;
    assert_eq!(
        scripted.output("say", json!({"text": "mine"})).await,
        "mine"
    );
    stop.cancel();
    let message = error(waiting.await.unwrap()).message;
    assert!(
        message.contains("it answered a request not-yours that was not made"),
        "{message}"
    );
}

#[tokio::test]
async fn a_flood_of_notifications_does_not_keep_calls_from_their_answers() {
    let scripted = Scripted::new("flood");
    for n in 0..10 {
        let text = format!("through {n}");
        assert_eq!(
            scripted.output("say", json!({"text": text})).await,
            json!(text)
        );
    }
    scripted.ends().await;
}

#[tokio::test]
async fn a_time_limit_names_the_server_and_other_steps_go_on() {
    let notes = tempfile::tempdir().unwrap();
    let entry = json!({"command": "python3", "args": [SERVER, "old", notes.path()]});
    let plan = json!({
        "mcpServers": {"scripted": entry},
        "tools": {
            "other_id": {"type": "mcp", "server": "scripted"},
            "say": {"type": "mcp"},
        },
        "steps": [
            {"id": "lost", "tool": "other_id", "timeout_s": 1.5, "parameters": {}},
            {"id": "fine", "tool": "say", "parameters": {"text": "here"}},
        ],
    });
    let plan = plandeck::ExecutionPlan::from_value(plan).unwrap();
    let failed = plandeck::Execution::new(&plan)
        .program(crate::common::toolbox::PROGRAM)
        .run()
        .await
        .unwrap_err();
    let result = serde_json::to_value(failed.result().unwrap()).unwrap();
    assert_eq!(result["steps"][1]["output"], "here", "{result:#}");
    let error = &result["steps"][0]["error"];
    assert_eq!(error["type"], "TimeoutError");
    assert_eq!(
        error["message"],
        "no answer within timeout_s = 1.5: the MCP server \"scripted\" had not answered; \
         it answered a request not-yours that was not made"
    );
}

/// A server over HTTP, which ends with this.
struct OverHttp {
    process: std::process::Child,
    port: String,
}

impl OverHttp {
    fn start(mode: &str, port: &str) -> Self {
        use std::io::BufRead;
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/mcp/over_http.py"
        );
        let mut process = std::process::Command::new("python3")
            .args([script, mode, port])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut printed = std::io::BufReader::new(process.stdout.take().unwrap());
        printed.read_line(&mut port).unwrap();
        let port = port.trim().to_owned();
        Self { process, port }
    }

    fn tool(&self, headers: &Value) -> Arc<dyn Tool> {
        let url = format!("http://127.0.0.1:{}/mcp", self.port);
        let entry = json!({"url": url, "headers": headers, "start_timeout_s": 1.5});
        let text = json!({"mcpServers": {"remote": entry}, "tools": {"say": {"type": "mcp"}}});
        let toolbox = toolbox_with(
            &catalog(&text.to_string()),
            &SmallModelWorker::offline(),
            environment(&[("TOKEN", "tok-5528-secret")]),
        );
        toolbox.tool("say").unwrap()
    }
}

impl Drop for OverHttp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_server_over_http_gets_its_headers_and_is_found_again_after_a_restart() {
    let server = OverHttp::start("guarded", "0");
    let tool = server.tool(&json!({"authorization": "Bearer ${TOKEN}"}));
    assert_eq!(output(&tool, json!({"text": "in"})).await, "in");
    let refused = refusal(&server.tool(&json!({})), json!({})).await;
    assert!(
        refused.contains("\"remote\" refuses access (HTTP 401") && refused.contains("`headers`"),
        "{refused}"
    );
    let port = server.port.clone();
    drop(server);
    // The first call finds a connection that the server has closed.
    let _ = run(&tool, json!({"text": "lost"})).await;
    let gone = error(run(&tool, json!({"text": "lost"})).await);
    assert!(gone.retryable, "{gone}");
    assert!(
        gone.message.contains("\"remote\" cannot be reached") && gone.message.contains("refused"),
        "{gone}"
    );
    let _server = OverHttp::start("guarded", &port);
    assert_eq!(output(&tool, json!({"text": "back"})).await, "back");
}

#[tokio::test]
async fn a_server_over_http_that_does_not_behave_is_named() {
    for (mode, part) in [
        ("mute", "did not answer within 1.5 s after its start"),
        ("page", "cannot be used: Unexpected content type"),
        ("drops", "cannot be reached"),
        ("huge", "sent a message of more than 16 MB"),
    ] {
        let server = OverHttp::start(mode, "0");
        let message = error(run(&server.tool(&json!({})), json!({})).await).message;
        assert!(
            message.contains("\"remote\"") && message.contains(part),
            "{mode}: {message}"
        );
    }
}
