//! Money for the calls of rows: what is held back beside a bound, and what a call under way asks for.

use super::{Action, Phase, Scheduler, Stage};
use crate::plan::StepIx;
use crate::run::{Fact, WaitReason};
use crate::units::Money;

impl Scheduler {
    /// What a call with this bound has held back beside it.
    pub(super) fn margin(&self, row: StepIx, bound: Money) -> Money {
        if self.nodes[row.at()].estimated {
            self.budget.margin(&self.spec(row).tool, bound)
        } else {
            Money::ZERO
        }
    }

    /// Whether a row could have its bound reserved.
    pub(super) fn fits(&self, row: StepIx, bound: Money) -> bool {
        self.budget.fits(bound, self.margin(row, bound))
    }

    /// A row waits until its bound fits into what is left.
    pub(super) fn park(&mut self, row: StepIx, bound: Money, out: &mut Vec<Action>) {
        let node = self.node(row);
        node.stage = Stage::Parked;
        node.bound = bound;
        self.parked.insert((bound, row));
        self.meters.step_aside(row);
        self.waits(row, WaitReason::Budget, out);
    }

    /// A call under way may come to cost `total`. It is answered at once: a call that waited here for others that
    /// wait here too would wait for ever.
    pub(super) fn asked(&mut self, row: StepIx, total: Money, out: &mut Vec<Action>) {
        let granted = self.exists(row)
            && self.nodes[row.at()].stage == Stage::Calling
            && self.fund(row, total, out);
        out.push(Action::Fund(row, granted));
    }

    fn fund(&mut self, row: StepIx, total: Money, out: &mut Vec<Action>) -> bool {
        let node = &self.nodes[row.at()];
        if node.rerun || matches!(self.phase, Phase::Stopping(_)) {
            return false;
        }
        let (bound, attempt) = (node.bound, node.attempts);
        let known = self.budget.bound(&self.spec(row).tool, total);
        let (surcharge, total) = (known - total, known);
        if total <= bound {
            return true;
        }
        if !self.budget.raise(total - bound) {
            let node = self.node(row);
            node.denied = true;
            node.needs = total;
            return false;
        }
        let node = self.node(row);
        (node.bound, node.surcharge) = (total, surcharge);
        let step = self.key(row);
        out.push(Action::Emit(Fact::ReservationRaised {
            step,
            attempt,
            reserved: total,
        }));
        true
    }
}
