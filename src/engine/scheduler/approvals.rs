//! Calls that need an approval: the question, the answer, and what it is good for.
//!
//! An answer is bound to the digest of the call. It lets the step make that call once, with the attempts that its retry
//! policy gives it; what goes back to its beginning, is called with something else, or waits for too long is asked about
//! once more.

use super::{Phase, Scheduler, Stage, Turn};
use crate::plan::{StepInput, StepIx};
use crate::run::{Approval, DecidedBy, EventKind, SkipReason, VoidReason, WaitReason};
use crate::units::Micros;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A call that was approved.
#[derive(Debug)]
struct Grant {
    call: Arc<str>,
    /// Until when it may be made.
    until: Option<Micros>,
    /// Whether it has been made: its next attempts may be, too.
    used: bool,
}

/// Questions about calls, and their answers.
#[derive(Debug, Default)]
pub(super) struct Approvals {
    asked: HashMap<StepIx, Arc<str>>,
    grants: HashMap<StepIx, Grant>,
    /// Rows for which an answer that was given beforehand has been used.
    answered: HashSet<StepIx>,
}

impl Approvals {
    /// Whether any row needs an answer.
    pub(super) fn is_asking(&self) -> bool {
        !self.asked.is_empty()
    }

    /// A row needs no answer any more.
    pub(super) fn close(&mut self, row: StepIx) {
        self.asked.remove(&row);
    }

    /// A row has ended or goes back to its beginning: what was approved is not any more.
    pub(super) fn forget(&mut self, row: StepIx) {
        if !self.grants.is_empty() {
            self.grants.remove(&row);
        }
    }

    /// Whether a row may make this call now; the error is why an earlier approval does not count.
    fn check(&self, row: StepIx, call: &str, now: Micros) -> Result<(), Option<VoidReason>> {
        match self.grants.get(&row) {
            None => Err(None),
            Some(grant) if *grant.call != *call => Err(Some(VoidReason::Changed)),
            Some(grant) if !grant.used && grant.until.is_some_and(|until| until <= now) => {
                Err(Some(VoidReason::Expired))
            }
            Some(_) => Ok(()),
        }
    }
}

impl Scheduler {
    /// Whether a row may make this call; if not, it leaves its slot and waits for an answer.
    pub(super) fn is_approved(
        &mut self,
        row: StepIx,
        call: &Arc<str>,
        input: &StepInput,
        turn: &mut Turn<'_>,
    ) -> bool {
        let Err(void) = self.approvals.check(row, call, turn.now) else {
            return true;
        };
        self.approvals.forget(row);
        self.leave(row);
        self.rows[row].stage = Stage::Unapproved;
        self.approvals.asked.insert(row, Arc::clone(call));
        turn.emit(EventKind::ApprovalAsked {
            step: self.key(row),
            call: Arc::clone(call),
            input: input.clone(),
            void,
        });
        self.resources.rates.step_aside(row);
        self.emit_waiting(row, WaitReason::Approval, turn);
        let (id, of) = (self.key(row).id, self.steps.id(self.plan_step(row)));
        if let Some(granted) = self.rules.answers.of(&id, &of)
            && self.approvals.answered.insert(row)
        {
            self.decide(row, granted, DecidedBy::Flag, turn);
        }
        false
    }

    /// Somebody answers.
    pub(super) fn approve(&mut self, approval: &Approval, turn: &mut Turn<'_>) {
        let asked = self.approvals.asked.get(&approval.step);
        let is_meant = |asked: &Arc<str>| approval.call.as_ref().is_none_or(|call| call == asked);
        if !asked.is_some_and(is_meant) {
            return;
        }
        if self.outcome.phase == Phase::Ended {
            self.reopen(turn);
        }
        self.decide(approval.step, approval.granted, approval.by, turn);
    }

    fn decide(&mut self, row: StepIx, granted: bool, by: DecidedBy, turn: &mut Turn<'_>) {
        let Some(call) = self.approvals.asked.get(&row).cloned() else {
            return;
        };
        let lifetime = self.rules.approval_lifetime.filter(|_| granted);
        let until = lifetime.map(|lifetime| turn.now + lifetime);
        turn.emit(EventKind::ApprovalDecided {
            step: self.key(row),
            call: Arc::clone(&call),
            granted,
            by,
            until,
        });
        self.leave(row);
        if granted {
            let used = false;
            self.approvals
                .grants
                .insert(row, Grant { call, until, used });
            self.queue(row);
        } else {
            // It is not the user's word about the step: where what it depends on changes, it is asked about again.
            self.skip(row, SkipReason::User, None, turn);
        }
    }

    /// The call of a row is made.
    pub(super) fn use_approval(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        if self.approvals.grants.is_empty() {
            return;
        }
        let attempt = self.rows[row].attempts + 1;
        let step = self.key(row);
        if let Some(grant) = self.approvals.grants.get_mut(&row).filter(|it| !it.used) {
            grant.used = true;
            turn.emit(EventKind::ApprovalUsed {
                step,
                call: Arc::clone(&grant.call),
                attempt,
            });
        }
    }
}
