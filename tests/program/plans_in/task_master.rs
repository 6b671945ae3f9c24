//! Task Master's `tasks.json`.

use super::{command, converted, folder, left_out, step};
use crate::common::program::{code, stderr};
use serde_json::{Value, json};

const TASKS: &str = r#"{
  "main": {"tasks": [{"id": 1, "title": "Other", "description": "", "status": "pending", "dependencies": []}], "metadata": {}},
  "master": {
    "tasks": [
      {"id": 1, "title": "Choose", "description": "Choose {{a}} way.", "status": "done", "dependencies": [], "priority": "high", "subtasks": [
        {"id": 1, "title": "Look", "description": "", "status": "done"}]},
      {"id": 2, "title": "Build", "description": "Build it.", "details": "In small steps.", "testStrategy": "Try it.",
        "status": "in-progress", "dependencies": [1, 4], "priority": "high", "subtasks": [
          {"id": 1, "title": "Frame", "description": "The frame.", "status": "pending", "dependencies": []},
          {"id": 2, "title": "Roof", "description": "The roof.", "status": "pending", "dependencies": [1, "3"]},
          {"id": 3, "title": "Paint", "description": "No.", "status": "cancelled", "dependencies": []}]},
      {"id": "3", "title": "Ship", "description": "Send it.", "status": "pending", "dependencies": [2, "2.1", 9], "priority": "low"},
      {"id": 4, "title": "Wait", "description": "Later.", "status": "deferred", "dependencies": []}
    ],
    "metadata": {"description": "A house"}
  }
}"#;

#[test]
fn tasks_that_are_not_done_are_steps() {
    let folder = folder(&[("tasks.json", TASKS)]);
    let found = converted(&folder, &["tasks.json"]);
    assert_eq!(found["format"], "taskmaster");
    let plan = &found["plan"];
    assert_eq!(
        (&plan["name"], &plan["description"]),
        (&json!("master"), &json!("A house"))
    );
    let order: Vec<(&str, &Value)> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["id"].as_str().unwrap(), &step["depends_on"]))
        .collect();
    assert_eq!(
        order,
        [
            ("2.1", &Value::Null),
            ("2.2", &json!(["2.1"])),
            ("2", &json!(["2.1", "2.2"])),
            ("3", &json!(["2", "2.1"]))
        ]
    );
    let build = step(&found, "2");
    assert_eq!(build["description"], "Build (priority high)");
    assert_eq!(
        build["parameters"],
        json!({"id": "2", "title": "Build", "description": "Build it.", "details": "In small steps.", "test_strategy": "Try it.",
            "results": {"2.1": "{{steps[2.1].output}}", "2.2": "{{steps[2.2].output}}"}})
    );
    let listed = left_out(&found);
    for words in [
        "line 3: these are the tasks of the tag master of several; --workflow TAG takes another one: main, master",
        "line 5, task 1: it is done, so it is no step",
        "task 2.3: it is cancelled, so it is no step, and tasks after it do not wait for it",
        "line 13, task 4: it is deferred",
        "line 12, task 3: the task 9 that it depends on is not there",
    ] {
        assert!(listed.contains(words), "{words}\n{listed}");
    }
    assert_eq!(listed.lines().count(), 5, "{listed}");
    let other = converted(&folder, &["tasks.json", "--workflow", "main"]);
    assert_eq!(other["plan"]["name"], "main");
}

#[test]
fn the_graph_runs_with_invented_answers() {
    let folder = folder(&[("tasks.json", TASKS)]);
    let output = command(&folder, &["convert", "tasks.json", "-o", "plan.yaml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let output = command(
        &folder,
        &[
            "run",
            "plan.yaml",
            "--worker",
            "simulated:3:0",
            "--headless",
            "--json",
        ],
    );
    let result = crate::common::program::json(&output);
    assert_eq!(result["status"], "succeeded", "{result:#}");
    assert_eq!(result["steps_completed"], 4);
}

#[test]
fn what_has_nothing_to_do_is_refused() {
    let files = [
        (
            "done.json",
            r#"{"tasks": [{"id": 1, "title": "x", "status": "done"}]}"#,
        ),
        (
            "circle.json",
            r#"{"tasks": [{"id": 1, "title": "x", "dependencies": [2]}, {"id": 2, "title": "y", "dependencies": [1]}]}"#,
        ),
    ];
    let folder = folder(&files);
    for (file, words) in [
        ("done.json", "every task is done, cancelled or deferred"),
        ("circle.json", "the plan that it becomes is not sound"),
    ] {
        let output = command(&folder, &["convert", file]);
        assert_eq!(code(&output), 2, "{file}");
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    let output = command(&folder, &["check", "done.json"]);
    assert!(
        stderr(&output).contains("done.json is a file of tasks (Task Master), not a plan"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_task_with_the_id_of_another_one_is_kept() {
    let tasks = "{\"tasks\": [{\"id\": 1, \"title\": \"x\"},\n{\"id\": 1, \"title\": \"y\"},\n{\"id\": 2, \"title\": \"z\", \"dependencies\": [1]}]}";
    let folder = folder(&[("tasks.json", tasks)]);
    let found = converted(&folder, &["tasks.json"]);
    assert_eq!(step(&found, "1")["parameters"]["title"], "x");
    assert_eq!(step(&found, "1_2")["parameters"]["title"], "y");
    assert_eq!(step(&found, "2")["depends_on"], json!(["1"]));
    let words = "line 2, task 1: another task has the id 1 too: this one is the step 1_2, and nothing waits for it\n";
    assert_eq!(left_out(&found), words);
}
