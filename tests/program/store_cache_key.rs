//! The cache never answers for another: everything that determines an output is in its key.

use crate::common::program::{json, plandeck, stderr, step};
use serde_json::{Value, json};
use std::path::Path;

struct Project(tempfile::TempDir);

impl Project {
    /// A plan of one step that calls this tool.
    fn new(tool: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plan =
            json!({"steps": [{"id": "a", "tool": "t", "parameters": {}}], "tools": {"t": tool}});
        std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// The output and where it came from.
    fn run(&self, variables: &[(&str, &str)]) -> (Value, Value) {
        let output = plandeck()
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.path().join("home"))
            .env("TZ", "UTC")
            .envs(variables.iter().copied())
            .args([
                "run",
                "plan.json",
                "--worker",
                "offline",
                "--headless",
                "--json",
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let result = json(&output);
        let row = step(&result, "a");
        (row["output"].clone(), row["source"].clone())
    }

    fn explain(&self) -> String {
        let output = plandeck()
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.path().join("home"))
            .args(["explain", "last", "a"])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn called(output: impl Into<Value>) -> (Value, Value) {
    (output.into(), "call".into())
}

fn cached(output: impl Into<Value>) -> (Value, Value) {
    (output.into(), "cache".into())
}

#[test]
fn another_tenant_gets_an_answer_of_its_own() {
    let script = "case $WHO in north) echo 1;; south) echo 2;; esac";
    let project = Project::new(&json!({"type": "process", "command": ["sh", "-c", script],
        "env": {"WHO": "${REGION}"}, "read_only": true}));
    let region = |name| [("REGION", name)];
    assert_eq!(project.run(&region("north")), called(1));
    assert_eq!(project.run(&region("south")), called(2));
    assert!(
        project.explain().contains("${REGION} changed"),
        "{}",
        project.explain()
    );
    assert_eq!(project.run(&region("north")), cached(1));
    // What stands for the value can be made by this installation alone.
    let key = std::fs::read(project.path().join("home/hash.key")).unwrap();
    assert_eq!(key.len(), 32);
    let database = std::fs::read(project.path().join("home/plandeck.db")).unwrap();
    assert!(!database.windows(32).any(|bytes| bytes == key));
}

#[test]
fn another_time_zone_is_another_call() {
    let project = Project::new(
        &json!({"type": "process", "command": ["date", "-d", "@0", "+%H"], "read_only": true}),
    );
    assert_eq!(project.run(&[("TZ", "UTC")]), called("00"));
    assert_eq!(project.run(&[("TZ", "XYZ-5")]), called("05"));
    assert_eq!(project.run(&[("TZ", "UTC")]), cached("00"));
}

#[test]
fn an_edited_script_is_another_call() {
    let project = Project::new(
        &json!({"type": "process", "command": ["sh", "-c", "sh ./work.sh"], "read_only": true}),
    );
    project.write("work.sh", "echo one");
    assert_eq!(project.run(&[]), called("one"));
    assert_eq!(project.run(&[]), cached("one"));
    project.write("work.sh", "echo two");
    assert_eq!(project.run(&[]), called("two"));
    assert!(
        project.explain().contains("work.sh changed"),
        "{}",
        project.explain()
    );
    project.write("work.sh", "echo one");
    assert_eq!(project.run(&[]), cached("one"));
}

#[test]
fn an_edited_input_is_another_call() {
    let project = Project::new(
        &json!({"type": "process", "command": ["sh", "-c", "cat rows/* | wc -l"],
        "inputs": ["rows/*.csv"], "read_only": true}),
    );
    std::fs::create_dir(project.path().join("rows")).unwrap();
    project.write("rows/a.csv", "1\n2\n");
    assert_eq!(project.run(&[]), called(2));
    project.write("unrelated.csv", "1\n");
    assert_eq!(project.run(&[]), cached(2));
    project.write("rows/b.csv", "3\n");
    assert_eq!(project.run(&[]), called(3));
    std::fs::remove_file(project.path().join("rows/b.csv")).unwrap();
    assert_eq!(project.run(&[]), cached(2));
}

/// The output was made while the script changed: it belongs to neither version.
#[test]
fn an_output_made_while_its_script_changed_is_not_cached() {
    let project =
        Project::new(&json!({"type": "process", "command": ["sh", "work.sh"], "read_only": true}));
    project.write("work.sh", "echo 1; echo '# edited' >> work.sh");
    assert_eq!(project.run(&[]), called(1));
    project.write("work.sh", "echo 1; echo '# edited' >> work.sh");
    assert_eq!(project.run(&[]), called(1));
}

#[test]
fn an_output_with_a_secret_is_not_cached() {
    let project = Project::new(
        &json!({"type": "process", "command": ["sh", "-c", "echo $T"],
        "env": {"T": "${SESSION}"}, "cache": true}),
    );
    for _ in 0..2 {
        assert_eq!(
            project.run(&[("SESSION", "abc-session-1")]),
            called("[redacted]")
        );
    }
}

#[test]
fn inputs_that_are_no_list_of_names_are_a_fault() {
    for inputs in [json!("rows"), json!([1]), json!(["a**b["])] {
        let project =
            Project::new(&json!({"type": "process", "command": ["true"], "inputs": inputs}));
        let output = plandeck()
            .current_dir(project.path())
            .args(["check", "plan.json"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("inputs"), "{}", stderr(&output));
    }
}
