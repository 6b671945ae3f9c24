//! The end of an attempt: it is billed, and its row ends, is retried, waits for money, or begins again.

use super::rows::{Calling, Row};
use super::{Action, Phase, Scheduler, Stage, Timer, Turn, WaitFor};
use crate::plan::StepIx;
use crate::run::{AttemptDetails, AttemptEnd, EventKind, RunError, StepSource, Streamed};
use crate::tools::{CallReport, CostBasis, ToolError};
use crate::units::{Charge, ChargeClass, Micros, Money};
use std::sync::Arc;
use std::time::Duration;

/// No wait between two attempts is longer, unless the server asks for it.
const MAX_BACKOFF: Duration = Duration::from_mins(1);

impl Scheduler {
    pub(super) fn attempt_ended(
        &mut self,
        row: StepIx,
        service: Micros,
        report: Box<CallReport>,
        cancelled: bool,
        turn: &mut Turn<'_>,
    ) {
        if !self.rows.get(row).is_some_and(Row::is_calling) {
            return;
        }
        let Stage::Calling(call) = self.leave(row) else {
            return;
        };
        let Calling {
            slot,
            upper_bound: reserved,
            learned_excess,
            headroom,
            estimated,
            priced,
            denied,
            rerun,
        } = *call;
        let CallReport {
            output,
            rejected,
            cost,
            mut charges,
            basis,
            tokens,
            model,
            prompt,
            answer,
            reasoning,
            first_token,
            tokens_per_second,
            // The driver has put it in the place of the output.
            unredacted: _,
            exchanges: _,
            is_unknown,
        } = *report;
        let cost = match basis {
            CostBasis::NotSent | CostBasis::Billed => cost,
            // Its bill may pass the bound as the bills of other calls have.
            CostBasis::UpperBound => cost.map(|cost| cost.max(reserved.min(cost + learned_excess))),
            CostBasis::Reservation => priced.then_some(reserved),
        };
        let cost = cost.map(|cost| cost.max(Money::ZERO));
        if let Some(cost) = cost {
            explain(cost, &mut charges);
        }
        let billed = cost.unwrap_or(reserved);
        let budget = &mut self.resources.budget;
        if slot.is_none() {
            budget.resume(reserved);
        }
        budget.charge(reserved, headroom, billed);
        if budget.is_overdrawn() {
            self.resources.overdrawn_by.get_or_insert(row);
        }
        let budget = &mut self.resources.budget;
        let tool = match self.elements.call(row) {
            Some(call) => &call.call.step.tool,
            None => &self.steps.get(self.elements.plan_step(row)).tool,
        };
        budget.learn(tool, reserved - learned_excess, billed, tokens.is_some());
        self.resources.rates.end(row);
        let attempt = self.rows[row].attempts;
        let stopping = self.outcome.is_stopping();
        // A call whose code has ended is not tried again, whether or not it ended before it was cancelled.
        let stopped = cancelled || stopping || self.is_abandoned(row);
        let failure = output.as_ref().err();
        let retry_in = failure
            .filter(|_| !stopped && !rerun && !denied && !is_unknown)
            .and_then(|error| self.next_attempt(row, error, turn.random));
        let error = failure.map(|error| Box::new(self.tool_error(row, error)));
        turn.emit(EventKind::AttemptEnded(Arc::new(AttemptEnd {
            step: self.key(row),
            attempt,
            service,
            cost: cost.filter(|_| self.rules.track_cost),
            details: AttemptDetails {
                charges: if cost.is_some() && self.rules.track_cost {
                    charges
                } else {
                    Vec::new()
                },
                tokens: tokens.map(Box::new),
                model,
                prompt,
                answer,
                reasoning,
                streamed: first_token.map(|first_token| {
                    Box::new(Streamed {
                        first_token: first_token.into(),
                        tokens_per_second,
                    })
                }),
                error: error.clone(),
                retry_in,
            }
            .boxed(),
            cancelled: cancelled && output.is_err(),
        })));
        let is_held = matches!(self.outcome.phase, Phase::Closing(_));
        if !is_held {
            self.abandon_calls(row, turn);
        }
        match (output, error) {
            // Even an output is of no use: it was made from what has been taken back.
            _ if rerun && stopping => self.cancel(row, turn),
            _ if rerun => self.go_back(row, turn),
            // Its code waits for a call that is held, and begins again.
            _ if is_held => self.cancel(row, turn),
            (Ok(output), _) => self.succeed(row, output, StepSource::Call, None, turn),
            (Err(_), _) if stopped => self.cancel(row, turn),
            (Err(_), _) if denied => {
                // What it lacked may be left once the others have been charged.
                let requested = self.resources.requested(row);
                self.park(row, requested, estimated, turn);
            }
            // It may have happened: only the user has it done again.
            (Err(_), Some(error)) if is_unknown => self.become_unknown(row, error, turn),
            (Err(_), Some(error)) => match retry_in {
                Some(wait) => {
                    self.enter(row, WaitFor::Backoff { attempt });
                    let timer = Timer::Backoff(row, attempt);
                    turn.act(Action::SetTimer(turn.now + wait, timer));
                }
                None => self.fail_with(row, error, rejected, turn),
            },
            (Err(_), None) => {}
        }
    }

    /// The wait before the next attempt, where there is to be one: doubling bounds with full jitter, unless the
    /// server says when to retry.
    fn next_attempt(&self, row: StepIx, error: &ToolError, random: u64) -> Option<Micros> {
        let policy = self.retry_policy(row);
        let attempts = self.rows[row].attempts_since_reset;
        if !error.retryable || attempts >= policy.attempts {
            return None;
        }
        if let Some(asked) = error.retry_after {
            return Some(asked.into());
        }
        let doubled = 1u32
            .checked_shl(attempts.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let bound = policy.backoff.saturating_mul(doubled).min(MAX_BACKOFF);
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
            attempts: self.rows[row].attempts,
        }
    }
}

/// Adds to the charges what of the cost they do not have, so that they make the whole of it.
fn explain(cost: Money, charges: &mut Vec<Charge>) {
    let sum: Money = charges.iter().map(Charge::cost).sum();
    if sum > cost {
        // The report contradicts itself; the cost is what counts.
        charges.clear();
        explain(cost, charges);
    } else if cost > sum {
        charges.push(Charge {
            class: ChargeClass::Reserved,
            count: 1,
            price: cost - sum,
            upper_bound: true,
        });
    }
}
