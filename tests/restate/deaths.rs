//! Whoever takes part in a call dies in the middle of it.

use crate::cluster::Cluster;
use crate::common::process::wait_until;
use crate::common::program::step;
use serde_json::json;

const CHARGE: &str = "  - {id: pay, tool: charge, parameters: {id: a}}";
const LOOK: &str = "  - {id: see, tool: look, parameters: {id: a}}";

#[test]
fn a_worker_that_dies_in_the_middle_of_a_call_gives_unknown_and_never_a_second_effect() {
    let mut cluster = Cluster::start(CHARGE);
    let run = cluster.run(&[]);
    cluster.wait_for("begun a");
    cluster.kill_worker();
    cluster.go();
    cluster.start_worker();
    let (code, result, _) = run.end();
    assert_eq!(code, 1, "{result:#}");
    let pay = step(&result, "pay");
    assert_eq!(pay["status"], "unknown", "{pay:#}");
    assert_eq!(pay["cost"], 0.01, "it may have been billed");
    assert_eq!(pay["attempts"], 1);
    let message = pay["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("the worker died in the middle of the call"),
        "{message}"
    );
    assert!(message.contains("was not repeated"), "{message}");
    assert_eq!(cluster.times("begun a"), 1);
    // Only the user has it done again: under another name, since the engine keeps what it knows.
    let resumed = cluster
        .plandeck(&["retry", "last", "pay", "--json"])
        .output()
        .unwrap();
    let result: serde_json::Value = serde_json::from_slice(&resumed.stdout).unwrap();
    assert_eq!(
        step(&result, "pay")["output"],
        json!({"by": "a"}),
        "{resumed:?}"
    );
    assert_eq!(cluster.times("begun a"), 2);
}

#[test]
fn a_call_that_only_reads_is_made_again_by_the_next_worker() {
    let mut cluster = Cluster::start(LOOK);
    let run = cluster.run(&[]);
    cluster.wait_for("begun a");
    cluster.kill_worker();
    cluster.go();
    cluster.start_worker();
    let (code, result, _) = run.end();
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(
        step(&result, "see")["attempts"],
        1,
        "the engine repeats it, not the run"
    );
}

/// A worker makes a call, and the run that waits for it is killed.
fn with_a_run_that_died_in_its_call() -> Cluster {
    let cluster = Cluster::start(CHARGE);
    let mut run = cluster.run(&[]);
    cluster.wait_for("begun a");
    run.kill();
    cluster
}

#[test]
fn a_run_that_dies_finds_its_call_again_and_it_is_made_once() {
    let cluster = with_a_run_that_died_in_its_call();
    // Where it was is on record: no option says it again.
    let resumed = cluster.plandeck(&["run", "--resume", "last", "--json"]);
    let resumed = crate::cluster::Run::start(resumed);
    cluster.go();
    let (code, result, said) = resumed.end();
    assert_eq!(code, 0, "{result:#}\n{said}");
    let pay = step(&result, "pay");
    assert_eq!(pay["output"], json!({"by": "a"}));
    assert_eq!(result["cost"], 0.01, "the call is billed once: {said}");
    assert_eq!(cluster.effects(), ["begun a", "done a"]);
}

#[test]
fn a_call_that_ends_while_no_run_waits_for_it_is_not_lost() {
    let cluster = with_a_run_that_died_in_its_call();
    cluster.go();
    cluster.wait_for("done a");
    let (code, result, _) = cluster.run(&["--resume", "last"]).end();
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(step(&result, "pay")["output"], json!({"by": "a"}));
    assert_eq!(result["cost"], 0.01);
    assert_eq!(cluster.effects(), ["begun a", "done a"]);
}

#[test]
fn a_server_that_is_started_again_repeats_no_effect() {
    let mut cluster = Cluster::start(CHARGE);
    let run = cluster.run(&[]);
    cluster.wait_for("begun a");
    cluster.kill_server();
    cluster.start_server();
    cluster.go();
    let (_, result, said) = run.end();
    // The server breaks its connection to the worker off, which ends the call there: nobody knows how far it had come.
    let pay = step(&result, "pay");
    assert_eq!(pay["status"], "unknown", "{said}");
    assert_eq!(cluster.times("begun a"), 1);
}

#[test]
fn a_server_that_has_lost_its_data_makes_nothing_a_second_time() {
    let mut cluster = with_a_run_that_died_in_its_call();
    cluster.kill_server();
    cluster.kill_worker();
    std::fs::remove_dir_all(cluster.file("data")).unwrap();
    cluster.start_server();
    cluster.start_worker();
    cluster.go();
    let (code, result, _) = cluster.run(&["--resume", "last"]).end();
    assert_eq!(code, 1, "{result:#}");
    let pay = step(&result, "pay");
    assert_eq!(pay["status"], "unknown");
    let message = pay["error"]["message"].as_str().unwrap();
    assert!(message.contains("it has lost its data"), "{message}");
    assert_eq!(cluster.times("begun a"), 1);
}

#[test]
fn a_call_that_never_reached_the_server_is_known_not_to_have_begun() {
    let mut cluster = Cluster::start(CHARGE);
    cluster.go();
    let mut run = cluster.run_paused();
    cluster.kill_server();
    let resumed = cluster.plandeck(&["resume", "last"]).output().unwrap();
    assert!(resumed.status.success(), "{resumed:?}");
    wait_until("its name on record", || {
        cluster.events().contains("attempt_handle")
    });
    run.kill();
    assert!(cluster.effects().is_empty());
    cluster.start_server();
    let (code, result, _) = cluster
        .run(&["--resume", "last", "--events", "events"])
        .end();
    assert_eq!(code, 0, "{result:#}");
    let events = cluster.events();
    let settled = events
        .lines()
        .find(|line| line.contains("\"step_settled\""))
        .unwrap();
    let settled: serde_json::Value = serde_json::from_str(settled).unwrap();
    assert_eq!(settled["happened"], false, "{settled:#}");
    assert_eq!(
        result["cost"], 0.01,
        "what was counted for it is not any more"
    );
    assert_eq!(cluster.effects(), ["begun a", "done a"]);
}
