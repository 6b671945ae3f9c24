//! Money: reserved before a call, charged after it.

use crate::units::Money;
use std::collections::HashMap;
use std::sync::Arc;

/// Until a call of a tool has come back with its bill, so many times its bound is held back beside the bound of
/// each of its calls: they go out at once while there is plenty, and one after another while there is little.
const HEADROOM: u64 = 9;

/// What is left of the budget. Spending plus reservations never pass the limit, as long as no call costs more
/// than its upper bound.
#[derive(Debug, Default)]
pub(super) struct Budget {
    limit: Option<Money>,
    /// The limit, or what was committed under an earlier one: to have spent that is no fault.
    tolerated: Option<Money>,
    /// What the runs that this one resumes have spent.
    before: Money,
    spent: Money,
    reserved: Money,
    /// What of it is for calls whose code waits for other calls: they spend nothing meanwhile.
    suspended: Money,
    /// What is held back beside the reservations.
    headrooms: Money,
    /// For each tool whose calls have been billed, by how much the worst bill passed its bound.
    learned_excess: HashMap<Arc<str>, Money>,
}

impl Budget {
    /// A budget of which `before` is spent already; `None` is without a limit.
    pub(super) fn new(limit: Option<Money>, before: Money) -> Self {
        Self {
            limit,
            tolerated: limit,
            before,
            ..Self::default()
        }
    }

    /// Another limit from now on. What is reserved stays reserved.
    pub(super) fn set_limit(&mut self, limit: Option<Money>) {
        let committed = self.before + self.spent + self.reserved;
        let allowed = self.tolerated.map_or(committed, |most| most.min(committed));
        self.tolerated = limit.map(|limit| limit.max(allowed));
        self.limit = limit;
    }

    /// Earlier runs have spent so much less.
    pub(super) fn release(&mut self, money: Money) {
        self.before = (self.before - money).max(Money::ZERO);
    }

    /// Whether there is a limit.
    pub(super) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// What is neither spent nor reserved; without a limit, all there is.
    pub(super) fn free(&self) -> Money {
        self.limit.map_or(Money::MAX, |limit| {
            limit - self.before - self.spent() - self.reserved()
        })
    }

    /// Whether more is spent than the limit: a bill was higher than its bound.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.tolerated
            .is_some_and(|most| self.before + self.spent > most)
    }

    /// What the runs that this one resumes have spent.
    pub(super) fn spent_before(&self) -> Money {
        self.before
    }

    /// The limit, where there is one.
    pub(super) fn limit(&self) -> Option<Money> {
        self.limit
    }

    /// What calls have cost.
    pub(super) fn spent(&self) -> Money {
        self.spent
    }

    /// What running calls may cost.
    pub(super) fn reserved(&self) -> Money {
        self.reserved
    }

    /// Whether `upper_bound` could be reserved with `headroom` beside it. A call that costs nothing always fits, even when
    /// the money is gone; one that nothing spends money beside needs no headroom.
    pub(super) fn fits(&self, upper_bound: Money, headroom: Money) -> bool {
        let free = self.free();
        let alone = self.reserved == self.suspended;
        upper_bound.is_zero()
            || (upper_bound <= free && (alone || upper_bound + headroom + self.headrooms <= free))
    }

    /// Reserves `upper_bound` and holds `headroom` back if they fit.
    pub(super) fn reserve(&mut self, upper_bound: Money, headroom: Money) -> bool {
        let fits = self.fits(upper_bound, headroom);
        if fits {
            self.reserved += upper_bound;
            self.headrooms += headroom;
        }
        fits
    }

    /// Reserves so much more for a running call, if there is so much.
    pub(super) fn raise(&mut self, more: Money) -> bool {
        let fits = more <= self.free();
        if fits {
            self.reserved += more;
        }
        fits
    }

    /// What is reserved for a call is not spent for now: its code waits for other calls.
    pub(super) fn suspend(&mut self, reserved: Money) {
        self.suspended += reserved;
    }

    /// The same call continues, or has ended.
    pub(super) fn resume(&mut self, reserved: Money) {
        self.suspended -= reserved;
    }

    /// Replaces a reservation by the true cost.
    pub(super) fn charge(&mut self, reserved: Money, headroom: Money, cost: Money) {
        self.reserved -= reserved;
        self.headrooms -= headroom;
        self.spent += cost;
    }

    /// What is held back beside the bound of a tool's next call, where the bound is an estimate.
    pub(super) fn headroom(&self, tool: &str, upper_bound: Money) -> Money {
        if self.is_limited() && !self.learned_excess.contains_key(tool) {
            upper_bound.times(HEADROOM)
        } else {
            Money::ZERO
        }
    }

    /// The bound of a tool's next call: `upper_bound`, and by how much the bill of a call has passed its bound before. A
    /// provider may bill what no estimate foresees, but not twice unforeseen.
    pub(super) fn upper_bound(&self, tool: &str, upper_bound: Money) -> Money {
        let excess = self.learned_excess.get(tool).copied();
        upper_bound + excess.unwrap_or_default()
    }

    /// Takes note of what a call cost; `upper_bound` is its bound without what other bills had added to it. A call that
    /// has been counted confirms its bound.
    pub(super) fn learn(
        &mut self,
        tool: &Arc<str>,
        upper_bound: Money,
        cost: Money,
        counted: bool,
    ) {
        if cost > upper_bound {
            let known = self.learned_excess.entry(Arc::clone(tool)).or_default();
            *known = (cost - upper_bound).max(*known);
        } else if counted && !self.learned_excess.contains_key(tool) {
            self.learned_excess.insert(Arc::clone(tool), Money::ZERO);
        }
    }
}
