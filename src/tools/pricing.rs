//! What calls can cost, before they are made.

use crate::units::Money;
use serde_json::Value;

/// What one call can cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The upper bound; `None` where a model has no price.
    pub max: Option<Money>,
    /// The lower bound.
    pub min: Money,
}

impl Quote {
    /// A call that costs nothing.
    pub const FREE: Self = Self {
        max: Some(Money::ZERO),
        min: Money::ZERO,
    };
}

/// Tokens of a call's input that are not known yet, such as the outputs of steps that have not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// How many are expected.
    pub expected: u64,
    /// The upper bound; `None` where there is none.
    pub max: Option<u64>,
}

impl Unseen {
    /// The whole input is known.
    pub const NONE: Self = Self::some(0, 0);

    /// An expected number and an upper bound.
    pub const fn some(expected: u64, max: u64) -> Self {
        Self {
            expected,
            max: Some(max),
        }
    }

    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let max = self.max.zip(other.max);
        Self {
            expected: self.expected.saturating_add(other.expected),
            max: max.map(|(a, b)| a.saturating_add(b)),
        }
    }
}

/// What a call can cost before its input is known whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The lower bound of a successful call.
    pub min: Money,
    /// The expected cost; `None` where it is not known.
    pub expected: Option<Money>,
    /// The upper bound; `None` where there is none.
    pub max: Option<Money>,
}

impl Estimate {
    /// A call that costs nothing.
    pub const FREE: Self = Self {
        min: Money::ZERO,
        expected: Some(Money::ZERO),
        max: Some(Money::ZERO),
    };
}

/// What is reserved of the budget before a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The maximum that the call spends without asking its [`SpendAuthorizer`](super::SpendAuthorizer); `None` where a model has no price.
    pub max: Option<Money>,
    /// Whether this is an estimate of the tokens that a provider will count, not yet confirmed by the bill of a
    /// first call.
    pub estimated: bool,
}

impl Reservation {
    /// A call that costs nothing.
    pub(crate) const NOTHING: Self = Self {
        max: Some(Money::ZERO),
        estimated: false,
    };
}

/// What calls of a tool can cost.
pub trait Pricing {
    /// The bounds of what a call with this input can cost, its first attempt alone.
    fn quote(&self, input: &Value, model: Option<&str>) -> Quote;

    /// What is reserved for a call with this input: all that it can cost, unless it asks for more on its way.
    fn reservation(&self, input: &Value, model: Option<&str>) -> Reservation {
        Reservation {
            max: self.quote(input, model).max,
            estimated: false,
        }
    }

    /// What a call can cost when only a part of its input is known. By default the expected cost is the mean of the
    /// bounds.
    fn estimate(&self, known: &Value, model: Option<&str>, _unseen: Unseen) -> Estimate {
        let Quote { max, min } = self.quote(known, model);
        let mean = |max: Money| Money::from_pico(min.pico().midpoint(max.pico()));
        Estimate {
            min,
            expected: max.map(mean),
            max,
        }
    }

    /// The maximum of tokens in an output; `None` where there is no bound.
    fn max_answer_tokens(&self) -> Option<u64> {
        None
    }

    /// What a call with this input counts against rate limits: the model that it calls, as `PROVIDER/MODEL`, and
    /// the maximum of tokens that it uses. `None` where it calls no model. Only asked for where rates are limited.
    fn rate_limit_use(&self, _input: &Value, _model: Option<&str>) -> Option<(String, u64)> {
        None
    }
}
