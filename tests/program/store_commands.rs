//! The commands for recorded runs, and resuming one, through the program itself.

use crate::common::model_server::{Answer, ModelServer};
use crate::common::program::plandeck;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

/// The program with a home inside `folder`.
fn at(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = plandeck();
    command
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .args(arguments);
    command.output().unwrap()
}

fn json_of(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no JSON; standard error: {error}"))
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn folder(plan: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    folder
}

/// Adds one; takes what it is given from the context.
fn sums() -> Value {
    json!({
        "name": "sums",
        "steps": [
            {"id": "a", "tool": "add", "parameters": {"n": "{{start}}"}},
            {"id": "b", "tool": "add", "parameters": {"n": "{{a}}"}},
        ],
        "tools": {"add": {"type": "jq", "filter": ".n + 1"}},
    })
}

#[test]
fn before_the_first_run_there_is_nothing_to_list() {
    let folder = tempfile::tempdir().unwrap();
    let output = at(folder.path(), &["runs", "--json"]);
    assert_eq!(
        (output.status.code(), json_of(&output)),
        (Some(0), json!([]))
    );
    let output = at(folder.path(), &["show", "last"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text_of(&output.stderr).contains("no run has been recorded"));
}

#[test]
fn a_run_is_listed_shown_exported_and_played_again() {
    let folder = folder(&sums());
    let first = json_of(&at(
        folder.path(),
        &["run", "plan.json", "--json", "-c", "start=1"],
    ));
    let second = json_of(&at(
        folder.path(),
        &["run", "plan.json", "--json", "-c", "start=5"],
    ));
    assert_eq!(
        (&first["result"], &second["result"]),
        (&json!(3), &json!(7))
    );

    let list = json_of(&at(folder.path(), &["runs", "--json"]));
    let newest = &list[0];
    let mut names: Vec<&String> = newest.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(
        names,
        [
            "cost",
            "latency_ms",
            "plan",
            "run_id",
            "started_at",
            "status",
            "steps",
            "steps_completed"
        ]
    );
    assert_eq!(list.as_array().unwrap().len(), 2);
    for name in [
        "run_id",
        "plan",
        "status",
        "cost",
        "latency_ms",
        "steps_completed",
    ] {
        assert_eq!(newest[name], second[name], "{name}");
    }
    assert_eq!(newest["steps"], 2);
    let table = text_of(&at(folder.path(), &["runs", "-n", "1"]).stdout);
    assert!(
        table.contains("sums") && table.contains("2/2") && table.lines().count() == 2,
        "{table}"
    );

    let id = first["run_id"].as_str().unwrap();
    assert_eq!(json_of(&at(folder.path(), &["show", id, "--json"])), first);
    assert_eq!(
        json_of(&at(folder.path(), &["export", "last", "--format", "json"])),
        second
    );
    let shown = text_of(&at(folder.path(), &["show", id]).stdout);
    assert!(
        shown.contains("succeeded") && shown.contains("2 of 2 steps"),
        "{shown}"
    );

    let table = text_of(&at(folder.path(), &["export", id, "--format", "csv"]).stdout);
    assert!(
        table
            .lines()
            .nth(2)
            .unwrap()
            .starts_with("b,add,jq,succeeded,call,,1,"),
        "{table}"
    );
    let trace = json_of(&at(folder.path(), &["export", id, "--format", "trace"]));
    assert_eq!(trace["traceEvents"][0]["name"], "a");

    at(
        folder.path(),
        &["export", id, "--format", "jsonl", "-o", "events.jsonl"],
    );
    let from_store = text_of(&at(folder.path(), &["replay", id, "--speed", "0"]).stdout);
    let from_file = text_of(&at(folder.path(), &["replay", "events.jsonl", "--speed", "0"]).stdout);
    assert_eq!(from_store, from_file);
    assert!(
        from_store.contains("done      b") && from_store.ends_with("run succeeded\n"),
        "{from_store}"
    );
}

#[test]
fn where_two_runs_part_is_named() {
    let folder = folder(&sums());
    for start in ["start=1", "start=1", "start=2"] {
        at(folder.path(), &["run", "plan.json", "--json", "-c", start]);
    }
    let list = json_of(&at(folder.path(), &["runs", "--json"]));
    let id = |at: usize| list[at]["run_id"].as_str().unwrap().to_owned();
    let alike = json_of(&at(folder.path(), &["diff", &id(2), &id(1), "--json"]));
    assert_eq!(
        (&alike["first_divergence"], &alike["steps"], &alike["same"]),
        (&Value::Null, &json!([]), &json!(2))
    );
    let other = json_of(&at(folder.path(), &["diff", &id(1), &id(0), "--json"]));
    assert_eq!(other["first_divergence"], "a");
    assert_eq!(
        other["steps"][0]["input"],
        json!([{"path": "n", "before": 1, "after": 2}])
    );
    let text = text_of(&at(folder.path(), &["diff", &id(1), &id(0)]).stdout);
    assert!(
        text.contains("they part at a")
            && text.contains("input.n: 1 → 2")
            && text.contains("output: 3 → 4"),
        "{text}"
    );
}

#[test]
fn old_runs_are_removed_as_asked() {
    let folder = folder(&sums());
    for start in 0..4 {
        at(
            folder.path(),
            &[
                "run",
                "plan.json",
                "--json",
                "-c",
                &format!("start={start}"),
            ],
        );
    }
    assert_eq!(
        at(folder.path(), &["runs", "prune"]).status.code(),
        Some(2),
        "a rule has to be given"
    );
    let removed = json_of(&at(
        folder.path(),
        &["runs", "prune", "--keep", "1", "--json"],
    ));
    assert_eq!(removed.as_array().unwrap().len(), 3);
    assert_eq!(
        json_of(&at(folder.path(), &["runs", "--json"]))
            .as_array()
            .unwrap()
            .len(),
        1
    );
    at(folder.path(), &["runs", "prune", "--older-than", "1d"]);
    assert_eq!(
        json_of(&at(folder.path(), &["runs", "--json"]))
            .as_array()
            .unwrap()
            .len(),
        1
    );
    at(folder.path(), &["runs", "prune", "--older-than", "0s"]);
    assert_eq!(json_of(&at(folder.path(), &["runs", "--json"])), json!([]));
}

#[test]
fn without_a_journal_nothing_is_kept() {
    let folder = folder(&sums());
    let output = at(
        folder.path(),
        &[
            "run",
            "plan.json",
            "--json",
            "-c",
            "start=1",
            "--journal",
            "off",
        ],
    );
    assert_eq!(output.status.code(), Some(0));
    assert!(!folder.path().join("home").exists());
}

#[test]
fn a_secret_in_a_catalog_inside_the_plan_is_not_kept() {
    let mut plan = sums();
    plan["tools"]["call"] = json!({
        "type": "http", "url": "http://127.0.0.1:1/", "headers": {"authorization": "Bearer open-sesame"}
    });
    let folder = folder(&plan);
    at(
        folder.path(),
        &["run", "plan.json", "--json", "-c", "start=1"],
    );
    let store = plandeck::store::Store::at(&folder.path().join("home")).unwrap();
    let details = store.details(&store.find("last").unwrap()).unwrap();
    let text = details.plan_text.unwrap();
    assert!(
        text.contains("authorization") && !text.contains("open-sesame"),
        "{text}"
    );
}

/// Ten model calls after one another; the fifth does not answer until the program is killed.
#[test]
fn after_a_kill_in_the_fifth_of_ten_paid_calls_exactly_those_that_had_not_ended_are_made() {
    let steps: Vec<Value> = (1..=10)
        .map(|n| {
            let mut parameters = json!({"q": format!("question-{n}!")});
            if n > 1 {
                parameters["before"] = json!(format!("{{{{steps[{}].output.a}}}}", n - 1));
            }
            json!({"id": n, "tool": "ask", "parameters": parameters})
        })
        .collect();
    let plan = json!({
        "steps": steps,
        "tools": {"ask": {"description": "answers", "prompt": "{{q}}", "output_schema": {"type": "object"}}},
    });
    let folder = folder(&plan);
    let answers = |slow: Option<u32>| {
        let answers = (1..=10).map(|n| Answer {
            to: format!("question-{n}!"),
            says: json!({"a": n}),
            after: if slow == Some(n) {
                Duration::from_mins(1)
            } else {
                Duration::ZERO
            },
        });
        ModelServer::start(answers.collect())
    };
    let first = answers(Some(5));
    let url = first.url();
    let run = [
        "run",
        "plan.json",
        "--json",
        "--worker",
        "openai/gpt-4o-mini",
        "--base-url",
    ];
    let mut child = crate::common::program::command()
        .args(run)
        .arg(&url)
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .env("OPENAI_API_KEY", "a-key-of-no-use")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let patience = Instant::now() + Duration::from_mins(1);
    while first.requests().len() < 5 {
        assert!(Instant::now() < patience, "the fifth call was never made");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let shown = json_of(&at(folder.path(), &["show", "last", "--json"]));
    assert_eq!(
        (&shown["status"], &shown["steps_completed"]),
        (&json!("interrupted"), &json!(4))
    );
    assert_eq!(shown["steps"][4]["status"], "unknown");
    assert_eq!(
        json_of(&at(folder.path(), &["runs", "--json"]))[0]["status"],
        "interrupted"
    );

    let second = answers(None);
    let mut again = plandeck();
    again
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .env("OPENAI_API_KEY", "a-key-of-no-use")
        .args([
            "run",
            "--resume",
            "last",
            "--json",
            "--worker",
            "openai/gpt-4o-mini",
            "--base-url",
            &second.url(),
        ]);
    let output = again.output().unwrap();
    let result = json_of(&output);
    assert_eq!(
        (output.status.code(), &result["result"]),
        (Some(0), &json!({"a": 10}))
    );
    let asked: Vec<usize> = second
        .requests()
        .iter()
        .map(|(_, body)| {
            let messages = body["messages"].to_string();
            (1..=10)
                .find(|n| messages.contains(&format!("question-{n}!")))
                .unwrap()
        })
        .collect();
    assert_eq!(asked, [5, 6, 7, 8, 9, 10]);
    for (at, step) in result["steps"].as_array().unwrap().iter().enumerate() {
        let recorded = at < 4;
        assert_eq!(step["source"], if recorded { "recorded" } else { "call" });
        assert_eq!(step["cost"].as_f64().unwrap() == 0.0, recorded, "{step}");
    }
    let error = text_of(&output.stderr);
    assert!(error.contains("4 recorded outputs"), "{error}");
}
