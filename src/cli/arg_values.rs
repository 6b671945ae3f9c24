//! Values of options as people type them: limits, rates, ages, sizes.

use crate::run::Rate;
use std::sync::Arc;
use std::time::Duration;

/// A limit that was given: a value, or `none`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound<T> {
    /// Enforce nothing.
    Lifted,
    /// At the most this.
    Most(T),
}

impl<T> Bound<T> {
    /// As the limits have it.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Lifted => None,
            Self::Most(value) => Some(value),
        }
    }
}

pub fn limit<T: std::str::FromStr + PartialOrd + From<u8>>(text: &str) -> Result<Bound<T>, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Bound::Lifted);
    }
    match text.parse::<T>() {
        Ok(value) if value >= T::from(1) => Ok(Bound::Most(value)),
        _ => Err("a whole number from 1 up, or none".to_owned()),
    }
}

pub fn rate(text: &str) -> Result<(Arc<str>, Rate), String> {
    let number = |text: &str| match text.parse::<u64>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{text:?} is no whole number from 1 up")),
    };
    let (name, most) = text
        .rsplit_once('=')
        .ok_or("give it as NAME=CALLS or NAME=CALLS/TOKENS")?;
    let (calls, tokens) = match most.split_once('/') {
        Some((calls, tokens)) => (calls, Some(number(tokens)?)),
        None => (most, None),
    };
    let rate = Rate {
        requests_per_minute: Some(number(calls)?),
        tokens_per_minute: tokens,
        max_concurrent: None,
    };
    Ok((name.into(), rate))
}

pub fn amount(text: &str) -> Result<Bound<f64>, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Bound::Lifted);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(Bound::Most(value)),
        _ => Err("a number from 0 up, or none".to_owned()),
    }
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

pub fn age(text: &str) -> Result<Duration, String> {
    let units = [
        ("s", 1),
        ("m", 60),
        ("h", 3600),
        ("d", 86_400),
        ("w", 604_800),
    ];
    with_unit(text, &units)
        .map(Duration::from_secs)
        .ok_or_else(|| "a number and s, m, h, d or w".to_owned())
}

pub fn size(text: &str) -> Result<u64, String> {
    let units = [
        ("", 1),
        ("b", 1),
        ("kb", 1000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
    ];
    with_unit(text, &units).ok_or_else(|| "a number and kB, MB or GB".to_owned())
}
