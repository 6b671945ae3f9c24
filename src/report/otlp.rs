//! A run as OTLP traces in JSON, by the GenAI conventions of OpenTelemetry (semantic-conventions-genai 0.1.0): a span for the
//! run and one for each attempt, with links to what it waited for.

use crate::run::{AttemptState, RunState, StepState, StepStatus};
use crate::units::{Micros, Tokens};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The version of the conventions.
const CONVENTIONS: &str = "0.1.0";

/// What the spans hold beside names, times, tokens and costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    LeftOut,
    /// Inputs and outputs too, as they are on record.
    Included,
}

/// The run as a request to a collector, which is also what a collector writes to a file: one JSON object.
pub fn otlp(run: &RunState, content: Content) -> Value {
    let spans = Spans { run, content };
    let service = [
        attribute("service.name", "plandeck"),
        attribute("service.version", env!("CARGO_PKG_VERSION")),
    ];
    json!({"resourceSpans": [{
        "resource": {"attributes": service},
        "scopeSpans": [{
            "scope": {"name": "plandeck", "version": env!("CARGO_PKG_VERSION"),
                "attributes": [attribute("gen_ai.conventions.version", CONVENTIONS)]},
            "spans": spans.all(),
        }],
    }]})
}

struct Spans<'r> {
    run: &'r RunState,
    content: Content,
}

impl Spans<'_> {
    fn all(&self) -> Vec<Value> {
        let rows = self.run.steps.iter();
        let attempts = rows.flat_map(|row| row.attempts.iter().map(move |one| (row, one)));
        let of_run = std::iter::once(self.of_run());
        of_run
            .chain(attempts.map(|(row, attempt)| self.of_attempt(row, attempt)))
            .collect()
    }

    fn of_run(&self) -> Value {
        let header = self.run.header.as_deref();
        let plan = header.map_or("", |header| &header.plan);
        let run_id = header.map_or("", |header| &header.run_id);
        let mut attributes = vec![
            attribute("gen_ai.operation.name", "invoke_workflow"),
            attribute("gen_ai.workflow.name", plan),
            attribute("plandeck.run_id", run_id),
            number("plandeck.cost_usd", self.run.spent.usd()),
        ];
        if let Some(result) = self.run.result.as_deref().filter(|_| self.has_content()) {
            attributes.push(attribute("output.value", &text_of(result)));
        }
        let error = self.run.error.as_deref().map(|error| &*error.message);
        self.span(
            &self.id(&["run"]),
            None,
            &format!("invoke_workflow {plan}"),
            (Micros(0), Some(self.run.at)),
            (attributes, Vec::new(), error),
        )
    }

    fn of_attempt(&self, row: &StepState, attempt: &AttemptState) -> Value {
        let is_model = &*row.info.kind == "model";
        let ended = attempt.end.as_ref().map(|(_, end)| &**end);
        let details = ended.and_then(|end| end.details.as_deref());
        let worker = self
            .run
            .header
            .as_deref()
            .map_or("", |header| &header.worker);
        let model = details
            .and_then(|details| details.model.as_deref())
            .or(is_model.then_some(worker));
        let operation = if is_model { "chat" } else { "execute_tool" };
        let about = if is_model {
            model.unwrap_or(worker)
        } else {
            &row.info.tool
        };
        let mut attributes = vec![
            attribute("gen_ai.operation.name", operation),
            attribute("plandeck.step", &row.info.id),
            attribute("plandeck.tool", &row.info.tool),
            attribute("plandeck.kind", &row.info.kind),
            whole("plandeck.attempt", u64::from(attempt.number)),
            whole("plandeck.slot", u64::from(attempt.slot)),
        ];
        if is_model {
            let provider = worker
                .split_once('/')
                .map_or(worker, |(provider, _)| provider);
            attributes.push(attribute("gen_ai.provider.name", provider));
            attributes.extend(model.map(|model| attribute("gen_ai.request.model", model)));
        } else {
            attributes.push(attribute("gen_ai.tool.name", &row.info.tool));
        }
        if let Some(tokens) = details.and_then(|details| details.tokens.as_deref()) {
            attributes.extend(usage(tokens));
        }
        if let Some(cost) = ended.and_then(|end| end.cost) {
            attributes.push(number("plandeck.cost_usd", cost.usd()));
        }
        let failure = details.and_then(|details| details.error.as_deref());
        if let Some(error) = failure {
            attributes.push(attribute("error.type", error.kind.word()));
        }
        if self.has_content() {
            let (given, gave) = if is_model {
                ("input.value", "output.value")
            } else {
                ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result")
            };
            attributes.push(attribute(given, &text_of(&attempt.input.to_value())));
            let is_last = row
                .attempts
                .last()
                .is_some_and(|last| last.number == attempt.number);
            let output = row.output.as_ref().filter(|_| is_last && failure.is_none());
            attributes.extend(output.map(|output| attribute(gave, &text_of(output))));
        }
        let caller = row.caller.and_then(|caller| self.last_span(caller));
        let before = row.info.depends_on.iter();
        let before = before.filter_map(|step| self.last_span(*step));
        let links = before.map(|id| json!({"traceId": self.trace(), "spanId": id}));
        self.span(
            &self.id(&[&row.info.id, &attempt.number.to_string()]),
            Some(caller.unwrap_or_else(|| self.id(&["run"]))),
            &format!("{operation} {about}"),
            (attempt.started, attempt.end.as_ref().map(|(at, _)| *at)),
            (
                attributes,
                links.collect(),
                failure.map(|error| &*error.message),
            ),
        )
    }

    /// The span of the last attempt of a row; that of a `for_each` step is that of its last element, and one that was not
    /// called has none.
    fn last_span(&self, step: crate::plan::StepIx) -> Option<String> {
        let row = self.run.steps.get(step.at())?;
        let elements = row.elements().iter().rev();
        let mut rows = elements
            .filter_map(|ix| self.run.steps.get(ix.at()))
            .chain([row])
            .filter(|row| row.status != StepStatus::Skipped);
        rows.find_map(|row| {
            let attempt = row.attempts.last()?;
            Some(self.id(&[&row.info.id, &attempt.number.to_string()]))
        })
    }

    fn has_content(&self) -> bool {
        self.content == Content::Included
    }

    fn span(
        &self,
        id: &str,
        parent: Option<String>,
        name: &str,
        (start, end): (Micros, Option<Micros>),
        (attributes, links, error): (Vec<Value>, Vec<Value>, Option<&str>),
    ) -> Value {
        let mut span = json!({
            "traceId": self.trace(),
            "spanId": id,
            "name": name,
            "kind": if parent.is_none() { 1 } else { 3 },
            "startTimeUnixNano": self.nanos(start),
            "endTimeUnixNano": self.nanos(end.unwrap_or(self.run.at)),
            "attributes": attributes,
            "links": links,
            "status": match error {
                Some(message) => json!({"code": 2, "message": message}),
                None => json!({"code": 1}),
            },
        });
        if let Some(parent) = parent {
            span["parentSpanId"] = json!(parent);
        }
        span
    }

    fn nanos(&self, at: Micros) -> String {
        let header = self.run.header.as_deref();
        let started = header.and_then(|header| header.started_at.parse::<Timestamp>().ok());
        let started = started.map_or(0, Timestamp::as_nanosecond);
        (started + i128::from(at.0) * 1_000).to_string()
    }

    fn trace(&self) -> String {
        let run_id = self
            .run
            .header
            .as_deref()
            .map_or("", |header| &header.run_id);
        blake3::hash(run_id.as_bytes()).to_hex()[..32].to_owned()
    }

    /// The same for the same attempt each time that the run is exported.
    fn id(&self, of: &[&str]) -> String {
        let mut hash = blake3::Hasher::new();
        hash.update(self.trace().as_bytes());
        for part in of {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().to_hex()[..16].to_owned()
    }
}

fn attribute(name: &str, value: &str) -> Value {
    json!({"key": name, "value": {"stringValue": value}})
}

fn whole(name: &str, value: u64) -> Value {
    json!({"key": name, "value": {"intValue": value.to_string()}})
}

fn number(name: &str, value: f64) -> Value {
    json!({"key": name, "value": {"doubleValue": value}})
}

fn usage(tokens: &Tokens) -> Vec<Value> {
    let mut counts = vec![
        whole("gen_ai.usage.input_tokens", tokens.input),
        whole("gen_ai.usage.output_tokens", tokens.output),
    ];
    if tokens.cached_input > 0 {
        let name = "gen_ai.usage.cache_read.input_tokens";
        counts.push(whole(name, tokens.cached_input));
    }
    let written = tokens.cache_write.filter(|count| *count > 0);
    counts.extend(written.map(|count| whole("gen_ai.usage.cache_creation.input_tokens", count)));
    let reasoning = tokens.reasoning.filter(|count| *count > 0);
    counts.extend(reasoning.map(|count| whole("gen_ai.usage.reasoning.output_tokens", count)));
    counts
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
