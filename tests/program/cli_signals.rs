//! Interrupted or terminated: the partial result is printed, children are gone, and the status says so.

use crate::common::process::{assert_stopped_in_time, lives, start, wait_until};
use crate::common::program::{code, folder, home, json, signal, step};
use std::process::Output;
use std::time::Instant;

const TOOLS: &str = r#"
tools:
  quick: {type: jq, description: At once, filter: '"done"'}
  hang:
    type: process
    description: Starts a child of its own and waits for it, and takes no notice of being asked to end.
    command: [sh, -c, 'trap "" TERM INT; sleep 600 & echo "$$ $!" > processes.tmp; mv processes.tmp processes; wait; wait']
"#;

const PLAN: &str = r#"{"steps": [
    {"id": "first", "tool": "quick", "parameters": {}},
    {"id": "second", "tool": "hang", "parameters": {}, "depends_on": ["first"]},
    {"id": "third", "tool": "quick", "parameters": {"x": "{{steps[second].output}}"}, "depends_on": ["second"]}
]}"#;

fn stopped_by(name: &str) -> Output {
    let folder = folder("plan.json", PLAN, TOOLS);
    let child = start(folder.path(), home(), &[]);
    let file = folder.path().join("processes");
    wait_until("the tool to run", || file.exists());
    let processes = std::fs::read_to_string(&file).unwrap();
    let before = Instant::now();
    signal(name, child.id());
    let output = child.wait_with_output().unwrap();
    let took = before.elapsed();
    assert_stopped_in_time("the program", took);
    for process in processes.split_whitespace() {
        wait_until("the children to be gone", || !lives(process));
    }
    output
}

fn holds(name: &str, status: i32) {
    let output = stopped_by(name);
    assert_eq!(
        code(&output),
        status,
        "{}",
        crate::common::program::stderr(&output)
    );
    let result = json(&output);
    assert_eq!(result["status"], "cancelled");
    assert_eq!(step(&result, "first")["output"], "done");
    assert_eq!(step(&result, "second")["status"], "cancelled");
    assert_eq!(step(&result, "third")["status"], "skipped");
    assert_eq!(step(&result, "third")["reason"], "user");
}

#[test]
fn terminated() {
    holds("TERM", 143);
}

#[test]
fn interrupted() {
    holds("INT", 130);
}
