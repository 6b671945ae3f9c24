//! The most that a run may use.

use crate::units::Money;
use serde::{Deserialize, Serialize};

/// The limits of one run. `None` enforces nothing.
///
/// The field names are the ones that `exceeded_limits` of a result lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceLimits {
    /// Memory of everything that a `process` or `code_exec` call starts, together, in mebibytes.
    pub max_memory_mb: Option<u64>,
    /// Processor share of the same, in percent of one core.
    pub max_cpu_percent: Option<u32>,
    /// Wall-clock time of the run without the time it was held, in seconds.
    pub timeout_seconds: Option<f64>,
    /// Attempts that may be started.
    pub max_tool_calls: Option<u64>,
    /// Attempts that may be running at once; at least 1.
    pub max_concurrent: Option<u32>,
    /// Dollars that may be spent, reservations included.
    pub max_total_cost_usd: Option<Money>,
}

impl Default for ResourceLimits {
    fn default() -> Self {
        Self {
            max_memory_mb: Some(512),
            max_cpu_percent: Some(50),
            timeout_seconds: Some(30.0),
            max_tool_calls: Some(100),
            max_concurrent: Some(5),
            max_total_cost_usd: Some(Money::from_usd(10.0)),
        }
    }
}

impl ResourceLimits {
    /// Limits that enforce nothing.
    pub const fn none() -> Self {
        Self {
            max_memory_mb: None,
            max_cpu_percent: None,
            timeout_seconds: None,
            max_tool_calls: None,
            max_concurrent: None,
            max_total_cost_usd: None,
        }
    }

    /// What the command line enforces by default: 5 slots and 10 dollars.
    pub fn command_line() -> Self {
        Self {
            max_concurrent: Some(5),
            max_total_cost_usd: Some(Money::from_usd(10.0)),
            ..Self::none()
        }
    }

    /// The limit of slots, at least 1; [`u32::MAX`] without one.
    pub(crate) fn slots_at_most(&self) -> u32 {
        self.max_concurrent.unwrap_or(u32::MAX).max(1)
    }

    /// The number of slots for `steps` steps: P of the figures.
    pub fn slots(&self, steps: usize) -> usize {
        let steps = steps.max(1);
        self.max_concurrent
            .map_or(steps, |most| (most.max(1) as usize).min(steps))
    }
}
