//! A span by the `GenAI` conventions of OpenTelemetry and by those of `OpenInference`.

use super::super::names::Names;
use super::super::span::{Span, SpanKind};
use super::super::value::tokens;
use super::attributes::{About, KeyValue, Plain};
use crate::units::Tokens;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct OtlpSpan<'t> {
    #[serde(rename = "traceId", alias = "trace_id", borrow, default)]
    trace: Cow<'t, str>,
    #[serde(rename = "spanId", alias = "span_id", borrow)]
    id: Cow<'t, str>,
    #[serde(rename = "parentSpanId", alias = "parent_span_id", borrow, default)]
    parent: Plain<'t>,
    #[serde(borrow, default)]
    name: Cow<'t, str>,
    #[serde(
        rename = "startTimeUnixNano",
        alias = "start_time_unix_nano",
        borrow,
        default
    )]
    start: Plain<'t>,
    #[serde(
        rename = "endTimeUnixNano",
        alias = "end_time_unix_nano",
        borrow,
        default
    )]
    end: Plain<'t>,
    #[serde(borrow, default)]
    attributes: Vec<KeyValue<'t>>,
    #[serde(borrow, default)]
    events: Vec<OtlpEvent<'t>>,
    #[serde(borrow, default)]
    links: Vec<OtlpLink<'t>>,
    #[serde(borrow, default)]
    status: OtlpStatus<'t>,
}

#[derive(Deserialize)]
struct OtlpEvent<'t> {
    #[serde(borrow, default)]
    name: Cow<'t, str>,
    #[serde(borrow, default)]
    attributes: Vec<KeyValue<'t>>,
}

#[derive(Deserialize)]
struct OtlpLink<'t> {
    #[serde(rename = "spanId", alias = "span_id", borrow, default)]
    span: Cow<'t, str>,
}

#[derive(Default, Deserialize)]
struct OtlpStatus<'t> {
    #[serde(borrow, default)]
    code: Plain<'t>,
    #[serde(borrow, default)]
    message: Cow<'t, str>,
}

impl OtlpSpan<'_> {
    /// What it says, and the name of the workflow that it is, where it is one.
    pub(super) fn read(self, names: &mut Names) -> (Span, Option<String>) {
        let mut about = About {
            own: self.attributes,
            of_events: Vec::new(),
        };
        let mut failure = None;
        for event in self.events {
            if event.name == "exception" {
                let mut of_event = event.attributes.iter();
                let message = of_event.find(|one| one.key == "exception.message");
                let message = message.and_then(|one| one.value.as_str());
                failure = message.map(Arc::from).or(failure);
            }
            about.of_events.extend(event.attributes);
        }
        let micros = |nanos: &Plain| {
            let nanos = nanos.number().map(|nanos| nanos / 1_000);
            nanos.filter(|at| *at > 0)
        };
        let failed = self.status.code.number() == Some(2)
            || self.status.code.as_str() == Some("STATUS_CODE_ERROR");
        let error = failed.then(|| {
            let said = &*self.status.message;
            let said = (!said.is_empty()).then(|| said.into());
            said.or(failure)
                .or_else(|| text(&about, &["error.type"]).map(Arc::from))
                .unwrap_or_else(|| "it failed".into())
        });
        let (kind, word) = kind(&about);
        let model = text(&about, MODELS);
        let parent = self.parent.as_str().filter(|parent| !parent.is_empty());
        let workflow = text(&about, &["gen_ai.workflow.name"]);
        let links = self.links.into_iter();
        let span = Span {
            trace: names.get(&self.trace),
            id: self.id.into(),
            parent: parent.map(|parent| names.get(parent)),
            name: names.get(name(&about, kind).unwrap_or(&self.name)),
            kind,
            word: names.get(&word),
            start: micros(&self.start).unwrap_or(0),
            end: micros(&self.end),
            after: links.map(|link| link.span.into()).collect(),
            input: first(&about, INPUTS),
            output: first(&about, OUTPUTS),
            model: model.map(|model| names.get(model)),
            tokens: counted(&about),
            cost: COSTS.iter().find_map(|name| about.get(name)?.dollars()),
            error,
        };
        (span, workflow.map(str::to_owned))
    }
}

const MODELS: &[&str] = &[
    "gen_ai.response.model",
    "gen_ai.request.model",
    "llm.model_name",
];
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
fn first(about: &About<'_>, names: &[&str]) -> Option<Arc<Value>> {
    let found = names.iter().find_map(|name| about.get(name))?;
    Some(Arc::new(found.value()))
}

fn text<'a>(about: &'a About<'_>, names: &[&str]) -> Option<&'a str> {
    let mut found = names.iter().filter_map(|name| about.get(name)?.as_str());
    found.find(|text| !text.is_empty())
}

/// What a span is, by either of the conventions, and the word for it there.
fn kind<'a>(about: &'a About<'_>) -> (SpanKind, Cow<'a, str>) {
    let open_inference = text(about, &["openinference.span.kind"]);
    if let Some(word) = open_inference {
        let kind = match &*word.to_ascii_uppercase() {
            "LLM" | "EMBEDDING" => SpanKind::Model,
            "TOOL" | "RETRIEVER" | "RERANKER" | "GUARDRAIL" | "EVALUATOR" => SpanKind::Tool,
            _ => SpanKind::Group,
        };
        return (kind, Cow::Owned(word.to_ascii_lowercase()));
    }
    if let Some(word) = text(about, &["gen_ai.operation.name"]) {
        let kind = match word {
            "chat" | "text_completion" | "generate_content" | "embeddings" => SpanKind::Model,
            "execute_tool" | "retrieval" => SpanKind::Tool,
            _ => SpanKind::Group,
        };
        return (kind, Cow::Borrowed(word));
    }
    if about.get("gen_ai.request.model").is_some() {
        return (SpanKind::Model, "chat".into());
    }
    match text(about, &["traceloop.span.kind"]) {
        Some("tool") => (SpanKind::Tool, "tool".into()),
        Some(word) => (SpanKind::Group, word.into()),
        None => (SpanKind::Inner, "span".into()),
    }
}

/// The name of a tool or of an agent where there is one; a span is often called by its operation.
fn name<'a>(about: &'a About<'_>, kind: SpanKind) -> Option<&'a str> {
    let own = text(about, &["plandeck.step", "graph.node.id"]);
    own.or_else(|| match kind {
        SpanKind::Tool => text(about, &["gen_ai.tool.name", "tool.name"]),
        _ => text(about, &["gen_ai.agent.name"]),
    })
}

fn counted(about: &About<'_>) -> Option<Tokens> {
    let count = |names: &[&str]| {
        let mut found = names.iter().filter_map(|name| about.get(name)?.number());
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
