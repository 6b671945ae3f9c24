//! Ending: of attempts, of steps, and of the run.

use super::{Action, Phase, Scheduler, Stage, Timer};
use crate::plan::StepIx;
use crate::run::{
    AttemptEnd, ErrorKind, Fact, Limit, RunError, RunOutcome, SkipReason, StepSource, StepStatus,
};
use crate::tools::{CallReport, ToolError};
use crate::units::{Micros, Money};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// No wait between two tries is longer, unless the other side asks for it.
const LONGEST_BACKOFF: Duration = Duration::from_mins(1);

impl Scheduler {
    pub(super) fn attempt_ended(
        &mut self,
        row: StepIx,
        service: Micros,
        report: CallReport,
        cancelled: bool,
        out: &mut Vec<Action>,
    ) {
        if !self.exists(row) || self.nodes[row.at()].stage != Stage::Calling {
            return;
        }
        self.leave(row);
        let node = self.node(row);
        let (attempt, reserved) = (node.attempts, std::mem::take(&mut node.bound));
        let margin = std::mem::take(&mut node.margin);
        let foreseen = reserved - std::mem::take(&mut node.surcharge);
        let denied = std::mem::take(&mut node.denied);
        let rerun = std::mem::take(&mut node.rerun);
        let CallReport {
            output,
            cost,
            tokens,
            model,
            prompt,
            answer,
        } = report;
        let cost = cost.map(|cost| cost.max(Money::ZERO));
        let billed = cost.unwrap_or(reserved);
        self.budget.settle(reserved, margin, billed);
        let plan_step = self.plan_step(row);
        let tool = &self.steps[plan_step.at()].tool;
        self.budget.learn(tool, foreseen, billed, tokens.is_some());
        self.meters.end(row);
        let stopping = matches!(self.phase, Phase::Stopping(_));
        let stopped = cancelled || stopping;
        let failure = output.as_ref().err();
        let retry_in = failure
            .filter(|_| !stopped && !rerun && !denied)
            .and_then(|error| self.next_try(row, error));
        let error = failure.map(|error| self.tool_error(row, error));
        out.push(Action::Emit(Fact::AttemptEnded(Arc::new(AttemptEnd {
            step: self.key(row),
            attempt,
            service,
            cost: cost.filter(|_| self.rules.track_cost),
            tokens,
            model,
            prompt,
            answer,
            error: error.clone(),
            retry_in,
            cancelled: cancelled && output.is_err(),
        }))));
        match (output, error) {
            // Even an output is of no use: it was made from what has been taken back.
            _ if rerun && stopping => self.cancelled(row, out),
            _ if rerun => self.go_back(row, out),
            (Ok(output), _) => self.succeed(row, output, StepSource::Call, out),
            (Err(_), _) if stopped => self.cancelled(row, out),
            (Err(_), _) if denied => {
                // What it lacked may be left once the others have settled.
                let needs = self.nodes[row.at()].needs;
                self.park(row, needs, out);
            }
            (Err(_), Some(error)) => match retry_in {
                Some(wait) => {
                    self.node(row).stage = Stage::Backoff;
                    self.backoffs += 1;
                    let timer = Timer::Backoff(row, attempt);
                    out.push(Action::SetTimer(self.now + wait, timer));
                }
                None => self.fail(row, Box::new(error), out),
            },
            (Err(_), None) => {}
        }
    }

    /// The wait before the next try, where there is to be one: doubling bounds with full jitter, unless the
    /// other side says when to come back.
    fn next_try(&self, row: StepIx, error: &ToolError) -> Option<Micros> {
        let policy = self.retry[self.plan_step(row).at()];
        let tries = self.nodes[row.at()].tries;
        if !error.retryable || tries >= policy.attempts {
            return None;
        }
        if let Some(asked) = error.retry_after {
            return Some(asked.into());
        }
        let doubled = 1u32
            .checked_shl(tries.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let bound = policy.backoff.saturating_mul(doubled).min(LONGEST_BACKOFF);
        let bound = Micros::from(bound).0;
        Some(Micros(self.random % (bound + 1)))
    }

    fn tool_error(&self, row: StepIx, error: &ToolError) -> RunError {
        RunError {
            kind: error.kind,
            step: Some(self.key(row).id),
            tool_name: Some(self.spec(row).tool.clone()),
            message: error.message.as_str().into(),
            retryable: error.retryable,
            attempts: self.nodes[row.at()].attempts,
        }
    }

    /// A row ends without anybody knowing whether it happened.
    pub(super) fn stays_unknown(&mut self, row: StepIx, error: Box<RunError>) {
        self.errors.insert(row, error);
        self.end_row(row, StepStatus::Unknown);
    }

    pub(super) fn cancelled(&mut self, row: StepIx, out: &mut Vec<Action>) {
        let step = self.key(row);
        out.push(Action::Emit(Fact::StepCancelled { step }));
        self.end_row(row, StepStatus::Cancelled);
    }

    pub(super) fn deadline(&mut self, out: &mut Vec<Action>) {
        let Some(limit) = self.timeout() else { return };
        let counts = matches!(self.phase, Phase::Running | Phase::Paused) && !self.clock.is_held();
        // Missed, it is set again as soon as the clock goes on: after a pause, or when an ended run is retried.
        self.deadline_missed = true;
        if counts && self.time_left() == Some(Micros(0)) {
            let message = format!(
                "the run took longer than timeout_seconds = {}",
                limit.seconds()
            );
            self.limit_reached(Limit::TimeoutSeconds, None, message.into(), out);
        }
    }

    fn limit_reached(
        &mut self,
        limit: Limit,
        row: Option<StepIx>,
        message: Arc<str>,
        out: &mut Vec<Action>,
    ) {
        out.push(Action::Emit(Fact::LimitReached {
            limit,
            message: Arc::clone(&message),
        }));
        self.limit_error = Some(Box::new(RunError {
            kind: match limit {
                Limit::TimeoutSeconds => ErrorKind::TimeoutError,
                _ => ErrorKind::ResourceLimitError,
            },
            step: row.map(|row| self.key(row).id),
            tool_name: row.map(|row| self.spec(row).tool.clone()),
            message,
            retryable: false,
            attempts: row.map_or(0, |row| self.nodes[row.at()].attempts),
        }));
        self.stop(RunOutcome::LimitExceeded, SkipReason::Limit, out);
    }

    /// Cancels what is under way and skips what has not started; the run ends once nothing is under way.
    pub(super) fn stop(&mut self, outcome: RunOutcome, reason: SkipReason, out: &mut Vec<Action>) {
        self.phase = Phase::Stopping(outcome);
        for at in 0..self.nodes.len() as u32 {
            let row = StepIx(at);
            if let Some(error) = self.asked.remove(&row) {
                self.stays_unknown(row, error);
                continue;
            }
            let node = self.node(row);
            if node.status.has_ended() || node.stage == Stage::Dormant {
                continue;
            }
            if node.stage == Stage::Calling {
                out.push(Action::Cancel(row));
                continue;
            }
            let status = node.status;
            match status {
                // It ends with its elements.
                StepStatus::Running if self.is_expanded(row) => {}
                StepStatus::Running => {
                    self.leave(row);
                    self.cancelled(row, out);
                }
                _ => {
                    self.leave(row);
                    self.skip(row, reason, None, out);
                    self.node(row).stopped = true;
                }
            }
        }
        self.parked.clear();
        self.out_of_calls.clear();
        self.meters.forget_all();
        self.at_breakpoint.clear();
        self.alone_next = None;
    }

    /// Ends the run if nothing is left to do, or stops it if nothing can be done any more.
    pub(super) fn check_end(&mut self, out: &mut Vec<Action>) {
        if self.slots.taken() > 0 || matches!(self.phase, Phase::New | Phase::Ended) {
            return;
        }
        let may_be_stuck = self.unfinished > 0
            && self.phase == Phase::Running
            && self.backoffs + self.throttled == 0;
        if let Some((limit, row)) = self.exhausted().filter(|_| may_be_stuck) {
            let message = self.why(limit, row);
            self.limit_reached(limit, Some(row), message.into(), out);
            self.settle(out);
        }
        if self.unfinished == 0 {
            self.finish(out);
        }
    }

    fn why(&self, limit: Limit, row: StepIx) -> String {
        let step = self.key(row).id;
        if limit == Limit::MaxToolCalls {
            return format!(
                "step {step} would be call {} of max_tool_calls = {}",
                self.calls + 1,
                self.rules.limits.max_tool_calls.unwrap_or_default()
            );
        }
        format!(
            "step {step} may cost up to {}, and {} of max_total_cost_usd = {} is left",
            self.nodes[row.at()].bound,
            self.budget.free(),
            self.budget.limit().unwrap_or_default()
        )
    }

    fn finish(&mut self, out: &mut Vec<Action>) {
        let stopped_by = if let Phase::Stopping(outcome) = self.phase {
            Some(outcome)
        } else {
            None
        };
        let (status, error) = match (stopped_by, self.first_error()) {
            (Some(RunOutcome::LimitExceeded), _) => {
                (RunOutcome::LimitExceeded, self.limit_error.clone())
            }
            (Some(RunOutcome::Cancelled), error) => (RunOutcome::Cancelled, error),
            (_, Some(error)) => (RunOutcome::Failed, Some(error)),
            // Left over from a stop: a person ran other steps again since then.
            (_, None) if self.was_cut_short() => (RunOutcome::Cancelled, None),
            (_, None) => (RunOutcome::Succeeded, None),
        };
        self.phase = Phase::Ended;
        out.push(Action::Emit(Fact::RunEnded {
            status,
            result: self.result(),
            error,
        }));
    }

    fn first_error(&self) -> Option<Box<RunError>> {
        self.errors
            .iter()
            .min_by_key(|(row, _)| **row)
            .map(|(_, error)| error.clone())
    }

    fn was_cut_short(&self) -> bool {
        self.nodes
            .iter()
            .any(|node| node.stopped || node.status == StepStatus::Cancelled)
    }

    /// The output of the one sink, else an object of the sinks' outputs by id; the final synthesis is the one
    /// sink of a plan that has it.
    fn result(&self) -> Arc<Value> {
        let sinks: Vec<StepIx> = (0..self.steps.len() as u32)
            .map(StepIx)
            .filter(|row| self.graph.after(*row).is_empty())
            .collect();
        match &sinks[..] {
            [one] => self.output(*one).cloned().unwrap_or_default(),
            many => {
                let outputs: Map<String, Value> = many
                    .iter()
                    .filter_map(|row| {
                        let output = self.output(*row)?;
                        Some((self.steps[row.at()].id.to_string(), Value::clone(output)))
                    })
                    .collect();
                Arc::new(Value::Object(outputs))
            }
        }
    }
}
