//! A setting of a run that changes while it goes on.

use crate::run::{Rate, Rates, ResourceLimits};
use crate::units::Money;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What one setting is from now on. As JSON: `{"setting": "max_concurrent", "value": 10}`; the names are those of
/// [`ResourceLimits`], and `rate` for the rate of a model or a pool. `null` enforces nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "setting", rename_all = "snake_case")]
pub enum RunSetting {
    /// Attempts that may be running at once. What is running beyond that runs to its end.
    MaxConcurrent {
        /// At least 1.
        value: Option<u32>,
    },
    /// Dollars that may be spent, reservations included.
    MaxTotalCostUsd {
        /// The limit of the whole run, what is spent already included.
        value: Option<Money>,
    },
    /// Attempts that may be started.
    MaxToolCalls {
        /// The limit of the whole run, attempts that were started already included.
        value: Option<u64>,
    },
    /// Wall-clock time of the run without the time it was held, in seconds.
    TimeoutSeconds {
        /// More than the time that the run has taken.
        value: Option<f64>,
    },
    /// The rate of a model or a pool. A name that had none counts from now on.
    Rate {
        /// The model or the pool.
        name: Arc<str>,
        /// Its rate.
        rate: Option<Rate>,
    },
}

impl RunSetting {
    /// Changes what is in force.
    pub fn apply(&self, limits: &mut ResourceLimits, rates: &mut Rates) {
        match self {
            Self::MaxConcurrent { value } => limits.max_concurrent = *value,
            Self::MaxTotalCostUsd { value } => limits.max_total_cost_usd = *value,
            Self::MaxToolCalls { value } => limits.max_tool_calls = *value,
            Self::TimeoutSeconds { value } => limits.timeout_seconds = *value,
            Self::Rate { name, rate } => match rate {
                Some(rate) => drop(rates.0.insert(Arc::clone(name), *rate)),
                None => drop(rates.0.remove(name)),
            },
        }
    }
}

impl fmt::Display for RunSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn limit<T: fmt::Display>(
            f: &mut fmt::Formatter<'_>,
            name: &str,
            value: Option<&T>,
        ) -> fmt::Result {
            match value {
                Some(value) => write!(f, "{name} = {value}"),
                None => write!(f, "{name} = none"),
            }
        }
        match self {
            Self::MaxConcurrent { value } => limit(f, "max_concurrent", value.as_ref()),
            Self::MaxTotalCostUsd { value } => limit(f, "max_total_cost_usd", value.as_ref()),
            Self::MaxToolCalls { value } => limit(f, "max_tool_calls", value.as_ref()),
            Self::TimeoutSeconds { value } => limit(f, "timeout_seconds", value.as_ref()),
            Self::Rate { name, rate } => limit(f, &format!("rate of {name}"), rate.as_ref()),
        }
    }
}
