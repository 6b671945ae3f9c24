//! The events of a run, on their way to the exporter.

use super::exporter::Exporter;
use crate::engine::EventSink;
use crate::plan::StepIx;
use crate::report::otlp::{Call, Identity, Signal, Spans, record};
use crate::run::{AttemptState, EventKind, RunEvent, RunState, RunWord, StepState, StepStatus};
use jiff::Timestamp;
use std::sync::Arc;

/// Follows a run. A span is sent once its attempt has ended and its step has an output or will have none; that of the run
/// at the end of the sink, which is when nothing can be retried any more.
pub(super) struct TelemetrySink {
    exporter: Arc<Exporter>,
    run: RunState,
    identity: Identity,
    /// Whether the events that follow are those of this process: where it goes on, only those are sent.
    is_dated: bool,
    /// Attempts that have ended and whose spans are to be sent.
    due: Vec<(StepIx, u32)>,
    /// Running attempts and waiting steps that the metrics have of this run.
    counted: (i64, i64),
    /// How the run ended, where it did.
    ended: Option<&'static str>,
}

impl TelemetrySink {
    /// A sink for a run that begins, or that goes on after `so_far`, or that resumes the run `resumed_from`.
    pub(super) fn new(
        exporter: Arc<Exporter>,
        so_far: Option<&RunState>,
        resumed_from: Option<Arc<str>>,
    ) -> Self {
        let run = so_far.cloned().unwrap_or_default();
        let identity = Identity {
            parent: exporter.config().parent.clone(),
            from: run.events,
            began: run.at,
            later: 0,
            resumed_from,
        };
        Self {
            exporter,
            is_dated: run.events == 0,
            run,
            identity,
            due: Vec::new(),
            counted: (0, 0),
            ended: None,
        }
    }

    /// A run that goes on counts its time from where it stood, whenever that was.
    fn date(&mut self, event: &RunEvent) {
        if std::mem::replace(&mut self.is_dated, true) {
            return;
        }
        let began = self.run.header.as_deref();
        let began = began.and_then(|header| header.started_at.parse::<Timestamp>().ok());
        if let Some(began) = began {
            let told = began.as_nanosecond() + i128::from(event.at.0) * 1_000;
            self.identity.later = (Timestamp::now().as_nanosecond() - told).max(0);
        }
    }

    fn take(&mut self, event: &RunEvent) {
        self.date(event);
        self.run.apply(event);
        match &event.kind {
            EventKind::AttemptEnded(end) => {
                self.due.push((end.step.ix, end.attempt));
                if let Some((row, attempt)) = attempt_of(&self.run, end.step.ix, end.attempt) {
                    let call = Call::of(&self.run, row, attempt);
                    self.exporter.measure(|metrics| metrics.call(&call));
                }
            }
            EventKind::RunEnded { status, .. } => self.ended = Some(RunWord::from(*status).word()),
            EventKind::RunReopened => self.ended = None,
            kind => {
                if let Some(word) = ended(kind) {
                    self.exporter.measure(|metrics| metrics.step(word));
                }
            }
        }
        if self.exporter.takes(Signal::Logs) {
            let spans = Spans::of(&self.run, self.exporter.config().content, &self.identity);
            if let Some(record) = record(&spans, event) {
                self.exporter.put(Signal::Logs, record);
            }
        }
    }

    /// Sends the spans of attempts about which nothing more will be known.
    fn send(&mut self, is_over: bool) {
        if !self.exporter.takes(Signal::Traces) {
            self.due.clear();
            return;
        }
        let spans = Spans::of(&self.run, self.exporter.config().content, &self.identity);
        self.due.retain(|(step, number)| {
            let Some((row, attempt)) = attempt_of(&self.run, *step, *number) else {
                return false;
            };
            let failed = attempt
                .end
                .as_ref()
                .is_some_and(|(_, end)| end.error.is_some());
            let is_known = is_over || failed || row.status != StepStatus::Running;
            if is_known {
                self.exporter
                    .put(Signal::Traces, spans.of_attempt(row, attempt));
            }
            !is_known
        });
    }

    fn count(&mut self, now: (i64, i64)) {
        let before = std::mem::replace(&mut self.counted, now);
        if before != now {
            let change = (now.0 - before.0, now.1 - before.1);
            self.exporter
                .measure(|metrics| metrics.now(change.0, change.1));
        }
    }
}

fn attempt_of(run: &RunState, step: StepIx, number: u32) -> Option<(&StepState, &AttemptState)> {
    let row = run.steps.get(step.at())?;
    let attempt = row.attempts.iter().rev().find(|one| one.number == number)?;
    Some((row, attempt))
}

/// The status with which a step ends by this event; `None` where it does not end.
fn ended(kind: &EventKind) -> Option<&'static str> {
    let status = match kind {
        EventKind::StepSucceeded { .. } => StepStatus::Succeeded,
        EventKind::StepFailed { .. } => StepStatus::Failed,
        EventKind::StepSkipped { .. } => StepStatus::Skipped,
        EventKind::StepCancelled { .. } => StepStatus::Cancelled,
        EventKind::StepUnknown { .. } => StepStatus::Unknown,
        _ => return None,
    };
    Some(status.word())
}

impl EventSink for TelemetrySink {
    fn accept(&mut self, events: &[RunEvent]) {
        for event in events {
            self.take(event);
        }
        self.send(false);
        let ready = StepStatus::ALL
            .iter()
            .position(|status| *status == StepStatus::Ready);
        let ready = ready.map_or(0, |at| self.run.counts[at]);
        self.count((self.run.running as i64, ready as i64));
    }

    fn may_block(&self) -> bool {
        false
    }
}

impl Drop for TelemetrySink {
    fn drop(&mut self) {
        self.send(true);
        self.count((0, 0));
        // A run that never began has none.
        if self.run.header.is_none() {
            return;
        }
        if let Some(status) = self.ended {
            self.exporter.measure(|metrics| metrics.run(status));
        }
        if self.exporter.takes(Signal::Traces) {
            let spans = Spans::of(&self.run, self.exporter.config().content, &self.identity);
            self.exporter.put(Signal::Traces, spans.of_run());
        }
    }
}
