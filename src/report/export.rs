//! A run in the formats of other programs.

use crate::run::{ExecutionResult, RunEvent, RunState, StepState, StepStatus};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The result of section "result" of the documentation, with `status` as the word of the run's state: a run that
/// was interrupted is `interrupted`, and its steps that were running are `unknown`.
pub fn result_of(run: &RunState, status: &str) -> Value {
    let mut result =
        serde_json::to_value(ExecutionResult::of(&as_it_stands(run, status))).unwrap_or_default();
    result["status"] = json!(status);
    result
}

/// The run with steps `unknown` that were running when it was interrupted.
fn as_it_stands(run: &RunState, status: &str) -> RunState {
    let mut run = run.clone();
    if status == "interrupted" {
        for at in 0..run.steps.len() {
            if run.steps[at].running_attempt().is_some() {
                run.steps[at].status = StepStatus::Unknown;
            }
        }
    }
    run
}

/// The events, one JSON object a line.
pub fn json_lines(events: &[RunEvent]) -> String {
    let lines = events
        .iter()
        .filter_map(|event| serde_json::to_string(event).ok());
    lines.fold(String::new(), |mut all, line| {
        all += &crate::text::escape_json(&line);
        all.push('\n');
        all
    })
}

const COLUMNS: &str = "id,tool,kind,status,source,reason,attempts,started_ms,ended_ms,latency_ms,cost_usd,model,input_tokens,cached_input_tokens,output_tokens,error,cache_write_tokens,reasoning_tokens\r\n";

/// A line for each step, with a head; `status` is the word of the run's state.
pub fn csv(run: &RunState, status: &str) -> String {
    let run = &as_it_stands(run, status);
    let mut text = COLUMNS.to_owned();
    let result = ExecutionResult::of(run);
    let kinds: std::collections::HashMap<&str, &str> = run
        .steps
        .iter()
        .map(|row| (&*row.info.id, &*row.info.kind))
        .collect();
    for step in &result.steps {
        let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
        let number =
            |value: Option<f64>| value.map(|number| number.to_string()).unwrap_or_default();
        let tokens = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
        let fields = [
            step.id.to_string(),
            step.tool.to_string(),
            kinds.get(&*step.id).copied().unwrap_or_default().to_owned(),
            step.status.word().to_owned(),
            word(json!(step.source)),
            word(json!(step.reason)),
            step.attempts.to_string(),
            number(step.started_ms),
            number(step.ended_ms),
            step.latency_ms.to_string(),
            number(step.cost.map(crate::units::Money::usd)),
            step.model.as_deref().unwrap_or_default().to_owned(),
            tokens(step.tokens.map(|tokens| tokens.input)),
            tokens(step.tokens.map(|tokens| tokens.cached_input)),
            tokens(step.tokens.map(|tokens| tokens.output)),
            step.error
                .as_ref()
                .map(|error| error.message.to_string())
                .unwrap_or_default(),
            tokens(step.tokens.and_then(|tokens| tokens.cache_write)),
            tokens(step.tokens.and_then(|tokens| tokens.reasoning)),
        ];
        let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        let _ = write!(text, "{}\r\n", fields.join(","));
    }
    text
}

/// As RFC 4180 has it.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// Attempts as the Trace Event Format has them, for Perfetto and `chrome://tracing`: a slot is a thread.
/// `status` is the word of the run's state.
pub fn trace(run: &RunState, status: &str) -> Value {
    let run = &as_it_stands(run, status);
    let mut events = Vec::new();
    for row in &run.steps {
        for attempt in &row.attempts {
            let end = attempt.end.as_ref().map_or(run.at, |(at, _)| *at);
            events.push(json!({
                "name": row.info.id,
                "cat": row.info.kind,
                "ph": "X",
                "pid": 1,
                "tid": attempt.slot + 1,
                "ts": attempt.started.0,
                "dur": (end - attempt.started).0,
                "args": arguments(row, attempt.number),
            }));
        }
    }
    let slots: std::collections::BTreeSet<u64> = events
        .iter()
        .filter_map(|event| event["tid"].as_u64())
        .collect();
    events.extend(slots.into_iter().map(|slot| {
        json!({"name": "thread_name", "ph": "M", "pid": 1, "tid": slot, "args": {"name": format!("slot {slot}")}})
    }));
    json!({"traceEvents": events, "displayTimeUnit": "ms"})
}

fn arguments(row: &StepState, attempt: u32) -> Value {
    json!({"tool": row.info.tool, "attempt": attempt, "status": row.status.word(), "cost_usd": row.cost})
}
