//! Breakpoints without a screen: what they hold, and that the run ends all the same.

use crate::common::program::plandeck;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

/// The program with a home inside `folder`.
fn at(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = plandeck();
    command
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .args(arguments);
    command.output().unwrap()
}

/// `a`, then `b`, then the list `c`; `d` has nothing to do with them.
fn folder() -> tempfile::TempDir {
    let plan = json!({
        "name": "held",
        "steps": [
            {"id": "a", "tool": "same", "parameters": {"out": {"n": 3}}},
            {"id": "b", "tool": "same", "parameters": {"out": "{{a.n}}"}},
            {"id": "c", "tool": "half", "for_each": [4, 0, 2], "parameters": {"of": "{{item}}"}, "depends_on": ["b"]},
            {"id": "d", "tool": "same", "parameters": {"out": 1}},
        ],
        "tools": {
            "same": {"type": "jq", "filter": ".out"},
            "half": {"type": "jq", "filter": "if .of == 0 then error(\"nothing\") else .of / 2 end"},
        },
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    folder
}

/// The exit status, the statuses of the steps, and what the events say is held.
fn held(options: &[&str]) -> (Option<i32>, String, Vec<String>) {
    let folder = folder();
    let mut arguments = vec!["run", "plan.json", "--json", "--events", "events"];
    arguments.extend(options);
    let output = at(folder.path(), &arguments);
    let result: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let steps = result["steps"].as_array().unwrap().iter();
    let statuses: Vec<String> = steps
        .map(|step| {
            format!(
                "{} {}",
                step["id"].as_str().unwrap(),
                step["status"].as_str().unwrap()
            )
        })
        .collect();
    let events = std::fs::read_to_string(folder.path().join("events")).unwrap();
    let events = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let held = events
        .filter(|event| event["type"] == "step_held")
        .map(|event| {
            let condition = event["condition"]
                .as_str()
                .map_or_else(String::new, |it| format!(": {it}"));
            format!(
                "{} {}{condition}",
                event["at"].as_str().unwrap(),
                event["step"].as_str().unwrap()
            )
        });
    (output.status.code(), statuses.join(", "), held.collect())
}

#[test]
fn a_step_is_held_before_it_is_called_and_the_rest_goes_on() {
    let (code, statuses, held) = held(&["--break", "b"]);
    assert_eq!(code, Some(4));
    assert_eq!(statuses, "a succeeded, b ready, c pending, d succeeded");
    assert_eq!(held, ["before b"]);
}

#[test]
fn what_follows_from_an_end_is_held() {
    let (code, statuses, held) = held(&["--break", "b:after"]);
    assert_eq!(
        (code, &*statuses),
        (Some(4), "a succeeded, b succeeded, c pending, d succeeded")
    );
    assert_eq!(held, ["after b"]);
}

#[test]
fn a_failure_is_held_at_the_element_where_it_happened() {
    let (code, statuses, held) = held(&["--break-on-failure"]);
    assert_eq!(code, Some(4));
    assert_eq!(
        statuses,
        "a succeeded, b succeeded, c running, c[0] succeeded, c[1] failed, c[2] succeeded, d succeeded"
    );
    assert_eq!(held, ["failure c[1]"]);
    let (code, _, none) = self::held(&["--break", "d:failure"]);
    assert_eq!((code, none.len()), (Some(1), 0), "d does not fail");
}

#[test]
fn a_condition_is_asked_on_its_side_of_the_call() {
    let (_, statuses, before) = held(&["--break", "c:input.of == 2"]);
    assert_eq!(before.len(), 0, "the list itself is not called: {statuses}");
    let (code, statuses, before) = held(&["--break", "c[2]:input.of == 2 and attempt == 1"]);
    assert_eq!(
        (code, before),
        (
            Some(4),
            vec!["before c[2]: input.of == 2 and attempt == 1".to_owned()]
        )
    );
    assert!(statuses.contains("c[2] ready"), "{statuses}");
    let (code, statuses, after) = held(&["--break", "a:output.n > 2"]);
    assert_eq!(
        (code, after),
        (Some(4), vec!["after a: output.n > 2".to_owned()])
    );
    assert!(statuses.contains("a succeeded, b pending"), "{statuses}");
    let (code, _, never) = held(&["--break", "a:output.n > 3", "--break", "d:cost > 0"]);
    assert_eq!((code, never.len()), (Some(1), 0));
    // One that cannot be evaluated holds, and says why.
    let (_, _, broken) = held(&["--break", "a:output.n > 'x'"]);
    assert!(
        broken.len() == 1 && broken[0].starts_with("after a: output.n > 'x'"),
        "{broken:?}"
    );
}

#[test]
fn a_run_that_was_held_is_resumed() {
    let folder = folder();
    let first = at(
        folder.path(),
        &["run", "plan.json", "--headless", "--break", "b"],
    );
    assert_eq!(first.status.code(), Some(4));
    let words = String::from_utf8_lossy(&first.stderr);
    assert!(
        words.contains("held      before b") && words.contains("break     set: b"),
        "{words}"
    );
    let shown = String::from_utf8(at(folder.path(), &["show", "last"]).stdout).unwrap();
    assert!(shown.contains("held before b"), "{shown}");
    let second = at(folder.path(), &["run", "--resume", "last", "--json"]);
    let result: Value = serde_json::from_slice(&second.stdout).unwrap();
    assert_eq!(result["steps"][0]["source"], json!("recorded"));
    assert_eq!(result["steps"][1]["status"], json!("succeeded"));
}

#[test]
fn breakpoints_that_make_no_sense_are_refused_before_anything_runs() {
    let folder = folder();
    for (text, message) in [
        ("nobody", "the plan has no step nobody"),
        ("b[1]", "the plan has no step b[1]"),
        ("a:output.n >", "no expression"),
        ("a:{{ steps[x].output }}", "the plan has no step x"),
    ] {
        let output = at(
            folder.path(),
            &["run", "plan.json", "--headless", "--break", text],
        );
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains(message), "{text}: {words}");
    }
}
