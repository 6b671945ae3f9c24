//! What a run can cost before it begins, and what is left of that while it is running.
//!
//! Each step brings what one of its calls can cost. Three sums are made of them:
//!
//! - *min*: every step that is certain to run succeeds at its first call, as cheaply as it can;
//! - *expected*: every step that is not skipped by then is called once, at the expected price of a call;
//! - *max*: every step runs and needs all its attempts, each at its upper bound.
//!
//! What is not known makes the sum unknown; it never counts as nothing.

use super::{RunState, StepPrice, StepState, StepStatus};
use crate::units::Money;
use serde::Serialize;

/// What calls that have not ended can cost in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// The lower bound.
    #[serde(rename = "least")]
    pub min: Money,
    /// What is to be expected; `None` where that is not known.
    pub expected: Option<Money>,
    /// The upper bound; `None` where there is none.
    #[serde(rename = "most")]
    pub max: Option<Money>,
}

impl Forecast {
    /// Nothing.
    pub const ZERO: Self = Self {
        min: Money::ZERO,
        expected: Some(Money::ZERO),
        max: Some(Money::ZERO),
    };

    /// What a whole run can cost with steps of these prices; a step without one costs nothing.
    pub fn of<'a>(prices: impl IntoIterator<Item = Option<&'a StepPrice>>) -> Self {
        let mut sum = Self::ZERO;
        for price in prices.into_iter().flatten() {
            sum.add_whole(price);
        }
        sum
    }

    /// Whether nothing costs anything.
    pub(crate) fn is_free(&self) -> bool {
        *self == Self::ZERO
    }

    fn add_whole(&mut self, price: &StepPrice) {
        match price.times {
            Some(times) => {
                let times = u64::from(times);
                let attempts = u64::from(price.attempts.max(1));
                let min = if price.sure { price.min } else { Money::ZERO };
                self.add(
                    min.times(times),
                    price.expected.map(|one| one.times(times)),
                    price
                        .max
                        .map(|one| one.times(times.saturating_mul(attempts))),
                );
            }
            // However many there are, they cost nothing where one costs nothing.
            None => self.add(
                Money::ZERO,
                price.expected.filter(|one| one.is_zero()),
                price.max.filter(|one| one.is_zero()),
            ),
        }
    }

    fn add(&mut self, min: Money, expected: Option<Money>, max: Option<Money>) {
        let both = |sum: Option<Money>, more: Option<Money>| Some(sum? + more?);
        self.min += min;
        self.expected = both(self.expected, expected);
        self.max = both(self.max, max);
    }
}

/// What the calls of a run can still cost, those running included; `None` where cost is not tracked or the run
/// has no prices of its steps.
pub(crate) fn forecast(state: &RunState) -> Option<Forecast> {
    let header = state.header.as_deref()?;
    if !header.track_cost || !header.priced {
        return None;
    }
    let mut sum = Forecast::ZERO;
    for row in state.steps.iter().take(header.steps.len()) {
        let Some(price) = row.info.price.as_deref() else {
            continue;
        };
        if row.status.has_ended() {
            continue;
        }
        if row.is_expanded() {
            let elements = row.elements().iter();
            let elements = elements.filter_map(|ix| state.steps.get(ix.at()));
            elements.for_each(|element| sum.add_rest(element, price));
        } else if row.status == StepStatus::Running {
            sum.add_rest(row, price);
        } else {
            sum.add_whole(price);
        }
    }
    Some(sum)
}

impl Forecast {
    /// What one row with this price, a step or an element, can still cost.
    fn add_rest(&mut self, row: &StepState, price: &StepPrice) {
        if row.status.has_ended() {
            return;
        }
        let since = |started| row.started_at().is_some_and(|from| started >= from);
        let attempts = row.attempts.iter().rev();
        let made = attempts
            .take_while(|attempt| since(attempt.started))
            .count() as u64;
        let left = u64::from(price.attempts.max(1)).saturating_sub(made);
        let retries = price.max.map(|one| one.times(left));
        match row.running_attempt() {
            // It may ask for more than was reserved for its beginning.
            Some(attempt) => self.add(
                price.min,
                price.expected,
                price
                    .max
                    .zip(retries)
                    .map(|(one, retries)| one.max(attempt.reserved) + retries),
            ),
            None => self.add(
                if price.sure && made == 0 {
                    price.min
                } else {
                    Money::ZERO
                },
                price.expected,
                retries,
            ),
        }
    }
}

#[cfg(test)]
mod tests;
