//! The price of a model: dollars for each class of tokens.

use crate::units::{Charge, ChargeClass, Money, Tokens};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// The prices of one model, each for one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// An input token.
    pub input: Money,
    /// An input token that the provider served from its cache.
    pub cached_input: Money,
    /// An input token that the provider wrote to its cache for 5 minutes.
    pub cache_write: Money,
    /// An input token that the provider wrote to its cache for an hour.
    pub cache_write_1h: Money,
    /// An output token, reasoning included.
    pub output: Money,
    /// What replaces these prices, for the whole call, where its input is long.
    pub long_input: Option<LongInput>,
}

/// The prices of a call whose input has more than a number of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongInput {
    /// The number of input tokens above which these prices hold.
    pub above: u64,
    /// An input token.
    pub input: Money,
    /// An input token that the provider served from its cache.
    pub cached_input: Money,
    /// An input token that the provider wrote to its cache for 5 minutes.
    pub cache_write: Money,
    /// An input token that the provider wrote to its cache for an hour.
    pub cache_write_1h: Money,
    /// An output token, reasoning included.
    pub output: Money,
}

impl Price {
    /// The price of a model on the user's own machine.
    pub const FREE: Self = Self {
        input: Money::ZERO,
        cached_input: Money::ZERO,
        cache_write: Money::ZERO,
        cache_write_1h: Money::ZERO,
        output: Money::ZERO,
        long_input: None,
    };

    /// The price from dollars per million tokens, as decimal numbers with at most six decimals. Without a
    /// cached price the input price counts for cached tokens too; it counts for cache writes, which
    /// `cache_writes` changes.
    ///
    /// # Errors
    /// Where a number is not valid, is negative, or has too many decimals.
    pub fn per_million(
        input: &str,
        cached_input: Option<&str>,
        output: &str,
    ) -> Result<Self, PriceError> {
        let input_price = per_token(input)?;
        Ok(Self {
            input: input_price,
            cached_input: cached_input.map_or(Ok(input_price), per_token)?,
            cache_write: input_price,
            cache_write_1h: input_price,
            output: per_token(output)?,
            long_input: None,
        })
    }

    /// This price with those of tokens that the provider writes to its cache for 5 minutes and for an hour, in dollars
    /// per million tokens. Without the second the first counts for both.
    ///
    /// # Errors
    /// As [`per_million`](Self::per_million).
    pub(crate) fn cache_writes(
        self,
        five_minutes: Option<&str>,
        hour: Option<&str>,
    ) -> Result<Self, PriceError> {
        let cache_write = five_minutes.map_or(Ok(self.cache_write), per_token)?;
        Ok(Self {
            cache_write,
            cache_write_1h: hour.map_or(Ok(cache_write), per_token)?,
            ..self
        })
    }

    /// These tokens in the classes that cost the most: where writing to the provider's cache costs more than reading
    /// the input, a provider may write all of it.
    pub(crate) fn most_expensive(&self, tokens: Tokens) -> Tokens {
        let costs_more = self.cache_write > self.input;
        let costs_more_when_long = self
            .long_input
            .is_some_and(|long| long.cache_write > long.input);
        Tokens {
            cache_write: (costs_more || costs_more_when_long).then_some(tokens.input),
            ..tokens
        }
    }

    /// What these tokens cost, as the tokens of one call.
    pub fn cost(&self, tokens: Tokens) -> Money {
        self.charges(tokens).map(|charge| charge.cost()).sum()
    }

    /// The parts of what these tokens cost, as the tokens of one call, a part for each class.
    pub fn charges(&self, tokens: Tokens) -> impl Iterator<Item = Charge> {
        let price = match self.long_input {
            Some(long) if tokens.input > long.above => Self {
                input: long.input,
                cached_input: long.cached_input,
                cache_write: long.cache_write,
                cache_write_1h: long.cache_write_1h,
                output: long.output,
                long_input: None,
            },
            _ => *self,
        };
        // The parts are never more than the whole, whatever a report says.
        let cached = tokens.cached_input.min(tokens.input);
        let written = tokens.cache_write.unwrap_or(0).min(tokens.input - cached);
        let hour = tokens.cache_write_1h.unwrap_or(0).min(written);
        let reasoning = tokens.reasoning.unwrap_or(0).min(tokens.output);
        let parts = [
            (
                ChargeClass::Input,
                tokens.input - cached - written,
                price.input,
            ),
            (ChargeClass::CachedInput, cached, price.cached_input),
            (ChargeClass::CacheWrite, written - hour, price.cache_write),
            (ChargeClass::CacheWrite1h, hour, price.cache_write_1h),
            (ChargeClass::Output, tokens.output - reasoning, price.output),
            (ChargeClass::Reasoning, reasoning, price.output),
        ];
        let parts = parts.into_iter().filter(|(_, count, _)| *count > 0);
        parts.map(|(class, count, price)| Charge {
            class,
            count,
            price,
            upper_bound: false,
        })
    }
}

/// Why a price cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Not an amount of dollars, negative, or with too many decimals.
    #[error("\"{0}\" is not a price in dollars with at most six decimals")]
    NotAPrice(String),
}

pub(super) fn per_token(per_million: &str) -> Result<Money, PriceError> {
    // A dollar per million tokens is a millionth of a dollar per token.
    scaled(per_million, 1_000_000).ok_or_else(|| PriceError::NotAPrice(per_million.to_owned()))
}

/// Dollars from a decimal number, exactly; `None` where it is not a number, negative, too large, or finer than a
/// picodollar.
pub(crate) fn dollars(text: &str) -> Option<Money> {
    scaled(text, 1_000_000_000_000)
}

fn scaled(text: &str, pico_per_unit: i64) -> Option<Money> {
    let number = Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_scientific(text))
        .ok()?;
    let pico = number.checked_mul(Decimal::from(pico_per_unit))?;
    let negative = pico.is_sign_negative() && !pico.is_zero();
    if negative || !pico.fract().is_zero() {
        return None;
    }
    pico.to_i64().map(Money::from_pico)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cached_tokens_cost_their_own_price() {
        let price = Price::per_million("0.15", Some("0.075"), "0.60").unwrap();
        let tokens = Tokens {
            cached_input: 400,
            ..Tokens::plain(1000, 10)
        };
        assert_eq!(
            price.cost(tokens).pico(),
            600 * 150_000 + 400 * 75_000 + 10 * 600_000
        );
        let odd = Tokens {
            cached_input: 40,
            ..Tokens::plain(10, 0)
        };
        assert_eq!(price.cost(odd).pico(), 10 * 75_000);
    }

    #[test]
    fn a_long_input_raises_the_price_of_the_whole_call() {
        let mut price = Price::per_million("1.25", Some("0.125"), "10").unwrap();
        price.long_input = Some(LongInput {
            above: 200_000,
            input: Money::from_pico(2_500_000),
            cached_input: Money::from_pico(250_000),
            cache_write: Money::from_pico(2_500_000),
            cache_write_1h: Money::from_pico(2_500_000),
            output: Money::from_pico(15_000_000),
        });
        let tokens = |input| Tokens::plain(input, 2);
        assert_eq!(
            price.cost(tokens(200_000)).pico(),
            200_000 * 1_250_000 + 2 * 10_000_000
        );
        assert_eq!(
            price.cost(tokens(200_001)).pico(),
            200_001 * 2_500_000 + 2 * 15_000_000
        );
    }

    #[test]
    fn what_is_not_a_price_is_refused() {
        for bad in ["x", "", "-1", "0.0000001", "1e40"] {
            assert!(Price::per_million(bad, None, "1").is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn prices_are_exact(micro in 0i64..100_000_000) {
            let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
            prop_assert_eq!(per_token(&text).unwrap().pico(), micro);
        }
    }
}
