//! The plan of a run that failed, corrected: `plandeck repair`.

use super::{TOOLS, good, says, server, workplace};
use crate::common::control::{run_so_far, socket_in};
use crate::common::model_server::ModelServer;
use crate::common::process::{start, wait_until};
use crate::common::program::{code, json, plandeck, stderr, step};
use serde_json::{Value, json};
use std::process::Output;
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

#[test]
fn a_run_that_is_still_running_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let wait = "while [ ! -e go ]; do sleep 0.02; done; echo 1";
    let plan = json!({
        "name": "waits",
        "tools": {
            "bad": {"type": "jq", "filter": "error(\"no\")"},
            "wait": {"type": "process", "command": ["sh", "-c", wait]},
        },
        "steps": [{"id": "a", "tool": "bad"}, {"id": "z", "tool": "wait"}],
    });
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let home = folder.path().join("home");
    let mut running = start(folder.path(), &home, &[]);
    let socket = socket_in(&home);
    wait_until("the failure", || {
        step(&run_so_far(&socket), "a")["status"] == "failed"
    });
    let repair = plandeck()
        .current_dir(folder.path())
        .env("PLANDECK_HOME", &home)
        .args(["repair", "last", "a", "--planner", "offline", "--yes"])
        .output()
        .unwrap();
    std::fs::write(folder.path().join("go"), "").unwrap();
    running.wait().unwrap();
    assert_eq!(code(&repair), 2);
    let said = stderr(&repair);
    assert!(
        said.contains("still running") && said.contains("plandeck stop"),
        "{said}"
    );
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
