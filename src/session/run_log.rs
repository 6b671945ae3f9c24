//! Writes the events of a run to the program's log.

use crate::engine::EventSink;
use crate::run::{EventKind, RunEvent, StepSource};
use tracing::{debug, info, warn};

/// Logs those events that help to debug a run.
pub(super) struct RunLog;

impl EventSink for RunLog {
    fn accept(&mut self, events: &[RunEvent]) {
        events.iter().for_each(log);
    }
}

fn log(event: &RunEvent) {
    let seq = event.seq;
    match &event.kind {
        EventKind::RunStarted(header) => info!(
            run = &*header.run_id,
            plan = ?header.plan,
            steps = header.steps.len(),
            worker = &*header.worker,
            "run started"
        ),
        EventKind::AttemptStarted {
            step, attempt, why, ..
        } => {
            if why.is_some() {
                debug!(seq, step = ?step.id, "cache miss");
            }
            debug!(seq, step = ?step.id, attempt, "attempt started");
        }
        EventKind::AttemptEnded(end) => {
            let error = end.error.as_ref().map(|error| &error.message);
            debug!(
                seq,
                step = ?end.step.id,
                attempt = end.attempt,
                seconds = end.service.seconds(),
                error = error.map(tracing::field::debug),
                "attempt ended"
            );
        }
        EventKind::StepSucceeded { step, source, .. } if *source == StepSource::Cache => {
            debug!(seq, step = ?step.id, "cache hit");
        }
        EventKind::StepFailed { step, error, .. } => {
            info!(seq, step = ?step.id, error = ?error.message, "step failed");
        }
        EventKind::LimitReached { message, .. } => warn!(seq, ?message, "limit reached"),
        EventKind::RunEnded { status, .. } => info!(seq, ?status, "run ended"),
        _ => {}
    }
}
