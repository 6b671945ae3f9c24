//! Rates: how much may start in a minute, kept apart from slots and money.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
