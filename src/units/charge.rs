//! The parts of a cost.

use super::Money;
use serde::{Deserialize, Serialize};

/// What a part of a cost is charged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeClass {
    /// Input tokens that were neither read from nor written to the provider's cache.
    Input,
    /// Input tokens from the provider's cache.
    CachedInput,
    /// Input tokens written to the provider's cache for 5 minutes.
    CacheWrite,
    /// Input tokens written to the provider's cache for an hour.
    #[serde(rename = "cache_write_1h")]
    CacheWrite1h,
    /// Output tokens other than reasoning.
    Output,
    /// Output tokens that the model used for reasoning.
    Reasoning,
    /// Calls of a tool with a fixed price.
    Call,
    /// The part of a reservation that counts because the bill is not known.
    Reserved,
    /// What the provider says that it billed beyond the other parts.
    Billed,
    /// What the provider says that it billed, for comparison: its count is 0, so it adds nothing.
    Stated,
}

impl ChargeClass {
    /// Whether it is a class of tokens.
    pub(crate) const fn is_of_tokens(self) -> bool {
        matches!(
            self,
            Self::Input
                | Self::CachedInput
                | Self::CacheWrite
                | Self::CacheWrite1h
                | Self::Output
                | Self::Reasoning
        )
    }

    /// Whether it is a class of output tokens.
    pub(crate) const fn is_of_output(self) -> bool {
        matches!(self, Self::Output | Self::Reasoning)
    }
}

/// One part of a cost: `count` units at `price` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// What it is for.
    pub class: ChargeClass,
    /// How many tokens or calls.
    pub count: u64,
    /// The price of one of them, in dollars.
    pub price: Money,
    /// Whether the count is an upper bound, because the server does not say what it was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub upper_bound: bool,
}

impl Charge {
    /// What this part costs.
    pub fn cost(&self) -> Money {
        self.price.times(self.count)
    }

    /// Adds this part to others: to the one of the same class, price and certainty where there is one.
    pub(crate) fn add_to(self, charges: &mut Vec<Self>) {
        let same = charges.iter_mut().find(|other| {
            let key = |charge: &Self| (charge.class, charge.price, charge.upper_bound);
            key(other) == key(&self)
        });
        match same {
            Some(other) => other.count = other.count.saturating_add(self.count),
            None => charges.push(self),
        }
    }
}
