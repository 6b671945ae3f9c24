//! What a resumed run decides over values from which the record left a secret out.

use crate::common::program::{code, json, plandeck, step};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

const BADGE: &str = "badge-of-seventeen-letters";

/// A folder with a plan whose tool `issue` gives out the badge, and whose tool `gate` fails until it is opened.
struct Office {
    folder: tempfile::TempDir,
}

impl Office {
    /// `repeatable`: whether `issue` may be called again. `steps` come after `pass`, the badge, and `gate`.
    fn new(repeatable: bool, steps: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let issue = r#"echo issued >> calls; printf '{"badge": "%s", "floor": 3, "doors": ["%s", "b"]}' "$BADGE" "$BADGE""#;
        let mut all = vec![
            json!({"id": "pass", "tool": "issue", "parameters": {}}),
            json!({"id": "gate", "tool": "gate", "parameters": {}}),
        ];
        all.extend(steps.as_array().unwrap().clone());
        let plan = json!({
            "steps": all,
            "tools": {
                "issue": {"type": "process", "command": ["sh", "-c", issue], "env": {"BADGE": "${OFFICE_BADGE}"},
                    "idempotent": repeatable},
                "gate": {"type": "process", "command": ["sh", "-c", "test -e open && echo 1"]},
                "enter": {"type": "process", "command": ["sh", "-c", "echo entered >> calls; cat"]},
            },
        });
        std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn plandeck(&self, arguments: &[&str]) -> Output {
        let mut command = plandeck();
        command
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.path().join("home"))
            .env("PLANDECK_TRUST", "1")
            .env("OFFICE_BADGE", BADGE)
            .args(arguments);
        if arguments[0] != "explain" {
            command.args(["--worker", "offline", "--headless", "--json"]);
        }
        let output = command.output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!printed.contains(BADGE), "{printed}");
        output
    }

    /// Runs the plan with the gate closed, which fails.
    fn begin(&self) -> Value {
        let output = self.plandeck(&["run", "plan.json"]);
        assert_eq!(code(&output), 1);
        json(&output)
    }

    /// Resumes the run with the gate open.
    fn resume(&self) -> Value {
        std::fs::write(self.path().join("open"), "").unwrap();
        json(&self.plandeck(&["run", "plan.json", "--resume", "last"]))
    }

    /// How often a tool was called in all.
    fn calls(&self, what: &str) -> usize {
        let calls = std::fs::read_to_string(self.path().join("calls")).unwrap_or_default();
        calls.lines().filter(|line| *line == what).count()
    }
}

fn status<'a>(result: &'a Value, id: &str) -> &'a Value {
    &step(result, id)["status"]
}

fn message<'a>(result: &'a Value, id: &str) -> &'a str {
    step(result, id)["error"]["message"].as_str().unwrap()
}

/// The record has ten letters where the badge has more, so each of these would come out otherwise.
fn behind_the_gate() -> Value {
    json!([
        {"id": "long", "tool": "enter", "depends_on": ["gate"], "parameters": {"n": 1}, "run_if": "{{ pass.badge|length > 12 }}"},
        {"id": "never", "tool": "enter", "depends_on": ["gate"], "parameters": {"n": 2}, "run_if": "{{ pass.badge|length < 12 }}"},
        {"id": "letters", "tool": "enter", "depends_on": ["gate"], "for_each": "{{ pass.badge.split('-') }}",
            "parameters": {"n": "{{index}}"}},
        {"id": "size", "tool": "enter", "depends_on": ["gate"], "parameters": {"size": "{{ pass.badge|length }}"}},
    ])
}

#[test]
fn a_step_runs_again_for_the_secret_that_its_record_lacks() {
    let office = Office::new(true, &behind_the_gate());
    let first = office.begin();
    assert_eq!(step(&first, "pass")["output"]["badge"], json!("[redacted]"));
    assert_eq!(office.calls("issued"), 1);
    let resumed = office.resume();
    assert_eq!(resumed["status"], json!("succeeded"), "{resumed:#}");
    assert_eq!(office.calls("issued"), 2);
    assert_eq!(step(&resumed, "pass")["source"], json!("call"));
    assert_eq!(status(&resumed, "long"), "succeeded");
    assert_eq!(status(&resumed, "never"), "skipped");
    assert_eq!(
        step(&resumed, "letters")["output"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    assert_eq!(
        step(&resumed, "size")["output"],
        json!({"size": BADGE.len()})
    );
    let why = office.plandeck(&["explain", "last", "pass"]);
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(why.contains("lacks a secret"), "{why}");
}

#[test]
fn a_step_that_may_not_run_again_is_named() {
    let office = Office::new(false, &behind_the_gate());
    office.begin();
    let resumed = office.resume();
    assert_eq!(office.calls("issued"), 1);
    assert_eq!(office.calls("entered"), 0, "{resumed:#}");
    for (id, part) in [
        ("long", "run_if"),
        ("never", "run_if"),
        ("letters", "for_each"),
        ("size", "parameters"),
    ] {
        assert_eq!(status(&resumed, id), "failed", "{id}");
        let message = message(&resumed, id);
        for expected in [part, "pass.badge", "step pass", "[redacted]", "again"] {
            assert!(message.contains(expected), "{id}: {message}");
        }
    }
}

/// Only what is named counts: the rest of an output may lack what it likes.
#[test]
fn values_beside_a_secret_are_taken_over() {
    let office = Office::new(
        true,
        &json!([
            {"id": "up", "tool": "enter", "depends_on": ["gate"], "parameters": {"n": 1}, "run_if": "{{ pass.floor > 2 }}"},
            {"id": "door", "tool": "enter", "depends_on": ["gate"], "parameters": {"n": 2}, "run_if": "{{ pass.doors[1] == 'b' }}"},
            {"id": "doors", "tool": "enter", "depends_on": ["gate"], "parameters": {"n": "{{ pass['floor'] + 1 }}"}},
        ]),
    );
    office.begin();
    let resumed = office.resume();
    assert_eq!(resumed["status"], json!("succeeded"), "{resumed:#}");
    assert_eq!(step(&resumed, "pass")["source"], json!("recorded"));
    assert_eq!(office.calls("issued"), 1);
    assert_eq!(office.calls("entered"), 3);
}

/// What was decided with the secret is not decided again without it.
#[test]
fn decisions_on_record_stay() {
    for repeatable in [true, false] {
        let office = Office::new(
            repeatable,
            &json!([
                {"id": "long", "tool": "enter", "parameters": {"n": 1}, "run_if": "{{ pass.badge|length > 12 }}"},
                {"id": "never", "tool": "enter", "parameters": {"n": 2}, "run_if": "{{ pass.badge|length < 12 }}"},
                {"id": "size", "tool": "enter", "parameters": {"size": "{{ pass.badge|length }}"}},
                {"id": "each", "tool": "enter", "for_each": "{{ pass.doors }}", "parameters": {"n": "{{index}}"},
                    "run_if": "{{ item|length > 12 }}"},
                {"id": "last", "tool": "enter", "depends_on": ["gate", "long"], "parameters": {"n": 3}},
            ]),
        );
        let first = office.begin();
        assert_eq!(office.calls("entered"), 3);
        let resumed = office.resume();
        assert_eq!(resumed["status"], json!("succeeded"), "{resumed:#}");
        assert_eq!(office.calls("issued"), 1);
        assert_eq!(office.calls("entered"), 4);
        for id in ["long", "never", "size", "each"] {
            assert_eq!(status(&resumed, id), status(&first, id), "{id}");
            assert_eq!(
                step(&resumed, id)["output"],
                step(&first, id)["output"],
                "{id}"
            );
        }
    }
}

/// A decision on record counts only for the context that it was made with.
#[test]
fn another_context_asks_again() {
    let office = Office::new(
        false,
        &json!([
            {"id": "long", "tool": "enter", "parameters": {"n": 1}, "run_if": "{{ pass.badge|length > least }}"},
        ]),
    );
    let run =
        |arguments: &[&str]| json(&office.plandeck(&[&["run", "plan.json"], arguments].concat()));
    let first = run(&["-c", "least=12"]);
    assert_eq!(status(&first, "long"), "succeeded");
    let same = run(&["--resume", "last"]);
    assert_eq!(status(&same, "long"), "succeeded");
    let other = run(&["--resume", "last", "-c", "least=99"]);
    assert_eq!(status(&other, "long"), "failed");
    assert!(message(&other, "long").contains("run_if"));
}

/// A fork that asks for a step itself needs what that step names.
#[test]
fn a_fork_has_the_secret_again() {
    let office = Office::new(
        true,
        &json!([
            {"id": "show", "tool": "enter", "parameters": {"badge": "{{ pass.badge }}"}},
        ]),
    );
    office.begin();
    let forked = json(&office.plandeck(&["fork", "last", "--from", "show"]));
    assert_eq!(status(&forked, "show"), "succeeded", "{forked:#}");
    assert_eq!(office.calls("issued"), 2);
    assert_eq!(office.calls("entered"), 2);
}

/// An output that the user gave as it was shown has no secret either.
#[test]
fn an_output_that_was_given_as_shown_decides_nothing() {
    let office = Office::new(true, &behind_the_gate());
    office.begin();
    std::fs::write(office.path().join("open"), "").unwrap();
    let given = r#"pass={"badge": "[redacted]", "floor": 3}"#;
    let forked = json(&office.plandeck(&["fork", "last", "--output", given]));
    assert_eq!(status(&forked, "long"), "failed", "{forked:#}");
    assert!(message(&forked, "long").contains("step pass"));
    assert_eq!(office.calls("entered"), 0);
}
