//! Calls that draw on limits which other runs share.
//!
//! A prepared call waits here until the shared limits allow it; only then the scheduler learns of it. So the scheduler of
//! a run decides as it does alone, and a call is counted in both accounts.

use super::Driver;
use crate::engine::scheduler::Need;
use crate::engine::shared_limits::{Answer, Share};
use crate::engine::{Input, Prepared};
use crate::plan::StepIx;
use crate::run::{EventKind, WaitReason};
use crate::units::Money;
use std::sync::Arc;

impl Driver {
    /// A row's preparation has ended: a call waits for its share of the limits that other runs use too.
    pub(super) fn admit(&mut self, row: StepIx, prepared: Prepared) {
        let Some(share) = &mut self.share else {
            return self.input(Input::Prepared(row, prepared));
        };
        let Prepared::Call {
            upper_bound,
            estimated,
            demand,
            ..
        } = &prepared
        else {
            return self.input(Input::Prepared(row, prepared));
        };
        let (tool, requested, of_code) = self.scheduler.need(row);
        let need = Need {
            tool,
            // The scheduler refuses what has no price where there is a limit.
            upper_bound: upper_bound.unwrap_or_default().max(Money::ZERO),
            estimated: *estimated,
            requested,
            demand: demand.clone(),
            of_code,
        };
        share.ask(row, need, prepared);
        self.take_answers();
    }

    /// Takes in what the shared limits have decided so far.
    pub(super) fn take_answers(&mut self) {
        while let Some(answer) = self.share.as_deref_mut().and_then(Share::try_next) {
            self.shared_answer(answer);
        }
    }

    pub(super) fn shared_answer(&mut self, answer: Answer) {
        let Some(share) = &mut self.share else {
            return;
        };
        match answer {
            Answer::Granted(ticket) => {
                let Some((row, prepared)) = share.granted(ticket) else {
                    return;
                };
                if self.scheduler.is_preparing(row) {
                    self.input(Input::Prepared(row, prepared));
                }
                if !self.scheduler.is_calling(row) {
                    self.unshare(row);
                }
            }
            Answer::Refused(ticket, limit, message) => {
                if let Some(row) = share.refused(ticket) {
                    self.input(Input::Refused(row, limit, message));
                }
            }
            Answer::Funded(row, number, answer) => {
                if let Some((row, (limit, message))) = share.funded(row, number, answer) {
                    self.input(Input::Refused(row, limit, message));
                }
            }
            Answer::Waits(ticket, reason, on) => {
                let row = share.row_of(ticket);
                if let Some(row) = row.filter(|row| self.scheduler.is_preparing(*row)) {
                    self.waits_for_others(row, reason, on);
                }
            }
        }
    }

    fn waits_for_others(&mut self, row: StepIx, reason: WaitReason, on: Option<Arc<str>>) {
        let step = self.scheduler.key(row);
        let until = None;
        let kind = EventKind::StepWaiting {
            step,
            reason,
            on,
            until,
        };
        self.emitter.emit(self.now, kind);
    }

    /// What a row asked for is not needed any more.
    pub(super) fn unshare(&mut self, row: StepIx) {
        if let Some(share) = &mut self.share {
            share.forget(row);
        }
    }

    /// A running call asks for more money: the shared limits come first.
    pub(super) fn asks_for_money(&mut self, row: StepIx, total: Money) {
        let may = self
            .share
            .as_mut()
            .is_none_or(|share| share.raise(row, total));
        self.input(if may {
            Input::BudgetRequest(row, total)
        } else {
            Input::BudgetDenied(row, total)
        });
    }

    /// An event of a call changes what it holds of the shared limits. `cost` is what it has added to the bill.
    pub(super) fn share_event(&mut self, kind: &EventKind, cost: Money) {
        let Some(share) = &mut self.share else {
            return;
        };
        match kind {
            EventKind::AttemptEnded(end) => {
                share.end(
                    end.step.ix,
                    cost,
                    end.details
                        .as_ref()
                        .is_some_and(|details| details.tokens.is_some()),
                );
            }
            EventKind::AttemptSuspended { step, .. } => share.suspend(step.ix),
            EventKind::AttemptContinued { step, .. } => share.resume(step.ix),
            _ => {}
        }
    }
}
