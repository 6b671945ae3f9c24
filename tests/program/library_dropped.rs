//! A run whose future is dropped: its calls end with it.

use crate::common::model_server::{Answer, ModelServer};
use crate::common::process::{STOP, assert_stopped_in_time, lives, wait_until};
use crate::common::program::HANG;
use plandeck::{Execution, ExecutionPlan, ResourceLimits, SmallModelWorker};
use serde_json::json;
use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// Runs until `begun`, and drops the run.
fn run_until(runtime: &tokio::runtime::Runtime, execution: Execution, begun: impl Fn() -> bool) {
    let deadline = Instant::now() + HANG;
    let mut running = Box::pin(execution.run());
    while !begun() {
        assert!(Instant::now() < deadline, "it begins");
        let ended = runtime.block_on(async {
            tokio::time::timeout(Duration::from_millis(20), &mut running).await
        });
        assert!(ended.is_err(), "it runs until it is dropped: {ended:?}");
    }
    let _inside = runtime.enter();
    drop(running);
}

fn worker(url: &str) -> SmallModelWorker {
    let key = |name: &str| (name == "OPENAI_API_KEY").then(|| "key".to_owned());
    let worker = SmallModelWorker::new("gpt-4o-mini");
    worker.environment(Arc::new(key)).base_url(url)
}

fn asking(steps: u32) -> ExecutionPlan {
    let plan = json!({
        "tools": {"ask": {"type": "model", "description": "answers"}},
        "steps": (0..steps).map(|n| json!({"id": n, "tool": "ask"})).collect::<Vec<_>>(),
    });
    ExecutionPlan::from_value(plan).unwrap()
}

#[test]
fn a_model_is_asked_nothing_more() {
    let server = ModelServer::start(vec![Answer {
        to: String::new(),
        says: json!("done"),
        after: Duration::from_millis(300),
    }]);
    let runtime = runtime();
    let limits = ResourceLimits {
        max_concurrent: Some(2),
        ..ResourceLimits::none()
    };
    let execution = Execution::new(&asking(20))
        .worker(&worker(&server.url()))
        .limits(limits);
    run_until(&runtime, execution, || server.requests().len() >= 2);
    let asked = server.requests().len();
    std::thread::sleep(STOP);
    assert_eq!(server.requests().len(), asked);
}

/// A server bills an answer even if no one waits for it; a client that hangs up may be spared the cost.
#[test]
fn a_request_that_is_not_answered_yet_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (asked, was_asked) = channel();
    let (hung_up, has_hung_up) = channel();
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut bytes = [0; 1024];
        // A request, and then nothing until the other side hangs up.
        while connection.read(&mut bytes).is_ok_and(|read| read > 0) {
            let _ = asked.send(());
        }
        let _ = hung_up.send(());
    });
    let runtime = runtime();
    let execution = Execution::new(&asking(1)).worker(&worker(&url));
    run_until(&runtime, execution, || was_asked.try_recv().is_ok());
    let dropped = Instant::now();
    assert!(has_hung_up.recv_timeout(HANG).is_ok());
    assert_stopped_in_time("the request", dropped.elapsed());
}

#[test]
fn a_program_is_gone_within_two_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!(
        "echo $$ > {0}.new; mv {0}.new {0}; exec sleep 600",
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
    wait_until("the program to end", || !lives(&pid));
    assert_stopped_in_time("the program", dropped.elapsed());
}
