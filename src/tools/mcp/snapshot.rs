//! What a server says about a task, in the form of either lifecycle.

use crate::text::message::quote;
use rmcp::model::{CallToolResult, CustomResult, InputRequests, ServerResult};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How often a task is asked about where the server does not say.
const INTERVAL: Duration = Duration::from_secs(1);

/// The shortest and the longest interval that a server may ask for.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_mins(1));

/// A task as it stood at a moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub id: String,
    pub status: Status,
    /// What the server says about it, for people.
    pub said: Option<String>,
    /// How long it is not asked about.
    pub interval: Duration,
}

/// How a task stands.
#[derive(Debug)]
pub(super) enum Status {
    Working,
    /// Something is wanted before it goes on. In the lifecycle with a handshake, the server asks for it by itself once it is
    /// asked for the result.
    InputRequired(Option<InputRequests>),
    /// It has its result. In the lifecycle with a handshake, that is asked for.
    Completed(Option<Box<ServerResult>>),
    /// Why, as far as that is said.
    Failed(Option<String>),
    Cancelled,
}

impl Snapshot {
    /// The task that a result is about; `None` where it is about none.
    pub(super) fn of(result: &ServerResult) -> Option<Self> {
        match result {
            ServerResult::CreateTaskResult(_) | ServerResult::GetTaskResult(_) => {
                Self::read(&serde_json::to_value(result).ok()?)
            }
            ServerResult::CustomResult(custom) => {
                Self::read(custom.0.get("task").unwrap_or(&custom.0))
            }
            _ => None,
        }
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
        let id = text("taskId")?;
        let status = match value.get("status")?.as_str()? {
            "working" | "submitted" => Status::Working,
            "input_required" => {
                let wanted = value.get("inputRequests").cloned();
                Status::InputRequired(wanted.and_then(|wanted| serde_json::from_value(wanted).ok()))
            }
            "completed" => Status::Completed(value.get("result").map(|it| Box::new(result(it)))),
            "failed" => Status::Failed(value.get("error").map(of_error)),
            "cancelled" => Status::Cancelled,
            _ => return None,
        };
        let interval = value.get("pollIntervalMs").or(value.get("pollInterval"));
        let interval = interval
            .and_then(Value::as_f64)
            .and_then(|milliseconds| Duration::try_from_secs_f64(milliseconds / 1_000.0).ok());
        Some(Self {
            id,
            status,
            said: text("statusMessage").filter(|text| !text.trim().is_empty()),
            interval: interval.unwrap_or(INTERVAL).clamp(INTERVALS.0, INTERVALS.1),
        })
    }

    /// The word for its status.
    pub(super) fn word(&self) -> &'static str {
        match self.status {
            Status::Working => "working",
            Status::InputRequired(_) => "waiting for input",
            Status::Completed(_) => "completed",
            Status::Failed(_) => "failed",
            Status::Cancelled => "cancelled",
        }
    }

    /// What is kept of it as evidence.
    pub(super) fn evidence(&self) -> Value {
        let mut fields = Map::from_iter([("status".to_owned(), json!(self.word()))]);
        fields.extend(
            self.said
                .as_ref()
                .map(|said| ("message".to_owned(), json!(said))),
        );
        Value::Object(fields)
    }
}

/// The result of a call, as it would have come without a task.
pub(super) fn result(value: &Value) -> ServerResult {
    match serde_json::from_value::<CallToolResult>(value.clone()) {
        Ok(result) => ServerResult::CallToolResult(result),
        Err(_) => ServerResult::CustomResult(CustomResult::new(value.clone())),
    }
}

fn of_error(error: &Value) -> String {
    let message = error.get("message").and_then(Value::as_str);
    let code = error.get("code").and_then(Value::as_i64);
    let text = match (message, code) {
        (Some(message), Some(code)) => format!("{message} ({code})"),
        (Some(message), None) => message.to_owned(),
        _ => error.to_string(),
    };
    quote(&text, 4 << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(result: &Value) -> Option<Snapshot> {
        // As the library reads what comes over the wire.
        Snapshot::of(&serde_json::from_value(result.clone()).unwrap())
    }

    #[test]
    fn a_task_of_either_lifecycle_is_read() {
        let dates =
            json!({"createdAt": "2026-11-25T10:00:00Z", "lastUpdatedAt": "2026-11-25T10:00:00Z"});
        let with = |mut fields: Value| {
            let more = dates.as_object().unwrap().clone();
            fields.as_object_mut().unwrap().extend(more);
            fields
        };
        let new = with(
            json!({"resultType": "task", "taskId": "t", "status": "working", "ttlMs": null, "pollIntervalMs": 40}),
        );
        let new = of(&new).unwrap();
        assert_eq!((&*new.id, new.word()), ("t", "working"));
        assert_eq!(new.interval, Duration::from_millis(40));
        let old = json!({"task": with(json!({"taskId": "t", "status": "working", "ttl": 9, "pollInterval": 1}))});
        let old = of(&old).unwrap();
        assert_eq!((&*old.id, old.interval), ("t", INTERVALS.0));
        let ended = with(
            json!({"taskId": "t", "status": "completed", "ttl": null, "statusMessage": "all done"}),
        );
        let ended = of(&ended).unwrap();
        assert!(matches!(ended.status, Status::Completed(None)));
        assert_eq!(
            ended.evidence(),
            json!({"status": "completed", "message": "all done"})
        );
        let whole = with(
            json!({"resultType": "complete", "taskId": "t", "status": "completed", "ttlMs": 1,
            "result": {"content": [{"type": "text", "text": "hi"}]}}),
        );
        let Status::Completed(Some(result)) = of(&whole).unwrap().status else {
            panic!("a result");
        };
        assert!(matches!(*result, ServerResult::CallToolResult(_)));
        let failed = with(
            json!({"taskId": "t", "status": "failed", "ttlMs": 1, "error": {"code": -32603, "message": "boom"}}),
        );
        let Status::Failed(Some(why)) = of(&failed).unwrap().status else {
            panic!("a reason");
        };
        assert_eq!(why, "boom (-32603)");
    }

    #[test]
    fn other_results_are_about_no_task() {
        for result in [
            json!({}),
            json!({"content": []}),
            json!({"structuredContent": {"taskId": "t", "status": "working"}}),
            json!({"taskId": "t", "status": "dreaming"}),
            json!({"status": "working"}),
        ] {
            assert!(of(&result).is_none(), "{result}");
        }
    }
}
