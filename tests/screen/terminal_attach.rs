//! The dashboard on a run of another process, in a real terminal.

use crate::common::misread;
use crate::common::program::{command, folder, json, signal};
use crate::common::terminal::Terminal;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;

/// `a` → `wait` → `c`; `wait` lasts until the file `go` is there.
fn desk() -> TempDir {
    let script = "until [ -e go ]; do sleep 0.02; done; cat";
    let tools = json!({"tools": {
        "same": {"type": "jq", "filter": "."},
        "wait": {"type": "process", "command": ["sh", "-c", script], "cwd": "."},
    }});
    let plan = json!({"name": "attached", "steps": [
        {"id": "a", "tool": "same", "parameters": {"n": 1}},
        {"id": "wait", "tool": "wait", "parameters": {"of": "{{a.n}}"}},
        {"id": "c", "tool": "same", "parameters": {"of": "{{wait}}"}},
    ]});
    folder("plan.json", &plan.to_string(), &tools.to_string())
}

fn plandeck(folder: &Path, arguments: &[&str]) -> Value {
    let mut command = command();
    command
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .args(arguments)
        .arg("--json");
    json(&command.output().unwrap())
}

/// Starts a run in a process of its own. Returns its id.
fn detached(folder: &Path) -> String {
    let started = plandeck(
        folder,
        &[
            "run",
            "plan.json",
            "--worker",
            "offline",
            "--detach",
            "--paused",
        ],
    );
    started["run_id"].as_str().unwrap().to_owned()
}

fn attach(folder: &Path, run: &str) -> Terminal {
    let home = folder.join("home");
    let home = [("PLANDECK_HOME", home.to_str().unwrap())];
    Terminal::start_as(folder, &["attach", run], 120, 36, &home)
}

#[test]
fn two_viewers_see_the_run_and_the_keys_of_one_steer_it() {
    let folder = desk();
    let run = detached(folder.path());
    let mut viewers = [(); 2].map(|()| attach(folder.path(), &run));
    for viewer in &viewers {
        viewer.wait_for("PAUSED");
    }
    viewers[0].press(" ");
    for viewer in &viewers {
        viewer.wait_for("RUNNING");
    }
    // A command that makes no sense is refused by the run, and the viewer says why.
    std::fs::write(folder.path().join("go"), "").unwrap();
    for viewer in &mut viewers {
        viewer.wait_for("SUCCEEDED");
        viewer.press("q");
        assert_eq!(viewer.wait_for_end(), 0);
    }
    let shown = plandeck(folder.path(), &["show", &run]);
    assert_eq!(shown["status"], "succeeded");
}

#[test]
fn leaving_never_touches_the_run_and_a_run_that_dies_is_missed() {
    let folder = desk();
    let run = detached(folder.path());
    let mut first = attach(folder.path(), &run);
    first.wait_for("PAUSED");
    first.press(" ");
    first.wait_for("RUNNING");
    first.press("q");
    assert_eq!(first.wait_for_end(), 0);
    let mut second = attach(folder.path(), &run);
    second.wait_for("RUNNING");
    let process = std::fs::read_dir("/proc").unwrap().find_map(|entry| {
        let entry = entry.unwrap();
        let words = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        let here =
            std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder.path());
        (here && words.contains("--paused")).then(|| entry.file_name().into_string().unwrap())
    });
    signal("KILL", process.unwrap().parse().unwrap());
    second.wait_for("the process of this run is gone");
    second.press("q");
    assert_eq!(second.wait_for_end(), 0);
}

#[test]
fn a_viewer_answers_what_a_server_asks() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mcp/server.py");
    let tools =
        json!({"mcpServers": {"scripted": {"command": "python3", "args": [script, "new"]}}});
    let plan =
        json!({"name": "asked", "steps": [{"id": "greet", "tool": "asks", "parameters": {}}]});
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    let run = detached(folder.path());
    let mut viewer = attach(folder.path(), &run);
    viewer.wait_for("PAUSED");
    viewer.press(" ");
    viewer.wait_for("asks you: ");
    viewer.press("u");
    viewer.wait_for("Your name?");
    viewer.press("Ada\r");
    viewer.wait_for("SUCCEEDED");
    viewer.press("q");
    assert_eq!(viewer.wait_for_end(), 0);
    let shown = plandeck(folder.path(), &["show", &run]);
    assert_eq!(shown["steps"][0]["output"]["content"]["n"], "Ada");
}

#[test]
fn a_viewer_on_another_machine_sees_the_prompt_and_the_price() {
    let folder = tempfile::tempdir().unwrap();
    misread::write(folder.path());
    let model = misread::model();
    let mut run = command();
    run.current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .env("OPENAI_API_KEY", "sk-none")
        .args([
            "run",
            "plan.json",
            "--headless",
            "--paused",
            "--listen",
            "127.0.0.1:0",
        ])
        .args(misread::worker(&model))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut run = run.spawn().unwrap();
    let mut said = BufReader::new(run.stderr.take().unwrap()).lines();
    let said = said.find_map(|line| {
        let line = line.unwrap();
        let rest = line.strip_prefix("plandeck: listening on ")?;
        rest.split_once(", token ")
            .map(|(address, token)| (address.to_owned(), token.to_owned()))
    });
    let (address, token) = said.unwrap();
    // The store of another machine has nothing of the run.
    let elsewhere = tempfile::tempdir().unwrap();
    let home = elsewhere.path().to_str().unwrap();
    let variables = [("PLANDECK_HOME", home), ("PLANDECK_TOKEN", &*token)];
    let mut viewer =
        Terminal::start_as(elsewhere.path(), &["attach", &address], 120, 36, &variables);
    viewer.wait_for("PAUSED");
    viewer.press("/lines\r");
    viewer.wait_until("it is selected", |screen| {
        screen.contents().contains("read")
    });
    viewer.press("s");
    viewer.wait_for("✔ lines");
    viewer.press("r");
    let preview = viewer.wait_until("the preview", |screen| screen.contents().contains("costs"));
    for words in ["retry lines", "costs      about $0.0", "enter do it"] {
        assert!(preview.contains(words), "{words}: {preview}");
    }
    viewer.press("\x1b");
    viewer.wait_until("it is left", |screen| {
        !screen.contents().contains("enter do it")
    });
    viewer.press("/total\r");
    viewer.wait_until("it is selected", |screen| {
        screen.contents().contains("add-up")
    });
    viewer.press("\x10");
    viewer.wait_for("Answer in words.");
    viewer.press("\x0b");
    viewer.press(misread::RIGHT);
    viewer.wait_for("cents alone");
    viewer.press("\x13");
    viewer.wait_until("the prompt is given", |screen| {
        !screen.contents().contains("prompt and model of total")
    });
    viewer.wait_for("its prompt was set by the user");
    // What the files come to is written where they are.
    viewer.press("\x17");
    viewer.wait_until("the difference", |screen| screen.contents().contains('+'));
    let file = || std::fs::read_to_string(folder.path().join("plan.json")).unwrap();
    assert!(!file().contains("cents alone"), "it is shown first");
    viewer.press("\r");
    viewer.wait_for("the edits are saved");
    assert!(file().contains("cents alone"));
    viewer.press(" ");
    viewer.wait_for("SUCCEEDED");
    viewer.press("q");
    assert_eq!(viewer.wait_for_end(), 0);
    assert!(run.wait().unwrap().success());
    assert_eq!(
        misread::asked(&model),
        [1, 0, 1, 1],
        "what was looked at was not called"
    );
}

#[test]
fn a_viewer_edits_the_plan_and_follows_the_run_that_goes_on() {
    let folder = desk();
    let run = detached(folder.path());
    let mut viewer = attach(folder.path(), &run);
    viewer.wait_for("PAUSED");
    viewer.press(" ");
    viewer.wait_until("wait is running", |screen| {
        screen.contents().contains("RUNNING") && screen.contents().contains("1 ◐")
    });
    // What was paused is paused after it.
    viewer.press(" ");
    viewer.wait_for("PAUSING");
    viewer.press("/c\r");
    viewer.press(":");
    viewer.press("take the selected step out");
    viewer.wait_for("remove-step");
    viewer.press("\r");
    viewer.wait_for("Another run goes on");
    viewer.press("\r");
    viewer.wait_for("the edit of the plan (remove c)");
    std::fs::write(folder.path().join("go"), "").unwrap();
    viewer.wait_until("the run that goes on", |screen| {
        let text = screen.contents();
        text.contains("PAUSED") && text.contains("0/2")
    });
    viewer.press(" ");
    viewer.wait_for("SUCCEEDED");
    viewer.press("q");
    assert_eq!(viewer.wait_for_end(), 0);
    let shown = plandeck(folder.path(), &["show", "last"]);
    assert_eq!(shown["status"], "succeeded", "{shown}");
    assert_eq!(shown["steps"].as_array().unwrap().len(), 2, "{shown}");
}
