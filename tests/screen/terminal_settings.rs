//! Settings that are changed in a run, with the program in a real terminal.

use crate::common::program::folder;
use crate::common::terminal::Terminal;
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Six steps that begin with a mark in a file each, and end when there is a file `go`.
fn project() -> TempDir {
    let script = "touch \"began.$$\"; until [ -e go ]; do sleep 0.05; done; echo '{}'";
    let tools = json!({"tools": {
        "wait": {"type": "process", "command": ["sh", "-c", script], "cwd": ".", "cost_usd": 0.02},
    }});
    let steps =
        (1..=6).map(|at| json!({"id": format!("berth_{at}"), "tool": "wait", "parameters": {}}));
    let plan = json!({"steps": steps.collect::<Vec<_>>()});
    folder("plan.json", &plan.to_string(), &tools.to_string())
}

/// Waits until so many calls have begun, and no more.
fn wait_for_begun(folder: &Path, count: usize) {
    while begun(folder) < count {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(begun(folder), count);
}

fn begun(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("began")).count()
}

fn open(folder: &Path, more: &[&str]) -> Terminal {
    let mut arguments = vec!["run", "plan.json"];
    arguments.extend(more);
    let home = folder.join("home");
    let variables = [("PLANDECK_HOME", home.to_str().unwrap())];
    Terminal::start_as(folder, &arguments, 110, 32, &variables)
}

#[test]
fn slots_and_budget_change_in_the_run_and_a_resumed_run_keeps_them() {
    let project = project();
    let mut terminal = open(
        project.path(),
        &["--max-concurrent", "1", "--max-total-cost-usd", "0.06"],
    );
    terminal.wait_for("slots 1/1");
    terminal.press(":slots 3\r");
    terminal.wait_for("slots 3/3");
    terminal.wait_for("3 slots from now on");
    wait_for_begun(project.path(), 3);
    terminal.press(":budget 0.08\r");
    // What it lets run is shown first.
    terminal.wait_for("so far the limits of the run");
    terminal.press("\r");
    terminal.wait_for("of $0.08");
    // Refused, with the reason; then another value, in the same line.
    terminal.press(":slots 0\r");
    terminal.wait_for("at least 1 slot is needed");
    terminal.press("\x7f\x7f 2\r");
    terminal.wait_for("slots 3/2");
    std::fs::write(project.path().join("go"), "").unwrap();
    // 0.08 is enough for four of six.
    terminal.wait_for("a limit has stopped the run");
    terminal.wait_for("2 steps");
    terminal.press("n");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 3);
    let mut again = open(project.path(), &["--resume", "last"]);
    again.wait_for("a limit has stopped the run");
    let text = again.text();
    assert!(text.contains("max_total_cost_usd = $0.08"), "{text}");
    again.press("y");
    // What it runs and costs is shown first.
    again.wait_for("enter do it");
    again.press("\r");
    again.wait_for("SUCCEEDED");
    wait_for_begun(project.path(), 6);
    again.press("q");
    assert_eq!(again.wait_for_end(), 0);
}
