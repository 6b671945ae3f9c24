//! Verbs that edit the structure of a recorded run's plan: the run is forked with the plan that comes of it.

use crate::common::program::{code, json, plandeck, stderr, step};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;
use tempfile::TempDir;

/// Three steps in a row and one beside them; `trim` fails. Calls are written down.
const PLAN: &str = r#"# How many words a letter has.
name: letter
tools:
  work:
    type: process
    command: [sh, -c, 'x=$(cat); echo "$PLANDECK_ATTEMPT" | sed "s,.*/\\(.*\\)/.*,\\1," >> calls.log; case "$x" in *bad*) echo broken >&2; exit 1;; esac; printf %s "$x"']
steps:
  # The words of it.
  - id: split
    tool: work
    parameters: {text: "one two"}   # both
  - id: trim
    tool: work
    parameters: {words: "{{split.text}}", is: bad}

  # The last one.
  - id: count
    tool: work
    parameters: {of: "{{split.text}}"}
    depends_on: [split, trim]
  - id: other
    tool: work
    parameters: {n: 1}
"#;

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plan.yaml"), PLAN).unwrap();
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = plandeck();
        command
            .current_dir(self.0.path())
            .env("PLANDECK_HOME", self.0.path().join("home"))
            .env("PLANDECK_WORKER", "offline")
            .args(arguments);
        command.output().unwrap()
    }

    fn json(&self, expected: i32, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let says = stderr(&output);
        assert_eq!(code(&output), expected, "{arguments:?}: {says}");
        json(&output)
    }

    /// The calls since this was asked last.
    fn calls(&self) -> String {
        let file = self.0.path().join("calls.log");
        let log = std::fs::read_to_string(&file).unwrap_or_default();
        let _ = std::fs::remove_file(file);
        let mut calls: Vec<&str> = log.lines().collect();
        calls.sort_unstable();
        calls.join(" ")
    }

    fn plan(&self) -> PathBuf {
        self.0.path().join("plan.yaml")
    }
}

fn ids(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one["step"].as_str().unwrap()).collect()
}

#[test]
fn a_step_that_fails_is_removed_and_another_put_in_its_place() {
    let desk = Desk::new();
    let first = desk.json(1, &["run", "plan.yaml", "--headless", "--json"]);
    assert_eq!(desk.calls(), "other split trim");

    let remove = ["remove", "last", "trim"];
    let preview = desk.json(0, &[&remove[..], &["--dry-run", "--json"]].concat());
    assert_eq!(
        (&preview["verb"], &preview["step"]),
        (&json!("remove"), &json!("trim"))
    );
    assert_eq!(ids(&preview["reruns"]), ["count"]);
    assert_eq!(ids(&preview["stays"]), ["split", "other", "trim"]);
    assert_eq!(desk.calls(), "");
    let removed = desk.json(0, &[&remove[..], &["--json"]].concat());
    assert_ne!(removed["run_id"], first["run_id"]);
    assert_eq!(removed["steps"].as_array().unwrap().len(), 3);
    assert_eq!(step(&removed, "split")["source"], "recorded");
    assert_eq!(desk.calls(), "count");

    let new = "{id: check, tool: work, parameters: {m: 2}}";
    let insert = [
        "insert", "last", "--before", "count", "--step", new, "--json",
    ];
    let preview = desk.json(0, &[&insert[..], &["--dry-run"]].concat());
    assert_eq!(ids(&preview["reruns"]), ["check", "count"]);
    let inserted = desk.json(0, &insert);
    assert_eq!(desk.calls(), "check count");
    // It goes on as the plan that it has, not as its file has it.
    let again = desk.json(0, &["refresh", "last", "check", "--json"]);
    assert_eq!(again["run_id"], inserted["run_id"]);
    assert_eq!(desk.calls(), "check count");
    // So does the run that was left as it was.
    let parent = first["run_id"].as_str().unwrap();
    desk.json(1, &["retry", parent, "trim", "--json"]);
    assert_eq!(desk.calls(), "trim");

    // The file is as it was, until the edits are saved.
    assert_eq!(std::fs::read_to_string(desk.plan()).unwrap(), PLAN);
    let run = inserted["run_id"].as_str().unwrap();
    let saved = desk.json(0, &["save", run, "--json"]);
    assert_eq!(saved["written"], true, "{saved}");
    let now = std::fs::read_to_string(desk.plan()).unwrap();
    let wanted = PLAN
        .replace(
            "  - id: trim\n    tool: work\n    parameters: {words: \"{{split.text}}\", is: bad}\n",
            "\n  - id: check\n    tool: work\n    parameters:\n      m: 2\n    depends_on:\n    - split\n",
        )
        .replace("[split, trim]", "[split, \"check\"]");
    assert_eq!(now, wanted);
    desk.json(0, &["check", "plan.yaml", "--json"]);
    let saved = desk.json(0, &["save", run, "--json"]);
    assert_eq!(saved["files"], json!([]));
}

#[test]
fn what_waits_for_a_step_waits_for_the_one_after_it_too() {
    let desk = Desk::new();
    desk.json(1, &["run", "plan.yaml", "--headless", "--json"]);
    desk.calls();
    let new = "{id: look, tool: work, parameters: {of: \"{{split.text}}\"}}";
    let insert = [
        "insert", "last", "--after", "split", "--step", new, "--json",
    ];
    let preview = desk.json(0, &[&insert[..], &["--dry-run"]].concat());
    assert_eq!(ids(&preview["reruns"]), ["look", "trim", "count"]);
    desk.json(1, &insert);
    assert_eq!(desk.calls(), "look trim");

    let depend = ["depend", "last", "other", "--on", "look", "--json"];
    let preview = desk.json(0, &[&depend[..], &["--dry-run"]].concat());
    assert_eq!(ids(&preview["reruns"]), ["trim", "count", "other"]);
    let depends = desk.json(1, &depend);
    assert_eq!(desk.calls(), "other trim");
    assert_eq!(step(&depends, "look")["source"], "recorded");
    let gone = desk.json(
        1,
        &["depend", "last", "count", "--not-on", "trim", "--json"],
    );
    assert_eq!(step(&gone, "count")["status"], "succeeded");
    assert_eq!(desk.calls(), "count trim");
}

#[test]
fn an_edit_that_makes_no_sense_is_refused_and_says_why() {
    let desk = Desk::new();
    desk.json(1, &["run", "plan.yaml", "--headless", "--json"]);
    desk.calls();
    let before = |step| vec!["insert", "last", "--before", "count", "--step", step];
    for (arguments, says) in [
        (vec!["remove", "last", "split"], "split"),
        (vec!["remove", "last", "splitt"], "did you mean \"split\"?"),
        (
            vec!["depend", "last", "count", "--not-on", "split"],
            "refers to the output of split",
        ),
        (
            vec!["depend", "last", "count", "--not-on", "other"],
            "does not wait for other",
        ),
        (vec!["depend", "last", "count", "--on", "split"], "already"),
        (
            vec!["depend", "last", "split", "--on", "count"],
            "split → count → split",
        ),
        (before("{tool: work}"), "needs an id"),
        (before("[1]"), "a step is an object"),
        (
            before("{id: other, tool: work}"),
            "has a step other already",
        ),
        (before("{id: n, tool: wrk}"), "did you mean `work`?"),
        (
            before("{id: n, tool: work, parameters: {x: \"{{nothing.at.all}}\"}}"),
            "nothing",
        ),
        (
            vec!["insert", "last", "--step", "{id: n, tool: work}"],
            "--before",
        ),
    ] {
        let output = desk.run(&arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(
            stderr(&output).contains(says),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    assert_eq!(desk.calls(), "");
    assert_eq!(
        desk.json(0, &["runs", "--json"]).as_array().unwrap().len(),
        1
    );
}

#[test]
fn forks_and_resumed_runs_have_previews_too() {
    let desk = Desk::new();
    let fresh = desk.json(0, &["run", "plan.yaml", "--dry-run", "--json"]);
    assert_eq!(ids(&fresh["reruns"]), ["split", "trim", "count", "other"]);
    assert_eq!(
        (desk.calls(), desk.json(0, &["runs", "--json"])),
        (String::new(), json!([]))
    );
    desk.json(1, &["run", "plan.yaml", "--headless", "--json"]);
    assert_eq!(desk.calls(), "other split trim");
    let fork = desk.json(
        0,
        &["fork", "last", "--from", "split", "--dry-run", "--json"],
    );
    assert_eq!(
        (&fork["verb"], ids(&fork["reruns"])),
        (&json!("fork"), vec!["split", "trim", "count"])
    );
    let input = "trim={\"is\": \"good\"}";
    let fork = desk.json(
        0,
        &["fork", "last", "--input", input, "--dry-run", "--json"],
    );
    assert_eq!(ids(&fork["reruns"]), ["trim", "count"]);
    let fork = desk.json(
        0,
        &["fork", "last", "--output", "trim=1", "--dry-run", "--json"],
    );
    assert_eq!(
        (ids(&fork["reruns"]), &fork["stays"][1]["why"]),
        (
            vec!["count"],
            &json!("has the output that the user gave it")
        )
    );
    let resumed = desk.json(0, &["run", "--resume", "last", "--dry-run", "--json"]);
    assert_eq!(
        (&resumed["verb"], ids(&resumed["reruns"])),
        (&json!("resume"), vec!["trim", "count"])
    );
    assert_eq!(desk.calls(), "");
}
