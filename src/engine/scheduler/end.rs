//! Ending: of attempts, of steps, and of the run.

use super::{Action, Phase, Scheduler, Timer};
use crate::plan::StepIx;
use crate::run::{
    AttemptEnd, ErrorKind, Fact, Limit, Micros, RunError, RunOutcome, SkipReason, StepSource,
    StepStatus,
};
use crate::tools::{CallReport, ToolError};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// No wait between two tries is longer, unless the other side asks for it.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

impl Scheduler {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn attempt_ended(
        &mut self,
        now: Micros,
        random: u64,
        row: StepIx,
        service: Micros,
        report: CallReport,
        cancelled: bool,
        out: &mut Vec<Action>,
    ) {
        if !self.exists(row) || self.nodes[row.at()].slot.is_none() {
            return;
        }
        self.free_slot(row);
        let node = self.node(row);
        let reserved = std::mem::take(&mut node.reserved);
        let rerun = std::mem::take(&mut node.rerun);
        self.budget
            .settle(reserved, report.cost.unwrap_or(reserved));
        self.unpark();
        let CallReport {
            output,
            cost,
            tokens,
            model,
            prompt,
            answer,
        } = report;
        let stopping = matches!(self.phase, Phase::Stopping(_));
        let failure = output.as_ref().err();
        let retry_in = failure
            .filter(|_| !stopping && !rerun && !cancelled)
            .and_then(|error| self.next_try(row, error, random));
        let error = failure.map(|error| self.tool_error(row, error));
        let attempt = self.nodes[row.at()].attempts;
        out.push(Action::Emit(Fact::AttemptEnded(Box::new(AttemptEnd {
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
            _ if rerun => self.reset_now(row, out),
            (Ok(output), _) => self.succeed(row, output, StepSource::Call, out),
            (Err(_), _) if stopping || cancelled => self.cancelled(row, out),
            (Err(_), Some(_)) if retry_in.is_some() => {
                let wait = retry_in.unwrap_or_default();
                self.node(row).backoff = true;
                self.backoffs += 1;
                out.push(Action::SetTimer(now + wait, Timer::Backoff(row, attempt)));
            }
            (Err(_), Some(error)) => self.fail(row, Box::new(error), out),
            (Err(_), None) => {}
        }
    }

    /// The wait before the next try, where there is to be one: doubling bounds with full jitter, unless the
    /// other side says when to come back.
    fn next_try(&self, row: StepIx, error: &ToolError, random: u64) -> Option<Micros> {
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
        Some(Micros(random % (bound + 1)))
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

    fn cancelled(&mut self, row: StepIx, out: &mut Vec<Action>) {
        let step = self.key(row);
        out.push(Action::Emit(Fact::StepCancelled { step }));
        self.end_row(row, StepStatus::Cancelled);
    }

    pub(super) fn deadline(&mut self, now: Micros, out: &mut Vec<Action>) {
        let Some(limit) = self.timeout() else { return };
        match self.phase {
            Phase::Running | Phase::Paused if self.clock.is_held() => self.deadline_missed = true,
            Phase::Running | Phase::Paused if self.clock.wall(now) < limit => {
                self.arm_deadline(now, out);
            }
            Phase::Running | Phase::Paused => {
                let message = format!(
                    "the run took longer than timeout_seconds = {}",
                    limit.seconds()
                );
                self.limit_reached(Limit::TimeoutSeconds, None, message.into(), out);
            }
            // A run that is retried after its end gets its deadline back then.
            Phase::Ended => self.deadline_missed = true,
            Phase::New | Phase::Stopping(_) => {}
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
        self.forget_waits();
        for at in 0..self.nodes.len() as u32 {
            let row = StepIx(at);
            if self.is_orphan(row) {
                continue;
            }
            match self.nodes[row.at()].status {
                StepStatus::Pending | StepStatus::Ready => {
                    self.free_slot(row);
                    self.skip(row, reason, None, out);
                    let node = self.node(row);
                    node.unwanted = false;
                    node.stopped = true;
                }
                StepStatus::Running if self.nodes[row.at()].slot.is_some() => {
                    out.push(Action::Cancel(row));
                }
                StepStatus::Running if !self.expansions.contains_key(&row) => {
                    self.leave_backoff(row);
                    self.cancelled(row, out);
                }
                _ => {}
            }
        }
    }

    pub(super) fn leave_backoff(&mut self, row: StepIx) {
        let node = self.node(row);
        node.retry_queued = false;
        if std::mem::take(&mut node.backoff) {
            self.backoffs -= 1;
        }
    }

    pub(super) fn forget_waits(&mut self) {
        self.parked.clear();
        self.out_of_calls.clear();
        self.at_breakpoint.clear();
        self.once.clear();
        self.alone_next = None;
        self.permits = 0;
    }

    /// Ends the run if nothing is left to do, or stops it if nothing can be done any more.
    pub(super) fn check_end(&mut self, out: &mut Vec<Action>) {
        if self.slots.taken() > 0 || matches!(self.phase, Phase::New | Phase::Ended) {
            return;
        }
        if self.unfinished == 0 {
            self.finish(out);
            return;
        }
        if self.phase == Phase::Running && self.backoffs == 0 && self.alone_next.is_none() {
            if let Some((limit, row)) = self.exhausted() {
                let message = self.why(limit, row);
                self.limit_reached(limit, Some(row), message.into(), out);
                self.settle(out);
                self.check_end(out);
            }
        }
    }

    fn why(&self, limit: Limit, row: StepIx) -> String {
        let step = self.key(row).id;
        match limit {
            Limit::MaxToolCalls => format!(
                "step {step} would be call {} of max_tool_calls = {}",
                self.calls + 1,
                self.rules.limits.max_tool_calls.unwrap_or_default()
            ),
            _ => {
                let bound = self.parked.iter().find(|(_, parked)| *parked == row);
                let most = bound.map(|(most, _)| *most).unwrap_or_default();
                format!(
                    "step {step} may cost up to {most}, and {} of max_total_cost_usd = {} is left",
                    self.budget.free(),
                    self.budget.limit().unwrap_or_default()
                )
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<Action>) {
        let first_error = self
            .errors
            .iter()
            .filter(|(row, _)| self.nodes[row.at()].status == StepStatus::Failed)
            .min_by_key(|(row, _)| **row)
            .map(|(_, error)| error.clone());
        let (status, error) = match self.phase {
            Phase::Stopping(RunOutcome::LimitExceeded) => {
                (RunOutcome::LimitExceeded, self.limit_error.clone())
            }
            Phase::Stopping(RunOutcome::Cancelled) => (RunOutcome::Cancelled, first_error),
            _ if first_error.is_some() => (RunOutcome::Failed, first_error),
            _ => (RunOutcome::Succeeded, None),
        };
        self.phase = Phase::Ended;
        out.push(Action::Emit(Fact::RunEnded {
            status,
            result: self.result(),
            error,
        }));
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
