//! What planning may cost: reserved before each request, replaced with the true cost after it.

use crate::models::SpendAuthorizer;
use crate::units::Money;
use futures::FutureExt;
use futures::future::ready;

/// What planning may cost, and what it has cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    limit: Option<Money>,
    spent: Money,
}

impl Budget {
    /// At most `limit`; `None` for no limit.
    pub(super) const fn new(limit: Option<Money>) -> Self {
        Self {
            limit,
            spent: Money::ZERO,
        }
    }

    /// What is left; `None` for no limit.
    pub(super) fn left(&self) -> Option<Money> {
        self.limit.map(|limit| limit - self.spent)
    }

    /// Whether a request that costs at most `max` fits.
    pub(super) fn fits(&self, max: Option<Money>) -> bool {
        match (self.left(), max) {
            (None, _) => true,
            (Some(left), Some(max)) => max <= left,
            (Some(_), None) => false,
        }
    }

    /// Permits the request that follows to cost, with all its forms, what is left.
    pub(super) fn authorizer(&self) -> SpendAuthorizer {
        match self.left() {
            None => SpendAuthorizer::unlimited(),
            Some(left) => SpendAuthorizer::of(move |total| ready(total <= left).boxed()),
        }
    }

    /// Takes note of what a request has cost.
    pub(super) fn charge(&mut self, cost: Option<Money>) {
        self.spent += cost.unwrap_or(Money::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_is_no_longer_there() {
        let mut budget = Budget::new(Some(Money::from_pico(10)));
        assert!(budget.fits(Some(Money::from_pico(10))));
        budget.charge(Some(Money::from_pico(7)));
        assert!(budget.fits(Some(Money::from_pico(3))));
        assert!(!budget.fits(Some(Money::from_pico(4))));
        assert!(
            !budget.fits(None),
            "a request without a price fits no limit"
        );
        assert!(Budget::new(None).fits(None));
    }
}
