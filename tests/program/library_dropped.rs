//! A run whose future is dropped: its calls end with it.

use crate::common::model_server::{Answer, ModelServer};
use plandeck::{Execution, ExecutionPlan, SmallModelWorker};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most time that what is dropped may go on.
const AT_MOST: Duration = Duration::from_secs(2);

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// Runs until `begun`, and drops the run.
fn run_until(runtime: &tokio::runtime::Runtime, execution: Execution, begun: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(30);
    let mut running = Box::pin(execution.run());
    while !begun() {
        assert!(Instant::now() < patience, "it begins");
        let ended = runtime.block_on(async {
            tokio::time::timeout(Duration::from_millis(20), &mut running).await
        });
        assert!(ended.is_err(), "it goes on until it is dropped: {ended:?}");
    }
    let _inside = runtime.enter();
    drop(running);
}

#[test]
fn a_model_is_asked_nothing_more() {
    // Not what the schema asks for, so that the model is asked again.
    let server = ModelServer::start(vec![Answer {
        to: String::new(),
        says: json!({"wrong": true}),
        after: Duration::from_millis(400),
    }]);
    let schema = json!({"type": "object", "required": ["right"]});
    let plan = json!({
        "tools": {"ask": {"type": "model", "description": "answers", "output_schema": schema}},
        "steps": [{"id": 1, "tool": "ask"}, {"id": 2, "tool": "ask"}],
    });
    let plan = ExecutionPlan::from_value(plan).unwrap();
    let key = |name: &str| (name == "OPENAI_API_KEY").then(|| "key".to_owned());
    let worker = SmallModelWorker::new("gpt-4o-mini")
        .environment(Arc::new(key))
        .base_url(&server.url());
    let runtime = runtime();
    let execution = Execution::new(&plan).worker(&worker);
    run_until(&runtime, execution, || server.requests().len() == 2);
    std::thread::sleep(AT_MOST);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_program_is_gone_within_two_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!(
        "echo $$ > {0}.new; mv {0}.new {0}; exec sleep 60",
        file.display()
    );
    let plan = json!({
        "tools": {"wait": {"type": "process", "command": ["sh", "-c", script]}},
        "steps": [{"id": 1, "tool": "wait"}],
    });
    let plan = ExecutionPlan::from_value(plan).unwrap();
    let runtime = runtime();
    run_until(&runtime, Execution::new(&plan), || file.exists());
    let dropped = Instant::now();
    let pid = std::fs::read_to_string(&file).unwrap();
    let process = Path::new("/proc").join(pid.trim());
    while process.exists() {
        assert!(dropped.elapsed() < AT_MOST, "{pid} is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}
