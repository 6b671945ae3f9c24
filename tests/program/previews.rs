//! What a verb would do, before it is given: `--dry-run`, on recorded runs, beside what then happens.

use crate::common::program::{code, json, plandeck, stderr};
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
