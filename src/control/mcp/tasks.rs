//! Runs as tasks of the protocol's extension: a call that takes long is answered with a handle, which the client asks for
//! how it stands, and which holds beyond this process.
//!
//! A handle is `RUN.N`: what the run does from its event number `N` on, up to the end after it. So a run that goes on again
//! later is another task, and one that has ended stays as it ended.

use super::calls::{command, find, unreadable};
use crate::control::client::Client;
use crate::control::error::ControlError;
use crate::control::verb::CommandRequest;
use crate::report::result_of;
use crate::run::{EventKind, RunEvent, RunOutcome, RunState, RunSummary, RunWord};
use crate::store::Store;
use jiff::Timestamp;
use rmcp::model::{
    CallToolResult, DetailedTask, InputRequest, InputRequests, InputResponses, JsonObject, Task,
    TaskPayload, TaskStatus,
};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often a client should ask, in milliseconds.
const ASK_EVERY_MS: u64 = 500;

/// The handle of what a run is doing, where the answer to a call says that it is still running.
pub(super) fn begun(answer: &Value) -> Option<Task> {
    if answer["status"] != RunWord::Running.word() {
        return None;
    }
    let (store, run) = find(answer["run_id"].as_str()?).ok()?;
    // What was on disk before this part of the run began is there.
    let events = store.events(&run, 0).ok()?;
    let ends = events.iter().rfind(|event| is_end(event));
    let from = ends.map_or(0, |end| end.seq + 1);
    Some(task(&run, from, TaskStatus::Working))
}

/// How a task stands.
///
/// # Errors
/// Where there is no such task, or its run cannot be read.
pub(super) async fn now(id: &str) -> Result<DetailedTask, ControlError> {
    let (store, run, from) = of_handle(id)?;
    let task = |status| task(&run, from, status);
    if let Some(client) = live(&store, &run)
        && let Ok(result) = client.run().await
        && result["status"] == RunWord::Running.word()
        && result["events"]
            .as_u64()
            .is_some_and(|events| from <= events)
        && end_after(&store, &run, from)?.is_none()
    {
        let requests = requests(&result);
        return Ok(if requests.is_empty() {
            let task = task(TaskStatus::Working);
            DetailedTask::new(
                task.with_status_message(progress(&result)),
                TaskPayload::Working,
            )
        } else {
            let payload = TaskPayload::InputRequired {
                input_requests: requests,
            };
            DetailedTask::new(task(TaskStatus::InputRequired), payload)
        });
    }
    let (_, run) = find(&run.run_id)?;
    Ok(match end_after(&store, &run, from)? {
        Some((RunOutcome::Cancelled, _)) => {
            DetailedTask::new(task(TaskStatus::Cancelled), TaskPayload::Cancelled)
        }
        Some((outcome, state)) => {
            let result = result_of(&state, RunWord::from(outcome).word());
            let result = object(json!(CallToolResult::structured(result)));
            DetailedTask::new(
                task(TaskStatus::Completed),
                TaskPayload::Completed { result },
            )
        }
        None if run.status == RunWord::Running => {
            DetailedTask::new(task(TaskStatus::Working), TaskPayload::Working)
        }
        None => {
            let message = format!(
                "the process of the run is gone; what had ended is on record: plandeck resume {}",
                run.run_id
            );
            let error = object(json!({"code": -32603, "message": message}));
            DetailedTask::new(task(TaskStatus::Failed), TaskPayload::Failed { error })
        }
    })
}

/// Gives the answers to what the calls and approvals of a task ask.
///
/// # Errors
/// Where one is not asked (any more), or is not as it is asked for; the others are given.
pub(super) async fn answer(
    program: &Arc<Path>,
    id: &str,
    responses: InputResponses,
) -> Result<(), ControlError> {
    let (_, run, _) = of_handle(id)?;
    let mut faults = Vec::new();
    for (key, response) in responses {
        let given = match request_of(&key, &response) {
            Some(request) => command(program, &run.run_id, request, &[]).await,
            None => Err(ControlError::BadRequest(format!(
                "{key}: nothing asks that"
            ))),
        };
        faults.extend(given.err().map(|error| error.to_string()));
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(ControlError::NotNow(faults.join("; ")))
}

/// Stops the run of a task; one that has ended stays as it is.
///
/// # Errors
/// Where there is no such task, or its run does not answer.
pub(super) async fn cancel(id: &str) -> Result<(), ControlError> {
    let (store, run, from) = of_handle(id)?;
    let Some(client) = live(&store, &run) else {
        return Ok(());
    };
    if end_after(&store, &run, from)?.is_some() {
        return Ok(());
    }
    let stop = CommandRequest {
        verb: "stop".to_owned(),
        ..CommandRequest::default()
    };
    let stopped = client.command(&stop).await;
    stopped.map_err(|error| ControlError::NotNow(error.to_string()))?;
    Ok(())
}

fn of_handle(id: &str) -> Result<(Store, RunSummary, u64), ControlError> {
    let none = || ControlError::NotFound(format!("no task is called {id:?}"));
    let (run, from) = id.rsplit_once('.').ok_or_else(none)?;
    let from = from.parse().map_err(|_| none())?;
    let (store, summary) = find(run)?;
    // The beginning of an id would do for a command, and is no handle.
    if *summary.run_id == *run {
        Ok((store, summary, from))
    } else {
        Err(none())
    }
}

fn live(store: &Store, run: &RunSummary) -> Option<Client> {
    Client::of_run(store.home(), &run.run_id)
}

fn task(run: &RunSummary, from: u64, status: TaskStatus) -> Task {
    let started: Result<Timestamp, _> = run.started_at.parse();
    let started = started.unwrap_or_else(|_| Timestamp::now());
    let changed = if run.status == RunWord::Running {
        Timestamp::now()
    } else {
        let took = Duration::from_micros(run.latency.0);
        started.saturating_add(took).unwrap_or(started)
    };
    let id = format!("{}.{from}", run.run_id);
    let task = Task::new(id, status, started.to_string(), changed.to_string());
    task.with_poll_interval_ms(ASK_EVERY_MS)
}

fn is_end(event: &RunEvent) -> bool {
    matches!(event.kind, EventKind::RunEnded { .. })
}

/// The first end of the run from an event on, and its state there.
fn end_after(
    store: &Store,
    run: &RunSummary,
    from: u64,
) -> Result<Option<(RunOutcome, RunState)>, ControlError> {
    let new = store
        .events(run, from)
        .map_err(|error| unreadable(&error))?;
    let Some(end) = new.iter().find(|event| is_end(event)) else {
        return Ok(None);
    };
    let EventKind::RunEnded {
        status: outcome, ..
    } = end.kind
    else {
        return Ok(None);
    };
    let mut events = store.events(run, 0).map_err(|error| unreadable(&error))?;
    events.retain(|event| event.seq <= end.seq);
    Ok(Some((outcome, RunState::from_events(&events))))
}

/// What the run waits for the user to say.
fn requests(result: &Value) -> InputRequests {
    let list = |name: &str| result[name].as_array().cloned().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let questions = list("questions").into_iter().map(|asked| {
        let key = format!(
            "answer/{}.{}/{}",
            asked["attempt"],
            asked["number"],
            word(&asked["step"])
        );
        let params = match asked["url"].as_str() {
            Some(url) => json!({"mode": "url", "message": asked["message"], "url": url}),
            None => json!({
                "mode": "form",
                "message": asked["message"],
                "requestedSchema": match &asked["schema"] {
                    Value::Null => json!({"type": "object", "properties": {}}),
                    schema => schema.clone(),
                },
            }),
        };
        (key, params)
    });
    let approvals = list("approvals").into_iter().map(|asked| {
        let key = format!("approve/{}/{}", word(&asked["call"]), word(&asked["step"]));
        let message = format!(
            "Step {} needs an approval. It would be called with {}",
            asked["step"], asked["input"]
        );
        let grant = json!({"type": "boolean", "title": "Make the call"});
        let schema =
            json!({"type": "object", "properties": {"approve": grant}, "required": ["approve"]});
        (
            key,
            json!({"mode": "form", "message": message, "requestedSchema": schema}),
        )
    });
    let asked = questions.chain(approvals);
    let requests = asked.filter_map(|(key, params)| {
        let request = json!({"method": "elicitation/create", "params": params});
        // A schema that the protocol's types do not hold is answered with `answer_step`.
        let request: InputRequest = serde_json::from_value(request).ok()?;
        Some((key, request))
    });
    requests.collect()
}

/// The command that gives the answer to a request; `None` where no request has such a key.
fn request_of(key: &str, response: &Value) -> Option<CommandRequest> {
    let mut parts = key.splitn(3, '/');
    let (what, of, step) = (parts.next()?, parts.next()?, parts.next()?);
    let accepts = response["action"] == "accept";
    let request = CommandRequest {
        step: Some(step.to_owned()),
        ..CommandRequest::default()
    };
    match what {
        "answer" => Some(CommandRequest {
            verb: "answer".to_owned(),
            answer: Some(match response["action"].as_str() {
                Some("accept") => match &response["content"] {
                    Value::Null => json!({}),
                    content => content.clone(),
                },
                Some(action @ ("decline" | "cancel")) => json!(action),
                _ => return None,
            }),
            ..request
        }),
        "approve" => Some(CommandRequest {
            verb: "approve".to_owned(),
            off: !(accepts && response["content"]["approve"] == true),
            call: Some(of.into()),
            ..request
        }),
        _ => None,
    }
}

fn progress(result: &Value) -> String {
    let steps = result["steps"].as_array().map_or(0, Vec::len);
    format!("{} of {steps} steps are done", result["steps_completed"])
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}
