//! The temperature of a step and how long its answers may be, edited in a run: by the command line, over HTTP and by an
//! agent; taken back, forked, saved.

use super::mcp_server;
use crate::common::control::{answer, run_so_far, send, socket_in, taken};
use crate::common::model_server::{Answer, ModelServer};
use crate::common::process::{start, wait_until};
use crate::common::program::{code, json, plandeck, stderr, step};
use serde_json::{Value, json};
use std::process::Output;
use std::time::Duration;
use tempfile::TempDir;

const TOOLS: &str = "\
tools:
  # Writes.
  write: {type: model, prompt: 'Write to {{to}}.', max_tokens: 500}   # short
  same: {type: jq, filter: .}
";

const PLAN: &str = "\
name: greet
steps:
  - {id: words, tool: write, parameters: {to: Ada}}
  - {id: kept, tool: same, parameters: {text: '{{words}}'}}
";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.yaml"), PLAN).unwrap();
    std::fs::write(folder.path().join("tools.yaml"), TOOLS).unwrap();
    folder
}

fn server() -> ModelServer {
    ModelServer::start(vec![Answer {
        to: String::new(),
        says: json!("Hello"),
        after: Duration::ZERO,
    }])
}

fn at(folder: &TempDir, server: &ModelServer, arguments: &[&str]) -> Output {
    let mut command = plandeck();
    command
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .env("OPENAI_API_KEY", "k")
        .env("OPENAI_BASE_URL", server.url())
        .env("PLANDECK_WORKER", "openai/gpt-4o-mini")
        .args(arguments);
    command.output().unwrap()
}

fn done(folder: &TempDir, server: &ModelServer, arguments: &[&str]) -> Output {
    let output = at(folder, server, arguments);
    assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
    output
}

/// What the server was asked, each as temperature and maximum of tokens.
fn asked(server: &ModelServer) -> Vec<Value> {
    let requests = server.requests().into_iter();
    let of = |body: Value| json!([body["temperature"], body["max_tokens"]]);
    requests.map(|(_, body)| of(body)).collect()
}

#[test]
fn by_the_command_line_priced_taken_back_and_saved() {
    let (folder, server) = (folder(), server());
    let run = |arguments: &[&str]| done(&folder, &server, arguments);
    let first = json(&run(&["run", "plan.yaml", "--json"]));
    let id = first["run_id"].as_str().unwrap();
    let edit = [
        "edit",
        id,
        "words",
        "--temperature",
        "0.7",
        "--max-tokens",
        "60",
        "--json",
    ];
    let price = json(&run(&[&edit[..], &["--dry-run"]].concat()));
    assert_eq!(price["reruns"][0]["step"], "words", "{price}");
    let plain = json(&run(&["refresh", id, "words", "--dry-run", "--json"]));
    let most = |price: &Value| price["cost_usd"]["max"].as_f64().unwrap();
    assert!(
        most(&price) < most(&plain),
        "shorter answers cost less: {price} {plain}"
    );
    assert_eq!(asked(&server), [json!([0, 500])]);

    run(&edit);
    assert_eq!(asked(&server)[1..], [json!([0.7, 60])]);
    let explained = run(&["explain", id, "words"]);
    let explained = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(
        explained.contains("the user set its temperature: 0.7"),
        "{explained}"
    );
    assert!(
        explained.contains("the user set its most tokens of an answer: 60"),
        "{explained}"
    );
    // It holds when the run goes on, and in repeated calls; at this temperature no cached output is taken.
    run(&["retry", id, "words"]);
    run(&["flaky", id, "words", "-n", "1"]);
    run(&["flaky", id, "words", "-n", "1", "--temperature", "1"]);
    assert_eq!(
        asked(&server)[2..],
        [json!([0.7, 60]), json!([0.7, 60]), json!([1, 60])]
    );

    // A copy of the call as it was first is not paid for again.
    let calls = asked(&server).len();
    run(&["edit", id, "words", "--temperature", "default"]);
    assert_eq!(asked(&server)[calls..], [json!([0, 60])]);
    run(&["undo", id]);
    // What it gave at that temperature is on record, and is had back.
    assert_eq!(asked(&server).len(), calls + 1);
    let explained = run(&["explain", id, "words"]);
    let explained = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(explained.contains("not called"), "{explained}");

    let saving = json(&run(&["save", id, "--json"]));
    assert_eq!(saving["left_out"], json!([]), "{saving}");
    let tools = std::fs::read_to_string(folder.path().join("tools.yaml")).unwrap();
    let expected = TOOLS.replace("max_tokens: 500}", "max_tokens: 60, temperature: 0.7}");
    assert_eq!(tools, expected);
    let again = run(&["save", id]);
    assert!(
        stderr(&again).contains("nothing to save"),
        "{}",
        stderr(&again)
    );
    run(&["run", "plan.yaml", "--json"]);
    assert_eq!(asked(&server).last(), Some(&json!([0.7, 60])));
}

#[test]
fn what_cannot_be_is_refused() {
    let (folder, server) = (folder(), server());
    done(&folder, &server, &["run", "plan.yaml", "--json"]);
    for (arguments, why) in [
        (
            &["words", "--temperature", "2.5"][..],
            "a number from 0 to 2",
        ),
        (&["words", "--max-tokens", "0"], "at least 1"),
        (
            &["kept", "--temperature", "1"],
            "only model tools have a temperature",
        ),
    ] {
        let refused = at(&folder, &server, &[&["edit", "last"], arguments].concat());
        assert_eq!(code(&refused), 2, "{arguments:?}");
        assert!(stderr(&refused).contains(why), "{}", stderr(&refused));
    }
    let edit = [
        "edit",
        "last",
        "words",
        "--model",
        "o3",
        "--temperature",
        "1",
        "--json",
    ];
    let failed = at(&folder, &server, &edit);
    assert_eq!(code(&failed), 1);
    let failed = json(&failed);
    let why = step(&failed, "words")["error"]["message"].as_str().unwrap();
    assert!(
        why.contains("takes no temperature") && why.contains("--temperature default"),
        "{why}"
    );
    assert_eq!(asked(&server).len(), 1);
    let bad = json!({"tools": {"write": {"type": "model", "temperature": 7}}}).to_string();
    std::fs::write(folder.path().join("tools.yaml"), bad).unwrap();
    let refused = at(&folder, &server, &["run", "plan.yaml"]);
    assert_eq!(code(&refused), 2);
    assert!(
        stderr(&refused).contains("a number from 0 to 2"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn over_http_in_a_live_run() {
    let (folder, server) = (folder(), server());
    let wait = "tools:\n  write: {type: model, prompt: 'Write to {{to}}.'}\n  same: {type: process, command: [sh, -c, 'while [ ! -e go ]; do sleep 0.02; done; echo 1']}\n";
    std::fs::write(folder.path().join("tools.yaml"), wait).unwrap();
    let plan = PLAN.replace("{text: '{{words}}'}", "{}");
    std::fs::write(folder.path().join("plan.yaml"), plan).unwrap();
    std::fs::rename(
        folder.path().join("plan.yaml"),
        folder.path().join("plan.json"),
    )
    .unwrap();
    let url = server.url();
    let worker = ["--worker", "openai/gpt-4o-mini", "--base-url", &*url];
    let mut child = start(folder.path(), &folder.path().join("home"), &worker);
    let socket = socket_in(&folder.path().join("home"));
    let requests = |count| wait_until("a request", || asked(&server).len() == count);
    requests(1);
    wait_until("an answer", || {
        step(&run_so_far(&socket), "words")["status"] == "succeeded"
    });
    let (_, call) = answer(send(&socket, "GET", "/v1/model-call?step=words", ""));
    assert_eq!(
        (
            &call["takes_options"],
            &call["temperature"],
            &call["max_tokens"]
        ),
        (&json!(true), &json!(0), &json!(1000))
    );
    taken(
        &socket,
        &json!({"verb": "edit", "step": "words", "temperature": 1.5, "max_tokens": 9}),
    );
    requests(2);
    assert_eq!(asked(&server)[1], json!([1.5, 9]));
    wait_until("an answer", || {
        step(&run_so_far(&socket), "words")["status"] == "succeeded"
    });
    taken(
        &socket,
        &json!({"verb": "edit", "step": "words", "temperature": null}),
    );
    requests(3);
    assert_eq!(asked(&server)[2], json!([0, 9]));
    let wrong = json!({"verb": "edit", "step": "words", "temperature": 3}).to_string();
    let (status, refused) = answer(send(&socket, "POST", "/v1/commands", &wrong));
    assert_eq!(status, 400, "{refused}");
    // What is given again as it was before is not called again.
    wait_until("an answer", || {
        step(&run_so_far(&socket), "words")["status"] == "succeeded"
    });
    taken(
        &socket,
        &json!({"verb": "edit", "step": "words", "max_tokens": null}),
    );
    wait_until("an output", || {
        step(&run_so_far(&socket), "words")["status"] == "succeeded"
    });
    std::fs::write(folder.path().join("go"), "").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(asked(&server).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn by_an_agent() {
    let (folder, server) = (folder(), tokio::task::spawn_blocking(server).await.unwrap());
    let run = tokio::task::block_in_place(|| {
        json(&done(&folder, &server, &["run", "plan.yaml", "--json"]))
    });
    let home = folder.path().join("home");
    let url = server.url();
    let variables = [
        ("PLANDECK_WORKER", "openai/gpt-4o-mini"),
        ("OPENAI_API_KEY", "k"),
        ("OPENAI_BASE_URL", &*url),
    ];
    let client = mcp_server::client_with(&home, &variables).await;
    let edit =
        json!({"run_id": run["run_id"], "step": "words", "temperature": 0.5, "max_tokens": 40});
    let mut preview = edit.clone();
    preview["verb"] = json!("edit");
    let price = mcp_server::done(&client, "preview", preview).await;
    assert_eq!(price["reruns"][0]["step"], "words", "{price}");
    mcp_server::done(&client, "edit_step", edit).await;
    mcp_server::until_ended(&client, &run["run_id"]).await;
    let back = json!({"run_id": run["run_id"], "step": "words", "temperature": null});
    mcp_server::done(&client, "edit_step", back).await;
    mcp_server::until_ended(&client, &run["run_id"]).await;
    let (is_error, _) = mcp_server::call(
        &client,
        "edit_step",
        json!({"step": "words", "temperature": "hot"}),
    )
    .await;
    assert!(is_error);
    client.cancel().await.unwrap();
    let asked = tokio::task::block_in_place(|| asked(&server));
    assert_eq!(asked, [json!([0, 500]), json!([0.5, 40]), json!([0, 40])]);
    tokio::task::spawn_blocking(move || drop(server))
        .await
        .unwrap();
}
