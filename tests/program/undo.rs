//! Edits that are taken back and made again: `plandeck undo` and `plandeck redo`, on live and on recorded runs.

use crate::common::control::{answer, command, events, run_so_far, send, socket_in, taken};
use crate::common::process::{start, wait_until};
use crate::common::program::{code, json, plandeck, stderr, step};
use plandeck::run::{RunEvent, RunState};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Output};
use tempfile::TempDir;

/// `a` → `b`, each of which gives its input back and leaves a line; `z` keeps the run live until there is a file `go`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let work = "x=$(cat); echo call >> calls.log; echo \"$x\"";
    let wait = "while [ ! -e go ]; do sleep 0.02; done; echo 1";
    let plan = json!({
        "name": "edited",
        "tools": {
            "work": {"type": "process", "command": ["sh", "-c", work], "cost_usd": 0.01},
            "wait": {"type": "process", "command": ["sh", "-c", wait]},
        },
        "steps": [
            {"id": "a", "tool": "work", "parameters": {"n": 1}},
            {"id": "b", "tool": "work", "parameters": {"of": "{{a.n}}"}},
            {"id": "z", "tool": "wait"},
        ],
    });
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    folder
}

fn calls(folder: &TempDir) -> usize {
    let log = std::fs::read_to_string(folder.path().join("calls.log"));
    log.unwrap_or_default().lines().count()
}

/// A process that ends with the test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for_output(socket: &Path, id: &str, output: &Value) -> Value {
    let found = || {
        let run = run_so_far(socket);
        (step(&run, id)["output"] == *output).then_some(run)
    };
    wait_until("an output", || found().is_some());
    found().unwrap()
}

#[test]
fn what_was_called_before_is_not_paid_for_again_when_an_edit_is_taken_back() {
    let folder = folder();
    let _run = Ends(start(folder.path(), &folder.path().join("home"), &[]));
    let socket = socket_in(&folder.path().join("home"));
    wait_for_output(&socket, "b", &json!({"of": 1}));
    let (status, refused) = command(&socket, &json!({"verb": "undo"}));
    let why = refused["error"]["message"].as_str().unwrap();
    assert_eq!((status, why), (409, "the run has no edit to take back"));

    taken(
        &socket,
        &json!({"verb": "edit", "step": "a", "input": {"n": 2}}),
    );
    wait_for_output(&socket, "b", &json!({"of": 2}));
    assert_eq!(calls(&folder), 4);

    let (_, preview) = answer(send(&socket, "POST", "/v1/preview", "{\"verb\": \"undo\"}"));
    assert_eq!(preview["step"], "a", "{preview}");
    let reruns: Vec<&Value> = preview["reruns"].as_array().unwrap().iter().collect();
    assert_eq!(reruns.len(), 2, "{preview}");
    assert_eq!(
        (&preview["cost_usd"]["min"], &preview["cost_usd"]["max"]),
        (&json!(0.0), &json!(0.02))
    );

    taken(&socket, &json!({"verb": "undo"}));
    let run = wait_for_output(&socket, "b", &json!({"of": 1}));
    assert_eq!(step(&run, "a")["output"], json!({"n": 1}));
    assert_eq!(step(&run, "b")["source"], "recorded");
    assert_eq!(calls(&folder), 4, "nothing is called again");
    taken(&socket, &json!({"verb": "redo"}));
    wait_for_output(&socket, "b", &json!({"of": 2}));
    assert_eq!(calls(&folder), 4);

    // Outputs are edits too, and what is edited is marked until it has run again.
    taken(
        &socket,
        &json!({"verb": "set", "step": "a", "output": {"n": 7}}),
    );
    wait_for_output(&socket, "b", &json!({"of": 7}));
    assert_eq!(calls(&folder), 5);
    taken(&socket, &json!({"verb": "pause"}));
    taken(&socket, &json!({"verb": "undo"}));
    wait_until("the step to be taken back", || {
        step(&run_so_far(&socket), "b")["status"] == "pending"
    });
    let so_far = run_so_far(&socket)["events"].as_u64().unwrap();
    let all: Vec<RunEvent> = events(&socket, 0)
        .take(usize::try_from(so_far).unwrap())
        .map(|event| serde_json::from_value(event).unwrap())
        .collect();
    let state = RunState::from_events(&all);
    for row in state.steps.iter().take(2) {
        assert_eq!(state.stale_because(row).map(|id| &**id), Some("a"));
    }
    assert!(state.stale_because(&state.steps[2]).is_none());
    taken(&socket, &json!({"verb": "resume"}));
    wait_for_output(&socket, "b", &json!({"of": 2}));
    assert_eq!(calls(&folder), 5);
    std::fs::write(folder.path().join("go"), "").unwrap();
}

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = plandeck();
    command
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args(arguments);
    command.output().unwrap()
}

fn result(folder: &TempDir, arguments: &[&str]) -> Value {
    let output = run(folder, arguments);
    assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
    json(&output)
}

#[test]
fn edits_of_a_recorded_run_are_taken_back_in_their_order() {
    let folder = folder();
    std::fs::write(folder.path().join("go"), "").unwrap();
    result(&folder, &["run", "plan.json", "--json"]);
    let of = |result: &Value| step(result, "b")["output"]["of"].clone();
    let edited = result(
        &folder,
        &["edit", "last", "a", "--input", "{\"n\": 2}", "--json"],
    );
    assert_eq!(of(&edited), 2);
    let set = result(
        &folder,
        &["set", "last", "b", "--output", "{\"of\": 9}", "--json"],
    );
    assert_eq!(of(&set), 9);
    assert_eq!(calls(&folder), 4);

    let dry = result(&folder, &["undo", "last", "--dry-run", "--json"]);
    assert_eq!((&dry["verb"], &dry["step"]), (&json!("undo"), &json!("b")));
    let undone = result(&folder, &["undo", "last", "--json"]);
    assert_eq!(of(&undone), 2);
    let undone = result(&folder, &["undo", "last", "--json"]);
    assert_eq!(of(&undone), 1);
    let none = run(&folder, &["undo", "last"]);
    assert_eq!(code(&none), 2);
    assert!(
        stderr(&none).contains("no edit to take back"),
        "{}",
        stderr(&none)
    );
    let redone = result(&folder, &["redo", "last", "--json"]);
    assert_eq!(of(&redone), 2);
    let redone = result(&folder, &["redo", "last", "--json"]);
    assert_eq!(of(&redone), 9);
    // What was taken back stays so when the run goes on.
    result(&folder, &["undo", "last", "--json"]);
    result(&folder, &["undo", "last", "--json"]);
    // What was made before by the same calls is on record: nothing was called again on the way.
    assert_eq!(calls(&folder), 4);
    let again = result(&folder, &["retry", "last", "a", "--json"]);
    assert_eq!(of(&again), 1);
    assert_eq!(calls(&folder), 5, "what is asked for is called");

    let exported = run(&folder, &["export", "last", "--format", "jsonl"]);
    let text = String::from_utf8(exported.stdout).unwrap();
    let ways: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["type"] == "step_edited")
        .map(|event| event["edit"].clone())
        .collect();
    let wanted = [
        "done", "done", "undone", "undone", "redone", "redone", "undone", "undone",
    ];
    assert_eq!(ways, wanted);
}

#[test]
fn what_is_defined_otherwise_since_is_called_again_when_an_edit_is_taken_back() {
    let folder = folder();
    std::fs::write(folder.path().join("go"), "").unwrap();
    result(&folder, &["run", "plan.json", "--json"]);
    let edit = ["edit", "last", "a", "--input", "{\"n\": 2}", "--json"];
    result(&folder, &edit);
    assert_eq!(calls(&folder), 4);
    let file = folder.path().join("plan.json");
    let plan = std::fs::read_to_string(&file).unwrap();
    let other = plan.replace("echo call", "echo called");
    assert_ne!(plan, other);
    std::fs::write(&file, &other).unwrap();
    let undone = result(&folder, &["undo", "last", "--json"]);
    assert_eq!(step(&undone, "b")["output"], json!({"of": 1}));
    assert_eq!(calls(&folder), 6);
    // From now on it is defined so.
    let redone = result(&folder, &["redo", "last", "--json"]);
    assert_eq!(step(&redone, "b")["output"], json!({"of": 2}));
    assert_eq!(
        calls(&folder),
        8,
        "what was made by the tool of before does not count"
    );
    let undone = result(&folder, &["undo", "last", "--json"]);
    assert_eq!(step(&undone, "b")["output"], json!({"of": 1}));
    assert_eq!(calls(&folder), 8);
}
