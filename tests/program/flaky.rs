//! How often the answers of a step agree: `plandeck flaky`.

#[cfg(target_os = "linux")]
mod bisect;
mod recorded_catalog;

use crate::common::model_server::ModelServer;
use crate::common::program::{code, json, plandeck, stderr};
use serde_json::{Value, json};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use wiremock::{Request, Respond, ResponseTemplate};

/// Says `tea` to every fourth request that asks for a drink, `coffee` to the others, and the number of the request.
#[derive(Default)]
struct Waiter(AtomicUsize);

impl Respond for Waiter {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let asked = body["messages"].to_string();
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        let drink = if number % 4 == 3 { "tea" } else { "coffee" };
        let kind = if asked.contains("Politely") {
            "polite"
        } else {
            "plain"
        };
        let says = json!({"drink": drink, "kind": kind, "number": number}).to_string();
        ResponseTemplate::new(200).set_body_json(json!({
            "id": "chatcmpl-1", "object": "chat.completion", "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": says}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        }))
    }
}

/// `guest` → `order` (a model) → `bill` (a program that may change something); and a step that is never called.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let object = json!({"type": "object"});
    let plan = json!({
        "name": "bar",
        "tools": {
            "guest": {"type": "jq", "filter": "{name: \"Ann\", mood: .mood}"},
            "order": {"type": "model", "description": "Takes an order.", "prompt": "What does {{guest}} drink?",
                "output_schema": object},
            "bill": {"type": "process", "command": ["sh", "-c", "cat >> bills; echo 1"]},
            "flip": {"type": "process", "read_only": true, "command": ["sh", "-c",
                "test -e flop && { rm flop; echo no luck >&2; exit 1; }; touch flop; echo 2"]},
        },
        "steps": [
            {"id": "guest", "tool": "guest", "parameters": {"mood": "sleepy"}},
            {"id": "order", "tool": "order", "parameters": {"guest": "{{guest}}"}},
            {"id": "bill", "tool": "bill", "parameters": {"of": "{{order}}"}},
            {"id": "flip", "tool": "flip", "parameters": {}, "retry_policy": {"retries": 2}},
            {"id": "never", "tool": "guest", "run_if": "false", "parameters": {"mood": "none"}},
            {"id": "each", "tool": "guest", "for_each": [1, 2], "parameters": {"mood": "{{item}}"}},
        ],
    });
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    folder
}

fn run(folder: &TempDir, server: &ModelServer, arguments: &[&str]) -> Output {
    plandeck()
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .env("PLANDECK_WORKER", "openai/gpt-4o-mini")
        .env("OPENAI_API_KEY", "k")
        .env("OPENAI_BASE_URL", server.url())
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn the_answers_of_a_step_are_counted_and_priced() {
    let (folder, server) = (folder(), ModelServer::answering(Waiter::default()));
    let first = run(&folder, &server, &["run", "plan.json", "--json"]);
    assert_eq!(code(&first), 0, "{}", stderr(&first));
    let cost = json(&first)["cost"].as_f64().unwrap();
    assert!(cost > 0.0);
    let run_id = json(&first)["run_id"].as_str().unwrap().to_owned();

    let dry = run(
        &folder,
        &server,
        &["flaky", &run_id, "order", "-n", "7", "--dry-run", "--json"],
    );
    let dry = json(&dry);
    let expected = dry["cost_usd"]["expected"].as_f64().unwrap();
    assert!((expected - 7.0 * cost).abs() < 1e-9, "{dry}");
    assert!(dry["cost_usd"]["max"].as_f64().unwrap() > expected);
    assert_eq!(server.requests().len(), 1, "nothing is asked");

    let found = run(
        &folder,
        &server,
        &[
            "flaky", &run_id, "order", "-n", "7", "--by", ".drink", "--json",
        ],
    );
    assert_eq!(code(&found), 0, "{}", stderr(&found));
    assert!(
        stderr(&found).contains("7 calls of step order: $"),
        "{}",
        stderr(&found)
    );
    let found = json(&found);
    // The requests 1 to 7: two of them, the numbers 3 and 7, are answered with tea.
    assert_eq!(
        (&found["step"], &found["n"], &found["failed"]),
        (&json!("order"), &json!(7), &json!(0))
    );
    assert_eq!(
        found["answers"],
        json!([{"output": "coffee", "count": 5}, {"output": "tea", "count": 2}])
    );
    assert!((found["agreement"].as_f64().unwrap() - 5.0 / 7.0).abs() < 1e-9);
    assert_eq!(found["interval"], json!([0.3589, 0.9178]));
    assert!((found["cost"].as_f64().unwrap() - 7.0 * cost).abs() < 1e-9);
    let requests = server.requests();
    assert_eq!(requests.len(), 8);
    assert_eq!(
        requests[0].1["messages"], requests[7].1["messages"],
        "the recorded input"
    );
    // It is a run of its own; the first one is as it was, and the program with effects ran once.
    let bills = std::fs::read_to_string(folder.path().join("bills")).unwrap();
    assert_eq!(bills.matches("drink").count(), 1);
    let shown = json(&run(
        &folder,
        &server,
        &["flaky", "last", "order", "-n", "1", "--json"],
    ));
    assert_eq!(
        shown["n"], 1,
        "the last run, which only repeats a call, stands for the first one: {shown}"
    );
}

#[test]
fn whole_answers_differ_and_another_prompt_is_tried() {
    let (folder, server) = (folder(), ModelServer::answering(Waiter::default()));
    run(&folder, &server, &["run", "plan.json", "--json"]);
    let all = [
        "flaky",
        "last",
        "order",
        "-n",
        "3",
        "--prompt",
        "Politely: {{guest}}?",
        "--model",
        "gpt-4o",
        "--json",
    ];
    let found = json(&run(&folder, &server, &all));
    assert_eq!(
        found["answers"].as_array().unwrap().len(),
        3,
        "the number differs: {found}"
    );
    assert_eq!(found["answers"][0]["output"]["kind"], "polite");
    assert_eq!(server.requests()[3].1["model"], "gpt-4o");

    let text = run(
        &folder,
        &server,
        &["flaky", "last", "order", "-n", "4", "--by", ".kind"],
    );
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("4  100 %"), "{text}");
    assert!(
        text.contains("agreement 100 % of 4 calls of step order (95 % interval 51 % to 100 %)"),
        "{text}"
    );
}

#[test]
fn calls_that_fail_agree_with_nothing() {
    let (folder, server) = (folder(), ModelServer::answering(Waiter::default()));
    run(&folder, &server, &["run", "plan.json", "--json"]);
    std::fs::write(folder.path().join("flop"), "").unwrap();
    let arguments = [
        "flaky",
        "last",
        "flip",
        "-n",
        "1",
        "--max-concurrent",
        "1",
        "--json",
    ];
    let found = run(&folder, &server, &arguments);
    assert_eq!(code(&found), 0, "{}", stderr(&found));
    let found = json(&found);
    assert_eq!(
        (&found["n"], &found["failed"]),
        (&json!(1), &json!(0)),
        "a retry is part of a call: {found}"
    );

    // The plan as it is now decides how often a call is retried.
    let plan = std::fs::read_to_string(folder.path().join("plan.json")).unwrap();
    std::fs::write(
        folder.path().join("plan.json"),
        plan.replace("\"retries\":2", "\"retries\":1"),
    )
    .unwrap();
    let runs = json(&run(&folder, &server, &["runs", "--json"]));
    let first = runs.as_array().unwrap().last().unwrap()["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    std::fs::write(folder.path().join("flop"), "").unwrap();
    let arguments = [
        "flaky",
        &first,
        "flip",
        "-n",
        "3",
        "--max-concurrent",
        "1",
        "--json",
    ];
    let found = json(&run(&folder, &server, &arguments));
    assert_eq!(
        (&found["n"], &found["failed"]),
        (&json!(3), &json!(2)),
        "{found}"
    );
    assert_eq!(found["errors"][0]["count"], 2);
    assert!(
        found["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("no luck")
    );
    assert_eq!(found["answers"], json!([{"output": 2, "count": 1}]));
}

#[test]
fn what_cannot_be_repeated_is_refused_with_the_remedy() {
    let (folder, server) = (folder(), ModelServer::answering(Waiter::default()));
    run(&folder, &server, &["run", "plan.json", "--json"]);
    for (arguments, words) in [
        (&["bill"][..], "--allow-effects"),
        (&["never"], "was not called"),
        (&["each"], "each[0]"),
        (&["ordr"], "did you mean \"order\"?"),
        (&["guest", "--prompt", "x"], "asks no model"),
        (&["order", "--by", ".["], "--by"),
        (&["order", "-n", "0"], "1..=10000"),
    ] {
        let all: Vec<&str> = ["flaky", "last"].iter().chain(arguments).copied().collect();
        let refused = run(&folder, &server, &all);
        assert_eq!(code(&refused), 2, "{arguments:?}");
        assert!(
            stderr(&refused).contains(words),
            "{arguments:?}: {}",
            stderr(&refused)
        );
    }
    assert_eq!(server.requests().len(), 1);
    let all = [
        "flaky",
        "last",
        "bill",
        "-n",
        "2",
        "--allow-effects",
        "--json",
    ];
    let found = json(&run(&folder, &server, &all));
    assert_eq!(found["n"], 2, "{found}");
    // A budget stops it, and what was counted by then is printed.
    let stopped = [
        "flaky",
        "last",
        "order",
        "-n",
        "5",
        "--max-tool-calls",
        "2",
        "--json",
    ];
    let first = json(&run(&folder, &server, &["runs", "--json"]));
    let first = first.as_array().unwrap().last().unwrap()["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let stopped: Vec<&str> = stopped
        .iter()
        .map(|&one| if one == "last" { &*first } else { one })
        .collect();
    let stopped = run(&folder, &server, &stopped);
    assert_eq!(code(&stopped), 3, "{}", stderr(&stopped));
    assert_eq!(json(&stopped)["n"], 2);
}

#[test]
fn how_reliable_a_plan_is_counts_its_runs_and_its_repeated_calls() {
    let folder = folder();
    let server = ModelServer::answering(Waiter::default());
    let check = || json(&run(&folder, &server, &["check", "plan.json", "--json"]));
    assert_eq!(check()["reliability"], Value::Null, "nothing is on record");
    run(&folder, &server, &["run", "plan.json", "--json", "--fresh"]);
    run(
        &folder,
        &server,
        &[
            "flaky", "last", "order", "-n", "8", "--by", ".drink", "--json",
        ],
    );
    let found = &check()["reliability"];
    let of = |id: &str| {
        let steps = found["steps"].as_array().unwrap();
        steps
            .iter()
            .find(|step| step["step"] == id)
            .unwrap()
            .clone()
    };
    let order = of("order");
    assert_eq!(
        (&order["succeeded"], &order["ended"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        (&order["agreeing"], &order["repeated"]),
        (&json!(6), &json!(8))
    );
    assert_eq!(
        found["steps"][0]["step"], "order",
        "the weakest comes first"
    );
    assert_eq!(found["expected"], 0.75);
    assert_eq!(found["unknown"], json!(["never"]));
    let text = String::from_utf8(run(&folder, &server, &["check", "plan.json"]).stdout).unwrap();
    assert!(text.contains("reliability    75 % ("), "{text}");
    assert!(
        text.contains("order 75 %: succeeded in 1 of 1 run, 6 of 8 repeated calls agree"),
        "{text}"
    );
    // A step that is defined otherwise by now has another record.
    let plan = std::fs::read_to_string(folder.path().join("plan.json")).unwrap();
    let other = plan.replace(
        "What does {{guest}} drink?",
        "Politely: what does {{guest}} drink?",
    );
    std::fs::write(folder.path().join("plan.json"), other).unwrap();
    assert_eq!(check()["reliability"]["unknown"], json!(["order", "never"]));
}
