//! What a verb would do, before it is given: `--dry-run`, on recorded runs, beside what then happens.

use crate::common::control::{run_so_far, socket_in};
use crate::common::process::{start, wait_until};
use crate::common::program::{code, json, plandeck, stderr, step};
use serde_json::{Value, json};
use std::process::Output;
use tempfile::TempDir;

/// `a` → `b` → `c` at a price, and `d` beside them; `b` fails while there is a file `broken`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script = "test -e broken && exit 1; cat";
    let plan = json!({
        "name": "priced",
        "tools": {
            "work": {"type": "process", "command": ["sh", "-c", script], "cost_usd": 0.01},
            "same": {"type": "jq", "filter": "."},
        },
        "steps": [
            {"id": "a", "tool": "same", "parameters": {"n": 1}},
            {"id": "b", "tool": "work", "parameters": {"of": "{{a.n}}"}},
            {"id": "c", "tool": "work", "parameters": {"of": "{{b}}"}},
            {"id": "d", "tool": "same", "parameters": {"n": 4}},
        ],
    });
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    std::fs::write(folder.path().join("broken"), "").unwrap();
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = plandeck();
    command
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args(arguments);
    command.output().unwrap()
}

fn preview(folder: &TempDir, arguments: &[&str]) -> Value {
    let output = run(folder, arguments);
    assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
    json(&output)
}

fn ids(preview: &Value, list: &str) -> Vec<String> {
    let steps = preview[list].as_array().unwrap().iter();
    let ids = steps.map(|step| step["step"].as_str().unwrap().to_owned());
    ids.collect()
}

#[test]
fn a_dry_run_says_what_a_retry_then_does() {
    let folder = folder();
    let failed = run(&folder, &["run", "plan.json", "--json"]);
    assert_eq!(code(&failed), 1, "{}", stderr(&failed));
    std::fs::remove_file(folder.path().join("broken")).unwrap();

    let dry = preview(&folder, &["retry", "last", "b", "--dry-run", "--json"]);
    assert_eq!((&dry["verb"], &dry["step"]), (&json!("retry"), &json!("b")));
    assert_eq!(ids(&dry, "reruns"), ["b", "c"]);
    assert_eq!(ids(&dry, "stays"), ["a", "d"]);
    assert_eq!(dry["cannot"], json!([]));
    assert_eq!(dry["reruns"][0]["why"], "asked for");
    assert_eq!(
        dry["cost_usd"],
        json!({"min": 0.01, "expected": 0.02, "max": 0.02})
    );
    assert!(dry["seconds"]["min"].is_number(), "{dry}");
    // Nothing has happened.
    let shown = preview(&folder, &["show", "last", "--json"]);
    assert_eq!(shown["status"], "failed");
    let before = shown["cost"].as_f64().unwrap();

    let text = run(&folder, &["retry", "last", "b", "--dry-run"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("runs    c: was skipped because of b"),
        "{text}"
    );
    assert!(
        text.contains("about $0.0200, from $0.0100 to $0.0200"),
        "{text}"
    );

    let retried = preview(&folder, &["retry", "last", "b", "--json"]);
    assert_eq!(retried["status"], "succeeded");
    let after = retried["cost"].as_f64().unwrap();
    assert!((after - before - 0.02).abs() < 1e-9, "{before} {after}");
}

#[test]
fn a_dry_run_of_an_edit_prices_what_depends_on_it() {
    let folder = folder();
    std::fs::remove_file(folder.path().join("broken")).unwrap();
    assert_eq!(code(&run(&folder, &["run", "plan.json", "--json"])), 0);
    let arguments = [
        "edit",
        "last",
        "a",
        "--input",
        "{\"n\": 2}",
        "--dry-run",
        "--json",
    ];
    let dry = preview(&folder, &arguments);
    assert_eq!(ids(&dry, "reruns"), ["a", "b", "c"]);
    assert_eq!(
        dry["cost_usd"],
        json!({"min": 0.0, "expected": 0.02, "max": 0.02})
    );
    let dry = preview(
        &folder,
        &["set", "last", "c", "--output", "7", "--dry-run", "--json"],
    );
    assert_eq!(ids(&dry, "reruns"), [""; 0]);
    assert_eq!(ids(&dry, "stays"), ["a", "b", "c", "d"]);
    // A verb that needs a live run is refused as it is without the option.
    let refused = run(&folder, &["pause", "last", "--dry-run", "--json"]);
    assert_eq!(code(&refused), 2);
    // A step that is not there is named.
    let refused = run(&folder, &["retry", "last", "x", "--dry-run", "--json"]);
    assert_eq!(code(&refused), 2);
}

/// Two steps run again, and the later one in the plan was the cause.
#[test]
fn a_step_that_was_skipped_names_the_step_because_of_which_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let plan = json!({
        "tools": {
            "slow": {"type": "process", "command": ["sh", "-c", "sleep 0.4; exit 1"]},
            "quick": {"type": "process", "command": ["sh", "-c", "exit 1"]},
            "same": {"type": "jq", "filter": "."},
        },
        "steps": [
            {"id": "p", "tool": "slow", "parameters": {}},
            {"id": "q", "tool": "quick", "parameters": {}},
            {"id": "c", "tool": "same", "parameters": {}, "depends_on": ["p", "q"]},
        ],
    });
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let failed = run(&folder, &["run", "plan.json", "--json"]);
    assert_eq!(code(&failed), 1, "{}", stderr(&failed));
    let dry = preview(&folder, &["retry", "last", "--dry-run", "--json"]);
    let because = dry["reruns"].as_array().unwrap();
    let because = because.iter().find(|step| step["step"] == "c").unwrap();
    assert_eq!(because["why"], "was skipped because of q", "{dry}");
}

/// The steps that were called since the run had so many events.
fn called_since(folder: &TempDir, events: u64) -> Vec<String> {
    let exported = run(folder, &["export", "last", "--format", "jsonl"]);
    let text = String::from_utf8(exported.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let started = lines.filter(|event: &Value| {
        event["type"] == "attempt_started" && event["seq"].as_u64().unwrap() >= events
    });
    let mut ids: Vec<String> = started
        .map(|event| event["step"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

#[test]
fn a_raised_limit_runs_what_its_preview_says() {
    for verb in ["set", "resume"] {
        let folder = folder();
        let plan = json!({
            "name": "limited",
            "tools": {
                "work": {"type": "process", "command": ["sh", "-c", "cat"], "cost_usd": 0.01},
                "once": {"type": "process", "command": ["sh", "-c", "test -e broken && exit 1; cat"]},
            },
            "steps": [
                {"id": "bad", "tool": "once", "parameters": {"n": 0}},
                {"id": "a", "tool": "work", "parameters": {"n": 1}},
                {"id": "b", "tool": "work", "parameters": {"of": "{{a.n}}"}},
                {"id": "c", "tool": "work", "parameters": {"of": "{{b.of}}"}},
                {"id": "d", "tool": "work", "parameters": {"of": "{{c.of}}"}},
            ],
        });
        std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
        let first = ["run", "plan.json", "--json", "--max-total-cost-usd", "0.01"];
        let stopped = run(&folder, &first);
        assert_eq!(code(&stopped), 3, "{}", stderr(&stopped));
        std::fs::remove_file(folder.path().join("broken")).unwrap();

        // As it is, nothing that costs can run; with one dollar cent more, one step more can.
        let more = |limit: &str, dry: bool| {
            let mut words = vec![verb, "last", "--max-total-cost-usd", limit, "--json"];
            words.extend(dry.then_some("--dry-run"));
            run(&folder, &words)
        };
        for (limit, runs, cannot) in [
            ("0.02", &["bad", "b"][..], &["c", "d"][..]),
            ("1", &["bad", "b", "c", "d"], &[]),
        ] {
            let dry = json(&more(limit, true));
            assert_eq!(dry["verb"], verb);
            assert_eq!(ids(&dry, "reruns"), runs, "{verb} {limit}: {dry}");
            assert_eq!(ids(&dry, "cannot"), cannot, "{verb} {limit}: {dry}");
        }
        let events = run(&folder, &["export", "last", "--format", "jsonl"]);
        let events = String::from_utf8(events.stdout).unwrap().lines().count() as u64;
        let dry = json(&more("1", true));
        let done = more("1", false);
        assert_eq!(code(&done), 0, "{}", stderr(&done));
        let mut said = ids(&dry, "reruns");
        said.sort();
        assert_eq!(called_since(&folder, events), said);
        let cost = json(&done)["cost"].as_f64().unwrap() - 0.01;
        let bound = |name: &str| dry["cost_usd"][name].as_f64().unwrap();
        assert!(
            bound("min") <= cost + 1e-9 && cost <= bound("max") + 1e-9,
            "{cost} {dry}"
        );
    }
}

#[test]
fn a_limit_of_a_run_that_is_running_is_priced_before_it_changes() {
    let folder = folder();
    let wait = "until [ -e go ]; do sleep 0.02; done; cat";
    let plan = json!({
        "name": "limited",
        "tools": {"work": {"type": "process", "cost_usd": 0.4, "command": ["sh", "-c", wait]}},
        "steps": [
            {"id": "a", "tool": "work", "parameters": {"n": 1}},
            {"id": "b", "tool": "work", "parameters": {"of": "{{a.n}}"}},
            {"id": "c", "tool": "work", "parameters": {"of": "{{b.of}}"}},
        ],
    });
    let text = plan
        .to_string()
        .replace("-e go", &format!("-e {}/go", folder.path().display()));
    std::fs::write(folder.path().join("plan.json"), text).unwrap();
    let more = ["--max-total-cost-usd", "1"];
    let running = start(folder.path(), &folder.path().join("home"), &more);
    let socket = socket_in(&folder.path().join("home"));
    wait_until("the call of a", || {
        step(&run_so_far(&socket), "a")["status"] == "running"
    });
    let dry = |limit: &[&str]| {
        let words = [&["set", "last"], limit, &["--dry-run", "--json"]].concat();
        preview(&folder, &words)
    };
    let cost = "--max-total-cost-usd";
    let calls = "--max-tool-calls";
    for (limit, runs, cannot) in [
        (&[cost, "2"][..], &["c"][..], &[][..]),
        (&[cost, "1.2"], &["c"], &[]),
        // As before: nothing is made possible, and nothing is lost.
        (&[cost, "1.1"], &[], &["c"]),
        (&[cost, "0.7"], &[], &["b", "c"]),
        (&[calls, "2"], &[], &["c"]),
        (&[calls, "1"], &[], &["b", "c"]),
        (&[cost, "2", calls, "2"], &[], &["c"]),
    ] {
        let shown = dry(limit);
        assert_eq!(ids(&shown, "reruns"), runs, "{limit:?}: {shown}");
        assert_eq!(ids(&shown, "cannot"), cannot, "{limit:?}: {shown}");
    }
    let why = dry(&[cost, "2"])["reruns"][0]["why"].to_string();
    assert!(
        why.contains("so far") && why.contains("$1.0000 in all"),
        "{why}"
    );
    let set = run(&folder, &["set", "last", cost, "2"]);
    assert_eq!(code(&set), 0, "{}", stderr(&set));
    std::fs::write(folder.path().join("go"), "").unwrap();
    let ended = running.wait_with_output().unwrap();
    assert_eq!(json(&ended)["status"], "succeeded", "{}", json(&ended));
}
