//! What a step expects of its output: a run that ended is not yet a job that is done.

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

fn json_of(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no JSON; standard error: {error}"))
}

fn folder(plan: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    folder
}

/// `parse` makes what the context has as `made`, and `use` takes it.
fn plan(expect: &Value) -> Value {
    json!({
        "name": "expecting",
        "steps": [
            {"id": "parse", "tool": "made", "parameters": {"out": "{{made}}"}, "expect": expect},
            {"id": "use", "tool": "made", "parameters": {"out": "{{parse}}"}},
        ],
        "tools": {"made": {"type": "jq", "filter": ".out"}},
    })
}

/// The result and the exit status of a run with this as what the first step makes.
fn run(expect: &Value, made: &Value) -> (Value, Option<i32>) {
    let folder = folder(&plan(expect));
    let context = format!("made={made}");
    let output = at(
        folder.path(),
        &["run", "plan.json", "--json", "-c", &context],
    );
    (json_of(&output), output.status.code())
}

#[test]
fn an_output_that_is_not_as_expected_fails_its_step_and_is_kept() {
    let cases = [
        (
            json!("output.total > 0"),
            json!({"total": -5}),
            "output.total > 0 does not hold: output.total is -5",
        ),
        (
            json!("{{ output.total > 0 }}"),
            json!({"total": 0}),
            "output.total is 0",
        ),
        (
            json!(["output.total > 0", "output.items | length == 2"]),
            json!({"total": 1, "items": [1]}),
            "output.items is [1]",
        ),
        (
            json!("output.name"),
            json!({"name": ""}),
            "output.name is \"\"",
        ),
        (
            json!("output == input.out and not output"),
            json!([1]),
            "input.out is [1]",
        ),
        (
            json!("output.total > 0"),
            json!({"total": "many"}),
            "output.total > 0",
        ),
        (
            json!({"type": "object", "required": ["total"]}),
            json!({"sum": 1}),
            "\"total\" is a required property",
        ),
        (
            json!([{"type": "array"}, "output | length > 1"]),
            json!([1]),
            "output | length > 1",
        ),
    ];
    for (expect, made, message) in cases {
        let (result, code) = run(&expect, &made);
        let step = &result["steps"][0];
        assert_eq!(
            (code, &result["status"]),
            (Some(1), &json!("failed")),
            "{expect}"
        );
        assert_eq!(
            (&step["status"], &step["output"]),
            (&json!("failed"), &made),
            "{expect}"
        );
        let error = &step["error"];
        assert_eq!(
            (&error["type"], &error["attempts"]),
            (&json!("ExpectationError"), &json!(1))
        );
        let told = error["message"].as_str().unwrap();
        assert!(
            told.starts_with("expect: ") && told.contains(message),
            "{told}"
        );
        assert_eq!(result["steps"][1]["reason"], json!("upstream"));
        assert_eq!(result["error"]["type"], json!("ExpectationError"));
    }
}

#[test]
fn an_output_that_is_as_expected_changes_nothing() {
    let cases = [
        (json!("output.total > 0"), json!({"total": 5})),
        (
            json!(["output.total > limit", "input.out.total == output.total"]),
            json!({"total": 5}),
        ),
        (
            json!({"type": "object", "required": ["total"]}),
            json!({"total": 1}),
        ),
        (json!([]), json!(null)),
        (json!(null), json!(null)),
    ];
    for (expect, made) in cases {
        let mut plan = plan(&expect);
        plan["context"] = json!({"limit": 3});
        let folder = folder(&plan);
        let context = format!("made={made}");
        let output = at(
            folder.path(),
            &["run", "plan.json", "--json", "-c", &context],
        );
        let result = json_of(&output);
        assert_eq!(output.status.code(), Some(0), "{result}");
        assert_eq!(result["result"], made);
    }
}

#[test]
fn what_is_shown_later_names_the_expectation_and_has_the_output() {
    let folder = folder(&plan(&json!("output.total > 0")));
    at(
        folder.path(),
        &[
            "run",
            "plan.json",
            "--headless",
            "-c",
            "made={\"total\": -5}",
        ],
    );
    let shown = at(folder.path(), &["show", "last"]);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(
        text.contains("expect: output.total > 0 does not hold: output.total is -5"),
        "{text}"
    );
    assert!(text.contains("it made {\"total\":-5}"), "{text}");
    assert!(text.contains("1 output not as expected"), "{text}");
    let result = json_of(&at(folder.path(), &["show", "last", "--json"]));
    assert_eq!(result["steps"][0]["output"], json!({"total": -5}));
    assert_eq!(
        result["steps"][0]["error"]["type"],
        json!("ExpectationError")
    );
}

/// Counts its calls in a file, and answers with how many there were; it only reads, so that it is cached.
fn counting(step: &Value) -> Value {
    json!({
        "name": "counting",
        "steps": [step],
        "tools": {"count": {
            "type": "process", "read_only": true, "cache": true,
            "command": ["sh", "-c", "echo x >> calls; wc -l < calls | tr -d ' '"],
        }},
    })
}

fn calls(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("calls"))
        .unwrap_or_default()
        .lines()
        .count()
}

#[cfg(unix)]
#[test]
fn it_is_tried_again_only_where_the_plan_says_so() {
    let once = folder(&counting(
        &json!({"id": "n", "tool": "count", "expect": "output > 1"}),
    ));
    let output = at(once.path(), &["run", "plan.json", "--json"]);
    assert_eq!((output.status.code(), calls(once.path())), (Some(1), 1));
    let step = json!({"id": "n", "tool": "count", "expect": "output > 1", "retry_policy": {"retries": 3, "backoff_s": 0}});
    let again = folder(&counting(&step));
    let result = json_of(&at(again.path(), &["run", "plan.json", "--json"]));
    assert_eq!(
        (&result["status"], &result["result"], calls(again.path())),
        (&json!("succeeded"), &json!(2), 2)
    );
    assert_eq!(result["steps"][0]["attempts"], json!(2));
}

#[cfg(unix)]
#[test]
fn what_is_not_as_expected_is_never_used_again() {
    let wants = |bound: u32| {
        counting(&json!({"id": "n", "tool": "count", "expect": format!("output >= {bound}")}))
    };
    let folder = folder(&wants(2));
    let status = || {
        at(folder.path(), &["run", "plan.json", "--json"])
            .status
            .code()
    };
    assert_eq!((status(), calls(folder.path())), (Some(1), 1));
    // The output that was refused is not cached: the step is called again.
    assert_eq!((status(), calls(folder.path())), (Some(0), 2));
    // The one that was accepted is.
    assert_eq!((status(), calls(folder.path())), (Some(0), 2));
    // A cached output is looked at too: one that does not meet what is expected now is not used.
    std::fs::write(folder.path().join("plan.json"), wants(3).to_string()).unwrap();
    let output = at(folder.path(), &["run", "plan.json", "--json"]);
    assert_eq!(
        (json_of(&output)["result"].clone(), calls(folder.path())),
        (json!(3), 3)
    );
    let explained = at(folder.path(), &["explain", "last", "n"]);
    let words = String::from_utf8(explained.stdout).unwrap();
    assert!(
        words.contains("the cached output is not what the step expects"),
        "{words}"
    );
    // A recorded one fails its step, and nothing is called.
    std::fs::write(folder.path().join("plan.json"), wants(9).to_string()).unwrap();
    let output = at(
        folder.path(),
        &["run", "plan.json", "--json", "--resume", "last"],
    );
    let result = json_of(&output);
    assert_eq!(
        (&result["steps"][0]["error"]["type"], calls(folder.path())),
        (&json!("ExpectationError"), 3)
    );
    assert_eq!(result["steps"][0]["output"], json!(3));
}

#[test]
fn each_element_of_a_list_is_looked_at() {
    let plan = json!({
        "name": "each",
        "steps": [{
            "id": "e", "tool": "made", "for_each": [1, -2, 3], "parameters": {"out": "{{item}}"},
            "expect": ["output > 0 or index == 0", "output == item"],
        }],
        "tools": {"made": {"type": "jq", "filter": ".out"}},
    });
    let folder = folder(&plan);
    let result = json_of(&at(folder.path(), &["run", "plan.json", "--json"]));
    let words: Vec<String> = result["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            format!(
                "{} {} {}",
                step["id"].as_str().unwrap(),
                step["status"].as_str().unwrap(),
                step["output"]
            )
        })
        .collect();
    assert_eq!(
        words,
        [
            "e failed null",
            "e[0] succeeded 1",
            "e[1] failed -2",
            "e[2] succeeded 3"
        ]
    );
    assert_eq!(result["error"]["type"], json!("ExpectationError"));
}

#[test]
fn an_expectation_that_takes_long_is_looked_at_elsewhere() {
    // What may become large is made in a process of its own.
    let made = json!({"n": 300_000});
    let (result, _) = run(&json!("('ab' * output.n) | length == 600000"), &made);
    assert_eq!(result["status"], json!("succeeded"), "{result}");
    let (result, _) = run(&json!("('ab' * output.n) | length == 1"), &made);
    let error = &result["steps"][0]["error"];
    assert_eq!(error["type"], json!("ExpectationError"), "{result}");
    assert_eq!(result["steps"][0]["output"], made);
}

#[test]
fn secrets_stay_out_of_what_is_told_of_an_expectation() {
    let plan = json!({
        "name": "secret",
        "steps": [{"id": "a", "tool": "say", "expect": "output.key == 'other'"}],
        "tools": {"say": {"type": "process", "command": ["sh", "-c", "printf '{\"key\":\"%s\"}' \"$API_KEY\""], "env": {"API_KEY": "${API_KEY}"}}},
    });
    let folder = folder(&plan);
    let mut command = plandeck();
    command
        .current_dir(folder.path())
        .env("API_KEY", "s3cr3t-value-of-the-key")
        .args(["run", "plan.json", "--json"]);
    let output = command.output().unwrap();
    let result = json_of(&output);
    assert_eq!(
        result["steps"][0]["error"]["type"],
        json!("ExpectationError"),
        "{result}"
    );
    let all = format!("{result}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!all.contains("s3cr3t-value"), "{all}");
}

#[test]
fn faults_are_found_before_anything_runs() {
    let cases = [
        (json!("output.total >"), "bad_expression"),
        (json!("{{ steps[nobody].output }}"), "unknown_reference"),
        (json!(7), "bad_field"),
        (json!([true]), "bad_field"),
        (json!(["output", ""]), "bad_field"),
        (json!({"type": "objct"}), "bad_field"),
    ];
    for (expect, code) in cases {
        let folder = folder(&plan(&expect));
        let output = at(
            folder.path(),
            &["run", "plan.json", "--headless", "-c", "made=1"],
        );
        assert_eq!(output.status.code(), Some(2), "{expect}");
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(words.contains("plan.json:1:"), "{words}");
        let checked = json_of(&at(
            folder.path(),
            &["check", "plan.json", "--json", "-c", "made=1"],
        ));
        let text = checked.to_string();
        assert!(text.contains(code), "{expect}: {text}");
    }
}
