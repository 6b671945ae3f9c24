//! How long a step waits for a jail before its code runs: one that is ready, and one that has to be started.
//!
//! `cargo bench --bench jail` prints a table: the time of a call of code that does nothing, as the run reports it. In the
//! one run the code comes after a step that takes half a second, so that its jail is ready; in the other it comes first.

// A bench ends by panicking when something is wrong.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let runs = if full { 25 } else { 1 };
    println!("                           ready: median   worst    started: median   worst   ratio");
    for (name, python) in [("embedded interpreter", "embedded"), ("CPython", "cpython")] {
        let [ready, started] = [true, false].map(|is_ready| {
            let mut times: Vec<f64> = (0..runs).filter_map(|_| run(python, is_ready)).collect();
            times.sort_unstable_by(f64::total_cmp);
            times
        });
        let (Some(worst_ready), Some(worst_started)) = (ready.last(), started.last()) else {
            println!("{name:<22} is not there");
            continue;
        };
        let (one, other) = (ready[ready.len() / 2], started[started.len() / 2]);
        println!(
            "{name:<22} {one:>14.2} ms {worst_ready:>6.2} {other:>15.2} ms {worst_started:>6.2} {:>7.1}",
            other / one
        );
    }
}

/// The time of the call in milliseconds; `None` where the interpreter is not installed or cannot be confined.
fn run(python: &str, is_ready: bool) -> Option<f64> {
    let folder = tempfile::tempdir().unwrap();
    let code = json!({"code": "output = 1", "python": python});
    let before = if is_ready { "0.5" } else { "0" };
    let plan = json!({
        "tools": {"wait": {"type": "process", "command": ["sleep", before]}},
        "steps": [
            {"id": "wait", "tool": "wait"},
            {"id": "code", "tool": "code_exec", "parameters": code,
             "depends_on": if is_ready { vec!["wait"] } else { Vec::new() }},
        ],
    });
    let file = folder.path().join("plan.json");
    std::fs::write(&file, plan.to_string()).unwrap();
    let result = result(&file, folder.path());
    let steps = result["steps"].as_array().unwrap();
    let code = steps.iter().find(|step| step["id"] == "code").unwrap();
    (code["status"] == "succeeded").then(|| code["latency_ms"].as_f64().unwrap())
}

fn result(plan: &Path, home: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_plandeck"))
        .arg("run")
        .arg(plan)
        .args(["--headless", "--json", "--worker", "offline", "--trust"])
        .env("PLANDECK_HOME", home)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}
