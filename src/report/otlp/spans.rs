//! The spans of a run: one for the run and one for each attempt, with links to what it waited for.

use super::Content;
use super::attributes::{attribute, cost_of, number, text_of, usage, whole};
use super::call::Call;
use super::identity::{self, Identity};
use crate::plan::StepIx;
use crate::run::{AttemptState, RunState, StepState, StepStatus, attempt_span, run_span, trace_of};
use crate::units::Micros;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The spans of a run as it is.
pub(crate) struct Spans<'r> {
    run: &'r RunState,
    content: Content,
    identity: &'r Identity,
    /// The beginning of the run, in nanoseconds since 1970.
    began: i128,
}

/// What a span is beside its ids and times.
struct About<'a> {
    name: String,
    kind: SpanKind,
    attributes: Vec<Value>,
    links: Vec<Value>,
    error: Option<&'a str>,
}

#[derive(Clone, Copy)]
enum SpanKind {
    Internal = 1,
    Client = 3,
}

impl<'r> Spans<'r> {
    /// Those of this run, with ids and times as `identity` says.
    pub(crate) fn of(run: &'r RunState, content: Content, identity: &'r Identity) -> Self {
        let header = run.header.as_deref();
        let began = header.and_then(|header| header.started_at.parse::<Timestamp>().ok());
        Self {
            run,
            content,
            identity,
            began: began.map_or(0, Timestamp::as_nanosecond),
        }
    }

    /// Every span.
    pub(super) fn all(&self) -> Vec<Value> {
        let rows = self.run.steps.iter();
        let attempts = rows.flat_map(|row| row.attempts.iter().map(move |one| (row, one)));
        let of_run = std::iter::once(self.of_run());
        of_run
            .chain(attempts.map(|(row, attempt)| self.of_attempt(row, attempt)))
            .collect()
    }

    /// The span of the run.
    pub(crate) fn of_run(&self) -> Value {
        let header = self.run.header.as_deref();
        let plan = header.map_or("", |header| &header.plan);
        let mut attributes = vec![
            attribute("gen_ai.operation.name", "invoke_workflow"),
            attribute("gen_ai.workflow.name", plan),
            attribute("plandeck.run_id", self.run_id()),
            number("plandeck.cost_usd", self.run.spent.usd()),
        ];
        let mut links = Vec::new();
        let forked_from = header.and_then(|header| header.forked_from.as_deref());
        let resumed_from = self.identity.resumed_from.as_deref();
        let earlier = [
            ("plandeck.resumed_from", resumed_from),
            ("plandeck.forked_from", forked_from),
        ];
        for (name, earlier) in earlier {
            let Some(earlier) = earlier else {
                continue;
            };
            attributes.push(attribute(name, earlier));
            links.push(json!({
                "traceId": trace_of(earlier),
                "spanId": run_span(earlier),
            }));
        }
        if self.identity.from > 0 {
            let before = run_span(self.run_id());
            links.push(json!({"traceId": self.trace(), "spanId": before}));
        }
        if let Some(result) = self.run.result.as_deref().filter(|_| self.has_content()) {
            attributes.push(attribute("output.value", &text_of(result)));
        }
        let error = self.run.error.as_deref();
        attributes.extend(error.map(|error| attribute("error.type", error.kind.word())));
        let parent = self.identity.parent.as_ref();
        self.span(
            &self.run_span(),
            parent.map(|parent| parent.span.clone()),
            (self.identity.began, Some(self.run.at)),
            &About {
                name: format!("invoke_workflow {plan}"),
                kind: SpanKind::Internal,
                attributes,
                links,
                error: error.map(|error| &*error.message),
            },
        )
    }

    /// The span of an attempt.
    pub(crate) fn of_attempt(&self, row: &StepState, attempt: &AttemptState) -> Value {
        let call = Call::of(self.run, row, attempt);
        let details = call.end.and_then(|end| end.details.as_deref());
        let mut attributes = vec![
            attribute("gen_ai.operation.name", call.operation()),
            attribute("plandeck.step", &row.info.id),
            attribute("plandeck.tool", &row.info.tool),
            attribute("plandeck.kind", &row.info.kind),
            whole("plandeck.attempt", u64::from(attempt.number)),
            whole("plandeck.slot", u64::from(attempt.slot)),
        ];
        if let Some(provider) = call.provider {
            attributes.push(attribute("gen_ai.provider.name", provider));
            attributes.extend(
                call.model
                    .map(|model| attribute("gen_ai.request.model", model)),
            );
        } else {
            attributes.push(attribute("gen_ai.tool.name", &row.info.tool));
        }
        if let Some(tokens) = details.and_then(|details| details.tokens.as_deref()) {
            attributes.extend(usage(tokens));
        }
        if let Some(cost) = call.end.and_then(|end| end.cost) {
            attributes.push(number("plandeck.cost_usd", cost.usd()));
        }
        let charges = details.map_or(&[][..], |details| &details.charges);
        attributes.extend(charges.iter().filter(|one| one.count > 0).map(cost_of));
        let failure = details.and_then(|details| details.error.as_deref());
        if let Some(error) = failure {
            attributes.push(attribute("error.type", error.kind.word()));
        }
        if self.has_content() {
            let (given, gave) = if call.is_model {
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
            &self.attempt_span(&row.info.id, attempt.number),
            Some(caller.unwrap_or_else(|| self.run_span())),
            (attempt.started, attempt.end.as_ref().map(|(at, _)| *at)),
            &About {
                name: call.name(),
                kind: if call.is_model {
                    SpanKind::Client
                } else {
                    SpanKind::Internal
                },
                attributes,
                links: links.collect(),
                error: failure.map(|error| &*error.message),
            },
        )
    }

    /// The span of the last attempt of a row; that of a `for_each` step is that of its last element, and one that was not
    /// called has none.
    pub(super) fn last_span(&self, step: StepIx) -> Option<String> {
        let row = self.run.steps.get(step.at())?;
        let elements = row.elements().iter().rev();
        let mut rows = elements
            .filter_map(|ix| self.run.steps.get(ix.at()))
            .chain([row])
            .filter(|row| row.status != StepStatus::Skipped);
        rows.find_map(|row| {
            let attempt = row.attempts.last()?;
            Some(self.attempt_span(&row.info.id, attempt.number))
        })
    }

    /// The id of the run.
    pub(super) fn run_id(&self) -> &'r str {
        identity::run_id(self.run)
    }

    /// The span of the run.
    pub(super) fn run_span(&self) -> String {
        self.identity.run_span(self.run_id())
    }

    /// The span of an attempt.
    pub(super) fn attempt_span(&self, step: &str, attempt: u32) -> String {
        attempt_span(self.run_id(), step, attempt)
    }

    /// The trace of the run.
    pub(super) fn trace(&self) -> String {
        self.identity.trace(self.run_id())
    }

    /// A moment of the run, in nanoseconds since 1970.
    pub(super) fn nanos(&self, at: Micros) -> String {
        (self.began + self.identity.later + i128::from(at.0) * 1_000).to_string()
    }

    fn has_content(&self) -> bool {
        self.content == Content::Included
    }

    fn span(
        &self,
        id: &str,
        parent: Option<String>,
        (start, end): (Micros, Option<Micros>),
        about: &About<'_>,
    ) -> Value {
        let mut span = json!({
            "traceId": self.trace(),
            "spanId": id,
            "name": about.name,
            "kind": about.kind as u8,
            "startTimeUnixNano": self.nanos(start),
            "endTimeUnixNano": self.nanos(end.unwrap_or(self.run.at)),
            "attributes": about.attributes,
            "links": about.links,
            "status": match about.error {
                Some(message) => json!({"code": 2, "message": message}),
                None => json!({"code": 1}),
            },
        });
        if let Some(parent) = parent {
            span["parentSpanId"] = json!(parent);
        }
        span
    }
}
