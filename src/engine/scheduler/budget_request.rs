//! Money for the calls of rows: what is held back beside an upper bound, and what a running call asks for.

use super::{Action, Scheduler, Stage, Turn, WaitFor};
use crate::plan::StepIx;
use crate::run::{EventKind, Limit, WaitReason};
use crate::units::Money;
use std::sync::Arc;

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

    /// The same, where limits that the run shares with others do not allow it: the attempt ends, and waits for them.
    pub(super) fn budget_denied(&mut self, row: StepIx, total: Money, turn: &mut Turn<'_>) {
        if self.rows.exists(row)
            && let Stage::Calling(call) = &mut self.rows[row].stage
            && !call.rerun
        {
            call.denied = true;
            self.resources.request(row, total);
        }
        turn.act(Action::BudgetDecision(row, false));
    }

    /// The limits that the run shares with others never allow a prepared call. The row waits in vain, and the run ends
    /// once nothing else is left.
    pub(super) fn refused(&mut self, row: StepIx, limit: Limit, message: Arc<str>) {
        if self.is_preparing(row) {
            self.leave(row);
            self.enter(row, WaitFor::Calls);
            self.resources.rates.step_aside(row);
            self.resources.refused.get_or_insert((limit, message));
        }
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
