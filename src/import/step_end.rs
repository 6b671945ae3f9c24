//! What the step of a span is called, and how it ended.

use super::span::Span;
use crate::run::{ErrorKind, EventKind, RunError, StepKey, StepSource};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The ids of steps with these names: the names, counted where several have the same.
pub(super) fn distinct_ids<'a>(names: impl Iterator<Item = &'a Arc<str>>) -> Vec<Arc<str>> {
    let most = names.size_hint().0;
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut taken: HashSet<Arc<str>> = HashSet::with_capacity(most);
    let mut ids = Vec::with_capacity(most);
    for name in names {
        let count = counts.entry(name).or_default();
        let id = loop {
            *count += 1;
            let id: Arc<str> = match *count {
                1 if name.is_empty() => "span".into(),
                1 => Arc::clone(name),
                number => format!("{name} {number}").into(),
            };
            if taken.insert(Arc::clone(&id)) {
                break id;
            }
        };
        ids.push(id);
    }
    ids
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
