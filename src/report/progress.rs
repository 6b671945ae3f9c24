//! A run as plain lines, for output that is not a terminal.

use super::given_calls::given_in_words;
use super::questions::{answer_in_words, question_in_words};
use super::settlements::settlement_in_words;
use crate::run::{
    DecidedBy, EditWay, EventKind, LogStream, RunEvent, RunOutcome, SkipReason, StepSource,
    WaitReason,
};
use crate::text::format::count;
use crate::text::message::clean;
use crate::units::{Micros, Money};
use std::collections::HashMap;
use std::fmt::Write as _;

/// Turns events into lines, one for each event that a reader of a log wants to see.
#[derive(Debug, Default)]
pub struct Progress {
    /// Service time and cost of each row's attempts so far, for the line of its end.
    sums: HashMap<u32, Sum>,
    /// The sum of the row whose attempt ended last: mostly the row ends next.
    last: Option<(u32, Sum)>,
    moment: Moment,
    total: usize,
}

/// The width of the word that says what happened.
const WORD: usize = 9;

/// What a line begins with, which the next ones of the same millisecond begin with, too.
#[derive(Debug, Default)]
struct Moment {
    millis: Option<u64>,
    text: String,
}

impl Moment {
    fn write(&mut self, at: Micros, out: &mut String) {
        let millis = millis(at);
        if self.millis != Some(millis) {
            self.text.clear();
            seconds(at, 9, &mut self.text);
            self.text.push_str("  ");
            self.millis = Some(millis);
        }
        out.push_str(&self.text);
    }
}

/// Service time and cost of a row's attempts; no cost where one has no price.
type Sum = (Micros, Option<Money>);

impl Progress {
    /// The line for `event`, without a line feed and without control characters.
    pub fn line(&mut self, event: &RunEvent) -> Option<String> {
        let mut line = String::new();
        self.write(event, &mut line).then_some(line)
    }

    /// Writes the line for `event`, as [`Self::line`], at the end of `out`; whether there is one.
    pub fn write(&mut self, event: &RunEvent, out: &mut String) -> bool {
        let start = out.len();
        // Plans of small steps have many lines of these two kinds, and formatting would be most of their time.
        match &event.kind {
            EventKind::AttemptStarted {
                step, attempt: 1, ..
            } => {
                self.moment.write(event.at, out);
                out.extend(["started   ", &step.id]);
            }
            EventKind::StepSucceeded {
                step,
                source: StepSource::Call,
                ..
            } => {
                self.moment.write(event.at, out);
                self.ended("done", &step.id, step.ix.0, out);
            }
            _ => match self.text(event) {
                Some(text) => {
                    self.moment.write(event.at, out);
                    out.push_str(&text);
                }
                None => return false,
            },
        }
        if !crate::text::is_plain(&out[start..]) {
            let line = crate::text::line(&out[start..]);
            out.truncate(start);
            out.push_str(&line);
        }
        true
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
                    (WaitReason::Target, _) => "the way to another step".to_owned(),
                    (WaitReason::HandOver, _) => "the run with the edited plan".to_owned(),
                    (WaitReason::Approval, _) => format!(
                        "an approval: --approve {}=yes",
                        crate::text::fit(&step.id, 60)
                    ),
                };
                format!("waits     {} for {what}", step.id)
            }
            EventKind::StepExpanded { step, count, .. } => {
                format!("expanded  {} into {count} elements", step.id)
            }
            EventKind::StepsAdded { steps } => {
                self.total += steps.len();
                match &**steps {
                    [one] => format!("new       {}", one.id),
                    all => format!("new       {}", count(all.len(), "step")),
                }
            }
            EventKind::StepCalled { call, .. } => format!("called    {}", call.id),
            EventKind::AttemptStarted { step, attempt, .. } if *attempt == 1 => {
                format!("started   {}", step.id)
            }
            EventKind::AttemptStarted { step, attempt, .. } => {
                format!("started   {} (attempt {attempt})", step.id)
            }
            EventKind::AttemptHandle { step, handle, .. } => {
                format!("task      {}: the server calls it {handle}", step.id)
            }
            EventKind::QuestionAsked { step, question, .. } => {
                format!("asks      {}: {}", step.id, question_in_words(question))
            }
            EventKind::QuestionAnswered { step, answer, .. } => {
                format!("answered  {}: {}", step.id, answer_in_words(answer))
            }
            // What is printed is in the output, and a line that is overwritten is none to keep.
            EventKind::AttemptLog { stream, text, .. }
                if *stream == LogStream::Stdout || text.is_empty() || text.ends_with('\r') =>
            {
                return None;
            }
            EventKind::AttemptLog { step, text, .. } => {
                format!("          {}| {}", step.id, clean(text, text.len()))
            }
            EventKind::AttemptEnded(end) => {
                let row = end.step.ix.0;
                let (service, cost) = self.take_sum(row).unwrap_or((Micros(0), Some(Money::ZERO)));
                let cost = cost.zip(end.cost).map(|(a, b)| a + b);
                let sum = (row, (service + end.service, cost));
                self.sums.extend(self.last.replace(sum));
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
                let mut line = String::new();
                self.ended("done", &step.id, step.ix.0, &mut line);
                line + from
            }
            EventKind::StepFailed { step, error, .. } => {
                let mut line = String::new();
                self.ended("FAILED", &step.id, step.ix.0, &mut line);
                line + ": " + &error.message
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
            EventKind::StepSettled { step, settlement } => {
                format!("settled   {}: {}", step.id, settlement_in_words(settlement))
            }
            EventKind::StepCancelled { step } => format!("cancelled {}", step.id),
            EventKind::StepReset { step } => format!("again     {}", step.id),
            EventKind::StepInputSet { step, input } => match input {
                Some(_) => format!("edited    {}: another input", step.id),
                None => format!("edited    {}: its input as the plan has it", step.id),
            },
            EventKind::StepCallSet { step, call } => {
                let given = given_in_words(call).map(|(what, value)| match &*value {
                    "" => format!("another {what}"),
                    value => format!("{what} {value}"),
                });
                let given: Vec<String> = given.collect();
                let given = match given.len() {
                    0 => "its model is asked as the plan has it".to_owned(),
                    _ => given.join(", "),
                };
                format!("edited    {}: {given}", step.id)
            }
            EventKind::StepEdited { step, edit, .. } => match edit {
                EditWay::Undone => format!("undone    the edit of {}", step.id),
                EditWay::Redone => format!("redone    the edit of {}", step.id),
                EditWay::Done => return None,
            },
            EventKind::StepPinned { step, pinned } => {
                let word = if *pinned { "pinned" } else { "unpinned" };
                format!("{word:<9} {}", step.id)
            }
            EventKind::StepHeld {
                step,
                at,
                condition,
            } => {
                let why = condition.as_deref().map_or_else(String::new, |it| format!(": {it}"));
                format!("held      {} {}{why}", at.words(), step.id)
            }
            EventKind::RunTargeted { to } => format!("runs to   {to}"),
            EventKind::HandOverSet { to: Some(to) } => {
                format!("hands over to run {} ({} {})", to.run_id, to.words(), to.step)
            }
            EventKind::HandOverSet { to: None } => "hands over to no other run".to_owned(),
            EventKind::BreakpointSet { breakpoint, on } => {
                let word = if *on { "set" } else { "removed" };
                format!("break     {word}: {breakpoint}")
            }
            EventKind::ApprovalDecided {
                step, granted, by, ..
            } => {
                let word = if *granted { "approved" } else { "refused" };
                format!("{word:<9} {}, by {}", step.id, decider_in_words(*by))
            }
            EventKind::RunPaused => "paused".to_owned(),
            EventKind::RunResumed => "resumed".to_owned(),
            EventKind::SettingChanged { setting } => format!("changed   {setting}"),
            EventKind::LimitReached { message, .. } => format!("LIMIT     {message}"),
            EventKind::StopRequested => "stopping".to_owned(),
            EventKind::RunEnded { status, .. } => match status {
                RunOutcome::Succeeded => "run succeeded".to_owned(),
                RunOutcome::Failed => "run FAILED".to_owned(),
                RunOutcome::LimitExceeded => "run stopped by a limit".to_owned(),
                RunOutcome::Cancelled => "run cancelled".to_owned(),
                RunOutcome::Waiting => "run waits".to_owned(),
            },
            EventKind::RunReopened => "reopened".to_owned(),
            EventKind::StepReady { .. }
            // The waiting that follows has a line, and so has the attempt.
            | EventKind::ApprovalAsked { .. }
            | EventKind::ApprovalUsed { .. }
            | EventKind::ReservationRaised { .. }
            | EventKind::AttemptPaced { .. }
            | EventKind::AttemptSuspended { .. }
            | EventKind::AttemptContinued { .. } => return None,
        })
    }

    fn ended(&mut self, word: &str, id: &str, row: u32, out: &mut String) {
        out.push_str(word);
        out.extend(std::iter::repeat_n(' ', WORD.saturating_sub(word.len())));
        out.extend([" ", id]);
        let Some((service, cost)) = self.take_sum(row) else {
            return;
        };
        out.push_str("  ");
        seconds(service, 0, out);
        if let Some(cost) = cost.filter(|cost| !cost.is_zero()) {
            // Writing to a string cannot fail.
            let _ = write!(out, "  {cost}");
        }
    }

    fn take_sum(&mut self, row: u32) -> Option<Sum> {
        if let Some((_, sum)) = self.last.take_if(|(last, _)| *last == row) {
            return Some(sum);
        }
        // Mostly there is nothing to look up.
        (!self.sums.is_empty()).then(|| self.sums.remove(&row))?
    }
}

/// Who decided about a call.
pub fn decider_in_words(by: DecidedBy) -> &'static str {
    match by {
        DecidedBy::Flag => "--approve",
        DecidedBy::Screen => "the user",
        DecidedBy::Other => "another process",
    }
}

/// A time in milliseconds, rounded.
fn millis(time: Micros) -> u64 {
    time.0.saturating_add(500) / 1_000
}

/// Writes a time in seconds with three decimals, at least `width` characters of digits: `    1.204s`.
fn seconds(time: Micros, width: usize, out: &mut String) {
    let millis = millis(time);
    // From the end, because formatting a float takes longer than everything else of a line.
    let mut digits = [b' '; 24];
    let (mut at, mut left, mut written) = (digits.len(), millis, 0);
    while left > 0 || written < 5 {
        at -= 1;
        written += 1;
        if written == 4 {
            digits[at] = b'.';
            continue;
        }
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    let from = at.min(digits.len() - width.min(digits.len()));
    // They are digits, a point and spaces.
    out.push_str(std::str::from_utf8(&digits[from..]).unwrap_or_default());
    out.push('s');
}

/// The rate of a name, and how long it lets nothing start.
fn rate(name: &str, left: Option<Micros>) -> String {
    match left {
        Some(left) => format!("the rate of {name}, {:.1}s", left.seconds()),
        None => format!("the rate of {name}, until a call has ended"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_number_of_seconds_with_three_decimals() {
        let times = [
            0,
            7,
            42,
            999,
            1_000,
            61_204,
            999_999,
            12_345_678,
            1_234_567_890,
        ];
        for (ms, more) in times.into_iter().zip([0, 499, 1].into_iter().cycle()) {
            for width in [0, 9] {
                let mut written = String::new();
                seconds(Micros(ms * 1_000 + more), width, &mut written);
                assert_eq!(written, format!("{:>width$.3}s", ms as f64 / 1e3));
            }
        }
        let mut written = String::new();
        seconds(Micros(1_999_500), 0, &mut written);
        seconds(Micros(u64::MAX), 0, &mut written);
        assert_eq!(written, "2.000s18446744073709.551s");
    }

    #[test]
    fn lines_of_one_millisecond_and_of_the_next_begin_with_their_own_moment() {
        let mut progress = Progress::default();
        let times = [0, 499, 500, 1_499, 1_500, 1_499, 61_000_000];
        let lines = times.map(|at| {
            let event = RunEvent {
                seq: 0,
                at: Micros(at),
                kind: EventKind::RunPaused,
            };
            progress.line(&event).unwrap()
        });
        let moments = [
            "0.000", "0.000", "0.001", "0.001", "0.002", "0.001", "61.000",
        ];
        assert_eq!(lines, moments.map(|moment| format!("{moment:>9}s  paused")));
    }
}
