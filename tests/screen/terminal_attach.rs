//! The dashboard on a run of another process, in a real terminal.

use crate::common::program::{command, folder, json, signal};
use crate::common::terminal::Terminal;
use serde_json::{Value, json};
use std::path::Path;
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
