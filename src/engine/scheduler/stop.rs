//! The end of the run: at a limit, when it is stopped, and when nothing is left to do.

use super::rows::{EndedBy, Row};
use super::waiting::Exhausted;
use super::{Action, Phase, Scheduler, Stage, Turn};
use crate::plan::StepIx;
use crate::run::{ErrorKind, EventKind, Limit, RunError, RunOutcome, SkipReason, StepStatus};
use crate::units::Money;
use serde_json::{Map, Value};
use std::sync::Arc;

impl Scheduler {
    /// The timer of the run's `timeout_seconds` is due.
    pub(super) fn deadline(&mut self, turn: &mut Turn<'_>) {
        let Some(limit) = self.clock.timeout() else {
            return;
        };
        if self.clock.is_over(turn.now, self.outcome.is_going()) {
            let message = format!(
                "the run took longer than timeout_seconds = {}",
                limit.seconds()
            );
            self.limit_reached(Limit::TimeoutSeconds, None, message.into(), turn);
        }
    }

    fn limit_reached(
        &mut self,
        limit: Limit,
        row: Option<StepIx>,
        message: Arc<str>,
        turn: &mut Turn<'_>,
    ) {
        turn.emit(EventKind::LimitReached {
            limit,
            message: Arc::clone(&message),
        });
        self.outcome.limit_error = Some(Box::new(RunError {
            kind: match limit {
                Limit::TimeoutSeconds => ErrorKind::TimeoutError,
                _ => ErrorKind::ResourceLimitError,
            },
            step: row.map(|row| self.key(row).id),
            tool_name: row.map(|row| self.spec(row).tool.clone()),
            message,
            retryable: false,
            attempts: row.map_or(0, |row| self.rows[row].attempts),
        }));
        self.stop(RunOutcome::LimitExceeded, SkipReason::Limit, turn);
    }

    /// Cancels what is running and skips what has not started; the run ends once nothing is running.
    pub(super) fn stop(&mut self, outcome: RunOutcome, reason: SkipReason, turn: &mut Turn<'_>) {
        self.outcome.phase = Phase::Stopping(outcome);
        self.withdraw_hand_over(turn);
        self.let_ends_go(false);
        for row in self.rows.positions() {
            if let Some(error) = self.decisions.take_question(row) {
                self.stay_unknown(row, error);
                continue;
            }
            let status = self.rows[row].status;
            match self.rows[row].stage {
                _ if status.has_ended() => continue,
                Stage::Dormant => continue,
                Stage::Calling(_) => {
                    turn.act(Action::Cancel(row));
                    continue;
                }
                _ => {}
            }
            match status {
                // It ends with its elements.
                StepStatus::Running if self.elements.is_expanded(row) => {}
                StepStatus::Running => {
                    self.leave(row);
                    self.cancel(row, turn);
                }
                _ => {
                    self.leave(row);
                    self.skip(row, reason, None, turn);
                    self.rows[row].ended_by = EndedBy::Stop;
                }
            }
        }
        self.waiting.clear();
        self.resources.rates.forget_all();
    }

    /// Ends the run if nothing is left to do, or stops it if nothing can be done any more.
    pub(super) fn check_end(&mut self, turn: &mut Turn<'_>) {
        let over = matches!(self.outcome.phase, Phase::New | Phase::Ended);
        if over || self.resources.slots.taken() > 0 {
            return;
        }
        let may_be_stuck = self.rows.unfinished > 0
            && self.outcome.phase == Phase::Running
            && !self.waiting.needs_only_time();
        if may_be_stuck && let Some(exhausted) = self.waiting.exhausted(&self.rows) {
            let (limit, row, message) = self.explain(exhausted);
            self.limit_reached(limit, Some(row), message.into(), turn);
            self.propagate(turn);
        }
        let waits = self.waits_for_answers(turn);
        if waits && self.resources.suspended > 0 {
            return;
        }
        if waits || self.rows.unfinished == 0 && !self.breakpoints.holds_ends() {
            self.report_overdraft(turn);
            let rows = self.rows.positions();
            // A call that was cut off is the business of the code that made it.
            let mut rows = rows.filter(|row| self.elements.call(*row).is_none());
            let incomplete = rows.any(|row| self.rows[row].is_incomplete());
            let (status, error) = self.outcome.conclude(incomplete);
            self.handed_over = None;
            turn.emit(EventKind::RunEnded {
                status,
                result: self.result(),
                error,
            });
        }
    }

    /// Whether the run ends because answers are missing. Code that waits for a call that is held is stopped first.
    fn waits_for_answers(&mut self, turn: &mut Turn<'_>) -> bool {
        if matches!(self.outcome.phase, Phase::Closing(_)) {
            return true;
        }
        if self.rules.asks || !self.only_answers_are_missing() {
            return false;
        }
        self.outcome.phase = Phase::Closing(self.end_of_the_way());
        let rows = self.rows.positions();
        for row in rows.filter(|row| self.rows[*row].is_calling()) {
            turn.act(Action::Cancel(row));
        }
        true
    }

    /// Whether what is left needs an approval, stands at breakpoints, or is not needed on the way to a step.
    fn only_answers_are_missing(&self) -> bool {
        let holds = self.approvals.is_asking()
            || self.breakpoints.holds_ends()
            || self.is_short_of_target();
        // A row stands there also once its breakpoint has been removed.
        let is_asked = holds || self.waiting.has_been_at_breakpoint();
        if !is_asked || self.outcome.phase != Phase::Running {
            return false;
        }
        let stands = |row: &Row| row.stage == Stage::AtBreakpoint;
        let mut rows = self.rows.positions();
        let goes_on = |row| self.could_go_on(row) && !stands(&self.rows[row]);
        !rows.any(goes_on) && (holds || self.rows.iter().any(stands))
    }

    /// A run that has spent more than its limit does not succeed, even where nothing was left to do.
    fn report_overdraft(&mut self, turn: &mut Turn<'_>) {
        let budget = &self.resources.budget;
        let stopped = match self.outcome.phase {
            Phase::Stopping(outcome) | Phase::Closing(outcome) => outcome != RunOutcome::Failed,
            _ => false,
        };
        if stopped || !budget.is_overdrawn() {
            return;
        }
        let limit = budget.limit().unwrap_or_default();
        let spent = budget.spent_before() + budget.spent();
        let by = self.resources.overdrawn_by;
        let cause = match by {
            Some(row) => format!(
                "the bill of step {} was higher than its upper bound: ",
                self.key(row).id
            ),
            None => String::new(),
        };
        let message = format!("{cause}{spent} is spent of max_total_cost_usd = {limit}");
        self.limit_reached(Limit::MaxTotalCostUsd, by, message.into(), turn);
    }

    fn explain(&self, exhausted: Exhausted) -> (Limit, StepIx, String) {
        if let (Exhausted::Calls(row), Some((limit, why))) = (exhausted, &self.resources.refused) {
            return (*limit, row, format!("step {}: {why}", self.key(row).id));
        }
        match exhausted {
            Exhausted::Calls(row) => {
                let message = format!(
                    "step {} would be call {} of max_tool_calls = {}",
                    self.key(row).id,
                    self.resources.calls + 1,
                    self.rules.limits.max_tool_calls.unwrap_or_default()
                );
                (Limit::MaxToolCalls, row, message)
            }
            Exhausted::Money(row, upper_bound) => {
                let budget = &self.resources.budget;
                let message = format!(
                    "step {} may cost up to {upper_bound}, and {} of max_total_cost_usd = {} is left{}",
                    self.key(row).id,
                    budget.free().max(Money::ZERO),
                    budget.limit().unwrap_or_default(),
                    spent_before(budget.spent_before())
                );
                (Limit::MaxTotalCostUsd, row, message)
            }
        }
    }

    /// The output of the one sink, else an object of the sinks' outputs by id; the final synthesis is the one
    /// sink of a plan that has it.
    fn result(&self) -> Arc<Value> {
        let graph = &self.steps.graph;
        let sinks = self.steps.positions();
        let sinks: Vec<StepIx> = sinks.filter(|row| graph.after(*row).is_empty()).collect();
        match &sinks[..] {
            [one] => self.output(*one).cloned().unwrap_or_default(),
            many => {
                let mut outputs = Map::with_capacity(many.len());
                for row in many {
                    if let Some(output) = self.output(*row) {
                        outputs.insert(self.steps.id(*row).to_string(), Value::clone(output));
                    }
                }
                Arc::new(Value::Object(outputs))
            }
        }
    }
}

/// What a message about the limit adds where earlier runs have spent some of it.
fn spent_before(money: Money) -> String {
    if money.is_zero() {
        String::new()
    } else {
        format!("; the runs that this one resumes spent {money}")
    }
}
