//! The span of planning, which has no run yet.

use super::attributes::{attribute, number, usage, whole};
use crate::run::{TraceParent, span_of, trace_of};
use crate::units::{Money, Tokens};
use serde_json::{Value, json};
use std::time::Duration;

/// A plan that was written or changed, or that could not be.
#[derive(Clone, Debug)]
pub(crate) struct PlanSpan<'a> {
    /// `PROVIDER/MODEL`, or `offline`.
    pub(crate) planner: &'a str,
    /// What was asked for.
    pub(crate) task: &'a str,
    /// The tokens of all requests.
    pub(crate) tokens: Option<Tokens>,
    /// What was billed; `None` where the model has no price.
    pub(crate) cost: Option<Money>,
    /// How many requests were sent.
    pub(crate) requests: u32,
    /// How many answers the model was asked to correct.
    pub(crate) corrections: usize,
    /// How long it took.
    pub(crate) took: Duration,
    /// The name of the plan and the number of its steps, or why there is none: what kind of error it is, and its message.
    pub(crate) outcome: Result<(&'a str, usize), (&'static str, String)>,
}

impl PlanSpan<'_> {
    /// The provider and the model; `None` where none was asked.
    pub(crate) fn model(&self) -> Option<(&str, &str)> {
        self.planner.split_once('/')
    }

    /// The span, which ended `until` nanoseconds since 1970; `id` tells it from all others.
    pub(crate) fn to_json(
        &self,
        id: &str,
        parent: Option<&TraceParent>,
        until: u128,
        has_content: bool,
    ) -> Value {
        let mut attributes = vec![
            attribute("gen_ai.operation.name", "plan"),
            whole("plandeck.planning.requests", u64::from(self.requests)),
            whole("plandeck.planning.corrections", self.corrections as u64),
        ];
        if let Some((provider, model)) = self.model() {
            attributes.push(attribute("gen_ai.provider.name", provider));
            attributes.push(attribute("gen_ai.request.model", model));
        }
        if let Some(tokens) = &self.tokens {
            attributes.extend(usage(tokens));
        }
        attributes.extend(
            self.cost
                .map(|cost| number("plandeck.cost_usd", cost.usd())),
        );
        let status = match &self.outcome {
            Ok((plan, steps)) => {
                attributes.push(attribute("gen_ai.workflow.name", plan));
                attributes.push(whole("plandeck.planning.steps", *steps as u64));
                json!({"code": 1})
            }
            Err((kind, message)) => {
                attributes.push(attribute("error.type", kind));
                json!({"code": 2, "message": message})
            }
        };
        if has_content {
            attributes.push(attribute("input.value", self.task));
        }
        let began = until.saturating_sub(self.took.as_nanos());
        let trace = parent.map_or_else(|| trace_of(id), |parent| parent.trace.clone());
        let mut span = json!({
            "traceId": trace,
            "spanId": span_of(id, &["plan"]),
            "name": "plan",
            "kind": 1,
            "startTimeUnixNano": began.to_string(),
            "endTimeUnixNano": until.to_string(),
            "attributes": attributes,
            "links": [],
            "status": status,
        });
        if let Some(parent) = parent {
            span["parentSpanId"] = json!(parent.span);
        }
        span
    }
}
