//! Conversions from the worker's reports and prices to those of tools.

use super::call::CallLog;
use super::{CallReport, Estimate, Quote, Reservation, ToolError};
use crate::models::{WorkerReport, disagreement};
use crate::run::{ErrorKind, LogStream};
use crate::units::Money;
use std::sync::Arc;

impl From<(Option<Money>, Money)> for Quote {
    fn from((max, min): (Option<Money>, Money)) -> Self {
        Self { max, min }
    }
}

impl From<(Option<Money>, bool)> for Reservation {
    fn from((max, estimated): (Option<Money>, bool)) -> Self {
        Self { max, estimated }
    }
}

impl From<(Money, Option<Money>, Option<Money>)> for Estimate {
    fn from((min, expected, max): (Money, Option<Money>, Option<Money>)) -> Self {
        Self { min, expected, max }
    }
}

impl CallReport {
    /// The report of a worker; what a user should know of its bill is logged.
    pub(super) fn of_worker(report: WorkerReport, log: &CallLog) -> Self {
        if let Some(warning) = disagreement(&report.charges) {
            log(LogStream::Note, &warning);
        }
        Self {
            output: report.output.map(Arc::new).map_err(|error| ToolError {
                kind: if error.timed_out {
                    ErrorKind::TimeoutError
                } else {
                    ErrorKind::ToolExecutionError
                },
                retryable: error.retryable,
                retry_after: error.retry_after,
                ..ToolError::permanent(error.message)
            }),
            unredacted: None,
            rejected: None,
            cost: report.cost,
            charges: report.charges,
            basis: report.basis,
            tokens: report.tokens,
            model: report.model,
            prompt: report.prompt,
            answer: report.answer,
            reasoning: report.reasoning,
            first_token: report.first_token,
            tokens_per_second: report.tokens_per_second,
            exchanges: report.exchanges,
            is_unknown: false,
        }
    }
}
