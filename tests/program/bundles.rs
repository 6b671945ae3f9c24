//! Recorded runs as plans that run again offline: `plandeck bundle` and `plandeck test`.

use crate::common::model_server::{Answer, ModelServer};
use crate::common::program::{code, json, plandeck, stderr, step};
use crate::common::samples::{sample, sample_folder};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use std::time::Duration;
use tempfile::TempDir;

/// A model reads an order, code computes its total, a program that fails at first books it, a list is booked element by
/// element, and one step fails for good.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let book = "n=$(cat tries 2>/dev/null | wc -l); echo try >> tries; \
        test $n -ge 1 || { echo the ledger is locked >&2; exit 75; }; cat";
    let plan = json!({
        "name": "orders",
        "tools": {
            "read": {"type": "model", "description": "Reads an order.", "prompt": "Order: {{text}} ({{key}})",
                "output_schema": {"type": "object"}},
            "total": {"type": "code_exec", "code": "@total.py"},
            "shape": {"type": "jq", "filter": "@shape.jq"},
            "book": {"type": "process", "command": ["sh", "-c", book], "idempotent": true},
            "send": {"type": "process", "command": ["sh", "-c", "cat > sent; echo no route >&2; exit 1"]},
        },
        "steps": [
            {"id": "read", "tool": "read", "parameters": {"text": "{{order}}", "key": "{{api_key}}"}},
            {"id": "total", "tool": "total", "parameters": {"items": "{{read.items}}"}},
            {"id": "book", "tool": "book", "parameters": {"total": "{{total}}"},
                "retry_policy": {"retries": 3, "backoff_s": 0.01}},
            {"id": "each", "tool": "book", "for_each": "{{read.items}}", "parameters": {"item": "{{item}}"},
                "depends_on": ["book"]},
            {"id": "shape", "tool": "shape", "parameters": {"all": "{{each}}"}},
            {"id": "send", "tool": "send", "parameters": {"total": "{{total}}"}},
            {"id": "late", "tool": "shape", "parameters": {"all": "{{send}}"}},
            {"id": "aside", "tool": "shape", "parameters": {"all": "{{unused}}"}},
        ],
    });
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    std::fs::write(
        folder.path().join("total.py"),
        "output = sum(i['price'] for i in input_data['items'])",
    )
    .unwrap();
    std::fs::write(folder.path().join("shape.jq"), "{count: (.all | length)}").unwrap();
    folder
}

fn server() -> ModelServer {
    ModelServer::start(vec![Answer {
        to: "two teas".into(),
        says: json!({"items": [{"name": "tea", "price": 3}, {"name": "tea", "price": 4}]}),
        after: Duration::ZERO,
    }])
}

fn run_with(folder: &Path, url: &str, arguments: &[&str]) -> Output {
    plandeck()
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .env("OPENAI_API_KEY", "k")
        .env("OPENAI_BASE_URL", url)
        .env("API_KEY", "sk-very-secret-1")
        .args(arguments)
        .output()
        .unwrap()
}

/// Runs the plan with a model, and gives the folder and the result.
fn recorded() -> (TempDir, Value) {
    let (folder, server) = (folder(), server());
    let arguments = [
        "run",
        "plan.json",
        "--json",
        "--worker",
        "openai/gpt-4o-mini",
        "-c",
        "order=two teas",
        "-c",
        "api_key=none",
        "-c",
        "unused={\"a\": 1}",
    ];
    let output = run_with(folder.path(), &server.url(), &arguments);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let result = json(&output);
    assert_eq!(step(&result, "book")["attempts"], 2, "{result:#}");
    (folder, result)
}

const NOWHERE: &str = "http://127.0.0.1:9/v1";

fn here(folder: &TempDir, arguments: &[&str]) -> Output {
    run_with(folder.path(), NOWHERE, arguments)
}

#[test]
fn a_bundle_runs_again_in_another_place_without_anything_outside() {
    let (folder, first) = recorded();
    let written = here(&folder, &["bundle", "last", "-o", "orders.json"]);
    assert_eq!(code(&written), 0, "{}", stderr(&written));
    let said = stderr(&written);
    assert!(said.contains("8 steps, 6 recorded calls"), "{said}");
    assert!(said.contains("run again, it comes out the same"), "{said}");

    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(
        folder.path().join("orders.json"),
        elsewhere.path().join("orders.json"),
    )
    .unwrap();
    std::fs::remove_file(folder.path().join("tries")).unwrap();
    let again = here(&elsewhere, &["run", "orders.json", "--json"]);
    assert_eq!(code(&again), 1, "{}", stderr(&again));
    let again = json(&again);
    for row in first["steps"].as_array().unwrap() {
        let id = row["id"].as_str().unwrap();
        let now = step(&again, id);
        for field in ["status", "output", "attempts", "tokens", "model", "reason"] {
            assert_eq!(now[field], row[field], "{id}: {field}");
        }
        assert_eq!(now["error"]["message"], row["error"]["message"], "{id}");
    }
    assert_eq!(again["cost"], 0.0, "nothing is spent again");
    assert!(!elsewhere.path().join("tries").exists() && !elsewhere.path().join("sent").exists());
    let tested = here(&elsewhere, &["test", ".", "--json"]);
    assert_eq!(code(&tested), 0, "{}", stderr(&tested));
    assert_eq!(json(&tested)[0]["same"], true);
}

#[test]
fn a_bundle_of_a_step_has_what_it_depends_on_and_no_more() {
    let (folder, _) = recorded();
    let written = here(&folder, &["bundle", "last", "send", "-o", "send.json"]);
    assert_eq!(code(&written), 0, "{}", stderr(&written));
    let bundle: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("send.json")).unwrap()).unwrap();
    let ids: Vec<&str> = bundle["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["read", "total", "send"]);
    assert_eq!(
        bundle["context"]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["order", "api_key"]
    );
    assert_eq!(
        bundle["metadata"]["bundle"]["expected"]["send"]["status"],
        "failed"
    );
    let unknown = here(&folder, &["bundle", "last", "sent", "-o", "x.json"]);
    assert_eq!(code(&unknown), 2);
    assert!(
        stderr(&unknown).contains("did you mean \"send\"?"),
        "{}",
        stderr(&unknown)
    );
    // Without a file it is printed.
    let printed = json(&here(&folder, &["bundle", "last", "send"]));
    assert_eq!(printed["steps"], bundle["steps"]);
}

#[test]
fn what_is_asked_otherwise_is_named_with_the_nearest_recording() {
    let (folder, _) = recorded();
    here(&folder, &["bundle", "last", "-o", "orders.json"]);
    let file = folder.path().join("orders.json");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("sum(i['price']"), "the code is in it");
    std::fs::write(&file, text.replace("sum(i['price']", "1 + sum(i['price']")).unwrap();
    let again = json(&here(&folder, &["run", "orders.json", "--json"]));
    let message = step(&again, "book")["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        message,
        "no recording of this call of book: the nearest is that of step book, which differs at .total: 8 instead of 7"
    );
    let tested = here(&folder, &["test", "."]);
    assert_eq!(code(&tested), 1, "{}", stderr(&tested));
    let text = String::from_utf8(tested.stdout).unwrap();
    assert!(text.contains("DIFFERS ./orders.json"), "{text}");
    assert!(
        text.contains("total: its output differs at .: 8 instead of 7"),
        "{text}"
    );
    assert!(text.contains("1 bundle, 1 of them different"), "{text}");
}

#[test]
fn what_the_user_changed_in_the_run_is_in_the_bundle() {
    let (folder, _) = recorded();
    for (verb, more) in [
        (
            "set",
            &["send", "--output", "{\"sent\": \"{{braces}}\"}"][..],
        ),
        (
            "edit",
            &["shape", "--input", "{\"all\": [1, 2, 3, \"{{x}}\"]}"],
        ),
        ("retry", &["late"]),
    ] {
        let arguments: Vec<&str> = [verb, "last"].iter().chain(more).copied().collect();
        let output = here(&folder, &arguments);
        assert!(code(&output) < 2, "{arguments:?}: {}", stderr(&output));
    }
    let shown = json(&here(&folder, &["show", "last", "--json"]));
    assert_eq!(
        step(&shown, "shape")["output"],
        json!({"count": 4}),
        "{shown:#}"
    );
    let written = here(&folder, &["bundle", "last", "-o", "orders.json"]);
    assert!(
        stderr(&written).contains("comes out the same"),
        "{}",
        stderr(&written)
    );
    let again = json(&here(&folder, &["run", "orders.json", "--json"]));
    for id in ["send", "late", "shape", "aside"] {
        let (now, then) = (step(&again, id), step(&shown, id));
        assert_eq!(
            (&now["status"], &now["output"]),
            (&then["status"], &then["output"]),
            "{id}"
        );
    }
}

#[test]
fn code_in_a_bundle_needs_trust_and_folders_without_bundles_are_named() {
    let (folder, _) = recorded();
    here(&folder, &["bundle", "last", "-o", "orders.json"]);
    let tested = |arguments: &[&str]| {
        plandeck()
            .current_dir(folder.path())
            .env("PLANDECK_HOME", folder.path().join("other"))
            .env_remove("PLANDECK_TRUST")
            .args(arguments)
            .output()
            .unwrap()
    };
    let refused = tested(&["test", "orders.json"]);
    assert_eq!(code(&refused), 2);
    assert!(stderr(&refused).contains("--trust"), "{}", stderr(&refused));
    let trusted = tested(&["test", "orders.json", "--trust", "--json"]);
    assert_eq!(json(&trusted)[0]["differences"], json!([]));
    let none = tested(&["test", "home"]);
    assert_eq!(code(&none), 2);
    assert!(
        stderr(&none).contains("plandeck bundle RUN"),
        "{}",
        stderr(&none)
    );
    let other = tested(&["test", "plan.json"]);
    assert!(
        stderr(&other).contains("it is no bundle"),
        "{}",
        stderr(&other)
    );
}

/// Every dialect, kind of tool and shape that the samples have.
#[test]
fn every_sample_comes_out_the_same_from_its_bundle() {
    let names = std::fs::read_dir(sample_folder("")).unwrap();
    let names = names
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().unwrap().is_dir());
    let tests = names.map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        std::thread::spawn(move || {
            let home = tempfile::tempdir().unwrap();
            let run = |arguments: &[&str]| {
                let mut command = plandeck();
                command.env("PLANDECK_HOME", home.path());
                command.args(arguments).output().unwrap()
            };
            let expected = std::fs::read(sample_folder(&name).join("expected.json")).unwrap();
            let expected: Value = serde_json::from_slice(&expected).unwrap();
            let given = expected["arguments"].as_array().into_iter().flatten();
            let plan = sample(&name);
            let mut arguments = vec!["run", plan.to_str().unwrap(), "--worker", "offline"];
            arguments.extend(["--headless", "--json"]);
            arguments.extend(given.filter_map(Value::as_str));
            let output = run(&arguments);
            assert_eq!(expected["exit"], code(&output), "{name}");
            let file = home.path().join("bundle.json");
            let written = run(&["bundle", "last", "-o", file.to_str().unwrap()]);
            let said = stderr(&written);
            assert!(said.contains("it comes out the same"), "{name}: {said}");
        })
    });
    for test in tests.collect::<Vec<_>>() {
        test.join().unwrap();
    }
}
