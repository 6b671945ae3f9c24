//! What is known of a recorded run at its start.

use crate::plan::Dialect;
use crate::run::{Rates, ResourceLimits, RunHeader, StepInfo};
use crate::units::Money;
use jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;

/// What the header of a recorded run says.
pub(super) struct About<'a> {
    pub(super) run_id: &'a str,
    /// What it is called.
    pub(super) name: &'a str,
    /// The model that was asked most, or else where the record is from.
    pub(super) worker: &'a str,
    /// When it began, in microseconds since 1970.
    pub(super) began: u64,
    /// How many steps were running at once at most.
    pub(super) slots: u32,
}

impl About<'_> {
    /// The header of the run with these steps.
    pub(super) fn header(&self, steps: Arc<[StepInfo]>) -> RunHeader {
        let started = i64::try_from(self.began)
            .ok()
            .and_then(|at| Timestamp::from_microsecond(at).ok());
        RunHeader {
            run_id: self.run_id.into(),
            plan: self.name.into(),
            dialect: Dialect::Documented,
            started_at: started.unwrap_or(Timestamp::UNIX_EPOCH).to_string().into(),
            worker: self.worker.into(),
            simulated: false,
            track_cost: true,
            limits: ResourceLimits {
                max_memory_mb: None,
                max_cpu_percent: None,
                timeout_seconds: None,
                max_tool_calls: None,
                // None was on record; so many were used.
                max_concurrent: Some(self.slots),
                max_total_cost_usd: None,
            },
            rates: Rates::default(),
            priced: false,
            context: Arc::new(json!({})),
            steps,
            forked_from: None,
            spent_before: Money::ZERO,
            pace: None,
        }
    }
}
