//! The plan of a run that failed, corrected: `plandeck repair`.

use super::{TOOLS, good, says, server, workplace};
use crate::common::control::{answer, run_so_far, send, socket_in};
use crate::common::model_server::ModelServer;
use crate::common::process::{start, wait_until};
use crate::common::program::{code, json, plandeck, stderr, step as step_of};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Output};
use tempfile::TempDir;

struct Desk {
    folder: TempDir,
    server: ModelServer,
}

impl Desk {
    /// A plan whose second step fails, and a run of it.
    fn failed(answers: Vec<super::Step>) -> Self {
        let mut wrong = good();
        wrong["steps"][1]["parameters"]["words"] = "{{steps[split].output.words[0]}}".into();
        Self::failed_as("p.json", &wrong.to_string(), answers)
    }

    /// The same plan as this file has it.
    fn failed_as(file: &str, text: &str, answers: Vec<super::Step>) -> Self {
        let folder = workplace();
        let tools = TOOLS.replace(
            "'.words | length'",
            "'if (.words | type) == \"array\" then (.words | length) else error(\"cannot count \\(.words)\") end'",
        );
        let tools = tools.replace("{name: words, type: array,", "{name: words,");
        std::fs::write(folder.path().join("catalog.yaml"), tools).unwrap();
        std::fs::write(folder.path().join(file), text).unwrap();
        let desk = Self {
            folder,
            server: server(answers),
        };
        let failed = desk.run(&[
            "run",
            file,
            "--headless",
            "--worker",
            "offline",
            "-c",
            "letter=Dear Ada",
            "--tools",
            "catalog.yaml",
        ]);
        assert_eq!(code(&failed), 1, "{}", stderr(&failed));
        desk
    }

    fn run(&self, arguments: &[&str]) -> Output {
        plandeck()
            .current_dir(self.folder.path())
            .env("OPENAI_API_KEY", "sk-x")
            .env("PLANDECK_HOME", self.folder.path().join("home"))
            .args(arguments)
            .output()
            .unwrap()
    }

    fn repair(&self, more: &[&str]) -> Output {
        let url = self.server.url();
        let with = [
            "--planner",
            "openai/gpt-4o",
            "--base-url",
            &url,
            "--headless",
            "--json",
        ];
        self.run(&[&["repair", "last"], more, &with].concat())
    }

    fn plan(&self) -> Value {
        let text = std::fs::read_to_string(self.folder.path().join("p.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

#[test]
fn the_corrected_plan_is_shown_priced_and_runs_from_there() {
    let desk = Desk::failed(vec![says(&good())]);
    let before = desk.plan();
    let price = desk.repair(&["--dry-run"]);
    assert_eq!(code(&price), 0, "{}", stderr(&price));
    assert!(json(&price)["cost_usd"]["max_of_one"].as_f64().unwrap() > 0.0);
    let refused = desk.repair(&[]);
    assert_eq!(code(&refused), 2);
    assert!(stderr(&refused).contains("--yes"), "{}", stderr(&refused));
    assert_eq!((desk.server.requests().len(), desk.plan()), (0, before));

    let repaired = desk.repair(&["count", "--yes"]);
    let said = stderr(&repaired);
    assert_eq!(code(&repaired), 0, "{said}");
    let answer = json(&repaired);
    assert!(
        answer["diff"].as_str().unwrap().contains("words[0]"),
        "{answer}"
    );
    assert_eq!(
        (
            &answer["applied"],
            &answer["preview"]["reruns"],
            &answer["preview"]["stays"]
        ),
        (&json!(true), &json!(["count"]), &json!(1)),
        "{answer}"
    );
    assert_eq!(answer["run"]["result"], 2);
    // What had succeeded stays; only the corrected step is called.
    let steps = answer["run"]["steps"].as_array().unwrap();
    let sources: Vec<&str> = steps
        .iter()
        .map(|step| step["source"].as_str().unwrap())
        .collect();
    assert_eq!(sources, ["recorded", "call"]);
    let asked = desk.server.requests()[0].1["messages"].to_string();
    for part in [
        "step count (count_words)",
        "cannot count Dear",
        "it was called with",
    ] {
        assert!(asked.contains(part), "{part} is not in {asked}");
    }
    assert_eq!(
        desk.plan()["steps"][1]["parameters"],
        good()["steps"][1]["parameters"]
    );
    // It is a fork of the run that failed, in which nothing is left to correct.
    let none = desk.repair(&["--dry-run"]);
    assert_eq!(code(&none), 2);
    assert!(
        stderr(&none).contains("no step of run"),
        "{}",
        stderr(&none)
    );
}

#[test]
fn what_is_no_valid_plan_changes_nothing() {
    let mut bad = good();
    bad["steps"][1]["tool"] = json!("count_wrds");
    let desk = Desk::failed(vec![says(&bad)]);
    let before = desk.plan();
    let refused = desk.repair(&["--yes"]);
    assert_eq!(code(&refused), 2, "{}", stderr(&refused));
    assert!(
        stderr(&refused).contains("count_wrds"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(desk.plan(), before);
    let offline = desk.run(&["repair", "last", "--planner", "offline", "--yes"]);
    assert_eq!(code(&offline), 2);
    assert!(
        stderr(&offline).contains("choose a model, --planner"),
        "{}",
        stderr(&offline)
    );
    let other = desk.run(&["repair", "last", "split", "--planner", "offline"]);
    assert!(
        stderr(&other).contains("did not fail"),
        "{}",
        stderr(&other)
    );
}

/// A run of which `count` has failed while `slow` waits for the file `go`.
struct Running {
    folder: TempDir,
    child: Option<Child>,
    socket: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

const RUNNING: &str = r#"# Counts the words of a letter.
name: count
tools:
  split_words: {type: jq, filter: '{words: (.text | split(" "))}', description: Splits a text.}
  count_words:
    type: jq
    description: Counts words.
    filter: 'if (.words | type) == "array" then (.words | length) else error("cannot count") end'
  wait:
    type: process
    description: Waits.
    command: [sh, -c, 'echo slow >> HERE/calls.log; until [ -e HERE/go ]; do sleep 0.02; done; echo 1']
steps:
  - {id: split, tool: split_words, parameters: {text: Dear Ada}}
  - {id: count, tool: count_words, parameters: {words: "{{split.words[0]}}"}}   # all of them
  - {id: slow, tool: wait}
"#;

impl Running {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().display().to_string();
        let text = RUNNING.replace("HERE", &here);
        std::fs::write(folder.path().join("plan.yaml"), text).unwrap();
        let home = folder.path().join("home");
        let child = Some(start(folder.path(), &home, &[]));
        let socket = socket_in(&home);
        wait_until("the failure", || {
            step_of(&run_so_far(&socket), "count")["status"] == "failed"
        });
        Self {
            folder,
            child,
            socket,
        }
    }

    fn corrected() -> Value {
        json!({"name": "count", "steps": [
            {"id": "split", "tool": "split_words", "parameters": {"text": "Dear Ada"}, "depends_on": []},
            {"id": "count", "tool": "count_words", "parameters": {"words": "{{split.words}}"}, "depends_on": ["split"]},
            {"id": "slow", "tool": "wait", "parameters": {}, "depends_on": []}]})
    }

    fn repair(&self, server: &ModelServer, more: &[&str]) -> Output {
        let url = server.url();
        let with = ["--planner", "openai/gpt-4o", "--base-url", &url];
        plandeck()
            .current_dir(self.folder.path())
            .env("OPENAI_API_KEY", "sk-x")
            .env("PLANDECK_HOME", self.folder.path().join("home"))
            .args([&["repair", "last", "count"], more, &with].concat())
            .output()
            .unwrap()
    }

    /// The result that is printed in the end, once `slow` may end.
    fn end(&mut self) -> Value {
        std::fs::write(self.folder.path().join("go"), "").unwrap();
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        json(&output)
    }
}

#[test]
fn a_run_that_is_running_hands_over_to_the_corrected_plan() {
    let mut run = Running::start();
    let server = server(vec![says(&Running::corrected())]);
    let first = run_so_far(&run.socket)["run_id"].clone();
    let price = run.repair(&server, &["--dry-run", "--json"]);
    assert_eq!(code(&price), 0, "{}", stderr(&price));
    assert_eq!(server.requests().len(), 0);
    let repaired = run.repair(&server, &["--yes", "--json"]);
    assert_eq!(code(&repaired), 0, "{}", stderr(&repaired));
    let answer = json(&repaired);
    assert_eq!(
        (&answer["applied"], &answer["run_id"]),
        (&json!(true), &first)
    );
    assert_eq!(answer["preview"]["reruns"], json!(["count"]), "{answer}");
    assert!(answer["diff"].as_str().unwrap().contains("split.words[0]"));
    let asked = server.requests()[0].1["messages"].to_string();
    assert!(asked.contains("cannot count"), "{asked}");
    let result = run.end();
    assert_eq!(result["run_id"], answer["hand_over"]["run_id"]);
    assert_eq!(result["status"], "succeeded", "{result}");
    assert_eq!(step_of(&result, "count")["output"], 2);
    assert_eq!(step_of(&result, "slow")["source"], "recorded");
    let calls = std::fs::read_to_string(run.folder.path().join("calls.log")).unwrap();
    assert_eq!(calls, "slow\n");
    // The file is as it was; the edit can be written to it.
    let text = std::fs::read_to_string(run.folder.path().join("plan.yaml")).unwrap();
    assert!(text.contains("split.words[0]"), "{text}");
    let saved = plandeck()
        .current_dir(run.folder.path())
        .env("PLANDECK_HOME", run.folder.path().join("home"))
        .args(["save", "last"])
        .output()
        .unwrap();
    assert_eq!(code(&saved), 0, "{}", stderr(&saved));
    let after = std::fs::read_to_string(run.folder.path().join("plan.yaml")).unwrap();
    assert_eq!(after, text.replace("split.words[0]", "split.words"));
}

#[test]
fn a_correction_of_a_plan_that_was_edited_meanwhile_is_refused() {
    let mut run = Running::start();
    let text = std::fs::read_to_string(run.folder.path().join("plan.yaml")).unwrap();
    let corrected = text.replace("split.words[0]", "split.words");
    let edit = |of: &str, step: &str| {
        let edit = json!({"verb": "repair", "step": step, "plan": corrected, "of": of});
        answer(send(&run.socket, "POST", "/v1/plan", &edit.to_string()))
    };
    let (status, refused) = edit("0123", "count");
    assert_eq!(status, 409, "{refused}");
    let of = blake3::hash(text.as_bytes()).to_hex().to_string();
    let (status, none) = edit(&of, "nothing");
    assert_eq!(status, 409, "{none}");
    assert!(none.to_string().contains("nothing"), "{none}");
    let (status, accepted) = edit(&of, "count");
    assert_eq!(status, 202, "{accepted}");
    let (status, refused) = edit(&of, "count");
    assert_eq!(status, 409, "{refused}");
    assert!(
        refused.to_string().contains("was edited after"),
        "{refused}"
    );
    // Nothing is paid for a correction of what is about to be another plan.
    let server = server(vec![says(&Running::corrected())]);
    let refused = run.repair(&server, &["--yes"]);
    assert_eq!(code(&refused), 2);
    let said = stderr(&refused);
    assert!(said.contains("plandeck undo"), "{said}");
    assert_eq!(server.requests().len(), 0);
    assert_eq!(run.end()["status"], "succeeded");
}

#[test]
fn a_plan_that_was_edited_before_is_corrected_with_its_edit() {
    let wrong = {
        let mut wrong = good();
        wrong["steps"][1]["parameters"]["words"] = "{{steps[split].output.words[0]}}".into();
        wrong
    };
    let mut corrected = good();
    corrected["steps"][1]["depends_on"] = json!(["first", "split"]);
    let first = json!({"id": "first", "tool": "split_words", "parameters": {"text": "a b"}, "depends_on": []});
    corrected["steps"]
        .as_array_mut()
        .unwrap()
        .insert(0, first.clone());
    let desk = Desk::failed_as("p.json", &wrong.to_string(), vec![says(&corrected)]);
    let step = first.to_string();
    let inserted = desk.run(&["insert", "last", "--step", &step, "--before", "count"]);
    assert_eq!(code(&inserted), 1, "{}", stderr(&inserted));
    let repaired = desk.repair(&["count", "--yes"]);
    assert_eq!(code(&repaired), 0, "{}", stderr(&repaired));
    let asked = desk.server.requests()[0].1["messages"].to_string();
    assert!(
        asked.contains("first"),
        "the planner sees the edited plan: {asked}"
    );
    let answer = json(&repaired);
    assert_eq!(answer["run"]["result"], 2, "{answer}");
    let sources =
        ["first", "split", "count"].map(|id| step_of(&answer["run"], id)["source"].clone());
    assert_eq!(
        sources,
        [json!("recorded"), json!("recorded"), json!("call")]
    );
    // The file is as it was; the edits can be written to it.
    assert_eq!(desk.plan(), wrong);
    let saved = desk.run(&["save", "last"]);
    assert_eq!(code(&saved), 0, "{}", stderr(&saved));
    let steps = desk.plan()["steps"].as_array().unwrap().len();
    assert_eq!(steps, 3, "{}", desk.plan());
}

#[test]
fn what_is_not_corrected_stays_as_it_is_written() {
    let text = r#"# Counts the words of a letter.
name: count   # for the archive
steps:
  - id: split
    tool: split_words
    parameters: {text: '{{letter}}'}
  - id: count
    tool: count_words
    # The words, and not the first of them.
    parameters:
      words: "{{steps[split].output.words[0]}}"
    depends_on: [split]
"#;
    let desk = Desk::failed_as("p.yaml", text, vec![says(&good())]);
    let repaired = desk.repair(&["--yes"]);
    assert_eq!(code(&repaired), 0, "{}", stderr(&repaired));
    let written = std::fs::read_to_string(desk.folder.path().join("p.yaml")).unwrap();
    assert_eq!(written, text.replace("words[0]", "words"));
    let diff = json(&repaired)["diff"].as_str().unwrap().to_owned();
    let changed = diff.lines().filter(|line| line.starts_with(['-', '+']));
    assert_eq!(
        changed.count(),
        4,
        "two lines and the names of the file: {diff}"
    );
}
