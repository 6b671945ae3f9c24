//! The tool of a step of a live run is defined otherwise: what calls it starts no more, the rest goes on, and another run
//! goes on with the definition.

use crate::common::control::{answer, command, run_so_far, send, socket_in};
use crate::common::process::wait_until;
use crate::common::program::{command as command_of, json, stderr, step};
use crate::mcp_server::{client, done, until_ended};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use tempfile::TempDir;

/// `read` waits for the file `go`, and `write` for it. `early` calls the tool of `write`, and `last` takes its output.
const PLAN: &str = r#"name: defined
tools:
  hold: {type: process, command: [sh, FOLDER/log.sh, hold], read_only: true}
  work: {type: process, command: [sh, FOLDER/log.sh, old]}
  other: {type: process, command: [sh, FOLDER/log.sh, other]}
steps:
  - {id: read, tool: hold, parameters: {}}
  - {id: write, tool: work, parameters: {of: "{{read.is}}"}}
  - {id: early, tool: work, parameters: {}}
  - {id: last, tool: other, parameters: {of: "{{early.is}}"}}
  - {id: beside, tool: other, parameters: {}}
"#;

const SCRIPT: &str = r#"cat > /dev/null
echo "$PLANDECK_ATTEMPT" | sed 's,.*/\(.*\)/.*,\1,' >> FOLDER/calls.log
[ "$1" = hold ] && until [ -e FOLDER/go ]; do sleep 0.02; done
printf '{"is": "%s"}' "$1"
"#;

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

fn write_plan(folder: &Path) -> PathBuf {
    let path = folder.display().to_string();
    let plan = folder.join("plan.yaml");
    std::fs::write(&plan, PLAN.replace("FOLDER", &path)).unwrap();
    std::fs::write(folder.join("log.sh"), SCRIPT.replace("FOLDER", &path)).unwrap();
    plan
}

fn calls_in(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join("calls.log")).unwrap_or_default();
    let mut calls: Vec<&str> = log.lines().collect();
    calls.sort_unstable();
    calls.join(" ")
}

impl Live {
    /// A run that only waits for `read`. `trust` stands in `PLANDECK_TRUST`.
    fn start(trust: &str) -> (Self, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        write_plan(folder.path());
        let mut live = Self {
            folder,
            child: None,
        };
        if trust.is_empty() {
            let trusted = live.plandeck(&["trust", "plan.yaml"]);
            assert!(trusted.status.success(), "{}", stderr(&trusted));
        }
        let mut run = live.command(&["run", "plan.yaml", "--headless", "--json"]);
        run.env("PLANDECK_TRUST", trust);
        run.stdout(Stdio::piped()).stderr(Stdio::piped());
        live.child = Some(run.spawn().unwrap());
        let socket = socket_in(&live.path().join("home"));
        wait_until("the rest of the plan", || {
            let run = run_so_far(&socket);
            ["last", "beside"]
                .iter()
                .all(|id| step(&run, id)["status"] == "succeeded")
        });
        (live, socket)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = command_of();
        command
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.path().join("home"))
            .env("PLANDECK_WORKER", "offline")
            .args(arguments);
        command
    }

    fn plandeck(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn go(&self) {
        std::fs::write(self.path().join("go"), "").unwrap();
    }

    /// The result that is printed in the end.
    fn end(&mut self) -> Value {
        self.go();
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        json(&output)
    }
}

fn new_command(folder: &Path) -> Value {
    json!({"command": ["sh", folder.join("log.sh"), "new"]})
}

fn edit(step: &str, patch: &Value) -> Value {
    json!({"verb": "define_tool", "step": step, "tool_definition": patch})
}

fn ids(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one["step"].as_str().unwrap()).collect()
}

#[test]
fn another_run_goes_on_with_the_definition() {
    let (mut live, socket) = Live::start("1");
    let mut asked = edit("write", &new_command(live.path()));
    asked["dry_run"] = json!(true);
    let (status, preview) = answer(send(&socket, "POST", "/v1/plan", &asked.to_string()));
    assert_eq!(status, 200, "{preview}");
    assert_eq!(
        ids(&preview["reruns"]),
        ["write", "early", "last"],
        "{preview}"
    );
    asked["dry_run"] = json!(false);
    let (status, accepted) = answer(send(&socket, "POST", "/v1/plan", &asked.to_string()));
    assert_eq!(status, 202, "{accepted}");
    assert_eq!(accepted["held"], json!(["write", "early"]));
    let result = live.end();
    assert_eq!(result["run_id"], accepted["run_id"]);
    for id in ["write", "early"] {
        assert_eq!(step(&result, id)["output"]["is"], "new", "{result}");
    }
    assert_eq!(step(&result, "read")["source"], "recorded");
    assert_eq!(
        calls_in(live.path()),
        "beside early early last last read write"
    );
    // It is recorded with the run that went on.
    let again = live.plandeck(&["refresh", "last", "early", "--json"]);
    assert_eq!(step(&json(&again), "early")["output"]["is"], "new");
}

#[test]
fn a_time_limit_holds_for_what_has_not_ended_and_nothing_runs_again() {
    let (mut live, socket) = Live::start("1");
    let limit = r#"{"timeout_s": 30, "cost_usd": 0.25}"#;
    let said = live.plandeck(&["edit", "last", "write", "--tool-definition", limit]);
    let says = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        says.contains("it does not start write"),
        "{says}{}",
        stderr(&said)
    );
    assert_eq!(run_so_far(&socket)["hand_over"]["verb"], "define_tool");
    let result = live.end();
    assert_eq!(step(&result, "write")["cost"], 0.25, "{result}");
    assert_eq!(calls_in(live.path()), "beside early last read write");
}

#[test]
fn it_is_taken_back_and_what_makes_no_sense_changes_nothing() {
    let (mut live, socket) = Live::start("1");
    let patch = new_command(live.path());
    for (body, expected, words) in [
        (edit("writ", &patch), 409, "did you mean"),
        (
            edit("write", &json!({"timeout_s": "soon"})),
            409,
            "timeout_s",
        ),
        (edit("write", &json!({})), 409, "is defined so already"),
        (
            json!({"verb": "define_tool", "step": "write"}),
            400,
            "needs tool_definition",
        ),
        (
            json!({"verb": "remove", "step": "write", "tool_definition": {}}),
            400,
            "does not take tool_definition",
        ),
        (
            json!({"verb": "define_tool", "step": "write", "tool_definition": 1}),
            400,
            "expected a map",
        ),
    ] {
        let (status, refused) = answer(send(&socket, "POST", "/v1/plan", &body.to_string()));
        assert_eq!(status, expected, "{refused}");
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    let (status, accepted) = answer(send(
        &socket,
        "POST",
        "/v1/plan",
        &edit("write", &patch).to_string(),
    ));
    assert_eq!(status, 202, "{accepted}");
    // What it will call is known before it does.
    let asked = "/v1/tool-definition?step=write";
    let (status, known) = answer(send(&socket, "GET", asked, ""));
    assert_eq!((status, &known["tool"]), (200, &json!("work")), "{known}");
    assert_eq!(known["definition"]["command"], patch["command"]);
    let (status, _) = answer(send(&socket, "GET", "/v1/tool-definition?step=writ", ""));
    assert_eq!(status, 409);
    // One more is on top of it, and both are taken back.
    let remove = json!({"verb": "remove", "step": "beside"});
    let (_, both) = answer(send(&socket, "POST", "/v1/plan", &remove.to_string()));
    assert_eq!(both["held"], json!(["write", "early", "beside"]), "{both}");
    let (status, undone) = command(&socket, &json!({"verb": "undo"}));
    assert_eq!(status, 202, "{undone}");
    let result = live.end();
    assert_eq!(step(&result, "write")["output"]["is"], "old");
    assert_eq!(calls_in(live.path()), "beside early last read write");
}

#[test]
fn what_it_would_start_needs_trust() {
    let (mut live, socket) = Live::start("");
    let patch = new_command(live.path());
    let (status, refused) = answer(send(
        &socket,
        "POST",
        "/v1/plan",
        &edit("write", &patch).to_string(),
    ));
    assert_eq!(status, 409, "{refused}");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("log.sh new"), "{message}");
    let harmless = edit("write", &json!({"timeout_s": 30}));
    let (status, accepted) = answer(send(&socket, "POST", "/v1/plan", &harmless.to_string()));
    assert_eq!(status, 202, "{accepted}");
    assert_eq!(live.end()["run_id"], accepted["run_id"]);
}

#[tokio::test]
async fn an_agent_defines_a_tool_of_a_run_that_is_running_and_of_one_that_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let plan = write_plan(folder.path());
    let client = client(&folder.path().join("home")).await;
    let run = done(&client, "run_plan", json!({"plan": plan})).await;
    let id = &run["run_id"];
    let patch = new_command(folder.path());
    let mut edit =
        json!({"run_id": id, "step": "write", "tool_definition": patch, "dry_run": true});
    let preview = done(&client, "set_tool_definition", edit.clone()).await;
    assert_eq!(preview["verb"], "define_tool", "{preview}");
    edit["dry_run"] = json!(false);
    let accepted = done(&client, "set_tool_definition", edit).await;
    std::fs::write(folder.path().join("go"), "").unwrap();
    until_ended(&client, id).await;
    wait_until("the run that goes on", || {
        let mut command = command_of();
        command
            .env("PLANDECK_HOME", folder.path().join("home"))
            .args(["show", accepted["run_id"].as_str().unwrap(), "--json"]);
        command.output().unwrap().status.success()
    });
    let result = until_ended(&client, &accepted["run_id"]).await;
    assert_eq!(step(&result, "write")["output"]["is"], "new", "{result}");
    let newest = json!({"command": ["sh", folder.path().join("log.sh"), "newest"]});
    let ended = json!({"run_id": accepted["run_id"], "step": "write", "tool_definition": newest});
    let forked = done(&client, "set_tool_definition", ended).await;
    assert_eq!(step(&forked, "write")["output"]["is"], "newest", "{forked}");
    client.cancel().await.unwrap();
}
