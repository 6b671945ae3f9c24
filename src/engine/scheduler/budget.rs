//! Money: reserved before a call, settled after it.

use crate::run::Money;
use std::collections::HashMap;
use std::sync::Arc;

/// What is left of the budget. Spending plus reservations never pass the limit, as long as no call costs more
/// than its upper bound.
#[derive(Debug, Default)]
pub struct Budget {
    limit: Option<Money>,
    spent: Money,
    reserved: Money,
    /// What the dearest call of a tool cost, where it cost more than its bound.
    dearest: HashMap<Arc<str>, Money>,
}

impl Budget {
    /// A budget; `None` is without a limit.
    pub fn new(limit: Option<Money>) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Whether there is a limit.
    pub fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// What is neither spent nor reserved; without a limit, all there is.
    pub fn free(&self) -> Money {
        self.limit
            .map_or(Money::MAX, |limit| limit - self.spent() - self.reserved())
    }

    /// The limit, where there is one.
    pub fn limit(&self) -> Option<Money> {
        self.limit
    }

    /// What calls have cost.
    pub fn spent(&self) -> Money {
        self.spent
    }

    /// What calls under way may cost.
    pub fn reserved(&self) -> Money {
        self.reserved
    }

    /// Whether `most` could be reserved. A call that costs nothing always fits, even when the money is gone.
    pub fn fits(&self, most: Money) -> bool {
        most.is_zero() || most <= self.free()
    }

    /// Reserves `most` if it fits.
    pub fn reserve(&mut self, most: Money) -> bool {
        let fits = self.fits(most);
        if fits {
            self.reserved += most;
        }
        fits
    }

    /// Replaces a reservation by the true cost.
    pub fn settle(&mut self, reserved: Money, cost: Money) {
        self.reserved -= reserved;
        self.spent += cost;
    }

    /// The bound of a tool's next call: `most`, or what a call of it has cost that went over its bound. A
    /// provider may bill what no estimate foresees, but not twice unforeseen.
    pub fn bound(&self, tool: &str, most: Money) -> Money {
        let seen = self.dearest.get(tool).copied();
        seen.map_or(most, |seen| seen.max(most))
    }

    /// Takes note of a call that cost more than its bound.
    pub fn learn(&mut self, tool: &Arc<str>, bound: Money, cost: Money) {
        if cost > bound {
            let known = self.dearest.entry(Arc::clone(tool)).or_default();
            *known = cost.max(*known);
        }
    }
}
