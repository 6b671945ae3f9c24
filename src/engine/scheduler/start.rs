//! Starting: which ready step gets a slot, and what can still hold it.

use super::{Action, Phase, Prepared, Scheduler};
use crate::plan::{Mode, StepIx};
use crate::run::{
    ErrorKind, Fact, Limit, Micros, Money, RunError, SkipReason, StepStatus, WaitReason,
};
use serde_json::Value;
use std::sync::Arc;

impl Scheduler {
    /// Asks for the preparation of as many steps as there are free slots.
    pub(super) fn dispatch(&mut self, out: &mut Vec<Action>) {
        while self.may_start() {
            let Some(row) = self.next_to_start(out) else {
                // A permission to start one step is for what is ready now, not for what may come.
                self.permits = 0;
                return;
            };
            let Some(slot) = self.slots.take() else {
                return;
            };
            if self.phase == Phase::Paused {
                self.permits = self.permits.saturating_sub(1);
            }
            if self.spec(row).mode == Mode::Sequential {
                self.alone = Some(row);
            }
            let node = self.node(row);
            node.slot = Some(slot);
            node.retry_queued = false;
            out.push(Action::Prepare(row));
        }
    }

    fn may_start(&self) -> bool {
        let allowed = match self.phase {
            Phase::Running => true,
            Phase::Paused => self.permits > 0,
            _ => false,
        };
        allowed && self.alone.is_none() && self.slots.any_free()
    }

    /// The step that starts next, if nothing but a slot holds it.
    fn next_to_start(&mut self, out: &mut Vec<Action>) -> Option<StepIx> {
        loop {
            let waited = self.alone_next.take();
            let row = match waited.or_else(|| self.once.pop_front()) {
                Some(row) => row,
                None => self.ready.pop()?,
            };
            if !self.can_start(row) {
                continue;
            }
            if self.spec(row).mode == Mode::Sequential && self.slots.taken() > 0 {
                // Nothing else starts before it, or it would wait for as long as others keep coming.
                self.alone_next = Some(row);
                if waited.is_none() {
                    self.waits(row, WaitReason::Exclusive, out);
                }
                return None;
            }
            if self.phase == Phase::Running && self.breakpoints.contains(&row) {
                self.at_breakpoint.push(row);
                self.waits(row, WaitReason::Breakpoint, out);
                self.phase = Phase::Paused;
                self.permits = 0;
                out.push(Action::Emit(Fact::RunPaused));
                return None;
            }
            return Some(row);
        }
    }

    fn can_start(&self, row: StepIx) -> bool {
        let node = &self.nodes[row.at()];
        let waits = node.status == StepStatus::Ready || node.retry_queued;
        waits && node.slot.is_none()
    }

    fn waits(&self, row: StepIx, reason: WaitReason, out: &mut Vec<Action>) {
        let step = self.key(row);
        out.push(Action::Emit(Fact::StepWaiting { step, reason }));
    }

    pub(super) fn queue(&mut self, row: StepIx) {
        let height = self.graph.height(self.plan_step(row));
        self.ready.push(row, height);
    }

    /// The answer to a preparation: the call is made, or the slot is free again.
    pub(super) fn prepared(&mut self, row: StepIx, prepared: Prepared, out: &mut Vec<Action>) {
        if !self.exists(row) || self.nodes[row.at()].slot.is_none() {
            return;
        }
        if matches!(self.phase, Phase::Stopping(_)) {
            self.free_slot(row);
            return;
        }
        match prepared {
            Prepared::Call { input, most } => self.call(row, input, most, out),
            Prepared::Each(items) => {
                self.free_slot(row);
                self.expand(row, items, out);
            }
            Prepared::Unwanted => {
                self.free_slot(row);
                self.skip(row, SkipReason::Condition, None, out);
            }
            Prepared::Known(output, source) => {
                self.free_slot(row);
                self.succeed(row, output, source, out);
            }
            Prepared::Impossible(error) => {
                self.free_slot(row);
                self.fail(row, error, out);
            }
        }
    }

    fn call(&mut self, row: StepIx, input: Arc<Value>, most: Option<Money>, out: &mut Vec<Action>) {
        let Some(most) = most.or_else(|| (!self.budget.is_limited()).then_some(Money::ZERO)) else {
            self.free_slot(row);
            let error = self.unpriced(row);
            self.fail(row, error, out);
            return;
        };
        let most_calls = self.rules.limits.max_tool_calls;
        if most_calls.is_some_and(|most| self.calls >= most) {
            self.free_slot(row);
            self.out_of_calls.push(row);
            return;
        }
        if !self.budget.reserve(most) {
            self.free_slot(row);
            self.parked.insert((most, row));
            self.waits(row, WaitReason::Budget, out);
            return;
        }
        self.calls += 1;
        let node = self.node(row);
        node.status = StepStatus::Running;
        node.attempts += 1;
        node.tries += 1;
        node.reserved = most;
        let (attempt, slot) = (node.attempts, node.slot.unwrap_or_default());
        self.element_started(row);
        let step = self.key(row);
        out.push(Action::Emit(Fact::AttemptStarted {
            step,
            attempt,
            slot,
            input: Arc::clone(&input),
            reserved: most,
        }));
        out.push(Action::Call {
            step: row,
            attempt,
            input,
            reserved: most,
        });
    }

    fn unpriced(&self, row: StepIx) -> Box<RunError> {
        let spec = self.spec(row);
        Box::new(RunError {
            kind: ErrorKind::ResourceLimitError,
            step: Some(self.key(row).id),
            tool_name: Some(spec.tool.clone()),
            message: "the model has no known price, and a cost limit is in force: \
                      give the price in the settings, or lift max_total_cost_usd"
                .into(),
            retryable: false,
            attempts: self.nodes[row.at()].attempts,
        })
    }

    pub(super) fn free_slot(&mut self, row: StepIx) {
        if self.alone == Some(row) {
            self.alone = None;
        }
        if let Some(slot) = self.node(row).slot.take() {
            self.slots.give(slot);
        }
    }

    /// Lets steps whose upper bound fits into the free money try again.
    pub(super) fn unpark(&mut self) {
        let mut free = self.budget.free();
        while let Some((most, row)) = self.parked.first().copied() {
            if most > free {
                return;
            }
            self.parked.pop_first();
            free -= most;
            self.requeue(row);
        }
    }

    /// Puts a step that was held back into the queue.
    pub(super) fn requeue(&mut self, row: StepIx) {
        if self.nodes[row.at()].status == StepStatus::Running {
            self.node(row).retry_queued = true;
        }
        self.queue(row);
    }

    pub(super) fn backoff_over(&mut self, row: StepIx, attempt: u32) {
        if !self.exists(row) {
            return;
        }
        let node = self.node(row);
        if node.backoff && node.attempts == attempt {
            node.backoff = false;
            node.retry_queued = true;
            self.backoffs -= 1;
            self.queue(row);
        }
    }

    pub(super) fn arm_deadline(&self, now: Micros, out: &mut Vec<Action>) {
        if let Some(limit) = self.timeout() {
            let at = now + (limit - self.clock.wall(now));
            out.push(Action::SetTimer(at, super::Timer::Deadline));
        }
    }

    pub(super) fn timeout(&self) -> Option<Micros> {
        let seconds = self.rules.limits.timeout_seconds?;
        Some(Micros((seconds.max(0.0) * 1e6) as u64))
    }

    /// Why nothing can start although something is left, once nothing is under way.
    pub(super) fn exhausted(&self) -> Option<(Limit, StepIx)> {
        let parked = self.parked.iter().map(|(_, row)| *row);
        let too_dear = parked.map(|row| (Limit::MaxTotalCostUsd, row));
        let one_too_many = self
            .out_of_calls
            .iter()
            .map(|row| (Limit::MaxToolCalls, *row));
        too_dear
            .chain(one_too_many)
            .find(|(_, row)| self.can_start(*row))
    }
}
