//! A setting of the run as it is typed: `slots 10`, `budget 0.05`, `rate proofreaders 60/m`.

use crate::run::{Limit, Rate, Rates, RunSetting, RunState};
use crate::text::format;
use crate::tui::input::text_field::Field;
use crate::units::{Micros, Money};
use std::fmt::Write as _;
use std::sync::Arc;

/// The line that is typed.
#[derive(Debug, Default)]
pub struct SettingLine {
    /// What was typed.
    pub field: Field,
    /// Why it was not taken.
    pub fault: Option<String>,
    /// Whether the run is to continue with it, because a limit has stopped it.
    pub continues: bool,
}

impl SettingLine {
    /// A line with this text in it.
    pub(crate) fn with(text: &str, continues: bool) -> Self {
        let mut line = Self {
            continues,
            ..Self::default()
        };
        line.field.insert(text);
        line
    }
}

/// A setting that has a name to type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Slots,
    Budget,
    Calls,
    Time,
    Rate,
}

impl Named {
    /// The settings in the order in which they are listed.
    pub(crate) const ALL: [Self; 5] = [
        Self::Slots,
        Self::Budget,
        Self::Calls,
        Self::Time,
        Self::Rate,
    ];

    /// The name.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Slots => "slots",
            Self::Budget => "budget",
            Self::Calls => "calls",
            Self::Time => "time",
            Self::Rate => "rate",
        }
    }

    /// What its value looks like.
    pub(crate) const fn example(self) -> &'static str {
        match self {
            Self::Slots => "slots 10",
            Self::Budget => "budget 0.05",
            Self::Calls => "calls 200",
            Self::Time => "time 90",
            Self::Rate => "rate NAME 60/m",
        }
    }

    /// The setting of a name: the short one, or the one of the command line.
    pub(crate) fn of(word: &str) -> Option<Self> {
        let word = word
            .trim_start_matches('-')
            .replace('_', "-")
            .to_lowercase();
        Some(match word.as_str() {
            "slots" | "max-concurrent" => Self::Slots,
            "budget" | "max-total-cost-usd" => Self::Budget,
            "calls" | "max-tool-calls" => Self::Calls,
            "time" | "timeout" | "timeout-seconds" => Self::Time,
            "rate" => Self::Rate,
            _ => return None,
        })
    }
}

/// Whether a text begins with the name of a setting and a blank: what is typed after it is a value.
pub(crate) fn is_setting(text: &str) -> bool {
    let text = text.trim_start();
    let word = text.split_once(char::is_whitespace);
    word.is_some_and(|(word, _)| Named::of(word).is_some())
}

/// Reads a line; else says what is wrong with it, and what would be right.
pub(crate) fn parse(text: &str, run: &RunState, now: Micros) -> Result<RunSetting, String> {
    let mut words = text.trim().splitn(2, char::is_whitespace);
    let name = words.next().unwrap_or_default();
    let value = words.next().unwrap_or_default().trim();
    let Some(named) = Named::of(name) else {
        let known: Vec<&str> = Named::ALL.map(Named::word).to_vec();
        return Err(match name {
            "" => format!("type a setting and its value: {}", Named::Slots.example()),
            name => format!("there is no setting {name}: {}", known.join(", ")),
        });
    };
    if value.is_empty() {
        return Err(format!("a value is missing: {}", named.example()));
    }
    let setting = match named {
        Named::Slots => RunSetting::MaxConcurrent {
            value: whole(value, "slots 10, or slots none")?,
        },
        Named::Calls => RunSetting::MaxToolCalls {
            value: whole(value, "calls 200, or calls none")?,
        },
        Named::Budget => RunSetting::MaxTotalCostUsd {
            value: money(value)?,
        },
        Named::Time => RunSetting::TimeoutSeconds {
            value: seconds(value)?,
        },
        Named::Rate => rate(value, run)?,
    };
    match setting.refusal(run, now) {
        None => Ok(setting),
        Some(why) => Err(why),
    }
}

fn is_none(text: &str) -> bool {
    text.eq_ignore_ascii_case("none")
}

fn whole<T: std::str::FromStr>(text: &str, example: &str) -> Result<Option<T>, String> {
    if is_none(text) {
        return Ok(None);
    }
    let number = text.parse().map_err(|_| {
        let shown = crate::text::visible(text, 20);
        format!("{shown} is not a whole number: {example}")
    });
    number.map(Some)
}

fn money(text: &str) -> Result<Option<Money>, String> {
    if is_none(text) {
        return Ok(None);
    }
    let usd = text.trim_start_matches('$').parse::<f64>().ok();
    // The codec and the sums hold any amount below.
    let usd = usd.filter(|usd| (0.0..=1e6).contains(usd));
    let usd =
        usd.ok_or("a budget is a number of dollars up to 1,000,000: budget 0.05, or budget none")?;
    Ok(Some(Money::from_usd(usd)))
}

fn seconds(text: &str) -> Result<Option<f64>, String> {
    if is_none(text) {
        return Ok(None);
    }
    let (number, unit) = match text.strip_suffix('m') {
        Some(minutes) => (minutes, 60.0),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = number.trim_end().parse::<f64>().ok().map(|n| n * unit);
    let seconds = seconds.filter(|seconds| *seconds > 0.0 && *seconds <= 1e9);
    let seconds = seconds.ok_or("a time is a number of seconds: time 90, time 5m, or time none")?;
    Ok(Some(seconds))
}

/// `NAME 60`, `NAME 60/m`, `NAME 60/200000` with tokens, `NAME=60`, `NAME none`.
fn rate(text: &str, run: &RunState) -> Result<RunSetting, String> {
    let parts = text
        .rsplit_once('=')
        .or_else(|| text.rsplit_once(char::is_whitespace));
    let Some((name, value)) = parts else {
        return Err(format!(
            "a name and a rate are needed: {}{}",
            Named::Rate.example(),
            names(run)
        ));
    };
    let (name, value) = (name.trim(), value.trim());
    let name = rated_name(name, run);
    if is_none(value) {
        return if run.rates.0.contains_key(&name) {
            Ok(RunSetting::Rate { name, rate: None })
        } else {
            let shown = crate::text::visible(&name, 40);
            Err(format!("{shown} has no rate{}", names(run)))
        };
    }
    let rate = Rate::parse(value).map_err(|why| format!("{why}: {}", Named::Rate.example()))?;
    let known = run.rates.0.get(&name).copied().unwrap_or_default();
    Ok(RunSetting::Rate {
        name,
        rate: Some(Rate {
            max_concurrent: known.max_concurrent,
            ..rate
        }),
    })
}

/// The name under which a rate is listed: as it is typed, or the only one known that the typed one is a part of.
fn rated_name(typed: &str, run: &RunState) -> Arc<str> {
    let known = known_names(run);
    if known.iter().any(|name| &**name == typed) {
        return typed.into();
    }
    let is_part = |name: &&Arc<str>| {
        let mut parts = name.split('/');
        parts.any(|part| part == typed)
    };
    let mut candidates = known.iter().filter(is_part);
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => Arc::clone(only),
        _ => typed.into(),
    }
}

/// Names that have a rate, and the model of the worker.
fn known_names(run: &RunState) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = run.rates.0.keys().cloned().collect();
    let worker = run.header.as_ref().map(|header| Arc::clone(&header.worker));
    let model = worker.filter(|worker| worker.contains('/'));
    names.extend(model.filter(|model| run.rates.name_of(model).is_none()));
    names
}

fn names(run: &RunState) -> String {
    let known = known_names(run);
    if known.is_empty() {
        return String::new();
    }
    format!(" (there is {})", known.join(", "))
}

/// What to raise the limit to that stopped the run, so that it can continue: twice as much, and as much as the first
/// call that is left may need.
pub(crate) fn raised(run: &RunState) -> Option<RunSetting> {
    let limits = &run.limits;
    let twice = |value: u64| value.saturating_mul(2);
    Some(match run.exceeded.last()? {
        Limit::MaxTotalCostUsd => {
            let limit = limits.max_total_cost_usd?;
            let steps = run.steps.iter();
            let prices = steps
                .filter(|row| row.reason == Some(crate::run::SkipReason::Limit))
                .filter_map(|row| row.info.price.as_deref()?.max);
            let needed = run.ledger() + prices.max().unwrap_or_default();
            RunSetting::MaxTotalCostUsd {
                value: Some(rounded_up(limit.times(2).max(needed))),
            }
        }
        Limit::MaxToolCalls => {
            let left = run
                .steps
                .iter()
                .filter(|row| row.reason == Some(crate::run::SkipReason::Limit));
            let needed = run.calls + left.count() as u64;
            RunSetting::MaxToolCalls {
                value: Some(twice(limits.max_tool_calls?).max(needed)),
            }
        }
        Limit::TimeoutSeconds => {
            let limit = limits.timeout_seconds?;
            let used = run.wall(run.at).seconds();
            RunSetting::TimeoutSeconds {
                value: Some((limit * 2.0).max((limit + used).ceil())),
            }
        }
        Limit::MaxMemoryMb | Limit::MaxCpuPercent => return None,
    })
}

/// Two significant digits.
fn rounded_up(amount: Money) -> Money {
    let mut unit = 1i64;
    while amount.pico() / unit >= 100 {
        unit *= 10;
    }
    let up = amount.pico().saturating_add(unit - 1) / unit * unit;
    Money::from_pico(up)
}

/// A setting as it would be typed.
pub(crate) fn typed(setting: &RunSetting) -> String {
    fn or_none<T: ToString>(value: Option<T>) -> String {
        value.map_or_else(|| "none".to_owned(), |value| value.to_string())
    }
    match setting {
        RunSetting::MaxConcurrent { value } => format!("slots {}", or_none(*value)),
        RunSetting::MaxTotalCostUsd { value } => {
            format!("budget {}", or_none(value.map(Money::usd)))
        }
        RunSetting::MaxToolCalls { value } => format!("calls {}", or_none(*value)),
        RunSetting::TimeoutSeconds { value } => format!("time {}", or_none(*value)),
        RunSetting::Rate { name, rate } => match rate {
            Some(Rate {
                requests_per_minute: Some(calls),
                tokens_per_minute: Some(tokens),
                ..
            }) => format!("rate {name} {calls}/{tokens}"),
            Some(Rate {
                requests_per_minute: Some(calls),
                ..
            }) => format!("rate {name} {calls}/m"),
            _ => format!("rate {name} none"),
        },
    }
}

/// A setting in words, for a notice: `slots: 10`.
pub(crate) fn words(setting: &RunSetting) -> String {
    match setting {
        RunSetting::MaxConcurrent { value } => match value {
            Some(1) => "1 slot from now on".to_owned(),
            Some(slots) => format!("{slots} slots from now on"),
            None => "as many slots as there are steps from now on".to_owned(),
        },
        RunSetting::MaxTotalCostUsd { value } => match value {
            Some(limit) => format!("budget: {} in all", format::budget(*limit)),
            None => "no budget from now on".to_owned(),
        },
        RunSetting::MaxToolCalls { value } => match value {
            Some(calls) => format!("calls: {calls} in all"),
            None => "any number of calls from now on".to_owned(),
        },
        RunSetting::TimeoutSeconds { value } => match value {
            Some(seconds) => format!("time: {seconds} s in all"),
            None => "no limit of time from now on".to_owned(),
        },
        RunSetting::Rate { name, rate } => match rate {
            Some(rate) => format!("rate of {name}: {}", rate_words(rate)),
            None => format!("no rate of {name} from now on"),
        },
    }
}

/// A rate in words: `60 calls, 200,000 tokens a minute, 2 at once`.
fn rate_words(rate: &Rate) -> String {
    let calls = rate
        .requests_per_minute
        .map(|calls| format!("{} calls", format::thousands(calls)));
    let tokens = rate
        .tokens_per_minute
        .map(|tokens| format!("{} tokens", format::thousands(tokens)));
    let mut parts: Vec<String> = calls.into_iter().chain(tokens).collect();
    if let Some(last) = parts.last_mut() {
        last.push_str(" a minute");
    }
    parts.extend(rate.max_concurrent.map(|most| format!("{most} at once")));
    parts.join(", ")
}

/// The value of a setting that is in force, and what counts against it.
pub(crate) fn in_force(named: Named, run: &RunState, now: Micros) -> Vec<(String, String)> {
    let limits = &run.limits;
    let no_limit = || "no limit".to_owned();
    let one = |value: Option<String>, used: String| vec![(value.unwrap_or_else(no_limit), used)];
    match named {
        Named::Slots => one(
            limits.max_concurrent.map(|slots| slots.to_string()),
            format!("{} running", run.running),
        ),
        Named::Budget if run.header.as_ref().is_some_and(|header| !header.track_cost) => {
            one(None, "cost is not tracked".to_owned())
        }
        Named::Budget => {
            let before = run.header.as_ref().map(|header| header.spent_before);
            let before = before.unwrap_or_default() - run.released;
            let mut used = format!("{} spent", run.spent + before);
            if !run.reserved.is_zero() {
                let _ = write!(used, ", {} reserved", run.reserved);
            }
            one(limits.max_total_cost_usd.map(format::budget), used)
        }
        Named::Calls => one(
            limits.max_tool_calls.map(|calls| calls.to_string()),
            format!("{} made", run.calls),
        ),
        Named::Time => one(
            limits.timeout_seconds.map(|seconds| format!("{seconds}s")),
            format!("{} taken", format::elapsed(run.wall(now))),
        ),
        Named::Rate => {
            let rates: &Rates = &run.rates;
            let rates = rates.0.iter();
            rates
                .map(|(name, rate)| (name.to_string(), rate_words(rate)))
                .collect()
        }
    }
}
