//! The MCP server, through a client of the protocol's own library: a run is taken from its failure to success.

use crate::common::program::{command, program};
use rmcp::model::{CallToolRequestParams, CallToolResult};
use rmcp::service::RunningService;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

type Client = RunningService<RoleClient, ()>;

pub(crate) async fn client(home: &Path) -> Client {
    client_with(home, &[("PLANDECK_WORKER", "offline")]).await
}

/// A client of a server that is started with these variables.
pub(crate) async fn client_with(home: &Path, variables: &[(&str, &str)]) -> Client {
    let mut plain = command();
    plain
        .env("PLANDECK_HOME", home)
        .envs(variables.iter().copied())
        .arg("mcp");
    let mut child = Command::from(plain)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pipes = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let client = ().serve(pipes).await.unwrap();
    tokio::spawn(async move { child.wait().await });
    client
}

pub(crate) async fn call(client: &Client, name: &'static str, arguments: Value) -> (bool, Value) {
    let mut request = CallToolRequestParams::new(name);
    request.arguments = arguments.as_object().cloned();
    let result: CallToolResult = client.call_tool(request).await.unwrap();
    (
        result.is_error == Some(true),
        result.structured_content.unwrap(),
    )
}

pub(crate) async fn done(client: &Client, name: &'static str, arguments: Value) -> Value {
    let (is_error, answer) = call(client, name, arguments).await;
    assert!(!is_error, "{name}: {answer}");
    answer
}

/// The result of a run, once it has ended.
pub(crate) async fn until_ended(client: &Client, run_id: &Value) -> Value {
    let mut from = 0;
    loop {
        let more = json!({"run_id": run_id, "from": from});
        let events = done(client, "list_events", more).await;
        from = events["next"].as_u64().unwrap();
        if events["over"] == true {
            return done(client, "run_status", json!({"run_id": run_id})).await;
        }
    }
}

fn step<'a>(result: &'a Value, id: &str) -> &'a Value {
    let steps = result["steps"].as_array().unwrap();
    steps.iter().find(|step| step["id"] == id).unwrap()
}

fn plan() -> String {
    json!({
        "name": "agent",
        "tools": {"divide": {"type": "jq", "filter": "if .by == 0 then error(\"division by zero\") else .n / .by end"}},
        "steps": [
            {"id": "half", "tool": "divide", "parameters": {"n": "{{n}}", "by": 2}},
            {"id": "bad", "tool": "divide", "parameters": {"n": "{{half}}", "by": 0}},
            {"id": "last", "tool": "divide", "parameters": {"n": "{{bad}}", "by": 1}},
        ],
    })
    .to_string()
}

#[tokio::test]
async fn an_agent_takes_a_run_from_its_failure_to_success() {
    assert!(program().exists());
    let home = tempfile::tempdir().unwrap();
    let client = client(home.path()).await;
    let listed = client.list_all_tools().await.unwrap();
    let names: Vec<&str> = listed.iter().map(|tool| &*tool.name).collect();
    assert_eq!(
        names,
        [
            "check_plan",
            "run_plan",
            "run_status",
            "list_events",
            "inspect_step",
            "preview",
            "pause_run",
            "resume_run",
            "step_run",
            "set_breakpoint",
            "retry_step",
            "refresh_step",
            "undo_edit",
            "edit_step",
            "insert_step",
            "remove_step",
            "set_dependencies",
            "set_tool_definition",
            "skip_step",
            "approve_step",
            "answer_step",
            "save_edits",
            "stop_run",
            "diff_runs",
            "explain_step"
        ]
    );
    let checked = done(
        &client,
        "check_plan",
        json!({"plan": plan(), "context": {"n": 8}}),
    )
    .await;
    assert_eq!(checked["sound"], true, "{checked}");
    let run = done(
        &client,
        "run_plan",
        json!({"plan": plan(), "context": {"n": 8}}),
    )
    .await;
    let run_id = run["run_id"].as_str().unwrap().to_owned();
    let mut from = 0;
    loop {
        let events = done(
            &client,
            "list_events",
            json!({"run_id": run_id, "from": from}),
        )
        .await;
        from = events["next"].as_u64().unwrap();
        if events["over"] == true {
            break;
        }
    }
    let status = done(&client, "run_status", json!({"run_id": run_id})).await;
    assert_eq!(
        (&status["status"], &step(&status, "half")["output"]),
        (&json!("failed"), &json!(4))
    );
    let seen = done(
        &client,
        "inspect_step",
        json!({"run_id": run_id, "step": "bad"}),
    )
    .await;
    assert!(
        seen["step"]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("division by zero")
    );
    assert_eq!(seen["definition"]["tool"], "divide");
    let edit = json!({"run_id": run_id, "step": "bad", "input": {"n": 4, "by": 2}});
    let done_now = done(&client, "edit_step", edit).await;
    assert_eq!(
        (&done_now["status"], &done_now["run_id"]),
        (&json!("succeeded"), &json!(run_id))
    );
    assert_eq!(step(&done_now, "last")["output"], 2);
    let why = done(
        &client,
        "explain_step",
        json!({"run_id": run_id, "step": "half"}),
    )
    .await;
    assert!(why.to_string().contains("not called"), "{why}");
    let again = done(
        &client,
        "run_plan",
        json!({"plan": plan(), "context": {"n": 6}}),
    )
    .await;
    let runs = json!({"from": run_id, "run_id": again["run_id"]});
    let diff = done(&client, "diff_runs", runs).await;
    assert!(diff.is_object(), "{diff}");

    for (name, arguments, says) in [
        ("run_plan", json!({"plan": "nowhere.yaml"}), "no such file"),
        ("run_plan", json!({}), "needs \"plan\""),
        ("run_plan", json!({"plan": plan()}), "\"n\""),
        ("run_status", json!({"run": run_id}), "takes no \"run\""),
        ("stop_run", json!({"run_id": run_id}), "not live"),
        (
            "retry_step",
            json!({"run_id": run_id, "step": "x"}),
            "no step",
        ),
    ] {
        let (is_error, answer) = call(&client, name, arguments.clone()).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(
            is_error && message.contains(says),
            "{name} {arguments}: {answer}"
        );
    }
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn an_agent_pauses_steps_and_goes_to_a_step() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let script = format!("until [ -e {} ]; do sleep 0.02; done; echo 1", go.display());
    let plan = json!({
        "name": "steered",
        "tools": {
            "wait": {"type": "process", "command": ["sh", "-c", script], "read_only": true},
            "same": {"type": "jq", "filter": ".of"},
        },
        "steps": [
            {"id": "wait", "tool": "wait", "parameters": {}},
            {"id": "b", "tool": "same", "parameters": {"of": "{{wait}}"}},
            {"id": "c", "tool": "same", "parameters": {"of": "{{b}}"}},
        ],
    });
    let client = client(&folder.path().join("home")).await;
    let run = done(&client, "run_plan", json!({"plan": plan.to_string()})).await;
    let id = &run["run_id"];
    assert_eq!(run["status"], "running", "{run}");
    for (name, arguments) in [
        ("pause_run", json!({"run_id": id})),
        ("set_breakpoint", json!({"run_id": id, "step": "c"})),
        ("set_breakpoint", json!({"run_id": id, "step": "b:after"})),
        (
            "set_breakpoint",
            json!({"run_id": id, "step": "b:after", "off": true}),
        ),
    ] {
        assert_eq!(
            done(&client, name, arguments).await["accepted"],
            true,
            "{name}"
        );
    }
    std::fs::write(&go, "").unwrap();
    let until = async |step_is: &[(&str, &str)]| loop {
        let status = done(&client, "run_status", json!({"run_id": id})).await;
        if step_is
            .iter()
            .all(|(id, is)| step(&status, id)["status"] == *is)
        {
            return status;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let paused = until(&[("wait", "succeeded"), ("b", "ready")]).await;
    assert_eq!(paused["paused"], true, "{paused}");
    done(&client, "step_run", json!({"run_id": id, "step": "b"})).await;
    until(&[("b", "succeeded"), ("c", "ready")]).await;
    // Without a screen a run that is held at a breakpoint ends as one that waits.
    done(&client, "resume_run", json!({"run_id": id})).await;
    let held = until_ended(&client, id).await;
    assert_eq!(held["status"], "waiting", "{held}");
    // A verb that takes its time answers before the run has ended.
    let ended = async |name: &'static str, arguments: Value| {
        done(&client, name, arguments).await;
        until_ended(&client, id).await
    };
    let there = ended("resume_run", json!({"run_id": id})).await;
    assert_eq!(there["status"], "succeeded", "{there}");
    // A recorded run goes on to a step, and calls nothing that the step does not need.
    let there = ended("resume_run", json!({"run_id": id, "step": "c"})).await;
    assert_eq!(there["status"], "waiting", "{there}");
    let seen = |result: &Value| step(result, "c")["status"].clone();
    assert_eq!(seen(&there), "ready");
    let preview = json!({"run_id": id, "verb": "resume", "step": "c"});
    done(&client, "preview", preview).await;
    let there = ended("refresh_step", json!({"run_id": id, "step": "b"})).await;
    assert_eq!(there["status"], "succeeded", "{there}");
    let edit = json!({"run_id": id, "step": "c", "input": {"of": 5}});
    ended("edit_step", edit).await;
    let undone = ended("undo_edit", json!({"run_id": id})).await;
    assert_eq!(step(&undone, "c")["output"], 1, "{undone}");
    let again = ended("undo_edit", json!({"run_id": id, "redo": true})).await;
    assert_eq!(step(&again, "c")["output"], 5, "{again}");
    client.cancel().await.unwrap();
}
