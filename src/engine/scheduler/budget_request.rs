//! Money for the calls of rows: what is held back beside an upper bound, and what a running call asks for.

use super::{Action, Scheduler, Stage, Turn, WaitFor};
use crate::plan::StepIx;
use crate::run::{EventKind, WaitReason};
use crate::units::Money;

impl Scheduler {
    /// What a call with this upper bound has held back beside it.
    pub(super) fn headroom(&self, row: StepIx, upper_bound: Money, estimated: bool) -> Money {
        if estimated {
            let budget = &self.resources.budget;
            budget.headroom(&self.spec(row).tool, upper_bound)
        } else {
            Money::ZERO
        }
    }

    /// What a parked row's call would have held back beside its upper bound.
    pub(super) fn parked_headroom(&self, row: StepIx) -> Money {
        match self.rows[row].stage {
            Stage::Parked {
                upper_bound,
                estimated,
            } => self.headroom(row, upper_bound, estimated),
            _ => Money::ZERO,
        }
    }

    /// A row waits until its upper bound fits into what is left.
    pub(super) fn park(
        &mut self,
        row: StepIx,
        upper_bound: Money,
        estimated: bool,
        turn: &mut Turn<'_>,
    ) {
        let wait = WaitFor::Money {
            upper_bound,
            estimated,
        };
        self.enter(row, wait);
        self.resources.rates.step_aside(row);
        self.emit_waiting(row, WaitReason::Budget, turn);
    }

    /// A running call may come to cost `total`. It is answered at once: a call that waited here for others that
    /// wait here too would wait for ever.
    pub(super) fn budget_requested(&mut self, row: StepIx, total: Money, turn: &mut Turn<'_>) {
        let granted = self.grant(row, total, turn);
        turn.act(Action::BudgetDecision(row, granted));
    }

    fn grant(&mut self, row: StepIx, total: Money, turn: &mut Turn<'_>) -> bool {
        if self.outcome.is_stopping() || !self.rows.exists(row) || self.is_abandoned(row) {
            return false;
        }
        let tool = &self.spec(row).tool;
        let known = self.resources.budget.upper_bound(tool, total);
        let step = self.key(row);
        let calling = &mut self.rows[row];
        let Stage::Calling(call) = &mut calling.stage else {
            return false;
        };
        if call.rerun {
            return false;
        }
        if known <= call.upper_bound {
            return true;
        }
        if !self.resources.budget.raise(known - call.upper_bound) {
            call.denied = true;
            self.resources.request(row, known);
            return false;
        }
        if call.slot.is_none() {
            self.resources.budget.suspend(known - call.upper_bound);
        }
        (call.upper_bound, call.learned_excess) = (known, known - total);
        turn.emit(EventKind::ReservationRaised {
            step,
            attempt: calling.attempts,
            reserved: known,
        });
        true
    }
}
