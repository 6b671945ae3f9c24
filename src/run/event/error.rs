//! Errors of steps and runs, and the limits that a run can pass.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The kind of an error, as the result names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The plan or its references are at fault.
    PlanError,
    /// The tool failed.
    ToolExecutionError,
    /// A limit was passed.
    ResourceLimitError,
    /// It took too long.
    TimeoutError,
    /// The output is not what the step expects.
    ExpectationError,
}

impl ErrorKind {
    /// The word of the contract.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PlanError => "PlanError",
            Self::ToolExecutionError => "ToolExecutionError",
            Self::ResourceLimitError => "ResourceLimitError",
            Self::TimeoutError => "TimeoutError",
            Self::ExpectationError => "ExpectationError",
        }
    }
}

/// An error of a step or of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: ErrorKind,
    /// The step, where it is about one.
    pub step: Option<Arc<str>>,
    /// The tool, where it is about one.
    pub tool_name: Option<Arc<str>>,
    /// What went wrong and what to do.
    pub message: Arc<str>,
    /// Whether trying again could help.
    pub retryable: bool,
    /// Attempts made.
    pub attempts: u32,
}

impl RunError {
    /// One that is about no step, and that trying again does not help.
    pub fn of_run(kind: ErrorKind, message: impl Into<Arc<str>>) -> Self {
        Self {
            kind,
            step: None,
            tool_name: None,
            message: message.into(),
            retryable: false,
            attempts: 0,
        }
    }
}

/// A limit, named as the field of [`ResourceLimits`](crate::run::ResourceLimits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Memory of a child.
    MaxMemoryMb,
    /// Processor share of a child.
    MaxCpuPercent,
    /// Time of the run.
    TimeoutSeconds,
    /// Attempts started.
    MaxToolCalls,
    /// Money.
    MaxTotalCostUsd,
}

impl Limit {
    /// The name of the field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxMemoryMb => "max_memory_mb",
            Self::MaxCpuPercent => "max_cpu_percent",
            Self::TimeoutSeconds => "timeout_seconds",
            Self::MaxToolCalls => "max_tool_calls",
            Self::MaxTotalCostUsd => "max_total_cost_usd",
        }
    }
}
