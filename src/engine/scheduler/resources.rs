//! What calls draw on: slots, money, rates, and the calls that may be made.

use super::Rules;
use super::budget::Budget;
use super::rate_limiter::RateLimiter;
use super::rows::Stage;
use super::slots::Slots;
use crate::plan::StepIx;
use crate::run::Limit;
use crate::units::Money;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What is taken and what is left.
#[derive(Debug)]
pub(super) struct Resources {
    /// The places in which attempts run.
    pub slots: Slots,
    /// Money.
    pub budget: Budget,
    /// The row whose bill passed the limit.
    pub overdrawn_by: Option<StepIx>,
    /// The rates of models and pools.
    pub rates: RateLimiter,
    /// Attempts that are running, in a slot each.
    pub running: usize,
    /// Attempts whose code waits for calls that it has made, without a slot.
    pub suspended: usize,
    /// Those of them whose call has ended, and which slow motion keeps running.
    pub paced: BTreeSet<StepIx>,
    /// Attempts started.
    pub calls: u64,
    max_calls: Option<u64>,
    /// The limit, shared with other runs, that refused a call for good, and why.
    pub refused: Option<(Limit, Arc<str>)>,
    /// What attempts of a row asked for in vain: the next one has it from the beginning.
    requested: HashMap<StepIx, Money>,
}

impl Resources {
    /// Nothing is taken.
    pub(super) fn new(rules: &Rules) -> Self {
        let limits = &rules.limits;
        let limit = limits.max_total_cost_usd.filter(|_| rules.track_cost);
        Self {
            slots: Slots::new(limits.max_concurrent),
            budget: Budget::new(limit, rules.spent_before),
            overdrawn_by: None,
            rates: RateLimiter::new(&rules.rates),
            running: 0,
            suspended: 0,
            paced: BTreeSet::new(),
            calls: 0,
            max_calls: limits.max_tool_calls,
            refused: None,
            requested: HashMap::new(),
        }
    }

    /// Whether no more calls may be made.
    pub(super) fn is_out_of_calls(&self) -> bool {
        self.max_calls.is_some_and(|max| self.calls >= max)
    }

    /// So many calls may be made from now on, those that were made included.
    pub(super) fn set_max_calls(&mut self, max: Option<u64>) {
        self.max_calls = max;
    }

    /// A row leaves a stage; the slot that it had there is free again.
    pub(super) fn leave(&mut self, row: StepIx, stage: &Stage) {
        match stage {
            Stage::Preparing { slot, .. } => self.slots.give(*slot),
            Stage::Calling(call) => match call.slot {
                Some(slot) => {
                    self.running -= 1;
                    self.paced.remove(&row);
                    self.slots.give(slot);
                }
                None => self.suspended -= 1,
            },
            _ => {}
        }
    }

    /// A running attempt, for which so much is reserved, gives its slot back.
    pub(super) fn suspend(&mut self, slot: u32, reserved: Money) {
        self.slots.give(slot);
        self.budget.suspend(reserved);
        self.running -= 1;
        self.suspended += 1;
    }

    /// A suspended attempt, for which so much is reserved, continues in a free slot, where there is one.
    pub(super) fn resume(&mut self, reserved: Money) -> Option<u32> {
        let slot = self.slots.take()?;
        self.budget.resume(reserved);
        self.running += 1;
        self.suspended -= 1;
        Some(slot)
    }

    /// An attempt of a row asked for so much in vain.
    pub(super) fn request(&mut self, row: StepIx, total: Money) {
        self.requested.insert(row, total);
    }

    /// What attempts of a row asked for in vain.
    pub(super) fn requested(&self, row: StepIx) -> Money {
        if self.requested.is_empty() {
            return Money::ZERO;
        }
        self.requested.get(&row).copied().unwrap_or_default()
    }

    /// A row begins again, or has ended: nothing waits on its behalf.
    pub(super) fn forget(&mut self, row: StepIx) {
        if !self.requested.is_empty() {
            self.requested.remove(&row);
        }
        self.rates.forget(row);
    }
}
