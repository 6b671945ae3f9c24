//! Values as other systems write them.

use crate::units::{Money, Tokens};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// A text that may hold JSON.
pub(super) fn parsed(text: &str) -> Value {
    let looks_like_json = text.trim_start().starts_with(['{', '[']);
    if looks_like_json && let Ok(value) = serde_json::from_str(text) {
        return value;
    }
    Value::from(text)
}

/// A member that is there and says something.
pub(super) fn given(value: &Value, name: &str) -> Option<Arc<Value>> {
    let member = value.get(name)?;
    let is_empty = match member {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    (!is_empty).then(|| match member {
        Value::String(text) => Arc::new(parsed(text)),
        other => Arc::new(other.clone()),
    })
}

/// A member that is a text and not empty.
pub(super) fn text(value: &Value, name: &str) -> Option<Arc<str>> {
    let text = value.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.into())
}

/// A moment as RFC 3339 has it, with or without a zone (UTC then), in microseconds since 1970.
pub(super) fn moment(value: &Value, name: &str) -> Option<u64> {
    let text = value.get(name)?.as_str()?;
    let text = text.replacen(' ', "T", 1);
    let read = text
        .parse::<Timestamp>()
        .or_else(|_| format!("{text}Z").parse::<Timestamp>());
    u64::try_from(read.ok()?.as_microsecond()).ok()
}

/// A whole number, which may be written as a text or with a point.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of tokens are small and not negative"
)]
pub(super) fn number(value: &Value) -> Option<u64> {
    let of_text = || value.as_str()?.parse().ok();
    let of_float = || {
        let float = value.as_f64().filter(|float| (0.0..1e15).contains(float));
        float.map(|float| float as u64)
    };
    value.as_u64().or_else(of_float).or_else(of_text)
}

/// An amount in dollars.
pub(super) fn dollars(value: &Value) -> Option<Money> {
    let usd = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    (usd.is_finite() && (0.0..1e9).contains(&usd)).then(|| Money::from_usd(usd))
}

/// Tokens of which at least one count is known.
pub(super) fn tokens(input: Option<u64>, output: Option<u64>) -> Option<Tokens> {
    (input.is_some() || output.is_some())
        .then(|| Tokens::plain(input.unwrap_or(0), output.unwrap_or(0)))
}
