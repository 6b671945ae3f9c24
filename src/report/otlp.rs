//! A run as OTLP in JSON, by the GenAI conventions of OpenTelemetry (semantic-conventions-genai 0.1.0): whole, as a file, and
//! span by span and record by record, as it happens.

mod attributes;
mod call;
mod identity;
mod plan;
mod records;
mod request;
mod spans;

pub(crate) use attributes::attribute;
pub(crate) use call::Call;
pub(crate) use identity::Identity;
pub(crate) use plan::PlanSpan;
pub(crate) use records::record;
pub(crate) use request::{Signal, about_this_program, request};
pub(crate) use spans::Spans;

use crate::run::RunState;
use serde_json::Value;

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
    let identity = Identity::default();
    let spans = Spans::of(run, content, &identity);
    request(Signal::Traces, &about_this_program(), &spans.all())
}
