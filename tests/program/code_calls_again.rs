//! Code that calls tools and runs again: what it calls once more, what it takes from the record, and what is said of that
//! before.

use crate::common::program::{code, json, plandeck, stderr, step};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// Code that calls `mark` twice and fails while there is a file `broken`.
const CODE: &str = "first = await mark(n=1)
second = await mark(n=2)
output = [first, second, await check()]
";

const TOOLS: &str = "tools:
  mark: {type: process, command: [sh, -c, 'cat >> marks; echo >> marks; echo 1'], cwd: '.', cost_usd: 0.01}
  check: {type: process, command: [sh, -c, 'test -e broken && exit 1; echo 2'], cwd: '.'}
  same: {type: jq, filter: '.'}
";

/// `a` → `c`, which runs the code, → `d`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let plan = json!({
        "name": "marks",
        "steps": [
            {"id": "a", "tool": "same", "parameters": {"n": 1}},
            {"id": "c", "tool": "code_exec", "parameters": {"code": CODE}, "depends_on": ["a"]},
            {"id": "d", "tool": "same", "parameters": {"of": "{{c}}"}},
        ],
    });
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    std::fs::write(folder.path().join("tools.yaml"), TOOLS).unwrap();
    folder
}

fn at(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = plandeck();
    command
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args(arguments);
    command.output().unwrap()
}

fn result(folder: &TempDir, arguments: &[&str]) -> (i32, Value) {
    let output = at(folder, arguments);
    (code(&output), json(&output))
}

fn marks(folder: &TempDir) -> usize {
    let text = std::fs::read_to_string(folder.path().join("marks"));
    text.map_or(0, |text| text.lines().count())
}

fn why(preview: &Value, id: &str) -> String {
    let mut steps = preview["reruns"].as_array().unwrap().iter();
    let found = steps.find(|step| step["step"] == id);
    let found = found.unwrap_or_else(|| panic!("{id} in {preview:#}"));
    found["why"].as_str().unwrap().to_owned()
}

fn touch(folder: &TempDir, name: &str) {
    std::fs::write(folder.path().join(name), "").unwrap();
}

fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_retry_makes_the_calls_again_and_says_so_before() {
    let folder = folder();
    let (status, first) = result(&folder, &["run", "plan.json", "--json"]);
    assert_eq!((status, marks(&folder)), (0, 2), "{first:#}");
    let (_, dry) = result(&folder, &["retry", "last", "c", "--dry-run", "--json"]);
    assert_eq!(
        why(&dry, "c"),
        "asked for; its code made 3 calls, and makes its calls again"
    );
    // What it calls is known once it runs.
    assert_eq!(
        dry["cost_usd"],
        json!({"min": 0.0, "expected": 0.02, "max": null})
    );
    assert_eq!(dry["seconds"]["max"], Value::Null);
    // A call is made by its code.
    let (_, of_call) = result(
        &folder,
        &["retry", "last", "c/mark[1]", "--dry-run", "--json"],
    );
    assert_eq!(of_call["reruns"], dry["reruns"]);
    let (status, again) = result(&folder, &["retry", "last", "c/mark[1]", "--json"]);
    assert_eq!((status, marks(&folder)), (0, 4), "{again:#}");
    assert_eq!(step(&again, "c/mark[1]")["source"], "call", "{again:#}");
    assert_eq!(step(&again, "c/mark[1]")["attempts"], 2);
    // Its code knows what it came to: nothing else can be decided about it.
    let refused = at(&folder, &["set", "last", "c/mark[0]", "--output", "3"]);
    assert_eq!(code(&refused), 2);
    assert!(
        stderr(&refused).contains("run step c again"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn what_failed_goes_on_and_takes_the_calls_that_succeeded_from_the_record() {
    let folder = folder();
    touch(&folder, "broken");
    let (status, first) = result(&folder, &["run", "plan.json", "--json"]);
    assert_eq!((status, marks(&folder)), (1, 2), "{first:#}");
    remove(&folder.path().join("broken"));
    let (status, resumed) = result(&folder, &["run", "plan.json", "--resume", "last", "--json"]);
    assert_eq!((status, marks(&folder)), (0, 2), "{resumed:#}");
    assert_eq!(step(&resumed, "c/mark[0]")["source"], "recorded");
    assert_eq!(step(&resumed, "c/check[0]")["source"], "call");
}

#[test]
fn a_breakpoint_holds_a_call_and_the_run_says_where() {
    let folder = folder();
    let (status, held) = result(
        &folder,
        &["run", "plan.json", "--break", "c/mark[1]", "--json"],
    );
    assert_eq!((status, marks(&folder)), (4, 1), "{held:#}");
    assert_eq!(held["status"], "waiting");
    assert_eq!(step(&held, "c/mark[1]")["status"], "ready");
    assert_eq!(step(&held, "d")["status"], "pending");
    let (status, resumed) = result(&folder, &["run", "plan.json", "--resume", "last", "--json"]);
    assert_eq!((status, marks(&folder)), (0, 2), "{resumed:#}");
    assert_eq!(step(&resumed, "c/mark[0]")["source"], "recorded");
}

#[test]
fn check_does_not_take_calls_of_code_for_free() {
    let folder = folder();
    let (status, checked) = result(&folder, &["check", "plan.json", "--json"]);
    assert_eq!(status, 0, "{checked:#}");
    assert_eq!(checked["cost"]["most"], Value::Null, "{checked:#}");
    assert_eq!(checked["cost"]["least"], json!(0.0), "{checked:#}");
    // Code that calls only what is free stays free.
    let text = std::fs::read_to_string(folder.path().join("tools.yaml")).unwrap();
    let free = text.replace(", cost_usd: 0.01", "");
    std::fs::write(folder.path().join("tools.yaml"), free).unwrap();
    let (_, checked) = result(&folder, &["check", "plan.json", "--json"]);
    assert_eq!(checked["cost"]["most"], json!(0.0), "{checked:#}");
}

/// Code that a plan takes from elsewhere may call any tool, and that is what trust is asked for.
#[test]
fn code_that_is_not_known_before_the_run_reaches_every_tool() {
    let folder = folder();
    let reaches = |parameters: Value| {
        let text = json!({"id": "a", "tool": "same", "parameters": {"text": "output = 1"}});
        let code = json!({"id": "c", "tool": "code_exec", "parameters": parameters});
        let plan = json!({"steps": [text, code]});
        std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
        let (_, checked) = result(&folder, &["check", "plan.json", "--json"]);
        checked["reaches"]["programs"].to_string()
    };
    assert!(!reaches(json!({"code": "output = 1"})).contains("marks"));
    for code in [
        "{{a.text}}",
        "import json\n{{a.text}}\noutput = await same()",
    ] {
        assert!(reaches(json!({"code": code})).contains("marks"), "{code}");
    }
    // So may code that code runs.
    let nested = json!({"code": "output = await code_exec(code=input_data)"});
    assert!(reaches(nested).contains("marks"));
}
