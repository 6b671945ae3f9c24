//! Rates: how much may start in a minute, kept apart from slots and money.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What one model, or one named pool of tools, may take. `None` bounds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rate {
    /// Calls that may start in any minute.
    pub requests_per_minute: Option<u64>,
    /// Tokens, by their upper bound, of the calls that may start in any minute.
    pub tokens_per_minute: Option<u64>,
    /// Calls that may be running at once.
    pub max_concurrent: Option<u64>,
}

impl Rate {
    /// Reads `CALLS`, `CALLS/m` or `CALLS/TOKENS`, each in any minute.
    ///
    /// # Errors
    /// Says what is not a number of at least 1.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.trim().parse::<u64>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!("{text:?} is not a whole number of at least 1")),
        };
        let (calls, tokens) = match text.split_once('/') {
            Some((calls, "m" | "min" | "minute")) => (calls, None),
            Some((calls, tokens)) => (calls, Some(number(tokens)?)),
            None => (text, None),
        };
        Ok(Self {
            requests_per_minute: Some(number(calls)?),
            tokens_per_minute: tokens,
            max_concurrent: None,
        })
    }
}

/// The rates of a run by name: `PROVIDER/MODEL`, `MODEL`, or a pool that tools of the catalog name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rates(pub BTreeMap<Arc<str>, Rate>);

impl Rates {
    /// Whether nothing has a rate.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name under which the rate of `name` is listed: as it is, or without the provider before it.
    pub(crate) fn name_of(&self, name: &str) -> Option<&Arc<str>> {
        let bare = name.split_once('/').map(|(_, model)| model);
        [Some(name), bare]
            .into_iter()
            .flatten()
            .find_map(|name| self.0.get_key_value(name).map(|(known, _)| known))
    }
}

/// What one call uses apart from its slot and its money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    /// The rates that it counts against.
    pub names: Vec<Arc<str>>,
    /// The most tokens it can take, input and output.
    pub tokens: u64,
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.requests_per_minute, "calls a minute"),
            (self.tokens_per_minute, "tokens a minute"),
            (self.max_concurrent, "at once"),
        ];
        let parts = parts
            .iter()
            .filter_map(|(most, of)| most.map(|most| format!("{most} {of}")));
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() {
            return f.write_str("none");
        }
        f.write_str(&parts.join(", "))
    }
}
