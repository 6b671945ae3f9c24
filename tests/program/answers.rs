//! Questions of servers that another process answers: a command, a client of the socket, an agent.

use super::mcp::{call, project};
use super::mcp_server;
use crate::common::control::{answer, command, run_so_far, send, socket_in, taken};
use crate::common::process::{start, wait_until};
use crate::common::program::{code, json, plandeck, stderr, step};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Output};
use tempfile::TempDir;

/// A run without a screen, whose only step `greet` asks for a name.
struct Asking {
    folder: TempDir,
    child: Child,
}

impl Asking {
    fn start(mode: &str, within: &str) -> Self {
        let folder = project(".mcp.json", mode, &steps());
        let options = ["--answer-within", within];
        let child = start(folder.path(), &folder.path().join("home"), &options);
        Self { folder, child }
    }

    fn end(self) -> Value {
        json(&self.child.wait_with_output().unwrap())
    }
}

fn plandeck_in(folder: &Path, arguments: &[&str]) -> Output {
    plandeck()
        .env("PLANDECK_HOME", folder.join("home"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn steps() -> Value {
    json!([call("greet", "asks", &json!({}))])
}

fn asks(run: &Value) -> bool {
    run["questions"][0]["message"] == "Your name?"
}

#[test]
fn another_terminal_answers() {
    for mode in ["old", "new"] {
        let asking = Asking::start(mode, "60");
        let socket = socket_in(&asking.folder.path().join("home"));
        wait_until("the question", || asks(&run_so_far(&socket)));
        let asked = run_so_far(&socket)["questions"][0].clone();
        assert_eq!(asked["step"], "greet");
        assert_eq!(asked["schema"]["required"], json!(["n"]));
        for (given, says) in [
            ("{\"n\": \"A\"}", "is not what is asked for"),
            ("[1]", "a JSON object, decline or cancel"),
            ("{", "not valid JSON"),
        ] {
            let refused = plandeck_in(asking.folder.path(), &["answer", "last", "greet", given]);
            assert_eq!(code(&refused), 2, "{given}");
            assert!(stderr(&refused).contains(says), "{}", stderr(&refused));
        }
        let answered = plandeck_in(
            asking.folder.path(),
            &["answer", "last", "greet", "{\"n\": \"Ada\"}"],
        );
        assert_eq!(code(&answered), 0, "{}", stderr(&answered));
        let given = json!({"action": "accept", "content": {"n": "Ada"}});
        let result = json(&asking.child.wait_with_output().unwrap());
        assert_eq!(step(&result, "greet")["output"], given, "{mode}");
        let refused = plandeck_in(
            asking.folder.path(),
            &["answer", "last", "greet", "decline"],
        );
        assert_eq!(code(&refused), 2);
        assert!(
            stderr(&refused).contains("--answer STEP=JSON"),
            "{}",
            stderr(&refused)
        );
    }
}

#[test]
fn a_client_of_the_socket_answers_once() {
    let asking = Asking::start("new", "60");
    let socket = socket_in(&asking.folder.path().join("home"));
    wait_until("the question", || asks(&run_so_far(&socket)));
    for (request, expected, says) in [
        (
            json!({"verb": "answer", "step": "greet"}),
            400,
            "needs the answer",
        ),
        (
            json!({"verb": "answer", "step": "greet", "answer": 7}),
            400,
            "a JSON object",
        ),
        (
            json!({"verb": "answer", "step": "greet", "answer": {}}),
            400,
            "is not what is asked for",
        ),
        (
            json!({"verb": "skip", "step": "greet", "answer": {}}),
            400,
            "takes no \"answer\"",
        ),
    ] {
        let (status, body) = command(&socket, &request);
        let why = body["error"]["message"].as_str().unwrap();
        assert!(status == expected && why.contains(says), "{status} {why}");
    }
    let declined = json!({"verb": "answer", "step": "greet", "answer": "decline"});
    // What it would run again can be asked, and is nothing.
    let (status, preview) = answer(send(&socket, "POST", "/v1/preview", &declined.to_string()));
    assert_eq!((status, &preview["reruns"]), (200, &json!([])), "{preview}");
    taken(&socket, &declined);
    let result = asking.end();
    assert_eq!(step(&result, "greet")["output"]["action"], "decline");
}

#[test]
fn a_tool_that_is_called_alone_is_answered_by_an_option() {
    let folder = project(".mcp.json", "old", &steps());
    let called = |answer: &[&str]| {
        let call: &[&str] = &["tools", "call", "asks", "{}", "--mcp-config", ".mcp.json"];
        plandeck_in(folder.path(), &[call, answer].concat())
    };
    let done = called(&["--answer", "{\"n\": \"Ada\"}"]);
    assert_eq!(json(&done)["content"]["n"], "Ada", "{}", stderr(&done));
    let declined = called(&["--answer", "decline"]);
    assert_eq!(json(&declined)["action"], "decline");
    let nobody = called(&[]);
    assert_eq!(code(&nobody), 1);
    assert!(
        stderr(&nobody).contains("Your name?"),
        "{}",
        stderr(&nobody)
    );
    let wrong = called(&["--answer", "[1]"]);
    assert_eq!(code(&wrong), 2);
}

#[test]
fn where_nobody_answers_in_time_the_step_fails() {
    let result = Asking::start("old", "1").end();
    assert_eq!(result["status"], "failed");
    let error = step(&result, "greet")["error"].to_string();
    assert!(
        error.contains("Your name?") && error.contains("nobody has answered within 1 s"),
        "{error}"
    );
}

#[tokio::test]
async fn an_agent_answers() {
    let folder = project(".mcp.json", "new", &steps());
    let client = mcp_server::client(&folder.path().join("home")).await;
    let plan = folder.path().join("plan.json");
    let run = mcp_server::done(&client, "run_plan", json!({"plan": plan})).await;
    let run_id = run["run_id"].as_str().unwrap();
    let status = async || mcp_server::done(&client, "run_status", json!({"run_id": run_id})).await;
    while !asks(&status().await) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let given = |input: Value| json!({"run_id": run_id, "step": "greet", "input": input});
    let (is_error, refused) = mcp_server::call(&client, "answer_step", given(json!({}))).await;
    assert!(is_error, "{refused}");
    mcp_server::done(&client, "answer_step", given(json!({"n": "Ada"}))).await;
    let ended = loop {
        let now = status().await;
        if now["status"] != "running" {
            break now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!(
        step(&ended, "greet")["output"]["content"]["n"],
        "Ada",
        "{ended}"
    );
    client.cancel().await.unwrap();
}
