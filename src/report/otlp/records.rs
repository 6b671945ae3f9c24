//! What went wrong in a run, as log records.

use super::attributes::{attribute, whole};
use super::spans::Spans;
use crate::run::{EventKind, RunEvent, RunOutcome, StepKey};
use serde_json::{Value, json};

/// How bad something is: the number and the word that OpenTelemetry has for it.
type Severity = (u8, &'static str);

const WARNING: Severity = (13, "WARN");
const ERROR: Severity = (17, "ERROR");

/// The log record of an event; `None` where nothing went wrong. `spans` are those of the run after it.
pub(crate) fn record(spans: &Spans<'_>, event: &RunEvent) -> Option<Value> {
    let of_step = |step: &StepKey| {
        let span = spans.last_span(step.ix).unwrap_or_else(|| spans.run_span());
        (Some(step.id.to_string()), span)
    };
    let of_run = || (None, spans.run_span());
    let ((step, span), severity, name, words, kind) = match &event.kind {
        EventKind::AttemptEnded(end) if !end.cancelled => {
            let error = end.error.as_deref()?;
            let words = format!(
                "attempt {} of step `{}` failed: {}",
                end.attempt, end.step.id, error.message
            );
            let span = spans.attempt_span(&end.step.id, end.attempt);
            let step = Some(end.step.id.to_string());
            let name = "plandeck.attempt.failed";
            ((step, span), WARNING, name, words, Some(error.kind.word()))
        }
        EventKind::StepFailed { step, error, .. } => (
            of_step(step),
            ERROR,
            "plandeck.step.failed",
            format!("step `{}` failed: {}", step.id, error.message),
            Some(error.kind.word()),
        ),
        EventKind::StepUnknown { step, error } => (
            of_step(step),
            WARNING,
            "plandeck.step.unknown",
            format!(
                "the outcome of step `{}` is unknown: {}",
                step.id, error.message
            ),
            Some(error.kind.word()),
        ),
        EventKind::LimitReached { limit, message } => (
            of_run(),
            WARNING,
            "plandeck.limit.reached",
            message.to_string(),
            Some(limit.name()),
        ),
        EventKind::RunEnded { status, error, .. } if is_bad(*status) => {
            let why = error.as_deref().map_or("", |error| &error.message);
            (
                of_run(),
                ERROR,
                "plandeck.run.failed",
                format!("the run failed: {why}"),
                error.as_deref().map(|error| error.kind.word()),
            )
        }
        _ => return None,
    };
    let mut attributes = vec![attribute("plandeck.run_id", spans.run_id())];
    attributes.extend(step.map(|id| attribute("plandeck.step", &id)));
    attributes.extend(kind.map(|kind| attribute("error.type", kind)));
    attributes.push(whole("plandeck.event", event.seq));
    let at = spans.nanos(event.at);
    Some(json!({
        "timeUnixNano": at,
        "observedTimeUnixNano": at,
        "severityNumber": severity.0,
        "severityText": severity.1,
        "eventName": name,
        "body": {"stringValue": words},
        "attributes": attributes,
        "traceId": spans.trace(),
        "spanId": span,
    }))
}

/// Whether a run that ended so is an error of the run: a user who stops it and a limit that does are not.
fn is_bad(status: RunOutcome) -> bool {
    matches!(status, RunOutcome::Failed)
}
