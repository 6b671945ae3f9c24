//! Runs that take long as tasks of the protocol's extension.

use crate::common::program::command;
use rmcp::RoleClient;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, ClientCapabilities, ClientConfig,
    DetailedTask, GetTaskParams, Implementation, ProtocolVersion, TaskPayload, UpdateTaskParams,
};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt, RunningService};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

type Client = RunningService<RoleClient, ClientConfig>;

fn modes() -> [ClientLifecycleMode; 2] {
    let discover = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::LATEST],
    };
    [ClientLifecycleMode::Initialize, discover]
}

async fn client(folder: &Path, mode: ClientLifecycleMode, has_tasks: bool) -> Client {
    let mut plain = command();
    plain
        .env("PLANDECK_HOME", folder.join("home"))
        .env("PLANDECK_WORKER", "offline")
        .env("PLANDECK_TRUST", "1")
        .current_dir(folder)
        .arg("mcp");
    let mut child = Command::from(plain)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pipes = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let capabilities = if has_tasks {
        ClientCapabilities::builder().enable_tasks().build()
    } else {
        ClientCapabilities::default()
    };
    let config = ClientConfig::new(capabilities, Implementation::new("test", "1"));
    let client = config.serve_with_lifecycle(pipes, mode).await.unwrap();
    tokio::spawn(async move { child.wait().await });
    client
}

/// `gate` runs until there is a file of its name; `guarded` needs an approval; `sum` takes both.
fn plan(folder: &Path, gate: &str) -> Value {
    let file = folder.join(gate);
    let wait = format!(
        "until [ -e '{0}' ]; do sleep 0.02; done; cat '{0}'",
        file.display()
    );
    let plan = json!({
        "name": "long",
        "tools": {
            "wait": {"type": "process", "command": ["sh", "-c", wait]},
            "double": {"type": "jq", "filter": ".n * 2"},
            "add": {"type": "jq", "filter": ".a + .b"},
        },
        "steps": [
            {"id": "gate", "tool": "wait", "parameters": {}},
            {"id": "guarded", "tool": "double", "parameters": {"n": 4}, "approve": true},
            {"id": "sum", "tool": "add", "parameters": {"a": "{{gate}}", "b": "{{guarded}}"}},
        ],
    });
    json!({"plan": plan.to_string()})
}

async fn call(client: &Client, name: &'static str, arguments: Value) -> CallToolResponse {
    let mut request = CallToolRequestParams::new(name);
    request.arguments = arguments.as_object().cloned();
    client.call_tool_once(request).await.unwrap()
}

fn handle(response: CallToolResponse) -> String {
    match response {
        CallToolResponse::Task(created) => created.task.task_id,
        other => panic!("not a task: {other:?}"),
    }
}

async fn now(client: &Client, id: &str) -> DetailedTask {
    let got = client.get_task(GetTaskParams::new(id)).await.unwrap();
    got.task
}

/// Asks until the task stands like that.
async fn until<T>(
    client: &Client,
    id: &str,
    what: &str,
    is: impl Fn(&TaskPayload) -> Option<T>,
) -> T {
    let mut last = None;
    for _ in 0..1500 {
        let task = now(client, id).await;
        if let Some(found) = is(&task.payload) {
            return found;
        }
        last = Some(task);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} did not come: {last:?}")
}

fn result(payload: &TaskPayload) -> Option<Value> {
    match payload {
        TaskPayload::Completed { result } => Some(result["structuredContent"].clone()),
        _ => None,
    }
}

#[tokio::test]
async fn a_long_run_is_a_task_that_asks_and_ends() {
    for mode in modes() {
        let folder = tempfile::tempdir().unwrap();
        let client = client(folder.path(), mode, true).await;
        let id = handle(call(&client, "run_plan", plan(folder.path(), "go")).await);
        let asked = until(&client, &id, "the request", |payload| match payload {
            TaskPayload::InputRequired { input_requests } => Some(input_requests.clone()),
            _ => None,
        })
        .await;
        let (key, request) = asked.first_key_value().unwrap();
        let request = json!(request);
        assert_eq!(request["method"], "elicitation/create");
        let message = request["params"]["message"].as_str().unwrap();
        assert!(
            message.contains("guarded") && message.contains("{\"n\":4}"),
            "{message}"
        );
        let unknown = UpdateTaskParams::new(&id, [("nothing/1/x".to_owned(), json!({}))].into());
        let refused = client.update_task(unknown).await.unwrap_err();
        assert!(
            refused.to_string().contains("nothing asks that"),
            "{refused}"
        );
        let yes = json!({"action": "accept", "content": {"approve": true}});
        let answers = [(key.clone(), yes)];
        let given = client.update_task(UpdateTaskParams::new(&id, answers.clone().into()));
        given.await.unwrap();
        until(&client, &id, "work", |payload| {
            (*payload == TaskPayload::Working).then_some(())
        })
        .await;
        let again = client.update_task(UpdateTaskParams::new(&id, answers.into()));
        let again = again.await.unwrap_err().to_string();
        assert!(again.contains("waits for no approval"), "{again}");
        std::fs::write(folder.path().join("go"), "3").unwrap();
        let done = until(&client, &id, "the end", result).await;
        assert_eq!(
            (&done["status"], &done["result"]),
            (&json!("succeeded"), &json!(11))
        );
        // What has ended stays so.
        client
            .cancel_task(CancelTaskParams::new(&id))
            .await
            .unwrap();
        assert!(result(&now(&client, &id).await.payload).is_some());
    }
}

#[tokio::test]
async fn a_task_is_cancelled_and_what_goes_on_later_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let [_, mode] = modes();
    let client = client(folder.path(), mode, true).await;
    let first = handle(call(&client, "run_plan", plan(folder.path(), "go")).await);
    client
        .cancel_task(CancelTaskParams::new(&first))
        .await
        .unwrap();
    let is_cancelled = |payload: &TaskPayload| (*payload == TaskPayload::Cancelled).then_some(());
    until(&client, &first, "the cancellation", is_cancelled).await;
    let run = first.rsplit_once('.').unwrap().0.to_owned();
    let retry = json!({"run_id": run, "step": "gate"});
    let second = handle(call(&client, "retry_step", retry).await);
    assert_ne!(first, second);
    std::fs::write(folder.path().join("go"), "3").unwrap();
    let done = until(&client, &second, "the end", result).await;
    assert_eq!(done["run_id"], *run);
    assert_eq!(now(&client, &first).await.payload, TaskPayload::Cancelled);
    for unknown in ["", "x.0", "x", &format!("{run}.x"), &run] {
        let error = client.get_task(GetTaskParams::new(unknown)).await;
        assert!(error.is_err(), "{unknown}");
    }
}

#[tokio::test]
async fn who_does_not_know_tasks_gets_none() {
    let folder = tempfile::tempdir().unwrap();
    let [mode, _] = modes();
    let client = client(folder.path(), mode, false).await;
    let answer = call(&client, "run_plan", plan(folder.path(), "go")).await;
    let CallToolResponse::Complete(answer) = answer else {
        panic!("{answer:?}");
    };
    let status = answer.structured_content.unwrap();
    assert_eq!(status["status"], "running");
    let run = status["run_id"].clone();
    call(&client, "stop_run", json!({"run_id": run})).await;
}
