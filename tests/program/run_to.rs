//! Running to a step from outside: what it needs is called, nothing else, and the run is held there.

use crate::common::process::wait_until;
use crate::common::program::{code, json, plandeck, stderr};
use serde_json::{Value, json};
use std::process::Output;
use tempfile::TempDir;

struct Desk(TempDir);

impl Desk {
    /// `a` → `b` → the list `c`, and `d`, which none of them needs. Calls are written down.
    fn new() -> Self {
        let script = "x=$(cat); echo \"$PLANDECK_ATTEMPT\" | sed 's,.*/\\(.*\\)/.*,\\1,' >> calls.log; printf %s \"$x\"";
        let plan = json!({
            "name": "to",
            "tools": {"work": {"type": "process", "command": ["sh", "-c", script], "idempotent": true}},
            "steps": [
                {"id": "a", "tool": "work", "parameters": {"n": [1, 2, 3]}},
                {"id": "b", "tool": "work", "parameters": {"of": "{{a.n}}"}},
                {"id": "c", "tool": "work", "for_each": "{{b.of}}", "parameters": {"of": "{{item}}"}},
                {"id": "d", "tool": "work", "parameters": {"of": 4}},
            ],
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = plandeck();
        command
            .current_dir(self.0.path())
            .env("PLANDECK_HOME", self.0.path().join("home"))
            .env("PLANDECK_TRUST", "1")
            .args(arguments);
        command.output().unwrap()
    }

    fn json(&self, expected: i32, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert_eq!(
            code(&output),
            expected,
            "{arguments:?}: {}",
            stderr(&output)
        );
        json(&output)
    }

    fn calls(&self) -> String {
        let log = std::fs::read_to_string(self.0.path().join("calls.log"));
        log.unwrap_or_default()
            .lines()
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Where the run was held last.
    fn held(&self) -> Value {
        let output = self.run(&["export", "last", "--format", "jsonl"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let mut events = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let held = events.rfind(|event| event["type"] == "step_held");
        held.map_or(Value::Null, |event| json!([event["at"], event["step"]]))
    }
}

#[test]
fn a_run_without_a_screen_ends_where_it_was_to_go() {
    let desk = Desk::new();
    let held = desk.json(4, &["run", "plan.json", "--to", "b", "--json"]);
    assert_eq!((&held["status"], &*desk.calls()), (&json!("waiting"), "a"));
    assert_eq!(desk.held(), json!(["target", "b"]));

    // What it would cost to go on to one element: what that needs, and nothing beside it.
    let shown = desk.json(
        0,
        &["resume", "last", "--to", "c[1]", "--dry-run", "--json"],
    );
    let runs = shown["reruns"].as_array().unwrap();
    assert_eq!(runs, &[json!({"step": "b", "why": "c[1] needs it"})]);
    let of = |id: &str| {
        let mut stays = shown["stays"].as_array().unwrap().iter();
        stays.find(|step| step["step"] == id).unwrap()["why"].clone()
    };
    assert_eq!(of("d"), "waits until the run goes on from c[1]");
    assert_eq!(desk.calls(), "a", "nothing ran for it");

    desk.json(4, &["resume", "last", "--to", "c[1]", "--json"]);
    assert_eq!(desk.calls(), "a b");
    assert_eq!(desk.held(), json!(["target", "c[1]"]));
    let shown = String::from_utf8(desk.run(&["show", "last"]).stdout).unwrap();
    assert!(
        shown.contains("held before c[1]: you had the run go there"),
        "{shown}"
    );

    // What a watch expression makes of the run where it is held.
    let (b, status) = (".steps.b.output.of[1]", ".steps[\"c[1]\"].status");
    let watched = desk.json(
        0,
        &["show", "last", "--json", "--watch", b, "--watch", status],
    );
    assert_eq!(watched, json!({(b): 2, (status): "ready"}));
    let fault = desk.run(&["show", "last", "--watch", ".run[", "--watch", ".run.calls"]);
    assert_eq!(code(&fault), 2);
    assert!(String::from_utf8_lossy(&fault.stdout).contains(".run.calls  2"));
    assert!(
        stderr(&fault).contains("--watch .run["),
        "{}",
        stderr(&fault)
    );

    // The rest goes on, and nothing is called twice.
    desk.json(0, &["resume", "last", "--json"]);
    let mut calls: Vec<String> = desk.calls().split(' ').map(str::to_owned).collect();
    calls.sort();
    assert_eq!(calls, ["a", "b", "c[0]", "c[1]", "c[2]", "d"]);

    // Back to before a step that has ended: it and what follows wait to run again.
    desk.json(4, &["resume", "last", "--to", "c", "--json"]);
    assert_eq!(desk.held(), json!(["target", "c"]));
    assert_eq!(desk.calls().split(' ').count(), 6);

    let output = desk.run(&["resume", "last", "--to", "nowhere"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("no step nowhere"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_live_run_is_held_and_goes_on() {
    let desk = Desk::new();
    let started = desk.json(0, &["run", "plan.json", "--detach", "--paused", "--json"]);
    let run = started["run_id"].as_str().unwrap();
    let shown = desk.json(0, &["resume", run, "--to", "b", "--dry-run", "--json"]);
    let names: Vec<&Value> = (shown["reruns"].as_array().unwrap().iter())
        .map(|step| &step["step"])
        .collect();
    assert_eq!(names, ["a"]);
    desk.json(0, &["resume", run, "--to", "b", "--json"]);
    wait_until("the run is held", || desk.held() == json!(["target", "b"]));
    assert_eq!(desk.calls(), "a");
    let again = desk.json(2, &["resume", run, "--to", "b", "--json"]);
    let says = again["error"]["message"].as_str().unwrap();
    assert_eq!(says, "the run is held before b already");
    desk.json(0, &["resume", run, "--json"]);
    wait_until("the run ends", || {
        desk.json(0, &["show", run, "--json"])["status"] == "succeeded"
    });
    let first: Vec<String> = desk.calls().split(' ').map(str::to_owned).collect();
    assert_eq!(first.len(), 6, "{first:?}");
}
