//! The record of a promptflow run: `{"flow_runs": [...], "node_runs": [...]}`, as `detail.json` and the outputs of a run
//! have it, or one node run a line.

use super::span::{Span, SpanKind};
use super::value::{given, moment, number, text, tokens};
use super::{Recorded, Text};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn read(text: &Text<'_>) -> Option<Result<Recorded, String>> {
    let mut recorded = Recorded::default();
    for (at, line) in text.values.iter().enumerate() {
        let value: Value = match serde_json::from_str(line) {
            Ok(value) => value,
            Err(_) if at == 0 => return None,
            Err(error) => return Some(Err(format!("line {}: {error}", at + 1))),
        };
        let is_detail = value.get("node_runs").is_some_and(Value::is_array);
        let is_line = value
            .get("run_info")
            .is_some_and(|run| run.get("node").is_some());
        if !is_detail && !is_line {
            return None;
        }
        let list = |name: &str| {
            value
                .get(name)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        };
        for flow in list("flow_runs") {
            recorded.spans.push(Span {
                name: super::value::text(flow, "name").unwrap_or_else(|| "flow".into()),
                ..read_run(flow, "flow", SpanKind::Group)
            });
        }
        let of_line = is_line.then(|| &value["run_info"]);
        for node in list("node_runs").chain(of_line) {
            recorded.spans.push(read_node(node));
        }
    }
    Some(Ok(recorded))
}

fn read_node(node: &Value) -> Span {
    let metrics = node.get("system_metrics").unwrap_or(&Value::Null);
    let count = |name: &str| {
        metrics
            .get(name)
            .and_then(number)
            .filter(|count| *count > 0)
    };
    let tokens = tokens(count("prompt_tokens"), count("completion_tokens"));
    let calls = node.get("api_calls").and_then(Value::as_array);
    let mut asked = calls.into_iter().flatten();
    let model = asked.find_map(|call| {
        text(call.get("output")?, "model").or_else(|| text(call.get("inputs")?, "model"))
    });
    let kind = if tokens.is_some() || model.is_some() {
        SpanKind::Model
    } else {
        SpanKind::Tool
    };
    Span {
        name: text(node, "node").unwrap_or_else(|| "node".into()),
        tokens,
        model,
        ..read_run(node, "node", kind)
    }
}

fn read_run(run: &Value, word: &str, kind: SpanKind) -> Span {
    let failed = run.get("status").and_then(Value::as_str) == Some("Failed");
    let message = run.pointer("/error/message").and_then(Value::as_str);
    let root = text(run, "root_run_id");
    let id = text(run, "run_id").unwrap_or_default();
    Span {
        trace: text(run, "source_run_id").or(root).unwrap_or_default(),
        parent: text(run, "parent_run_id").filter(|parent| *parent != id),
        id,
        name: Arc::default(),
        kind,
        word: word.into(),
        start: moment(run, "start_time").unwrap_or(0),
        end: moment(run, "end_time"),
        after: Vec::new(),
        input: given(run, "inputs"),
        output: given(run, "output").or_else(|| given(run, "result")),
        model: None,
        tokens: None,
        cost: None,
        error: failed.then(|| message.unwrap_or("it failed").into()),
    }
}
