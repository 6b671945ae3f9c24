//! Runs as `LangSmith` exports them, which is how `LangChain` and `LangGraph` trace: a list of runs, one run a line, or runs
//! with their children inside.

use super::span::{Span, SpanKind};
use super::value::{dollars, given, moment, number, text, tokens};
use super::{Recorded, Text};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn read(text: &Text<'_>) -> Option<Result<Recorded, String>> {
    let mut runs = Vec::new();
    for (at, line) in text.values.iter().enumerate() {
        let value: Value = match serde_json::from_str(line) {
            Ok(value) => value,
            Err(_) if at == 0 => return None,
            Err(error) => return Some(Err(format!("line {}: {error}", at + 1))),
        };
        match value {
            Value::Array(list) => runs.extend(list),
            Value::Object(mut members) if members.contains_key("runs") => {
                match members.remove("runs") {
                    Some(Value::Array(list)) => runs.extend(list),
                    _ => return None,
                }
            }
            other => runs.push(other),
        }
        // The first one tells what the file is.
        if at == 0 && !runs.first().is_some_and(is_run) {
            return None;
        }
    }
    let mut recorded = Recorded::default();
    let mut left: Vec<(Value, Option<Arc<str>>)> =
        runs.into_iter().rev().map(|run| (run, None)).collect();
    while let Some((mut run, parent)) = left.pop() {
        let span = read_run(&run, parent);
        if let Some(Value::Array(children)) = run.get_mut("child_runs").map(Value::take) {
            let children = children.into_iter().rev();
            left.extend(children.map(|child| (child, Some(Arc::clone(&span.id)))));
        }
        if span.parent.is_none() && recorded.name.is_empty() {
            recorded.name = span.name.to_string();
        }
        recorded.spans.push(span);
    }
    Some(Ok(recorded))
}

fn is_run(run: &Value) -> bool {
    run.get("run_type").is_some() && run.get("start_time").is_some()
}

fn read_run(run: &Value, parent: Option<Arc<str>>) -> Span {
    let word = text(run, "run_type").unwrap_or_else(|| "chain".into());
    let kind = match &*word {
        "llm" | "embedding" => SpanKind::Model,
        "tool" | "retriever" => SpanKind::Tool,
        "parser" | "prompt" => SpanKind::Inner,
        _ => SpanKind::Group,
    };
    let usage = |name: &str| {
        let own = run.get(name).and_then(number);
        let of_message =
            ["input_tokens", "output_tokens"][usize::from(name == "completion_tokens")];
        own.or_else(|| number(run.pointer("/outputs/usage_metadata")?.get(of_message)?))
            .or_else(|| number(run.pointer("/outputs/llm_output/token_usage")?.get(name)?))
    };
    let model = ["ls_model_name", "model_name", "model"]
        .iter()
        .find_map(|name| {
            let metadata = run.pointer("/extra/metadata")?;
            let invocation = run.pointer("/extra/invocation_params");
            text(metadata, name).or_else(|| text(invocation?, name))
        });
    Span {
        trace: text(run, "trace_id").unwrap_or_default(),
        id: text(run, "id").unwrap_or_default(),
        parent: text(run, "parent_run_id").or(parent),
        name: text(run, "name").unwrap_or_else(|| Arc::clone(&word)),
        kind,
        word,
        start: moment(run, "start_time").unwrap_or(0),
        end: moment(run, "end_time"),
        after: Vec::new(),
        input: given(run, "inputs"),
        output: given(run, "outputs"),
        model,
        tokens: tokens(usage("prompt_tokens"), usage("completion_tokens")),
        cost: run.get("total_cost").and_then(dollars),
        error: text(run, "error"),
    }
}
