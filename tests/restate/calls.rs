//! Calls that nothing happens to.

use crate::cluster::Cluster;
use crate::common::process::{lives, wait_until};
use crate::common::program::{signal, step};
use serde_json::json;
use std::fs;

const CHARGE: &str = "  - {id: pay, tool: charge, parameters: {id: a}}";

#[test]
fn a_worker_makes_the_calls_and_the_journal_is_written_here() {
    let cluster = Cluster::start(
        "  - {id: see, tool: look, parameters: {id: 'ä/b?'}}\n  \
         - {id: double, tool: count, parameters: {text: '{{see.by}}'}}\n  \
         - {id: pay, tool: charge, depends_on: [double], parameters: {id: '{{double}}'}}",
    );
    // What is computed stays here.
    let tools = fs::read_to_string(cluster.file("tools.yaml")).unwrap();
    let tools = format!("{tools}  count: {{type: jq, filter: '.text | length'}}\n");
    fs::write(cluster.file("tools.yaml"), tools).unwrap();
    cluster.go();
    let (code, result, said) = cluster.run(&[]).end();
    assert_eq!(code, 0, "{result:#}\n{said}");
    assert_eq!(result["result"], json!({"by": "4"}));
    assert_eq!(result["cost"], 0.01);
    assert_eq!(cluster.shown()["steps"], result["steps"]);
    let effects = ["begun ä/b?", "done ä/b?", "begun 4", "done 4"];
    assert_eq!(cluster.effects(), effects);
}

#[test]
fn a_run_that_is_stopped_ends_its_call_at_the_worker() {
    let cluster = Cluster::start("  - {id: pay, tool: charge, parameters: {id: a}}");
    let run = cluster.run(&[]);
    cluster.wait_for("begun a");
    signal("INT", run.id());
    let (code, result, _) = run.end();
    assert_eq!(code, 130);
    assert_eq!(step(&result, "pay")["status"], "cancelled");
    is_over_at_the_worker(&cluster);
}

#[test]
fn a_time_limit_ends_the_call_at_the_worker() {
    let cluster = Cluster::start("  - {id: pay, tool: charge, parameters: {id: a}, timeout_s: 1}");
    let (code, result, _) = cluster.run(&[]).end();
    assert_eq!(code, 1);
    let error = &step(&result, "pay")["error"];
    assert_eq!(error["type"], "TimeoutError", "{result:#}");
    is_over_at_the_worker(&cluster);
}

/// Waits until no program of the tool is left.
fn is_over_at_the_worker(cluster: &Cluster) {
    let folder = cluster.path().to_str().unwrap().to_owned();
    wait_until("the end of the tool", || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        !processes
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.parse::<u32>().is_ok())
            .any(|process| {
                let place = fs::read_link(format!("/proc/{process}/cwd"));
                let name = fs::read_to_string(format!("/proc/{process}/comm"));
                place.is_ok_and(|place| place.starts_with(&folder))
                    && name.is_ok_and(|name| name.trim() == "sh")
                    && lives(&process)
            })
    });
    assert!(!cluster.effects().contains(&"done a".to_owned()));
}

#[test]
fn a_failed_call_is_tried_again_as_the_plan_says() {
    let cluster = Cluster::without_worker(
        "  - {id: try, tool: flaky, parameters: {}, retry: {attempts: 3, backoff_s: 0.01}}",
        "tools:\n  flaky: {type: process, read_only: true, cwd: FOLDER, command: [sh, -c, 'echo x >> effects; test $(wc -l < effects) -gt 2']}\n",
    );
    let mut cluster = cluster;
    cluster.start_worker();
    let (code, result, said) = cluster.run(&[]).end();
    assert_eq!(code, 0, "{result:#}\n{said}");
    assert_eq!(step(&result, "try")["attempts"], 3);
    assert_eq!(cluster.effects().len(), 3);
}

#[test]
fn a_call_waits_for_a_worker_and_says_so() {
    let mut cluster = Cluster::start(CHARGE);
    cluster.go();
    let run = cluster.run_paused();
    cluster.kill_worker();
    let resumed = cluster.plandeck(&["resume", "last"]).output().unwrap();
    assert!(resumed.status.success(), "{resumed:?}");
    wait_until("the note", || {
        cluster.events().contains("no worker has taken it yet")
    });
    cluster.start_worker();
    let (code, result, said) = run.end();
    assert_eq!(code, 0, "{result:#}\n{said}");
    assert_eq!(cluster.effects(), ["begun a", "done a"]);
}
