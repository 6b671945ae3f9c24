//! Token counts of model calls.

use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Tokens of one or more model calls. The classes that only some providers report are `None` where the provider does
/// not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Input tokens, those read from and written to the provider's cache included.
    pub input: u64,
    /// Input tokens that the provider served from its cache.
    pub cached_input: u64,
    /// Input tokens that the provider wrote to its cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// Those of `cache_write` that the provider keeps for an hour; the others are kept for 5 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<u64>,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// Output tokens that the model used for reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
}

impl Tokens {
    /// Tokens of which nothing but input and output is known.
    pub const fn plain(input: u64, output: u64) -> Self {
        Self {
            input,
            cached_input: 0,
            cache_write: None,
            cache_write_1h: None,
            output,
            reasoning: None,
        }
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        // The numbers come from a server and can be anything.
        let sum = u64::saturating_add;
        let said = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(sum(one, other)),
            (one, other) => one.or(other),
        };
        self.input = sum(self.input, other.input);
        self.cached_input = sum(self.cached_input, other.cached_input);
        self.cache_write = said(self.cache_write, other.cache_write);
        self.cache_write_1h = said(self.cache_write_1h, other.cache_write_1h);
        self.output = sum(self.output, other.output);
        self.reasoning = said(self.reasoning, other.reasoning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_nobody_reports_stays_unknown() {
        let mut sum = Tokens::plain(10, 2);
        sum += Tokens {
            cache_write: Some(4),
            ..Tokens::plain(5, 1)
        };
        sum += Tokens {
            cache_write: Some(1),
            ..Tokens::plain(u64::MAX, 0)
        };
        assert_eq!(
            sum,
            Tokens {
                cache_write: Some(5),
                ..Tokens::plain(u64::MAX, 3)
            }
        );
    }

    #[test]
    fn only_what_is_known_is_written() {
        let text = serde_json::to_string(&Tokens::plain(310, 45)).unwrap();
        assert_eq!(text, r#"{"input":310,"cached_input":0,"output":45}"#);
        let read: Tokens = serde_json::from_str(&text).unwrap();
        assert_eq!(read, Tokens::plain(310, 45));
    }
}
