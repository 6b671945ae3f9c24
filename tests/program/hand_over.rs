//! The structure of a live run's plan is edited: the rest goes on, and another run goes on with the edited plan, in the
//! same process, without a call being made twice.

use crate::common::control::{answer, command, run_so_far, send, socket_in};
use crate::common::process::{start, wait_until};
use crate::common::program::{command as command_of, json, plandeck, step};
use crate::mcp_server::{client, done, until_ended};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use tempfile::TempDir;

/// `read` waits for the file `go`; `write` waits for it, `other` and `last` are beside them. Calls are written down.
const PLAN: &str = r#"# Written by hand.
name: handed
tools:
  work:
    type: process
    command: [sh, -c, 'x=$(cat); step=$(echo "$PLANDECK_ATTEMPT" | sed "s,.*/\(.*\)/.*,\1,"); echo "$step" >> calls.log; case "$x" in *wait*) until [ -e go ]; do sleep 0.02; done;; esac; printf %s "$x"']
steps:
  - id: read
    tool: work
    parameters: {is: wait}
  - id: write
    tool: work
    parameters: {of: "{{read.is}}"}
  - id: other
    tool: work
    parameters: {n: 1}
  - id: last
    tool: work
    parameters: {of: "{{other.n}}"}
"#;

/// The plan, whose calls are written down in this folder.
fn plan(folder: &Path) -> String {
    let folder = folder.display();
    PLAN.replace(" go ]", &format!(" {folder}/go ]"))
        .replace(">> calls.log", &format!(">> {folder}/calls.log"))
}

struct Live {
    folder: TempDir,
    child: Option<Child>,
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Live {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plan.yaml"), plan(folder.path())).unwrap();
        let events = folder.path().join("events.jsonl").display().to_string();
        let child = Some(start(
            folder.path(),
            &folder.path().join("home"),
            &["--events", &events],
        ));
        Self { folder, child }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn plandeck(&self, arguments: &[&str]) -> Output {
        let mut command = plandeck();
        command
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.path().join("home"))
            .env("PLANDECK_WORKER", "offline")
            .args(arguments);
        command.output().unwrap()
    }

    fn calls(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.path().join("calls.log")).unwrap_or_default();
        let mut calls: Vec<String> = log.lines().map(str::to_owned).collect();
        calls.sort_unstable();
        calls
    }

    fn go(&self) {
        std::fs::write(self.path().join("go"), "").unwrap();
    }

    /// Waits until the rest of the plan has run; only `read` is running then.
    fn until_the_rest_has_run(&self) -> std::path::PathBuf {
        let socket = socket_in(&self.path().join("home"));
        wait_until("the rest of the plan", || {
            step(&run_so_far(&socket), "last")["status"] == "succeeded"
        });
        socket
    }

    /// The result that is printed in the end.
    fn end(&mut self) -> Value {
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        let says = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{says}");
        json(&output)
    }
}

fn insert() -> Value {
    let check = json!({"id": "check", "tool": "work", "parameters": {"checks": "{{read.is}}"}});
    json!({"verb": "insert", "step": check, "before": "write"})
}

#[test]
fn the_rest_goes_on_and_another_run_goes_on_with_the_edited_plan() {
    let mut live = Live::start();
    let socket = live.until_the_rest_has_run();
    let first = run_so_far(&socket)["run_id"].clone();
    let mut shown = insert();
    shown["dry_run"] = json!(true);
    let (status, preview) = answer(send(&socket, "POST", "/v1/plan", &shown.to_string()));
    assert_eq!(status, 200, "{preview}");
    let ids = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|one| one["step"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&preview["reruns"]), ["check", "write"], "{preview}");
    assert_eq!(ids(&preview["stays"]), ["read", "other", "last"]);
    let (status, accepted) = answer(send(&socket, "POST", "/v1/plan", &insert().to_string()));
    assert_eq!(status, 202, "{accepted}");
    assert_eq!(accepted["held"], json!(["write"]));
    live.go();
    let result = live.end();
    assert_eq!(result["run_id"], accepted["run_id"]);
    assert_eq!(result["status"], "succeeded");
    assert_eq!(step(&result, "read")["source"], "recorded");
    assert_eq!(live.calls(), ["check", "last", "other", "read", "write"]);
    let first = json(&live.plandeck(&["show", first.as_str().unwrap(), "--json"]));
    assert_eq!(first["status"], "cancelled", "{first}");
    let events = std::fs::read_to_string(live.path().join("events.jsonl")).unwrap();
    let kinds = |kind: &str| events.matches(&format!("\"type\":\"{kind}\"")).count();
    assert_eq!((kinds("run_started"), kinds("run_ended")), (2, 2));
    let saved = live.plandeck(&["save", "last", "--dry-run"]);
    let saved = String::from_utf8_lossy(&saved.stdout).into_owned();
    assert!(saved.contains("+  - id: check"), "{saved}");
}

#[test]
fn an_edit_is_taken_back_and_one_that_makes_no_sense_changes_nothing() {
    let mut live = Live::start();
    let socket = live.until_the_rest_has_run();
    for (wrong, words) in [
        (json!({"verb": "remove", "step": "nothing"}), "nothing"),
        (json!({"verb": "remove", "step": "read"}), "read"),
        (
            json!({"verb": "insert", "step": {"id": "x", "tool": "no"}, "before": "write"}),
            "no",
        ),
    ] {
        let (status, refused) = answer(send(&socket, "POST", "/v1/plan", &wrong.to_string()));
        assert_eq!(status, 409, "{refused}");
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    for (wrong, words) in [
        (json!({"verb": "move", "step": "read"}), "insert, remove"),
        (
            json!({"verb": "remove", "step": "read", "on": ["x"]}),
            "does not take on",
        ),
        (json!({"verb": "depend", "step": "write"}), "on or not_on"),
        (
            json!({"verb": "insert", "step": "write", "before": "last"}),
            "is an object",
        ),
    ] {
        let (status, refused) = answer(send(&socket, "POST", "/v1/plan", &wrong.to_string()));
        assert_eq!(status, 400, "{refused}");
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    let output = live.plandeck(&["remove", "last", "write"]);
    let says = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(says.contains("goes on with the edited plan"), "{says}");
    let (status, undone) = command(&socket, &json!({"verb": "undo"}));
    assert_eq!(status, 202, "{undone}");
    live.go();
    let result = live.end();
    assert_eq!(step(&result, "write")["status"], "succeeded");
    assert_eq!(live.calls(), ["last", "other", "read", "write"]);
}

#[test]
fn edits_of_two_clients_take_effect_together() {
    let mut live = Live::start();
    let socket = live.until_the_rest_has_run();
    let remove = json!({"verb": "remove", "step": "last"});
    let clients = [insert(), remove].map(|edit| {
        let socket = socket.clone();
        std::thread::spawn(move || answer(send(&socket, "POST", "/v1/plan", &edit.to_string())))
    });
    let answers = clients.map(|client| client.join().unwrap());
    for (status, accepted) in &answers {
        assert_eq!(*status, 202, "{accepted}");
    }
    let held = run_so_far(&socket)["hand_over"]["held"].clone();
    assert_eq!(held, json!(["write", "last"]), "one is on top of the other");
    live.go();
    let result = live.end();
    let steps = result["steps"].as_array().unwrap().iter();
    let steps: Vec<&str> = steps.map(|step| step["id"].as_str().unwrap()).collect();
    assert_eq!(steps, ["read", "check", "write", "other"]);
    assert_eq!(live.calls(), ["check", "last", "other", "read", "write"]);
}

#[tokio::test]
async fn an_agent_edits_the_plan_of_a_run_that_is_running() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.yaml");
    std::fs::write(&plan, self::plan(folder.path())).unwrap();
    let client = client(&folder.path().join("home")).await;
    let run = done(&client, "run_plan", json!({"plan": plan})).await;
    let id = &run["run_id"];
    let mut edit = insert();
    edit.as_object_mut().unwrap().remove("verb");
    edit["run_id"] = id.clone();
    edit["dry_run"] = json!(true);
    let preview = done(&client, "insert_step", edit.clone()).await;
    assert_eq!(preview["verb"], "insert", "{preview}");
    edit["dry_run"] = json!(false);
    let accepted = done(&client, "insert_step", edit).await;
    std::fs::write(folder.path().join("go"), "").unwrap();
    until_ended(&client, id).await;
    wait_until("the run that goes on", || {
        let mut command = plandeck();
        command
            .env("PLANDECK_HOME", folder.path().join("home"))
            .args(["show", accepted["run_id"].as_str().unwrap(), "--json"]);
        command.output().unwrap().status.success()
    });
    let result = until_ended(&client, &accepted["run_id"]).await;
    assert_eq!(result["status"], "succeeded", "{result}");
    assert_eq!(step(&result, "check")["status"], "succeeded");
    // What has ended is forked.
    let ended = json!({"run_id": accepted["run_id"], "step": "check"});
    let forked = done(&client, "remove_step", ended).await;
    assert_eq!(forked["status"], "succeeded", "{forked}");
    let log = std::fs::read_to_string(folder.path().join("calls.log")).unwrap();
    let reads = log.lines().filter(|step| *step == "read").count();
    assert_eq!(reads, 1, "{log}");
    client.cancel().await.unwrap();
}

#[test]
fn a_process_that_does_not_go_on_with_an_edited_plan_refuses_it() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let wait = format!("cat; until [ -e {} ]; do sleep 0.02; done", go.display());
    let plan = json!({
        "name": "tried",
        "tools": {"work": {"type": "process", "read_only": true, "command": ["sh", "-c", wait]}},
        "steps": [{"id": "a", "tool": "work"}, {"id": "b", "tool": "work", "depends_on": ["a"]}],
    });
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    std::fs::write(&go, "").unwrap();
    let home = folder.path().join("home");
    let begin = |arguments: &[&str]| {
        let mut command = command_of();
        command
            .current_dir(folder.path())
            .env("PLANDECK_HOME", &home)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let first = begin(&[
        "run",
        "plan.json",
        "--headless",
        "--json",
        "--worker",
        "offline",
    ]);
    assert!(first.wait_with_output().unwrap().status.success());
    std::fs::remove_file(&go).unwrap();
    // It makes the call of one step alone, and no run comes after it.
    let trial = begin(&["flaky", "last", "a", "-n", "1", "--json"]);
    let socket = socket_in(&home);
    let edit = json!({"verb": "remove", "step": "b"});
    let (status, refused) = answer(send(&socket, "POST", "/v1/plan", &edit.to_string()));
    std::fs::write(&go, "").unwrap();
    assert_eq!(status, 409, "{refused}");
    assert!(
        refused
            .to_string()
            .contains("does not go on with an edited plan"),
        "{refused}"
    );
    assert!(trial.wait_with_output().unwrap().status.success());
}
