//! Starting: which ready step gets a slot, and what can still hold it.

use super::{Action, Phase, Prepared, Scheduler, Stage, Timer};
use crate::plan::StepIx;
use crate::run::{
    Demand, ErrorKind, Fact, Limit, RunError, SkipReason, StepStatus, WaitReason, Why,
};
use crate::units::{Micros, Money};
use serde_json::Value;
use std::sync::Arc;

/// Rows waiting for money that are looked at, at the most, for one that fits.
const AFFORDABLE: usize = 64;

/// What a call needs before it may start.
struct Wanted<'a> {
    /// The most it can cost; `None` where that cannot be known.
    most: Option<Money>,
    /// The rates that it counts against.
    demand: &'a Demand,
    /// Whether a person asked for this very step.
    asked: bool,
}

impl Scheduler {
    /// Asks for the preparation of as many steps as there are free slots.
    pub(super) fn dispatch(&mut self, out: &mut Vec<Action>) {
        while self.phase == Phase::Running && self.has_room() {
            let waited = self.alone_next;
            let Some(row) = self.pick() else { return };
            if self.must_wait_to_be_alone(row) {
                // Nothing else starts before it, or it would wait for as long as others keep coming.
                self.alone_next = Some(row);
                if waited != Some(row) {
                    self.waits(row, WaitReason::Exclusive, out);
                }
                return;
            }
            if self.breakpoints.contains(&row) && !self.nodes[row.at()].released {
                self.hold_at_breakpoint(row, out);
                return;
            }
            self.give_slot(row, out);
        }
    }

    /// Starts one step of a paused run: the one that is asked for if it could start, else the next one.
    pub(super) fn step_once(&mut self, asked: Option<StepIx>, out: &mut Vec<Action>) {
        if !self.has_room() {
            return;
        }
        let row = match asked {
            Some(row) => self.could_start(row).then_some(row),
            None => self.pop_held_at_breakpoint().or_else(|| self.pick()),
        };
        let Some(row) = row else { return };
        if self.must_wait_to_be_alone(row) {
            if asked.is_none() {
                self.queue(row);
            }
            return;
        }
        self.node(row).permitted = true;
        self.give_slot(row, out);
    }

    fn has_room(&self) -> bool {
        self.alone.is_none() && self.slots.any_free()
    }

    fn must_wait_to_be_alone(&self, row: StepIx) -> bool {
        self.nodes[row.at()].sequential && self.slots.taken() > 0
    }

    /// Whether nothing but the pause, a breakpoint or money keeps a row from starting.
    fn could_start(&self, row: StepIx) -> bool {
        self.nodes.get(row.at()).is_some_and(|node| {
            matches!(
                node.stage,
                Stage::Queued | Stage::AtBreakpoint | Stage::Parked | Stage::Throttled
            )
        })
    }

    /// The row that starts next, taken from where it waits: one that waited to be alone, then one for which
    /// there is money again, then the queue.
    fn pick(&mut self) -> Option<StepIx> {
        if let Some(row) = self.alone_next.take() {
            return Some(row);
        }
        if let Some(row) = self.affordable() {
            self.leave(row);
            self.node(row).stage = Stage::Queued;
            return Some(row);
        }
        loop {
            let row = self.ready.pop()?;
            if self.nodes[row.at()].stage == Stage::Queued {
                return Some(row);
            }
        }
    }

    /// The cheapest row that waits for money and fits. One that is cheaper may not fit, because of the margin that
    /// its estimate needs.
    fn affordable(&self) -> Option<StepIx> {
        let free = self.budget.free();
        let cheapest = self.parked.iter().take(AFFORDABLE);
        let mut within = cheapest.take_while(|(bound, _)| bound.is_zero() || *bound <= free);
        let found = within.find(|(bound, row)| self.fits(*row, *bound));
        found.map(|(_, row)| *row)
    }

    fn hold_at_breakpoint(&mut self, row: StepIx, out: &mut Vec<Action>) {
        self.node(row).stage = Stage::AtBreakpoint;
        self.at_breakpoint.push_back(row);
        self.waits(row, WaitReason::Breakpoint, out);
        self.phase = Phase::Paused;
        out.push(Action::Emit(Fact::RunPaused));
    }

    pub(super) fn pop_held_at_breakpoint(&mut self) -> Option<StepIx> {
        loop {
            let row = self.at_breakpoint.pop_front()?;
            if self.nodes[row.at()].stage == Stage::AtBreakpoint {
                return Some(row);
            }
        }
    }

    fn give_slot(&mut self, row: StepIx, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.take() else {
            return;
        };
        self.leave(row);
        let node = self.node(row);
        node.stage = Stage::Preparing;
        node.slot = slot;
        if node.sequential {
            self.alone = Some(row);
        }
        out.push(Action::Prepare(row));
    }

    pub(super) fn waits(&mut self, row: StepIx, reason: WaitReason, out: &mut Vec<Action>) {
        self.meters.told_otherwise(row);
        let step = self.key(row);
        out.push(Action::Emit(Fact::StepWaiting {
            step,
            reason,
            on: None,
            until: None,
        }));
    }

    pub(super) fn queue(&mut self, row: StepIx) {
        self.node(row).stage = Stage::Queued;
        let height = self.graph.height(self.plan_step(row));
        self.ready.push(row, height);
    }

    /// The answer to a preparation: the call is made, or the slot is free again.
    pub(super) fn prepared(&mut self, row: StepIx, prepared: Prepared, out: &mut Vec<Action>) {
        if !self.exists(row) || self.nodes[row.at()].stage != Stage::Preparing {
            return;
        }
        let permitted = std::mem::take(&mut self.node(row).permitted);
        if self.phase == Phase::Paused && !permitted {
            // The pause came in between.
            self.leave(row);
            self.queue(row);
            return;
        }
        if let Prepared::Call {
            input,
            most,
            estimated,
            demand,
            why,
        } = prepared
        {
            self.node(row).estimated = estimated;
            let wanted = Wanted {
                most,
                demand: &demand,
                asked: permitted,
            };
            self.call(row, input, &wanted, why, out);
            return;
        }
        self.leave(row);
        match prepared {
            Prepared::Call { .. } => {}
            Prepared::Each(items) => self.expand(row, items, out),
            Prepared::Unwanted => self.skip(row, SkipReason::Condition, None, out),
            Prepared::Known(output, source, reused) => {
                self.succeed_with(row, output, source, reused, out);
            }
            Prepared::Impossible(error) => self.fail(row, error, out),
            Prepared::Unknown(error) => {
                let step = self.key(row);
                let known = error.clone();
                out.push(Action::Emit(Fact::StepUnknown { step, error }));
                if self.rules.asks {
                    let node = self.node(row);
                    node.status = StepStatus::Unknown;
                    node.stage = Stage::Asked;
                    self.asked.insert(row, known);
                } else {
                    self.stays_unknown(row, known);
                }
            }
            Prepared::Skip => {
                self.skip(row, SkipReason::User, None, out);
                self.node(row).decided = true;
            }
        }
    }

    fn call(
        &mut self,
        row: StepIx,
        input: Arc<Value>,
        wanted: &Wanted<'_>,
        why: Option<Box<Why>>,
        out: &mut Vec<Action>,
    ) {
        let Wanted {
            most,
            demand,
            asked,
        } = *wanted;
        let Some(most) = most.or_else(|| (!self.budget.is_limited()).then_some(Money::ZERO)) else {
            self.leave(row);
            let error = self.unpriced(row);
            self.fail(row, Box::new(error), out);
            return;
        };
        let most = most.max(Money::ZERO);
        let most_calls = self.rules.limits.max_tool_calls;
        if most_calls.is_some_and(|most| self.calls >= most) {
            self.leave(row);
            self.node(row).stage = Stage::OutOfCalls;
            self.out_of_calls.push(row);
            self.meters.step_aside(row);
            return;
        }
        if self.is_throttled(row, demand, asked, out) {
            return;
        }
        let needs = self.nodes[row.at()].needs;
        let known = self.budget.bound(&self.spec(row).tool, most);
        let surcharge = known - most;
        let most = known.max(needs);
        let margin = self.margin(row, most);
        if !self.budget.reserve(most, margin) {
            self.leave(row);
            self.park(row, most, out);
            return;
        }
        self.calls += 1;
        self.under_way += 1;
        self.meters.start(self.now, row, demand);
        let node = self.node(row);
        node.status = StepStatus::Running;
        node.stage = Stage::Calling;
        node.released = false;
        node.attempts += 1;
        node.tries += 1;
        node.bound = most;
        node.margin = margin;
        node.surcharge = surcharge;
        let (attempt, slot) = (node.attempts, node.slot);
        let step = self.key(row);
        out.push(Action::Emit(Fact::AttemptStarted {
            step,
            attempt,
            slot,
            input: Arc::clone(&input),
            reserved: most,
            why,
        }));
        out.push(Action::Call {
            step: row,
            attempt,
            input,
            reserved: most,
        });
    }

    /// Whether a rate keeps the call from starting now; the row then waits without a slot.
    fn is_throttled(
        &mut self,
        row: StepIx,
        demand: &Demand,
        asked: bool,
        out: &mut Vec<Action>,
    ) -> bool {
        let Some(refusal) = self.meters.refuse(self.now, row, demand, asked) else {
            return false;
        };
        self.leave(row);
        self.node(row).stage = Stage::Throttled;
        self.throttled += 1;
        let standing = self.meters.wait(row, refusal, demand.tokens);
        if let Some(at) = standing.timer {
            out.push(Action::SetTimer(at, Timer::Rate(refusal.place)));
        }
        if standing.news {
            let step = self.key(row);
            out.push(Action::Emit(Fact::StepWaiting {
                step,
                reason: WaitReason::Rate,
                on: Some(self.meters.name(refusal.place)),
                until: refusal.until,
            }));
        }
        true
    }

    /// Lets those try again that a rate may no longer hold.
    pub(super) fn serve_rates(&mut self) {
        while let Some(row) = self.meters.next_to_try() {
            match self.nodes[row.at()].stage {
                Stage::Throttled => {
                    self.leave(row);
                    self.queue(row);
                }
                Stage::Queued | Stage::AtBreakpoint | Stage::Preparing => {}
                _ => self.meters.forget(row),
            }
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
            attempts: self.nodes[row.at()].attempts,
        }
    }

    pub(super) fn backoff_over(&mut self, row: StepIx, attempt: u32) {
        let due = self
            .nodes
            .get(row.at())
            .is_some_and(|node| node.stage == Stage::Backoff && node.attempts == attempt);
        if due {
            self.leave(row);
            self.queue(row);
        }
    }

    pub(super) fn arm_deadline(&mut self, out: &mut Vec<Action>) {
        self.deadline_missed = false;
        if let Some(left) = self.time_left() {
            out.push(Action::SetTimer(self.now + left, Timer::Deadline));
        }
    }

    /// What is left of `timeout_seconds`.
    pub(super) fn time_left(&self) -> Option<Micros> {
        let used = self.clock.wall(self.now) - self.allowance_from;
        Some(self.timeout()? - used)
    }

    pub(super) fn timeout(&self) -> Option<Micros> {
        let seconds = self.rules.limits.timeout_seconds?;
        Some(Micros((seconds.max(0.0) * 1e6) as u64))
    }

    /// Why nothing can start although something is left, once nothing is under way.
    pub(super) fn exhausted(&self) -> Option<(Limit, StepIx)> {
        let too_dear = self.parked.first().map(|(_, row)| *row);
        let one_too_many = || {
            let mut rows = self.out_of_calls.iter().copied();
            rows.find(|row| self.nodes[row.at()].stage == Stage::OutOfCalls)
        };
        let dear = too_dear.map(|row| (Limit::MaxTotalCostUsd, row));
        dear.or_else(|| one_too_many().map(|row| (Limit::MaxToolCalls, row)))
    }
}
