//! Calls that a server carries out as tasks.

use crate::common::scripted_mcp::{Scripted, error};
use crate::common::toolbox::{call, run};
use plandeck::tools::{Call, CallHandle, CallReport, Standing};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A call with what is recorded of its handle, in order with how often the server had been asked by then.
fn handled(input: Value) -> (Call, Arc<Mutex<Vec<String>>>) {
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&recorded);
    let handle = CallHandle::recorded_by(move |handle| {
        kept.lock().unwrap().push(handle.to_string());
        Box::pin(async {})
    });
    let call = Call {
        handle,
        ..call(input).0
    };
    (call, recorded)
}

#[tokio::test]
async fn a_task_is_asked_about_until_it_has_ended_in_both_lifecycles() {
    // The official server says in the result that the tool is only called as a task, others in an error.
    for (mode, tool) in [("old", "task"), ("old", "task_of_sdk"), ("new", "task")] {
        let scripted = Scripted::new(mode);
        let (call, recorded) = handled(json!({"polls": 3}));
        let report = scripted.tool(tool).call(call).await;
        let task = scripted.noted("tasks").remove(0);
        assert_eq!(*report.output.unwrap(), json!({"task": task}), "{mode}");
        assert_eq!(*recorded.lock().unwrap(), [task], "{mode}");
        let asked = scripted.noted("methods");
        let asked = asked.iter().filter(|it| *it == "tasks/get").count();
        assert_eq!(asked, 4, "{mode}");
        scripted.ends().await;
    }
}

#[tokio::test]
async fn the_handle_is_on_record_before_the_server_is_asked() {
    let scripted = Arc::new(Scripted::new("new"));
    let seen = Arc::clone(&scripted);
    let handle = CallHandle::recorded_by(move |_| {
        let asked = seen.noted("methods").contains(&"tasks/get".to_owned());
        assert!(!asked, "it was asked before");
        Box::pin(async {})
    });
    let call = Call {
        handle,
        ..call(json!({})).0
    };
    scripted.tool("task").call(call).await.output.unwrap();
}

#[tokio::test]
async fn a_task_that_fails_is_an_error_that_says_why() {
    for (mode, end, says) in [
        ("old", "failed", "no paper"),
        (
            "new",
            "failed",
            "\"task\" of the MCP server \"scripted\" failed: no paper (-32603)",
        ),
        ("old", "cancelled", "was cancelled at the server: 0 to go"),
        ("new", "cancelled", "was cancelled at the server: 0 to go"),
    ] {
        let scripted = Scripted::new(mode);
        let report = run(&scripted.tool("task"), json!({"end": end, "polls": 0})).await;
        let message = error(report).message;
        assert!(message.contains(says), "{mode} {end}: {message}");
        scripted.ends().await;
    }
}

#[tokio::test]
async fn how_a_task_stands_is_progress() {
    let scripted = Scripted::new("new");
    let (call, said) = call(json!({"polls": 2}));
    scripted.tool("task").call(call).await.output.unwrap();
    let said = said.lock().unwrap().clone();
    let expected = [
        "task working\r",
        "task working: 2 to go\r",
        "task working: 1 to go\r",
        "task completed: 0 to go\r",
    ];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_task_that_nobody_waits_for_any_more_is_cancelled() {
    for (mode, is_dropped) in [("old", false), ("new", false), ("new", true)] {
        let scripted = Scripted::new(mode);
        let (call, _) = handled(json!({"polls": 1_000_000}));
        let stop = call.cancel.clone();
        let waiting = tokio::spawn(scripted.tool("task").call(call));
        scripted
            .until("the question", |it| {
                it.noted("methods").contains(&"tasks/get".to_owned())
            })
            .await;
        if is_dropped {
            waiting.abort();
        } else {
            stop.cancel();
            let message = error(waiting.await.unwrap()).message;
            assert!(message.contains("had not ended the task"), "{message}");
        }
        scripted
            .until("the cancellation", |it| {
                it.noted("cancelled-tasks") == it.noted("tasks")
            })
            .await;
        scripted.ends().await;
    }
}

#[tokio::test]
async fn a_server_that_comes_back_without_the_task_is_no_success() {
    let scripted = Scripted::new("new");
    let message = error(run(&scripted.tool("task"), json!({"end": "dies"})).await).message;
    assert!(
        message.contains("\"scripted\" refused the question about the task task-")
            && message.contains("no task"),
        "{message}"
    );
    assert_eq!(scripted.noted("pids").len(), 2);
    scripted.ends().await;
}

async fn standing(scripted: &Scripted, task: &str) -> Standing {
    let call = Call {
        handle: CallHandle::default().known(Some(task.into())),
        ..call(json!({})).0
    };
    scripted.tool("task").look_up(call).unwrap().await
}

/// Begins a task and forgets it.
async fn begin(scripted: &Scripted, arguments: Value) -> String {
    let (call, recorded) = handled(arguments);
    let waiting = tokio::spawn(scripted.tool("task").call(call));
    while recorded.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    recorded.lock().unwrap().remove(0)
}

#[tokio::test]
async fn a_server_says_what_became_of_a_task() {
    for mode in ["old", "new"] {
        let scripted = Scripted::new(mode);
        let done = begin(&scripted, json!({"polls": 0})).await;
        let Standing::Ended(report) = standing(&scripted, &done).await else {
            panic!("{mode}: it has ended");
        };
        let CallReport { output, .. } = *report;
        assert_eq!(*output.unwrap(), json!({"task": done}));
        let open = begin(&scripted, json!({"polls": 1_000_000})).await;
        let Standing::Working(evidence) = standing(&scripted, &open).await else {
            panic!("{mode}: it goes on");
        };
        assert_eq!(evidence["status"], "working");
        let failed = begin(&scripted, json!({"polls": 0, "end": "failed"})).await;
        let Standing::Ended(report) = standing(&scripted, &failed).await else {
            panic!("{mode}: it has ended");
        };
        assert!(error(*report).message.contains("no paper"));
        let Standing::Unknown(why) = standing(&scripted, "task-of-somebody").await else {
            panic!("{mode}: nobody knows it");
        };
        assert!(why.contains("no task task-of-somebody"), "{why}");
        // A call with a handle waits for that task, and makes none.
        let before = scripted.noted("tasks").len();
        let call = Call {
            handle: CallHandle::default().known(Some(done.as_str().into())),
            ..call(json!({})).0
        };
        let report = scripted.tool("task").call(call).await;
        assert_eq!(*report.output.unwrap(), json!({"task": done}));
        assert_eq!(scripted.noted("tasks").len(), before);
        scripted.ends().await;
    }
}
