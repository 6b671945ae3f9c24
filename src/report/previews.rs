//! What a command would cost and how long it would take, in words.

use crate::run::{Range, Seconds};
use crate::text::format;
use crate::units::Money;

/// What it costs: `about $0.0012, from $0.0001 to $0.0040`.
pub(crate) fn cost_in_words(range: &Range<Money>) -> String {
    if range.max == Some(Money::ZERO) {
        return "free".to_owned();
    }
    let expected = range
        .expected
        .map_or_else(|| "not known".to_owned(), |money| format!("about {money}"));
    let max = range
        .max
        .map_or_else(|| "no known bound".to_owned(), |money| money.to_string());
    format!("{expected}, from {} to {max}", range.min)
}

/// How long it takes: `about 1.2s, at most 4.0s`.
pub(crate) fn time_in_words(range: &Range<Seconds>) -> String {
    let expected = range.expected.map_or_else(
        || "not known".to_owned(),
        |time| format!("about {}", format::duration(time.0)),
    );
    match range.max {
        Some(max) => format!("{expected}, at most {}", format::duration(max.0)),
        None => expected,
    }
}
