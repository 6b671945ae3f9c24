//! The answer to a preparation: the call is made, or the slot is free again.

use super::rate_limiter::Refusal;
use super::rows::{Calling, EndedBy};
use super::{Action, Phase, Prepared, Scheduler, Stage, Timer, Turn, WaitFor};
use crate::plan::{StepInput, StepIx};
use crate::run::{
    CallReason, Demand, ErrorKind, EventKind, RunError, SkipReason, StepStatus, WaitReason,
};
use crate::units::Money;

/// A call that is about to be made.
struct Planned {
    /// The resolved parameters.
    input: StepInput,
    /// The most it can cost; `None` where that cannot be known.
    upper_bound: Option<Money>,
    /// Whether that is an estimate.
    estimated: bool,
    /// The rates that it counts against.
    demand: Demand,
    /// Why it is made, where the output could have been there already.
    why: Option<Box<CallReason>>,
    /// The slot that it has.
    slot: u32,
    /// Whether the user asked for this very step.
    permitted: bool,
}

impl Scheduler {
    pub(super) fn prepared(&mut self, row: StepIx, prepared: Prepared, turn: &mut Turn<'_>) {
        let Stage::Preparing { slot, permitted } = *self.rows.stage(row) else {
            return;
        };
        if self.outcome.phase == Phase::Paused && !permitted {
            // The pause came in between.
            self.leave(row);
            self.queue(row);
            return;
        }
        // The way may have begun in between, too.
        if !permitted && self.is_target(row) {
            self.leave(row);
            self.hold_at_target(row, turn);
            return;
        }
        if matches!(prepared, Prepared::Call { .. }) && !permitted && self.stands_aside(row) {
            self.set_aside(row, turn);
            return;
        }
        if let Prepared::Call {
            input,
            upper_bound,
            estimated,
            demand,
            why,
            approval,
            breaks,
        } = prepared
        {
            if !permitted && self.holds_where(row, breaks, turn) {
                return;
            }
            if let Some(call) = &approval
                && !self.is_approved(row, call, &input, turn)
            {
                return;
            }
            let planned = Planned {
                input,
                upper_bound,
                estimated,
                demand,
                why,
                slot,
                permitted,
            };
            self.call(row, planned, turn);
            return;
        }
        self.leave(row);
        match prepared {
            Prepared::Call { .. } => {}
            Prepared::Each(items) => self.expand(row, items, turn),
            Prepared::Unwanted => self.skip(row, SkipReason::Condition, None, turn),
            Prepared::Known(output, source, reused) => {
                self.succeed(row, output, source, reused, turn);
            }
            Prepared::Rejected(error, output) => self.fail_with(row, error, Some(output), turn),
            Prepared::Impossible(error) => self.fail(row, error, turn),
            Prepared::Unknown(error) => self.become_unknown(row, error, turn),
            Prepared::Skip => {
                self.skip(row, SkipReason::User, None, turn);
                self.rows[row].ended_by = EndedBy::UserOverride;
            }
        }
    }

    fn call(&mut self, row: StepIx, mut planned: Planned, turn: &mut Turn<'_>) {
        if self.resources.slots.is_over() {
            // Slots were taken away in between.
            self.leave(row);
            self.queue(row);
            return;
        }
        planned.slot = self.resources.slots.exchange(planned.slot);
        self.rows[row].stage = Stage::Preparing {
            slot: planned.slot,
            permitted: planned.permitted,
        };
        let budget = &self.resources.budget;
        let unlimited = || (!budget.is_limited()).then_some(Money::ZERO);
        let Some(quoted) = planned.upper_bound.or_else(unlimited) else {
            self.leave(row);
            let error = self.unpriced(row);
            self.fail(row, Box::new(error), turn);
            return;
        };
        let quoted = quoted.max(Money::ZERO);
        if self.resources.is_out_of_calls() {
            self.leave(row);
            self.enter(row, WaitFor::Calls);
            self.resources.rates.step_aside(row);
            return;
        }
        let rates = &mut self.resources.rates;
        let refusal = rates.refuse(turn.now, row, &planned.demand, planned.permitted);
        if let Some(refusal) = refusal {
            self.throttle(row, refusal, planned.demand.tokens, turn);
            return;
        }
        let tool = &self.spec(row).tool;
        let known = self.resources.budget.upper_bound(tool, quoted);
        let upper_bound = known.max(self.resources.requested(row));
        let headroom = self.headroom(row, upper_bound, planned.estimated);
        if !self.resources.budget.reserve(upper_bound, headroom) {
            self.leave(row);
            self.park(row, upper_bound, planned.estimated, turn);
            return;
        }
        let calling = Calling {
            slot: Some(planned.slot),
            upper_bound,
            learned_excess: known - quoted,
            headroom,
            estimated: planned.estimated,
            priced: planned.upper_bound.is_some(),
            denied: false,
            rerun: false,
        };
        self.start_attempt(row, calling, planned, turn);
    }

    fn start_attempt(
        &mut self,
        row: StepIx,
        calling: Calling,
        planned: Planned,
        turn: &mut Turn<'_>,
    ) {
        self.resources.calls += 1;
        self.resources.running += 1;
        self.resources.rates.start(turn.now, row, &planned.demand);
        self.breakpoints.hold_again(row);
        self.use_approval(row, turn);
        self.begin_calls(row);
        let step = self.key(row);
        let reserved = calling.upper_bound;
        let starting = &mut self.rows[row];
        starting.status = StepStatus::Running;
        starting.stage = Stage::Calling(Box::new(calling));
        starting.attempts += 1;
        starting.attempts_since_reset += 1;
        let attempt = starting.attempts;
        turn.emit(EventKind::AttemptStarted {
            step,
            attempt,
            slot: planned.slot,
            input: planned.input.clone(),
            reserved,
            why: planned.why,
            // The driver knows the tools.
            prompt: None,
        });
        turn.act(Action::Call {
            step: row,
            attempt,
            input: planned.input,
            reserved,
        });
    }

    /// A rate keeps the call from starting now; the row waits without a slot.
    fn throttle(&mut self, row: StepIx, refusal: Refusal, tokens: u64, turn: &mut Turn<'_>) {
        self.leave(row);
        self.enter(row, WaitFor::Rate);
        let rates = &mut self.resources.rates;
        let standing = rates.wait(row, refusal, tokens);
        if let Some(at) = standing.timer {
            turn.act(Action::SetTimer(at, Timer::Rate(refusal.limit)));
        }
        if standing.is_new {
            let on = Some(rates.name(refusal.limit));
            turn.emit(EventKind::StepWaiting {
                step: self.key(row),
                reason: WaitReason::Rate,
                on,
                until: refusal.until,
            });
        }
    }

    fn unpriced(&self, row: StepIx) -> RunError {
        let spec = self.spec(row);
        RunError {
            kind: ErrorKind::ResourceLimitError,
            step: Some(self.key(row).id),
            tool_name: Some(spec.tool.clone()),
            message: "the model has no known price, and a cost limit is in force: \
                      give the price in the settings, or lift max_total_cost_usd"
                .into(),
            retryable: false,
            attempts: self.rows[row].attempts,
        }
    }
}
