//! Money: reserved before a call, settled after it.

use crate::units::Money;
use std::collections::HashMap;
use std::sync::Arc;

/// Until a call of a tool has come back with its bill, so many times its bound is held back beside the bound of
/// each of its calls: they go out at once while there is plenty, and one after another while there is little.
const MARGIN: u64 = 9;

/// What is left of the budget. Spending plus reservations never pass the limit, as long as no call costs more
/// than its upper bound.
#[derive(Debug, Default)]
pub struct Budget {
    limit: Option<Money>,
    spent: Money,
    reserved: Money,
    /// What is held back beside the reservations.
    margins: Money,
    /// For each tool whose calls have been billed, by how much the worst bill passed its bound.
    excess: HashMap<Arc<str>, Money>,
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

    /// Whether `most` could be reserved with `margin` beside it. A call that costs nothing always fits, even when
    /// the money is gone; one that would be alone needs no margin.
    pub fn fits(&self, most: Money, margin: Money) -> bool {
        let free = self.free();
        let alone = self.reserved.is_zero();
        most.is_zero() || (most <= free && (alone || most + margin + self.margins <= free))
    }

    /// Reserves `most` and holds `margin` back if they fit.
    pub fn reserve(&mut self, most: Money, margin: Money) -> bool {
        let fits = self.fits(most, margin);
        if fits {
            self.reserved += most;
            self.margins += margin;
        }
        fits
    }

    /// Reserves so much more for a call under way, if there is so much.
    pub fn raise(&mut self, more: Money) -> bool {
        let fits = more <= self.free();
        if fits {
            self.reserved += more;
        }
        fits
    }

    /// Replaces a reservation by the true cost.
    pub fn settle(&mut self, reserved: Money, margin: Money, cost: Money) {
        self.reserved -= reserved;
        self.margins -= margin;
        self.spent += cost;
    }

    /// What is held back beside the bound of a tool's next call, where the bound is an estimate.
    pub fn margin(&self, tool: &str, most: Money) -> Money {
        if self.is_limited() && !self.excess.contains_key(tool) {
            most.times(MARGIN)
        } else {
            Money::ZERO
        }
    }

    /// The bound of a tool's next call: `most`, and by how much the bill of a call has passed its bound before. A
    /// provider may bill what no estimate foresees, but not twice unforeseen.
    pub fn bound(&self, tool: &str, most: Money) -> Money {
        let excess = self.excess.get(tool).copied();
        most + excess.unwrap_or_default()
    }

    /// Takes note of what a call cost; `most` is its bound without what other bills had added to it. A call that
    /// somebody counted bears its bound out.
    pub fn learn(&mut self, tool: &Arc<str>, most: Money, cost: Money, counted: bool) {
        if cost > most {
            let known = self.excess.entry(Arc::clone(tool)).or_default();
            *known = (cost - most).max(*known);
        } else if counted && self.is_limited() && !self.excess.contains_key(tool) {
            self.excess.insert(Arc::clone(tool), Money::ZERO);
        }
    }
}
