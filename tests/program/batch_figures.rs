//! What is made of a batch afterwards: its figures, two batches compared, and the report.

use crate::common::program::{code, plandeck, stderr};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// `each` makes a call for every element; numbers above `high` fail in `check`.
const PLAN: &str = r#"
name: numbers
steps:
  - {id: double, tool: double, parameters: {n: "{{n}}"}}
  - {id: each, tool: same, for_each: "{{double.list}}", parameters: {n: "{{item}}"}, depends_on: [double]}
  - {id: check, tool: small, parameters: {n: "{{double.n}}"}, depends_on: [double, each]}
"#;

fn tools(high: u64) -> String {
    format!(
        r#"
tools:
  double: {{type: jq, filter: "{{n: (.n * 2), list: [.n, .n]}}"}}
  same: {{type: jq, filter: ".n"}}
  small: {{type: jq, filter: "if .n > {high} then error(\"too large: \\(.n)\") else .n end"}}
"#
    )
}

fn desk() -> TempDir {
    let folder = crate::common::program::folder("plan.yaml", PLAN, &tools(100));
    let lines: String = (0..60)
        .map(|n| json!({"key": format!("k|{n}"), "context": {"n": n}}).to_string() + "\n")
        .collect();
    std::fs::write(folder.path().join("in.jsonl"), lines).unwrap();
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = plandeck();
    command.current_dir(folder);
    command.env("PLANDECK_HOME", folder.join("home"));
    command.args(arguments).output().unwrap()
}

/// Runs a batch; gives its id.
fn batch(folder: &Path) -> String {
    let output = run(
        folder,
        &[
            "batch",
            "plan.yaml",
            "--inputs",
            "in.jsonl",
            "--worker",
            "offline",
        ],
    );
    let text = stderr(&output);
    let id = text.lines().find_map(|line| line.strip_prefix("batch "));
    id.unwrap().to_owned()
}

fn json_of(output: &Output) -> Value {
    assert_eq!(code(output), 0, "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_figures_of_a_batch_are_those_of_its_runs() {
    let folder = desk();
    let batch = batch(folder.path());
    let shown = json_of(&run(folder.path(), &["show", &batch, "--json"]));
    assert_eq!(shown["batch"], batch);
    assert_eq!(shown["items"], 60);
    assert_eq!(
        (&shown["counts"]["succeeded"], &shown["counts"]["failed"]),
        (&json!(51), &json!(9))
    );
    assert_eq!(shown["failures"][0]["message"], "too large: #");
    // Every step of every run, counted from the runs themselves.
    let runs = json_of(&run(folder.path(), &["runs", "--batch", &batch, "--json"]));
    let mut attempts = [0, 0, 0];
    let mut failed = [0, 0, 0];
    let mut longest = [0.0_f64; 3];
    for one in runs.as_array().unwrap() {
        let id = one["run_id"].as_str().unwrap();
        let result = json_of(&run(folder.path(), &["show", id, "--json"]));
        let mut sums = [0.0; 3];
        for step in result["steps"].as_array().unwrap() {
            let name = step["id"].as_str().unwrap().split('[').next().unwrap();
            let at = ["double", "each", "check"]
                .iter()
                .position(|id| *id == name);
            let at = at.unwrap();
            attempts[at] += step["attempts"].as_u64().unwrap();
            failed[at] += u64::from(step["status"] == "failed");
            sums[at] += step["latency_ms"].as_f64().unwrap();
        }
        for (most, sum) in longest.iter_mut().zip(sums) {
            *most = most.max(sum);
        }
    }
    for (at, step) in shown["steps"].as_array().unwrap().iter().enumerate() {
        assert_eq!(step["attempts"], attempts[at], "{step}");
        let wrong = step["statuses"]["failed"].as_u64().unwrap_or(0);
        assert_eq!(wrong, failed[at], "{step}");
        let most = step["time_ms"]["max"].as_f64().unwrap();
        assert!((most - longest[at]).abs() < 0.01, "{step} {longest:?}");
    }
    // By the start of its id, as text, and as what was started last.
    let text = run(folder.path(), &["show", "last"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("60 of 60 items"), "{text}");
    let attached = run(folder.path(), &["attach", &batch, "--headless"]);
    assert_eq!(code(&attached), 1, "{}", stderr(&attached));
    assert_eq!(String::from_utf8(attached.stdout).unwrap(), text);
}

#[test]
fn a_batch_of_an_older_version_has_the_same_figures_from_its_journals() {
    let folder = desk();
    let batch = batch(folder.path());
    let shown = || json_of(&run(folder.path(), &["show", &batch, "--json"]));
    let before = shown();
    let store = rusqlite::Connection::open(folder.path().join("home/plandeck.db")).unwrap();
    let older = "UPDATE runs SET change = NULL, step_figures = NULL";
    assert_eq!(store.execute(older, []).unwrap(), 60);
    assert_eq!(shown(), before);
    // As a file that has no such columns, too.
    let format_7 = "DROP INDEX runs_by_change; ALTER TABLE runs DROP COLUMN change;
        ALTER TABLE runs DROP COLUMN step_figures; ALTER TABLE batches DROP COLUMN items;
        ALTER TABLE batches DROP COLUMN resumed_at; PRAGMA user_version = 7;";
    store.execute_batch(format_7).unwrap();
    assert_eq!(shown(), before);
    // Whoever resumes it brings it to the present format.
    let resumed = run(
        folder.path(),
        &["batch", "--resume", &batch, "--retry-failed"],
    );
    assert_eq!(code(&resumed), 1, "{}", stderr(&resumed));
    let after = shown();
    assert_eq!(after["counts"], before["counts"]);
    assert_eq!(after["items"], 60);
}

#[test]
fn two_batches_differ_in_the_items_whose_steps_changed() {
    let folder = desk();
    let first = batch(folder.path());
    std::fs::write(folder.path().join("tools.yaml"), tools(110)).unwrap();
    let mut inputs = std::fs::read_to_string(folder.path().join("in.jsonl")).unwrap();
    inputs = inputs
        .replace("{\"n\":7}", "{\"n\":8}")
        .replace("k|0", "new");
    std::fs::write(folder.path().join("in.jsonl"), inputs).unwrap();
    let second = batch(folder.path());
    let diff = json_of(&run(folder.path(), &["diff", &first, &second, "--json"]));
    // 51 to 55 do not fail any more, 7 has another number, and one key is another.
    assert_eq!((&diff["changed"], &diff["same"]), (&json!(6), &json!(53)));
    assert_eq!(diff["alone"], json!([1, 1]));
    let changes = diff["changes"].as_array().unwrap();
    let of = |key: &str| changes.iter().find(|it| it["key"] == key).unwrap();
    assert_eq!(of("k|7")["differs"], json!(["output"]));
    assert_eq!(of("k|7")["steps"].as_array().unwrap().len(), 3);
    assert_eq!(of("k|52")["status"], json!(["failed", "succeeded"]));
    assert_eq!(of("k|52")["steps"][0]["id"], "check");
    assert_eq!(of("new")["differs"], json!(["presence"]));
    assert_eq!(diff["steps"][2]["failed"], json!([9, 4]));
    assert_eq!(diff["steps"][2]["status"], 5);
    let text = run(folder.path(), &["diff", &first, &second]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("6 items changed, 53 the same"), "{text}");
    let same = json_of(&run(folder.path(), &["diff", &second, &second, "--json"]));
    assert_eq!((&same["changed"], &same["same"]), (&json!(0), &json!(60)));
    // A batch is not compared with a run.
    let runs = json_of(&run(folder.path(), &["runs", "--batch", &first, "--json"]));
    let one = runs[0]["run_id"].as_str().unwrap();
    assert_eq!(code(&run(folder.path(), &["diff", &first, one])), 2);
}

#[test]
fn the_report_names_figures_failures_and_the_slowest_items() {
    let folder = desk();
    let batch = batch(folder.path());
    let text = run(folder.path(), &["report", &batch]);
    let text = String::from_utf8(text.stdout).unwrap();
    for words in [
        "# numbers",
        "51 succeeded, 9 failed",
        "## Slowest items",
        "| each |",
        "k\\|",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let page = folder.path().join("report.html");
    let output = run(folder.path(), &["report", "last", "-o", "report.html"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let page = std::fs::read_to_string(page).unwrap();
    for words in [
        "<!doctype html>",
        "too large: #",
        "<code>each</code>",
        "51 succeeded, 9 failed",
    ] {
        assert!(page.contains(words), "{words} in {page}");
    }
    // It needs nothing beside it.
    assert!(
        !page.contains("http:") && !page.contains("https:"),
        "{page}"
    );
    let runs = json_of(&run(folder.path(), &["runs", "--batch", &batch, "--json"]));
    let one = runs[0]["run_id"].as_str().unwrap();
    let of_run = run(folder.path(), &["report", one]);
    let of_run = String::from_utf8(of_run.stdout).unwrap();
    assert!(
        of_run.contains("```mermaid") && of_run.contains("## Steps"),
        "{of_run}"
    );
    let page = run(folder.path(), &["report", one, "--format", "html"]);
    let export = run(folder.path(), &["export", one, "--format", "html"]);
    assert_eq!(page.stdout, export.stdout);
}
