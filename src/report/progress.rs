//! A run as plain lines, for output that is not a terminal.

use crate::run::{EventKind, RunEvent, RunOutcome, SkipReason, StepSource, WaitReason};
use crate::text::format::count;
use crate::units::{Micros, Money};
use std::collections::HashMap;
use std::fmt::Write as _;

/// Turns events into lines, one for each event that a reader of a log wants to see.
#[derive(Debug, Default)]
pub struct Progress {
    /// Service time and cost of each row's attempts so far, for the line of its end.
    sums: HashMap<u32, (Micros, Option<Money>)>,
    total: usize,
}

impl Progress {
    /// The line for `event`, without a line feed and without control characters.
    pub fn line(&mut self, event: &RunEvent) -> Option<String> {
        let text = self.text(event)?;
        let line = format!("{:>9.3}s  {text}", event.at.seconds());
        Some(if crate::text::is_plain(&line) {
            line
        } else {
            crate::text::line(&line)
        })
    }

    fn text(&mut self, event: &RunEvent) -> Option<String> {
        Some(match &event.kind {
            EventKind::RunStarted(header) => {
                self.total = header.steps.len();
                let simulated = if header.simulated { ", SIMULATED" } else { "" };
                format!(
                    "run       {}: {}, worker {}{simulated} ({})",
                    header.plan,
                    count(self.total, "step"),
                    header.worker,
                    header.run_id
                )
            }
            EventKind::StepWaiting {
                step,
                reason,
                on,
                until,
            } => {
                let what = match (reason, on) {
                    (WaitReason::Budget, _) => "money".to_owned(),
                    (WaitReason::Rate, Some(name)) => rate(name, until.map(|at| at - event.at)),
                    (WaitReason::Rate, None) => "its rate".to_owned(),
                    (WaitReason::Exclusive, _) => "the others to end: it runs alone".to_owned(),
                    (WaitReason::Breakpoint, _) => "the user: breakpoint".to_owned(),
                };
                format!("waits     {} for {what}", step.id)
            }
            EventKind::StepExpanded { step, count, .. } => {
                format!("expanded  {} into {count} elements", step.id)
            }
            EventKind::AttemptStarted { step, attempt, .. } if *attempt == 1 => {
                format!("started   {}", step.id)
            }
            EventKind::AttemptStarted { step, attempt, .. } => {
                format!("started   {} (attempt {attempt})", step.id)
            }
            EventKind::AttemptLog { step, text, .. } => format!("          {}| {text}", step.id),
            EventKind::AttemptEnded(end) => {
                let sum = self
                    .sums
                    .entry(end.step.ix.0)
                    .or_insert((Micros(0), Some(Money::ZERO)));
                sum.0 += end.service;
                sum.1 = sum.1.zip(end.cost).map(|(a, b)| a + b);
                let wait = end.retry_in?;
                let message = end.error.as_ref().map_or("", |error| &error.message);
                format!(
                    "retry     {} in {:.1}s: {message}",
                    end.step.id,
                    wait.seconds()
                )
            }
            EventKind::StepSucceeded { step, source, .. } => {
                let from = match source {
                    StepSource::Call => "",
                    StepSource::Cache => " (from the cache)",
                    StepSource::Recorded => " (recorded)",
                    StepSource::Mock => " (supplied by the user)",
                };
                self.ended("done", &step.id, step.ix.0) + from
            }
            EventKind::StepFailed { step, error } => {
                let line = self.ended("FAILED", &step.id, step.ix.0);
                format!("{line}: {}", error.message)
            }
            EventKind::StepSkipped {
                step,
                reason,
                because,
            } => {
                let why = match (reason, because) {
                    (SkipReason::Condition, _) => "its condition is not true".to_owned(),
                    (SkipReason::Upstream, Some(id)) => format!("because of {id}"),
                    (SkipReason::Upstream, None) => "because of what it depends on".to_owned(),
                    (SkipReason::Limit, _) => "a limit was reached".to_owned(),
                    (SkipReason::User, _) => "on request".to_owned(),
                };
                format!("skipped   {}, {why}", step.id)
            }
            EventKind::StepUnknown { step, error } => {
                format!("unknown   {}: {}", step.id, error.message)
            }
            EventKind::StepCancelled { step } => format!("cancelled {}", step.id),
            EventKind::StepReset { step } => format!("again     {}", step.id),
            EventKind::StepInputSet { step, input } => match input {
                Some(_) => format!("edited    {}: another input", step.id),
                None => format!("edited    {}: its input as the plan has it", step.id),
            },
            EventKind::StepPinned { step, pinned } => {
                let word = if *pinned { "pinned" } else { "unpinned" };
                format!("{word:<9} {}", step.id)
            }
            EventKind::RunPaused => "paused".to_owned(),
            EventKind::RunResumed => "resumed".to_owned(),
            EventKind::LimitReached { message, .. } => format!("LIMIT     {message}"),
            EventKind::StopRequested => "stopping".to_owned(),
            EventKind::RunEnded { status, .. } => match status {
                RunOutcome::Succeeded => "run succeeded".to_owned(),
                RunOutcome::Failed => "run FAILED".to_owned(),
                RunOutcome::LimitExceeded => "run stopped by a limit".to_owned(),
                RunOutcome::Cancelled => "run cancelled".to_owned(),
            },
            EventKind::RunReopened => "reopened".to_owned(),
            EventKind::StepReady { .. } | EventKind::ReservationRaised { .. } => return None,
        })
    }

    fn ended(&mut self, word: &str, id: &str, row: u32) -> String {
        let mut line = format!("{word:<9} {id}");
        let Some((service, cost)) = self.sums.remove(&row) else {
            return line;
        };
        // Writing to a string cannot fail.
        let _ = write!(line, "  {:.3}s", service.seconds());
        if let Some(cost) = cost.filter(|cost| !cost.is_zero()) {
            let _ = write!(line, "  {cost}");
        }
        line
    }
}

/// The rate of a name, and how long it lets nothing start.
fn rate(name: &str, left: Option<Micros>) -> String {
    match left {
        Some(left) => format!("the rate of {name}, {:.1}s", left.seconds()),
        None => format!("the rate of {name}, until a call has ended"),
    }
}
