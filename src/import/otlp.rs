//! OTLP traces as JSON, by the `GenAI` conventions of OpenTelemetry and by those of `OpenInference`: a request to a collector,
//! or the lines that a collector writes to a file.

use super::span::{Span, SpanKind};
use super::value::{dollars, number, parsed, tokens};
use super::{Recorded, Text};
use crate::units::Tokens;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;

#[derive(Deserialize)]
struct Traces {
    #[serde(alias = "resource_spans")]
    #[serde(rename = "resourceSpans")]
    resources: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
struct ResourceSpans {
    #[serde(default)]
    resource: Attributes,
    #[serde(
        rename = "scopeSpans",
        alias = "scope_spans",
        alias = "instrumentationLibrarySpans",
        default
    )]
    scopes: Vec<ScopeSpans>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    spans: Vec<OtlpSpan>,
}

#[derive(Default, Deserialize)]
struct Attributes {
    #[serde(default)]
    attributes: Vec<KeyValue>,
}

#[derive(Deserialize)]
struct KeyValue {
    key: String,
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct OtlpSpan {
    #[serde(rename = "traceId", alias = "trace_id", default)]
    trace: Arc<str>,
    #[serde(rename = "spanId", alias = "span_id")]
    id: Arc<str>,
    #[serde(rename = "parentSpanId", alias = "parent_span_id", default)]
    parent: Option<Arc<str>>,
    #[serde(default)]
    name: Arc<str>,
    #[serde(rename = "startTimeUnixNano", alias = "start_time_unix_nano", default)]
    start: Value,
    #[serde(rename = "endTimeUnixNano", alias = "end_time_unix_nano", default)]
    end: Value,
    #[serde(default)]
    attributes: Vec<KeyValue>,
    #[serde(default)]
    events: Vec<OtlpEvent>,
    #[serde(default)]
    links: Vec<OtlpLink>,
    #[serde(default)]
    status: OtlpStatus,
}

#[derive(Deserialize)]
struct OtlpEvent {
    #[serde(default)]
    name: String,
    #[serde(default)]
    attributes: Vec<KeyValue>,
}

#[derive(Deserialize)]
struct OtlpLink {
    #[serde(rename = "spanId", alias = "span_id", default)]
    span: Arc<str>,
}

#[derive(Default, Deserialize)]
struct OtlpStatus {
    #[serde(default)]
    code: Value,
    #[serde(default)]
    message: String,
}

pub(super) fn read(text: &Text<'_>) -> Option<Result<Recorded, String>> {
    let first = text.values.first()?;
    let head = first.get(..first.len().min(4_096)).unwrap_or(first);
    if !head.contains("resourceSpans") && !head.contains("resource_spans") {
        return None;
    }
    let mut recorded = Recorded::default();
    for (at, value) in text.values.iter().enumerate() {
        let traces: Traces = match serde_json::from_str(value) {
            Ok(traces) => traces,
            Err(error) => return Some(Err(format!("line {}: {error}", at + 1))),
        };
        for resource in traces.resources {
            let workflow = resource
                .scopes
                .iter()
                .flat_map(|scope| &scope.spans)
                .find_map(workflow);
            if let Some(name) = workflow {
                name.clone_into(&mut recorded.name);
            }
            let about = members(resource.resource.attributes);
            if recorded.name.is_empty()
                && let Some(name) = about.get("service.name").and_then(Value::as_str)
            {
                name.clone_into(&mut recorded.name);
            }
            let spans = resource.scopes.into_iter().flat_map(|scope| scope.spans);
            recorded.spans.extend(spans.map(read_span));
        }
    }
    Some(Ok(recorded))
}

/// The name of the workflow that a span is, where it is one.
fn workflow(span: &OtlpSpan) -> Option<&str> {
    let mut about = span.attributes.iter();
    let name = about.find(|one| one.key == "gen_ai.workflow.name")?;
    name.value.get("stringValue")?.as_str()
}

/// Attributes by their names, values as plain JSON.
fn members(attributes: Vec<KeyValue>) -> Map<String, Value> {
    let members = attributes.into_iter();
    members.map(|one| (one.key, plain(one.value))).collect()
}

/// `{"stringValue": "x"}` as `"x"`.
fn plain(value: Value) -> Value {
    let Value::Object(wrapped) = value else {
        return value;
    };
    let Some((kind, value)) = wrapped.into_iter().next() else {
        return Value::Null;
    };
    match (kind.as_str(), value) {
        ("intValue" | "int_value", Value::String(text)) => {
            text.parse::<i64>().map_or(Value::String(text), Value::from)
        }
        ("arrayValue" | "array_value", mut list) => match list["values"].take() {
            Value::Array(values) => values.into_iter().map(plain).collect(),
            _ => Value::Array(Vec::new()),
        },
        ("kvlistValue" | "kvlist_value", mut list) => match list["values"].take() {
            Value::Array(values) => {
                let values = values.into_iter();
                let read = values.filter_map(|one| serde_json::from_value(one).ok());
                Value::Object(members(read.collect()))
            }
            _ => Value::Object(Map::new()),
        },
        (_, value) => value,
    }
}

fn read_span(span: OtlpSpan) -> Span {
    let mut about = members(span.attributes);
    // Older instrumentations give prompts and answers as events of the span.
    let mut failure = None;
    for event in span.events {
        let of_event = members(event.attributes);
        if event.name == "exception" {
            let message = of_event.get("exception.message").and_then(Value::as_str);
            failure = message.map(Arc::from).or(failure);
        }
        for (name, value) in of_event {
            about.entry(name).or_insert(value);
        }
    }
    let micros = |nanos: &Value| {
        number(nanos)
            .map(|nanos| nanos / 1_000)
            .filter(|at| *at > 0)
    };
    let failed = span.status.code == 2 || span.status.code == "STATUS_CODE_ERROR";
    let error = failed.then(|| {
        let said = (!span.status.message.is_empty()).then(|| span.status.message.as_str().into());
        said.or(failure)
            .or_else(|| text(&about, &["error.type"]))
            .unwrap_or_else(|| "it failed".into())
    });
    let (kind, word) = kind(&about);
    Span {
        trace: span.trace,
        id: span.id,
        parent: span.parent.filter(|parent| !parent.is_empty()),
        name: name(&about, kind).unwrap_or(span.name),
        kind,
        word,
        start: micros(&span.start).unwrap_or(0),
        end: micros(&span.end),
        after: span.links.into_iter().map(|link| link.span).collect(),
        input: first(&about, INPUTS),
        output: first(&about, OUTPUTS),
        model: text(
            &about,
            &[
                "gen_ai.response.model",
                "gen_ai.request.model",
                "llm.model_name",
            ],
        ),
        tokens: counted(&about),
        cost: COSTS.iter().find_map(|name| dollars(about.get(*name)?)),
        error,
    }
}

const INPUTS: &[&str] = &[
    "gen_ai.tool.call.arguments",
    "gen_ai.input.messages",
    "gen_ai.prompt",
    "input.value",
    "tool.parameters",
    "traceloop.entity.input",
];
const OUTPUTS: &[&str] = &[
    "gen_ai.tool.call.result",
    "gen_ai.output.messages",
    "gen_ai.completion",
    "output.value",
    "traceloop.entity.output",
];
const COSTS: &[&str] = &["gen_ai.usage.cost", "llm.cost.total", "plandeck.cost_usd"];

/// The first of these that is there; a text that holds JSON is read.
fn first(about: &Map<String, Value>, names: &[&str]) -> Option<Value> {
    let found = names.iter().find_map(|name| about.get(*name))?;
    Some(match found {
        Value::String(text) => parsed(text),
        other => other.clone(),
    })
}

fn text(about: &Map<String, Value>, names: &[&str]) -> Option<Arc<str>> {
    let mut found = names.iter().filter_map(|name| about.get(*name)?.as_str());
    found.find(|text| !text.is_empty()).map(Arc::from)
}

/// What a span is, by either of the conventions, and the word for it there.
fn kind(about: &Map<String, Value>) -> (SpanKind, Arc<str>) {
    let open_inference = text(about, &["openinference.span.kind"]);
    if let Some(word) = open_inference {
        let kind = match &*word.to_ascii_uppercase() {
            "LLM" | "EMBEDDING" => SpanKind::Model,
            "TOOL" | "RETRIEVER" | "RERANKER" | "GUARDRAIL" | "EVALUATOR" => SpanKind::Tool,
            _ => SpanKind::Group,
        };
        return (kind, word.to_ascii_lowercase().into());
    }
    if let Some(word) = text(about, &["gen_ai.operation.name"]) {
        let kind = match &*word {
            "chat" | "text_completion" | "generate_content" | "embeddings" => SpanKind::Model,
            "execute_tool" | "retrieval" => SpanKind::Tool,
            _ => SpanKind::Group,
        };
        return (kind, word);
    }
    if about.contains_key("gen_ai.request.model") {
        return (SpanKind::Model, "chat".into());
    }
    match text(about, &["traceloop.span.kind"]) {
        Some(word) if &*word == "tool" => (SpanKind::Tool, word),
        Some(word) => (SpanKind::Group, word),
        None => (SpanKind::Inner, "span".into()),
    }
}

/// The name of a tool or of an agent where there is one; a span is often called by its operation.
fn name(about: &Map<String, Value>, kind: SpanKind) -> Option<Arc<str>> {
    let own = text(about, &["plandeck.step", "graph.node.id"]);
    own.or_else(|| match kind {
        SpanKind::Tool => text(about, &["gen_ai.tool.name", "tool.name"]),
        _ => text(about, &["gen_ai.agent.name"]),
    })
}

fn counted(about: &Map<String, Value>) -> Option<Tokens> {
    let count = |names: &[&str]| {
        let mut found = names.iter().filter_map(|name| number(about.get(*name)?));
        found.next()
    };
    let input = count(&[
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
    ]);
    let output = count(&[
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
    ]);
    let cached = count(&[
        "gen_ai.usage.cache_read.input_tokens",
        "llm.token_count.prompt_details.cache_read",
    ]);
    let written = count(&[
        "gen_ai.usage.cache_creation.input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ]);
    let reasoning = count(&[
        "gen_ai.usage.reasoning.output_tokens",
        "llm.token_count.completion_details.reasoning",
    ]);
    Some(Tokens {
        cached_input: cached.unwrap_or(0),
        cache_write: written,
        reasoning,
        ..tokens(input, output)?
    })
}
