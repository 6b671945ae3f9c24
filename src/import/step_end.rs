//! What the step of a span is called, how it starts and how it ends.

use super::PriceOf;
use super::span::{Span, SpanKind};
use crate::plan::{StepInput, StepIx};
use crate::run::{
    AttemptDetails, AttemptEnd, ErrorKind, EventKind, RunError, StepInfo, StepKey, StepSource,
};
use crate::units::{Micros, Money};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The ids of steps: their names, counted where several have the same.
#[derive(Debug, Default)]
pub(super) struct DistinctIds {
    counts: HashMap<Arc<str>, usize>,
    taken: HashSet<Arc<str>>,
}

impl DistinctIds {
    /// The id of the next step, which has this name.
    pub(super) fn next(&mut self, name: &Arc<str>) -> Arc<str> {
        let count = self.counts.entry(Arc::clone(name)).or_default();
        loop {
            *count += 1;
            let id: Arc<str> = match *count {
                1 if name.is_empty() => "span".into(),
                1 => Arc::clone(name),
                number => format!("{name} {number}").into(),
            };
            if self.taken.insert(Arc::clone(&id)) {
                return id;
            }
        }
    }
}

/// The attempt of a span begins, in this slot; `nothing` is its input where none is on record.
pub(super) fn start_of(step: StepKey, span: &Span, slot: u32, nothing: &Arc<Value>) -> EventKind {
    let input = span.input.clone();
    let input = input.unwrap_or_else(|| Arc::clone(nothing));
    EventKind::AttemptStarted {
        step,
        attempt: 1,
        slot,
        input: StepInput::from(input),
        reserved: Money::ZERO,
        why: None,
        prompt: None,
    }
}

/// The attempt of a span ends.
pub(super) fn attempt_end(step: StepKey, span: &Span, price: PriceOf<'_>) -> EventKind {
    let by_price = || price(span.model.as_deref()?, span.tokens?);
    let is_free = span.kind != SpanKind::Model;
    EventKind::AttemptEnded(Arc::new(AttemptEnd {
        attempt: 1,
        service: Micros(span.ended() - span.start),
        cost: span
            .cost
            .or_else(by_price)
            .or(is_free.then_some(Money::ZERO)),
        details: AttemptDetails {
            tokens: span.tokens.map(Box::new),
            model: span.model.clone(),
            error: span
                .error
                .as_ref()
                .map(|why| Box::new(error(&step, span, why))),
            ..AttemptDetails::default()
        }
        .boxed(),
        cancelled: false,
        step,
    }))
}

/// What is known of the step of a span before anything happens.
pub(super) fn info_of(
    id: &Arc<str>,
    span: &Span,
    depends_on: Arc<[StepIx]>,
    inside: Option<Arc<str>>,
) -> StepInfo {
    StepInfo {
        id: Arc::clone(id),
        tool: Arc::clone(&span.name),
        kind: match span.kind {
            SpanKind::Model => "model".into(),
            _ => Arc::clone(&span.word),
        },
        depends_on,
        description: inside,
        parent: None,
        parameters: None,
        not_reused: None,
        sequential: false,
        price: None,
        checks: None,
    }
}

/// How the step of a span ended.
pub(super) fn end_of(step: StepKey, span: &Span) -> EventKind {
    match &span.error {
        Some(why) => EventKind::StepFailed {
            error: Box::new(error(&step, span, why)),
            output: span.output.clone(),
            step,
        },
        None => EventKind::StepSucceeded {
            step,
            source: StepSource::Call,
            output: span.output.clone().unwrap_or_default(),
            reused: None,
        },
    }
}

/// The error of the step of a span.
pub(super) fn error(step: &StepKey, span: &Span, why: &Arc<str>) -> RunError {
    let is_late = ["timeout", "timed out", "deadline"];
    let words = why.to_ascii_lowercase();
    RunError {
        kind: if is_late.iter().any(|word| words.contains(word)) {
            ErrorKind::TimeoutError
        } else {
            ErrorKind::ToolExecutionError
        },
        step: Some(Arc::clone(&step.id)),
        tool_name: Some(Arc::clone(&span.name)),
        message: Arc::clone(why),
        retryable: false,
        attempts: 1,
    }
}
