//! The error of a run that did not succeed, with its partial result.

use super::error::SessionError;
use crate::plan::PlanFaults;
use crate::run::{ExecutionResult, Limit, RunError, RunOutcome, StepStatus};
use crate::store::StoreError;
use std::sync::Arc;

/// Why a run did not succeed. Where anything ran, the error holds the partial result.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// The plan, its catalog or the context has faults; nothing ran.
    #[error(transparent)]
    Plan(#[from] PlanFaults),
    /// A tool that a step names is neither in the catalog nor among the functions; nothing ran.
    #[error("step {step}: no tool is called {tool_name:?}")]
    UnknownTool {
        /// The step.
        step: Arc<str>,
        /// The name it asks for.
        tool_name: Arc<str>,
    },
    /// The required journal cannot be written, or it has no such run to resume; nothing ran.
    #[error(transparent)]
    Store(StoreError),
    /// The context is not an object, or a model has no price although cost is limited; nothing ran.
    #[error("{0}")]
    Refused(String),
    /// The run took longer than `timeout_seconds`.
    #[error("{error}")]
    Timeout {
        /// The message.
        error: Arc<str>,
        /// The partial result.
        result: Box<ExecutionResult>,
    },
    /// Another limit stopped the run.
    #[error("{error}")]
    ResourceLimit {
        /// The limit that was reached.
        limit: Option<Limit>,
        /// The message.
        error: Arc<str>,
        /// The partial result.
        result: Box<ExecutionResult>,
    },
    /// A command stopped the run before its end.
    #[error("{error}")]
    Cancelled {
        /// The message.
        error: Arc<str>,
        /// The partial result.
        result: Box<ExecutionResult>,
    },
    /// What is left waits for an approval; the run can be resumed with an answer.
    #[error("{error}")]
    Waiting {
        /// The steps that need an approval, in words.
        error: Arc<str>,
        /// The partial result.
        result: Box<ExecutionResult>,
    },
    /// The engine itself failed; the run may have begun.
    #[error("{0}")]
    Engine(SessionError),
    /// A step failed.
    #[error("{tool_name}: {error}")]
    ToolExecution {
        /// The tool of the step that failed.
        tool_name: Arc<str>,
        /// The message.
        error: Arc<str>,
        /// The partial result: steps that do not depend on the failed one have run.
        result: Box<ExecutionResult>,
    },
}

impl ExecutionError {
    /// The partial result; `None` where nothing ran.
    pub fn result(&self) -> Option<&ExecutionResult> {
        match self {
            Self::Plan(_)
            | Self::UnknownTool { .. }
            | Self::Store(_)
            | Self::Refused(_)
            | Self::Engine(_) => None,
            Self::Timeout { result, .. }
            | Self::ResourceLimit { result, .. }
            | Self::Cancelled { result, .. }
            | Self::Waiting { result, .. }
            | Self::ToolExecution { result, .. } => Some(result),
        }
    }
}

impl From<SessionError> for ExecutionError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Faults(mut faults) if !faults.is_empty() => Self::Plan(faults.remove(0)),
            SessionError::UnknownTool { step, tool_name } => Self::UnknownTool { step, tool_name },
            SessionError::Store(error) => Self::Store(error),
            error @ SessionError::Engine(_) => Self::Engine(error),
            other => Self::Refused(other.to_string()),
        }
    }
}

/// Returns the result of a run that succeeded, and an error for any other.
pub(super) fn judge(result: ExecutionResult) -> Result<ExecutionResult, ExecutionError> {
    if result.status == RunOutcome::Succeeded {
        return Ok(result);
    }
    let limit = result
        .exceeded_limits
        .as_ref()
        .and_then(|limits| limits.first().copied());
    let (tool_name, error) = named(result.error.as_deref());
    let result = Box::new(result);
    Err(match result.status {
        RunOutcome::LimitExceeded if limit == Some(Limit::TimeoutSeconds) => {
            ExecutionError::Timeout { error, result }
        }
        RunOutcome::LimitExceeded => ExecutionError::ResourceLimit {
            limit,
            error,
            result,
        },
        RunOutcome::Cancelled => ExecutionError::Cancelled { error, result },
        RunOutcome::Waiting => ExecutionError::Waiting {
            error: waiting_in_words(&result).into(),
            result,
        },
        _ => ExecutionError::ToolExecution {
            tool_name,
            error,
            result,
        },
    })
}

fn waiting_in_words(result: &ExecutionResult) -> String {
    let open = result.steps.iter();
    let open = open.filter(|step| step.status == StepStatus::Ready);
    let ids: Vec<&str> = open.map(|step| &*step.id).collect();
    format!("the run waits for an answer about {}", ids.join(", "))
}

fn named(error: Option<&RunError>) -> (Arc<str>, Arc<str>) {
    let tool_name = error.and_then(|error| error.tool_name.clone());
    let message = error.map(|error| error.message.clone());
    (
        tool_name.unwrap_or_else(|| "the run".into()),
        message.unwrap_or_else(|| "stopped".into()),
    )
}
