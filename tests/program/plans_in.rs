//! Plans of other systems: `plandeck convert`, and what `open`, `check` and `run` do with them.

mod arazzo;
mod dagu;
mod promptflow;
mod task_master;

use crate::common::program::{code, json, plandeck, stderr};
use serde_json::Value;
use std::process::Output;
use tempfile::TempDir;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn command(folder: &TempDir, arguments: &[&str]) -> Output {
    plandeck()
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args(arguments)
        .output()
        .unwrap()
}

/// What `convert --json` prints.
fn converted(folder: &TempDir, arguments: &[&str]) -> Value {
    let output = command(folder, &[&["convert", "--json"], arguments].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    json(&output)
}

/// Converts a file into `plan.yaml`, and runs that without a model.
fn run(folder: &TempDir, file: &str, more: &[&str]) -> (i32, Value) {
    let output = command(folder, &["convert", file, "-o", "plan.yaml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let arguments = [
        "run",
        "plan.yaml",
        "--worker",
        "offline",
        "--headless",
        "--json",
    ];
    let output = command(folder, &[&arguments[..], more].concat());
    (code(&output), json(&output))
}

/// What is listed as left out, a line each.
fn left_out(converted: &Value) -> String {
    let list = converted["left_out"].as_array().unwrap().iter();
    let line = |one: &Value| {
        format!(
            "{}: {}\n",
            one["where"].as_str().unwrap(),
            one["what"].as_str().unwrap()
        )
    };
    list.map(line).collect()
}

/// The step of a plan with this id.
fn step<'p>(converted: &'p Value, id: &str) -> &'p Value {
    let steps = converted["plan"]["steps"].as_array().unwrap();
    let found = steps.iter().find(|step| step["id"] == id);
    found.unwrap_or_else(|| panic!("no step {id} in {converted:#}"))
}

#[test]
fn what_is_no_plan_of_another_system_is_refused() {
    let files = [
        ("a.yaml", "name: x\nthings: [1, 2]\n"),
        ("b.json", "{\"arazzo\": \"1.0.0\",\n \"workflows\": [}"),
        ("c.yaml", ""),
    ];
    let folder = folder(&files);
    for (file, words) in [
        (
            "a.yaml",
            "it is none of these plans: an Arazzo description (arazzo)",
        ),
        ("b.json", "b.json: line 2: "),
        ("c.yaml", "c.yaml: line 1: "),
        ("d.yaml", "d.yaml: No such file"),
    ] {
        let output = command(&folder, &["convert", file]);
        assert_eq!(code(&output), 2, "{file}");
        assert!(output.stdout.is_empty());
        assert!(
            stderr(&output).contains(words),
            "{file}: {}",
            stderr(&output)
        );
    }
    let output = command(&folder, &["convert", "a.yaml", "--format", "nonsense"]);
    assert_eq!(code(&output), 2);
    let words = "the format \"nonsense\" is not known; there are: an Arazzo description (arazzo)";
    assert!(stderr(&output).contains(words), "{}", stderr(&output));
}
