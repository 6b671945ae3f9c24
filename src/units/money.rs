//! Money as an exact integer.
//!
//! A price list quotes dollars per million tokens with up to six decimals, so one token costs a whole
//! number of pico-dollars (10⁻¹² $). All sums are made in that unit; floating point appears only where a
//! figure is printed.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};

/// An amount of money in pico-dollars (10⁻¹² US dollars); it covers ±9.2 million dollars and saturates there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

const PICO_PER_USD: f64 = 1e12;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount that can be held.
    pub const MAX: Self = Self(i64::MAX);

    /// An amount from whole pico-dollars.
    pub const fn from_pico(pico: i64) -> Self {
        Self(pico)
    }

    /// The amount in whole pico-dollars.
    pub const fn pico(self) -> i64 {
        self.0
    }

    /// The nearest amount to `usd` dollars; not a number becomes zero, and what is too large saturates.
    pub fn from_usd(usd: f64) -> Self {
        Self((usd * PICO_PER_USD).round() as i64)
    }

    /// The amount in dollars, for printing.
    pub fn usd(self) -> f64 {
        self.0 as f64 / PICO_PER_USD
    }

    /// `self` for each of `count` units.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(
            self.0
                .saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)),
        )
    }

    /// Whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    /// `$0.0213`, `$0.00171`: four decimals; below a cent three significant digits, less the zeros at the end of an
    /// amount that is exact without them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CENT: u64 = 10_000_000_000;
        let pico = self.0.unsigned_abs();
        if pico == 0 || pico >= CENT {
            return write!(f, "${:.4}", self.usd());
        }
        // The first significant digit stands at this decimal.
        let first = 12 - pico.ilog10() as usize;
        let mut decimals = (first + 2).clamp(4, 12);
        let is_exact = |decimals: usize| pico.is_multiple_of(10u64.pow(12 - decimals as u32));
        while decimals > 4 && is_exact(decimals - 1) {
            decimals -= 1;
        }
        write!(f, "${:.decimals$}", self.usd())
    }
}

impl Serialize for Money {
    /// Dollars, as a JSON number.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.usd())
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from_usd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_price_per_million_tokens_is_exact_per_token() {
        // gpt-4o-mini: $0.15 per million input tokens.
        let per_token = Money::from_usd(0.15 / 1e6);
        assert_eq!(per_token.pico(), 150_000);
        assert_eq!(per_token.times(1_000_000), Money::from_usd(0.15));
    }

    #[test]
    fn small_amounts_do_not_read_as_nothing() {
        assert_eq!(Money::ZERO.to_string(), "$0.0000");
        assert_eq!(Money::from_usd(0.0021).to_string(), "$0.0021");
        assert_eq!(Money::from_usd(0.000_009).to_string(), "$0.000009");
        assert_eq!(Money::from_usd(0.001_712).to_string(), "$0.00171");
        assert_eq!(Money::from_usd(0.002_104).to_string(), "$0.00210");
        assert_eq!(Money::from_usd(0.000_324_4).to_string(), "$0.000324");
        assert_eq!(Money::from_usd(0.009_999_9).to_string(), "$0.01000");
        assert_eq!(Money::from_usd(0.012_34).to_string(), "$0.0123");
        assert_eq!(Money::from_usd(-0.000_324_4).to_string(), "$-0.000324");
        assert_eq!(Money::from_pico(3).to_string(), "$0.000000000003");
    }

    proptest! {
        #[test]
        fn the_order_of_a_sum_does_not_matter(mut amounts in prop::collection::vec(-1_000_000_000i64..1_000_000_000, 0..50)) {
            let forward: Money = amounts.iter().copied().map(Money::from_pico).sum();
            amounts.reverse();
            let backward: Money = amounts.iter().copied().map(Money::from_pico).sum();
            prop_assert_eq!(forward, backward);
        }

        #[test]
        fn json_keeps_an_amount_below_nine_thousand_dollars(pico in -9_000_000_000_000_000i64..9_000_000_000_000_000) {
            let text = serde_json::to_string(&Money::from_pico(pico)).unwrap();
            let back: Money = serde_json::from_str(&text).unwrap();
            prop_assert!((back.pico() - pico).abs() <= 1);
        }
    }
}
