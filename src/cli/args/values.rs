//! Parses the values of options: limits, rates, ages, sizes.

use crate::run::{Answer, Rate};
use crate::units::{NoTemperature, Temperature};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A limit given on the command line: a value, or `none`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound<T> {
    /// `none`: no limit.
    Unlimited,
    /// At most this.
    Max(T),
}

impl<T> Bound<T> {
    /// The limit as [`ResourceLimits`](crate::run::ResourceLimits) has it: `None` for no limit.
    pub(crate) fn into_option(self) -> Option<T> {
        match self {
            Self::Unlimited => None,
            Self::Max(value) => Some(value),
        }
    }
}

pub(crate) fn limit<T: std::str::FromStr + PartialOrd + From<u8>>(
    text: &str,
) -> Result<Bound<T>, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Bound::Unlimited);
    }
    match text.parse::<T>() {
        Ok(value) if value >= T::from(1) => Ok(Bound::Max(value)),
        _ => Err("must be a whole number of at least 1, or none".to_owned()),
    }
}

/// A value given on the command line, or `default`, which takes an earlier one back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum OrDefault<T> {
    /// `default`.
    Default,
    /// This.
    Given(T),
}

impl<T> OrDefault<T> {
    /// The value, or `None` where an earlier one is taken back.
    pub(crate) fn into_option(self) -> Option<T> {
        match self {
            Self::Default => None,
            Self::Given(value) => Some(value),
        }
    }
}

pub(crate) fn temperature(text: &str) -> Result<OrDefault<Temperature>, String> {
    if text.eq_ignore_ascii_case("default") {
        return Ok(OrDefault::Default);
    }
    let temperature = text.parse().map_err(|why: NoTemperature| why.to_string())?;
    Ok(OrDefault::Given(temperature))
}

pub(crate) fn max_tokens(text: &str) -> Result<OrDefault<u32>, String> {
    if text.eq_ignore_ascii_case("default") {
        return Ok(OrDefault::Default);
    }
    let count = text.parse().ok().filter(|count| *count > 0);
    let count = count.ok_or("must be a whole number of at least 1, or default")?;
    Ok(OrDefault::Given(count))
}

/// The answer to a step that needs an approval: `STEP=yes` or `STEP=no`.
pub(crate) fn answer(text: &str) -> Result<(Arc<str>, bool), String> {
    let (step, answer) = text
        .rsplit_once('=')
        .filter(|(step, _)| !step.trim().is_empty())
        .ok_or("must be STEP=yes or STEP=no")?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "yes" | "y" => Ok((step.trim().into(), true)),
        "no" | "n" => Ok((step.trim().into(), false)),
        _ => Err(format!("{step} must be answered with yes or no")),
    }
}

/// A time of at most an hour.
pub(crate) fn pace(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok();
    let seconds = seconds.filter(|seconds| (0.0..=3600.0).contains(seconds));
    let seconds = seconds.ok_or("must be seconds from 0 to 3600")?;
    Ok(Duration::from_secs_f64(seconds))
}

pub(crate) fn rate(text: &str) -> Result<(Arc<str>, Rate), String> {
    let (name, rate) = text
        .rsplit_once('=')
        .ok_or("must be NAME=CALLS or NAME=CALLS/TOKENS")?;
    let rate = Rate::parse(rate)?;
    Ok((name.into(), rate))
}

/// The answer to what the server of a step asks: `STEP=JSON`.
pub(crate) fn reply(text: &str) -> Result<(Arc<str>, Answer), String> {
    let (step, answer) = text.split_once('=').ok_or("must be STEP=JSON")?;
    Ok((step.trim().into(), reply_of_call(answer)?))
}

/// The answer to what a server asks, where only one step can be meant: `JSON`.
pub(crate) fn reply_of_call(text: &str) -> Result<Answer, String> {
    Answer::from_value(answer_value(text)?)
}

/// An answer as it is typed: JSON, or a word without quotes.
pub(crate) fn answer_value(text: &str) -> Result<Value, String> {
    match text.trim() {
        word @ ("decline" | "cancel") => Ok(Value::from(word)),
        text => crate::text::json::read::<Value>(text.as_bytes())
            .map_err(|error| format!("the answer is not valid JSON: {error}")),
    }
}

pub(crate) fn amount(text: &str) -> Result<Bound<f64>, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Bound::Unlimited);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(Bound::Max(value)),
        _ => Err("must be a number of at least 0, or none".to_owned()),
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

pub(crate) fn age(text: &str) -> Result<Duration, String> {
    let units = [
        ("s", 1),
        ("m", 60),
        ("h", 3600),
        ("d", 86_400),
        ("w", 604_800),
    ];
    with_unit(text, &units)
        .map(Duration::from_secs)
        .ok_or_else(|| "must be a number with the unit s, m, h, d or w".to_owned())
}

pub(crate) fn size(text: &str) -> Result<u64, String> {
    let units = [
        ("", 1),
        ("b", 1),
        ("kb", 1000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
    ];
    with_unit(text, &units).ok_or_else(|| "must be a number with the unit kB, MB or GB".to_owned())
}
