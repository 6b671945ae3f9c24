//! The tokens that a server bills, as far as its report can be read.
//!
//! A report comes from outside and can say anything. What it says plainly is counted. What it leaves out, or says in a
//! way that cannot be a number of tokens, is counted with the upper bound of that class of tokens, because the call was
//! billed all the same.

use crate::units::{Money, Tokens};
use serde_json::Value;
use std::num::NonZeroI64;

/// More tokens than any request can use; a larger number is not a number of tokens.
const MAX_TOKENS: f64 = 1e9;

/// A number of tokens in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// So many.
    Exactly(u64),
    /// So many or more: the report does not say it as a number of tokens.
    AtLeast(u64),
}

impl Count {
    /// Nothing is known.
    const UNKNOWN: Self = Self::AtLeast(0);

    /// The number in a report.
    pub(crate) fn read(value: &Value) -> Self {
        let (number, plain) = match value {
            Value::Number(number) => (number.as_f64(), true),
            Value::String(text) => (text.trim().parse().ok(), false),
            _ => (None, false),
        };
        match number {
            Some(number) if (0.0..=MAX_TOKENS).contains(&number) => {
                let whole = number.ceil();
                if plain && number.fract() == 0.0 {
                    Self::Exactly(whole as u64)
                } else {
                    Self::AtLeast(whole as u64)
                }
            }
            _ => Self::UNKNOWN,
        }
    }

    const fn known(self) -> Option<u64> {
        match self {
            Self::Exactly(count) => Some(count),
            Self::AtLeast(_) => None,
        }
    }

    /// What is known, as a lower bound.
    const fn or_more(self) -> Self {
        match self {
            Self::Exactly(count) | Self::AtLeast(count) => Self::AtLeast(count),
        }
    }

    fn at_most(self, max: u64) -> u64 {
        match self {
            Self::Exactly(count) => count,
            Self::AtLeast(count) => count.max(max),
        }
    }

    /// Both together.
    const fn plus(self, other: Self) -> Self {
        let (Self::Exactly(one) | Self::AtLeast(one)) = self;
        let (Self::Exactly(two) | Self::AtLeast(two)) = other;
        match (self, other) {
            (Self::Exactly(_), Self::Exactly(_)) => Self::Exactly(one.saturating_add(two)),
            _ => Self::AtLeast(one.saturating_add(two)),
        }
    }
}

/// The numbers of a report, as the server wrote them; `None` where it has no such number, or null.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report<'a> {
    /// Input tokens, with or without the cached ones: see `apart`.
    pub(crate) input: Option<&'a Value>,
    /// Input tokens read from the provider's cache.
    pub(crate) cached_input: Option<&'a Value>,
    /// Input tokens written to the provider's cache.
    pub(crate) cache_write: Option<&'a Value>,
    /// Those of `cache_write` that are kept for an hour.
    pub(crate) cache_write_1h: Option<&'a Value>,
    /// Output tokens, with or without reasoning: see `apart`.
    pub(crate) output: Option<&'a Value>,
    /// Output tokens used for reasoning.
    pub(crate) reasoning: Option<&'a Value>,
    /// All tokens.
    pub(crate) total: Option<&'a Value>,
    /// Which numbers are not in the sum that they belong to.
    pub(crate) apart: Apart,
}

/// Which numbers of a report do not include their parts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Apart {
    /// `input` counts neither the tokens read from the cache nor those written to it.
    pub(crate) cache: bool,
    /// `output` does not count reasoning.
    pub(crate) reasoning: bool,
}

/// A number of tokens that some providers report; no request has more than fits.
type Part = Option<u32>;

/// An amount that a provider states, small enough for an error that carries it. One more than its picodollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bill(NonZeroI64);

impl Bill {
    fn of(amount: Money) -> Option<Self> {
        let above = amount.pico().checked_add(1)?;
        NonZeroI64::new(above)
            .filter(|above| above.is_positive())
            .map(Self)
    }

    const fn amount(self) -> Money {
        Money::from_pico(self.0.get() - 1)
    }
}

/// The tokens that one request used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Input tokens, those of the cache included.
    pub(crate) input: Count,
    /// Input tokens that came from the provider's cache, as far as that is known.
    pub(crate) cached_input: u64,
    /// Input tokens written to the provider's cache, where it says how many.
    pub(crate) cache_write: Part,
    /// Those of `cache_write` that are kept for an hour.
    pub(crate) cache_write_1h: Part,
    /// Output tokens, reasoning included.
    pub(crate) output: Count,
    /// Output tokens used for reasoning, where the provider says how many.
    pub(crate) reasoning: Part,
    /// The bill, where the provider states it.
    bill: Option<Bill>,
}

impl Default for Usage {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let part = |count: Option<u64>| count.and_then(|count| u32::try_from(count).ok());
        Self {
            input: Count::Exactly(tokens.input),
            cached_input: tokens.cached_input,
            cache_write: part(tokens.cache_write),
            cache_write_1h: part(tokens.cache_write_1h),
            output: Count::Exactly(tokens.output),
            reasoning: part(tokens.reasoning),
            bill: None,
        }
    }
}

impl Usage {
    /// The report is missing, or no part of it can be read.
    pub(crate) const UNKNOWN: Self = Self {
        input: Count::UNKNOWN,
        cached_input: 0,
        cache_write: None,
        cache_write_1h: None,
        output: Count::UNKNOWN,
        reasoning: None,
        bill: None,
    };

    /// The usage in the numbers of a report.
    pub(crate) fn read(report: Report<'_>) -> Self {
        let given =
            |value: Option<&'_ Value>| value.filter(|value| !value.is_null()).map(Count::read);
        let needed = |value| given(value).unwrap_or(Count::UNKNOWN);
        // A part that is not given is none.
        let part = |value| given(value).unwrap_or(Count::Exactly(0));
        let (mut input, mut output) = (needed(report.input), needed(report.output));
        if report.apart.cache {
            input = input
                .plus(part(report.cached_input))
                .plus(part(report.cache_write));
        }
        if report.apart.reasoning {
            output = output.plus(part(report.reasoning));
        }
        // Where reasoning is billed but is not in the output, only the sum has it.
        if let Some(total) = given(report.total).and_then(Count::known) {
            match (input, output) {
                (Count::Exactly(known), Count::Exactly(said)) => {
                    output = Count::Exactly(said.max(total.saturating_sub(known)));
                }
                (Count::Exactly(known), Count::AtLeast(_)) if total >= known => {
                    output = Count::Exactly(total - known);
                }
                (Count::AtLeast(_), Count::Exactly(known)) if total >= known => {
                    input = Count::Exactly(total - known);
                }
                _ => {}
            }
        }
        let known = |value| given(value).and_then(Count::known);
        let reasoning = known(report.reasoning);
        // A part that is more than the whole cannot be in it.
        if let (Count::Exactly(said), Some(reasoning)) = (output, reasoning)
            && reasoning > said
        {
            output = Count::Exactly(said + reasoning);
        }
        // Tokens written to the cache may cost more than others, so a number of them that cannot be read makes the input
        // unknown. Cached ones are cheaper: what is not known counts as not cached.
        let written = part(report.cache_write);
        let cached = known(report.cached_input).unwrap_or(0);
        let parts = written
            .known()
            .map(|written| cached.saturating_add(written));
        let fits = match (input, parts) {
            (Count::Exactly(input), Some(parts)) => parts <= input,
            _ => false,
        };
        let no_cache = written.known() == Some(0);
        if !fits && !no_cache {
            input = input.or_more();
        }
        let small = |count: Option<u64>| count.and_then(|count| u32::try_from(count).ok());
        let kept = |value| small(known(value)).filter(|_| fits);
        Self {
            input,
            cached_input: if fits { cached } else { 0 },
            cache_write: kept(report.cache_write),
            cache_write_1h: kept(report.cache_write_1h),
            output,
            reasoning: small(reasoning).filter(|_| output.known().is_some()),
            bill: None,
        }
    }

    /// The same usage with the bill that the provider states, where it has none yet.
    pub(crate) fn billed(self, bill: Option<Money>) -> Self {
        Self {
            bill: self.bill.or(bill.and_then(Bill::of)),
            ..self
        }
    }

    /// The bill, where the provider states it.
    pub(crate) fn bill(self) -> Option<Money> {
        self.bill.map(Bill::amount)
    }

    /// The usage of an answer that broke off: more may be billed than was reported by then.
    pub(crate) const fn or_more(self) -> Self {
        Self {
            input: self.input.or_more(),
            output: self.output.or_more(),
            ..Self::UNKNOWN
        }
    }

    /// The tokens, where the report says them plainly.
    pub(crate) fn tokens(self) -> Option<Tokens> {
        self.input.known()?;
        self.output.known()?;
        Some(self.at_most(Tokens::default()))
    }

    /// The tokens to count: what the report says plainly, and `max` for the rest. What of the input can have been
    /// written to a cache counts so where `max` does.
    pub(crate) fn at_most(self, max: Tokens) -> Tokens {
        let input = self.input.at_most(max.input);
        let (cache_write, cache_write_1h) = match self.input.known() {
            Some(_) => (
                self.cache_write.map(u64::from),
                self.cache_write_1h.map(u64::from),
            ),
            None => (max.cache_write.map(|_| input), None),
        };
        Tokens {
            input,
            cached_input: self.cached_input,
            cache_write,
            cache_write_1h,
            output: self.output.at_most(max.output),
            reasoning: self.reasoning.map(u64::from),
        }
    }

    /// Whether the input, and whether the output counts at its upper bound.
    pub(crate) fn bounded(self) -> (bool, bool) {
        (self.input.known().is_none(), self.output.known().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MAX: Tokens = Tokens::plain(300, 80);

    fn report(report: &Value) -> Report<'_> {
        Report {
            input: report.get("in"),
            cached_input: report.get("cached"),
            cache_write: report.get("write"),
            cache_write_1h: report.get("hour"),
            output: report.get("out"),
            reasoning: report.get("reasoning"),
            total: report.get("total"),
            apart: Apart::default(),
        }
    }

    fn counted(value: &Value) -> (u64, u64, u64) {
        let tokens = Usage::read(report(value)).at_most(MAX);
        (tokens.input, tokens.cached_input, tokens.output)
    }

    #[test]
    fn what_is_no_number_of_tokens_counts_with_the_bound_of_its_class() {
        for odd in [
            json!(null),
            json!("many"),
            json!("7"),
            json!(7.25),
            json!(-7),
            json!(1e30),
            json!(u64::MAX),
            json!(true),
            json!([7]),
        ] {
            assert_eq!(counted(&json!({"in": odd, "out": 9})), (300, 0, 9), "{odd}");
            assert_eq!(counted(&json!({"in": 9, "out": odd})), (9, 0, 80), "{odd}");
        }
        assert_eq!(counted(&json!({})), (300, 0, 80));
    }

    #[test]
    fn an_odd_number_above_the_bound_counts_as_it_is() {
        assert_eq!(counted(&json!({"in": "412", "out": 99.5})), (412, 0, 100));
        assert_eq!(counted(&json!({"in": 4120, "out": 990.0})), (4120, 0, 990));
    }

    #[test]
    fn the_total_fills_in_what_is_missing() {
        assert_eq!(counted(&json!({"in": 10, "total": 25})), (10, 0, 15));
        assert_eq!(counted(&json!({"out": 10, "total": 25})), (15, 0, 10));
        // Reasoning that is in no other number.
        assert_eq!(
            counted(&json!({"in": 10, "out": 5, "total": 45})),
            (10, 0, 35)
        );
        assert_eq!(
            counted(&json!({"in": 10, "out": 5, "total": 3})),
            (10, 0, 5)
        );
        assert_eq!(
            counted(&json!({"in": 10, "out": 5, "total": "x"})),
            (10, 0, 5)
        );
        assert_eq!(counted(&json!({"in": 10, "total": 3})), (10, 0, 80));
    }

    #[test]
    fn cached_tokens_are_a_part_of_the_input() {
        assert_eq!(
            counted(&json!({"in": 10, "cached": 4, "out": 1})),
            (10, 4, 1)
        );
        for odd in [json!(11), json!("4"), json!(-4), json!(4.5)] {
            let report = json!({"in": 10, "cached": odd, "out": 1});
            assert_eq!(counted(&report), (10, 0, 1), "{odd}");
        }
    }

    #[test]
    fn an_answer_that_broke_off_counts_at_least_what_it_reported() {
        let usage = Usage::from(Tokens {
            cached_input: 100,
            cache_write: Some(50),
            reasoning: Some(2),
            ..Tokens::plain(400, 3)
        });
        let tokens = usage.or_more().at_most(MAX);
        assert_eq!(
            (tokens.input, tokens.cached_input, tokens.output),
            (400, 0, 80)
        );
        assert_eq!(usage.or_more().tokens(), None);
    }

    #[test]
    fn writes_to_the_cache_are_a_part_of_the_input_too() {
        let read = |value: &Value| {
            let usage = Usage::read(report(value));
            let tokens = usage.at_most(Tokens {
                cache_write: Some(300),
                ..MAX
            });
            (tokens.input, tokens.cached_input, tokens.cache_write)
        };
        let said = json!({"in": 10, "cached": 4, "write": 5, "out": 1});
        assert_eq!(read(&said), (10, 4, Some(5)));
        // They may cost more than other tokens, so what is odd counts with the bound.
        for odd in [json!(7), json!("5"), json!(-5), json!(5.5)] {
            let said = json!({"in": 10, "cached": 4, "write": odd, "out": 1});
            assert_eq!(read(&said), (300, 0, Some(300)), "{odd}");
        }
        assert_eq!(read(&json!({"in": 10, "out": 1})), (10, 0, None));
        assert_eq!(read(&json!({"out": 1})), (300, 0, Some(300)));
    }

    #[test]
    fn parts_that_stand_apart_are_added() {
        let apart = Apart {
            cache: true,
            reasoning: true,
        };
        let said =
            json!({"in": 10, "cached": 200, "write": 30, "hour": 12, "out": 5, "reasoning": 40});
        let usage = Usage::read(Report {
            apart,
            ..report(&said)
        });
        let tokens = Tokens {
            cached_input: 200,
            cache_write: Some(30),
            cache_write_1h: Some(12),
            reasoning: Some(40),
            ..Tokens::plain(240, 45)
        };
        assert_eq!(usage.tokens(), Some(tokens));
        for odd in ["cached", "write"] {
            let mut said = said.clone();
            said[odd] = json!("many");
            let usage = Usage::read(Report {
                apart,
                ..report(&said)
            });
            assert_eq!(usage.tokens(), None, "{odd}");
        }
    }

    #[test]
    fn reasoning_that_cannot_be_in_the_output_is_added() {
        let usage = |value: &Value| Usage::read(report(value)).tokens().unwrap();
        let tokens = usage(&json!({"in": 1, "out": 50, "reasoning": 30}));
        assert_eq!((tokens.output, tokens.reasoning), (50, Some(30)));
        let tokens = usage(&json!({"in": 1, "out": 5, "reasoning": 30}));
        assert_eq!((tokens.output, tokens.reasoning), (35, Some(30)));
        let tokens = usage(&json!({"in": 10, "out": 5, "reasoning": 30, "total": 45}));
        assert_eq!((tokens.output, tokens.reasoning), (35, Some(30)));
    }
}
