//! The tokens that a server bills, as far as its report can be read.
//!
//! A report comes from outside and can say anything. What it says plainly is counted. What it leaves out, or says in a
//! way that cannot be a number of tokens, is counted with the upper bound of that class of tokens, because the call was
//! billed all the same.

use crate::units::Tokens;
use serde_json::Value;

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
}

/// The tokens that one request used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Input tokens, the cached ones included.
    pub(crate) input: Count,
    /// Input tokens that came from the provider's cache, as far as that is known.
    pub(crate) cached_input: u64,
    /// Output tokens, reasoning included.
    pub(crate) output: Count,
}

impl Default for Usage {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        Self {
            input: Count::Exactly(tokens.input),
            cached_input: tokens.cached_input,
            output: Count::Exactly(tokens.output),
        }
    }
}

impl Usage {
    /// The report is missing, or no part of it can be read.
    pub(crate) const UNKNOWN: Self = Self {
        input: Count::UNKNOWN,
        cached_input: 0,
        output: Count::UNKNOWN,
    };

    /// The usage in the numbers of a report; `None` where the report has no such number.
    pub(crate) fn read(
        input: Option<&Value>,
        cached_input: Option<&Value>,
        output: Option<&Value>,
        total: Option<&Value>,
    ) -> Self {
        let read = |value: Option<&Value>| value.map_or(Count::UNKNOWN, Count::read);
        let (mut input, mut output) = (read(input), read(output));
        // Where reasoning is billed but is not in the output, only the sum has it.
        if let Some(total) = read(total).known() {
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
        // Cached tokens are cheaper, so that what is not known counts as not cached.
        let cached = read(cached_input).known().unwrap_or(0);
        let is_part = input.known().is_some_and(|input| cached <= input);
        Self {
            input,
            cached_input: if is_part { cached } else { 0 },
            output,
        }
    }

    /// The usage of an answer that broke off: more may be billed than was reported by then.
    pub(crate) const fn or_more(self) -> Self {
        Self {
            input: self.input.or_more(),
            cached_input: 0,
            output: self.output.or_more(),
        }
    }

    /// The tokens, where the report says them plainly.
    pub(crate) fn tokens(self) -> Option<Tokens> {
        Some(Tokens {
            input: self.input.known()?,
            cached_input: self.cached_input,
            output: self.output.known()?,
        })
    }

    /// The tokens to count: what the report says plainly, and `max` for the rest.
    pub(crate) fn at_most(self, max: Tokens) -> Tokens {
        Tokens {
            input: self.input.at_most(max.input),
            cached_input: self.cached_input,
            output: self.output.at_most(max.output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MAX: Tokens = Tokens {
        input: 300,
        cached_input: 0,
        output: 80,
    };

    fn counted(report: &Value) -> (u64, u64, u64) {
        let usage = Usage::read(
            report.get("in"),
            report.get("cached"),
            report.get("out"),
            report.get("total"),
        );
        let tokens = usage.at_most(MAX);
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
            input: 400,
            cached_input: 100,
            output: 3,
        });
        let tokens = usage.or_more().at_most(MAX);
        assert_eq!(
            (tokens.input, tokens.cached_input, tokens.output),
            (400, 0, 80)
        );
        assert_eq!(usage.or_more().tokens(), None);
    }
}
