//! A run is taken from its failure to success: by the command line alone, by HTTP alone, and by an agent alone. The model's
//! server proves that what had succeeded was not asked again.

use super::control::Live;
use super::mcp_server;
use crate::common::control::{answer, events, run_so_far, send, taken};
use crate::common::misread::{RIGHT, SAYS, asked, model, worker, write};
use crate::common::process::wait_until;
use crate::common::program::{code, json, plandeck, stderr, step};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

const KEY: (&str, &str) = ("OPENAI_API_KEY", "sk-none");

fn at(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = plandeck();
    command
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .env(KEY.0, KEY.1)
        .args(arguments);
    command.output().unwrap()
}

fn ids(list: &Value) -> Vec<&str> {
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| row["step"].as_str().unwrap()).collect()
}

/// What the correction runs again, and what stays; that it costs something, and not more than two calls can.
fn is_priced(preview: &Value) {
    assert_eq!(ids(&preview["reruns"]), ["total", "report"], "{preview}");
    assert_eq!(ids(&preview["stays"]), ["lines", "shop"], "{preview}");
    let cost = &preview["cost_usd"];
    let [least, most] = ["min", "max"].map(|bound| cost[bound].as_f64().unwrap());
    assert!(0.0 <= least && least < most && most < 0.02, "{cost}");
}

fn is_done(result: &Value) {
    assert_eq!(result["status"], "succeeded", "{result:#}");
    assert_eq!(step(result, "total")["output"], json!({"cents": 1200}));
    assert_eq!(step(result, "report")["output"], "It came to 12 euros.");
}

#[test]
fn by_the_command_line_alone() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let model = model();
    let worker = worker(&model);
    let worker: Vec<&str> = worker.iter().map(String::as_str).collect();
    let run = [
        "run",
        "plan.json",
        "--headless",
        "--json",
        "--break",
        "total:failure",
    ];
    let held = at(folder.path(), &[&run[..], &worker].concat());
    // It is held at its failure: what depends on it is not skipped.
    assert_eq!(code(&held), 4, "{}", stderr(&held));
    let [lines, wrong, right, report] = asked(&model);
    assert_eq!((lines, right, report), (1, 0, 0));
    assert!(wrong > 0);
    let raw = at(folder.path(), &["show", "last", "--raw", "total"]);
    let raw = String::from_utf8_lossy(&raw.stdout).into_owned();
    assert!(raw.contains(SAYS) && raw.contains("in words"), "{raw}");
    let edit = ["edit", "last", "total", "--prompt", RIGHT, "--json"];
    is_priced(&json(&at(
        folder.path(),
        &[&edit[..], &["--dry-run"]].concat(),
    )));
    assert_eq!(asked(&model), [1, wrong, 0, 0]);
    let done = at(folder.path(), &[&edit[..], &worker].concat());
    assert_eq!(code(&done), 0, "{}", stderr(&done));
    is_done(&json(&done));
    assert_eq!(asked(&model), [1, wrong, 1, 1]);
}

#[test]
fn by_http_alone() {
    let folder = tempfile::tempdir().unwrap();
    let plan = write(folder.path());
    let model = model();
    let worker = worker(&model);
    let more: Vec<&str> = worker.iter().map(String::as_str).collect();
    let live = Live::start(&plan, &[&more[..], &["--paused"]].concat());
    let socket = live.socket();
    let status_of = |id: &str| step(&run_so_far(&socket), id)["status"].clone();
    taken(&socket, &json!({"verb": "break", "step": "total:failure"}));
    for id in ["lines", "total"] {
        wait_until(id, || status_of(id) == "ready");
        taken(&socket, &json!({"verb": "step", "step": id}));
        wait_until(id, || {
            ["succeeded", "failed"]
                .iter()
                .any(|end| status_of(id) == *end)
        });
    }
    assert_eq!(status_of("total"), "failed");
    let wrong = asked(&model)[1];
    let said = events(&socket, 0)
        .find(|event| event["type"] == "step_held")
        .unwrap();
    assert_eq!(
        (&said["step"], &said["at"]),
        (&json!("total"), &json!("failure"))
    );
    let edit = json!({"verb": "edit", "step": "total", "prompt": RIGHT});
    let preview = send(&socket, "POST", "/v1/preview", &edit.to_string());
    let (status, preview) = answer(preview);
    assert_eq!(status, 200, "{preview}");
    // What has not run yet runs anyway.
    assert_eq!(ids(&preview["reruns"]), ["total"], "{preview}");
    assert_eq!(ids(&preview["stays"]), ["lines", "report", "shop"]);
    assert_eq!(asked(&model), [1, wrong, 0, 0]);
    taken(&socket, &edit);
    taken(&socket, &json!({"verb": "resume"}));
    is_done(&json(&live.end().1));
    assert_eq!(asked(&model), [1, wrong, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn by_an_agent_alone() {
    let folder = tempfile::tempdir().unwrap();
    let plan = write(folder.path());
    let model = tokio::task::spawn_blocking(model).await.unwrap();
    let home = folder.path().join("home");
    let variables = [KEY, ("PLANDECK_WORKER", "openai/gpt-4o-mini")];
    let url = model.url();
    let variables = [&variables[..], &[("OPENAI_BASE_URL", &*url)]].concat();
    let client = mcp_server::client_with(&home, &variables).await;
    let run = json!({"plan": plan.to_string()});
    let failed = mcp_server::done(&client, "run_plan", run).await;
    let id = failed["run_id"].clone();
    let status = mcp_server::until_ended(&client, &id).await;
    assert_eq!(status["status"], "failed", "{status:#}");
    let inspect = json!({"run_id": id, "step": "total"});
    let inspected = mcp_server::done(&client, "inspect_step", inspect).await;
    let text = inspected.to_string();
    assert!(
        text.contains(SAYS) && text.contains("in words"),
        "{inspected:#}"
    );
    let edit = json!({"run_id": id, "step": "total", "prompt": RIGHT});
    let mut preview = edit.clone();
    preview["verb"] = json!("edit");
    is_priced(&mcp_server::done(&client, "preview", preview).await);
    mcp_server::done(&client, "edit_step", edit).await;
    is_done(&mcp_server::until_ended(&client, &id).await);
    let counts = tokio::task::spawn_blocking(move || {
        let counts = asked(&model);
        drop(model);
        counts
    });
    let [lines, _, right, report] = counts.await.unwrap();
    assert_eq!([lines, right, report], [1, 1, 1]);
}
