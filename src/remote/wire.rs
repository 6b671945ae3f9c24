//! What goes over the line: a call as it is sent to a worker, and what the worker answers.
//!
//! Both are JSON. A worker refuses what it does not understand, so a change of meaning is a new [`PROTOCOL`].

use crate::models::CostBasis;
use crate::run::{ErrorKind, LogStream};
use crate::tools::{Call, CallReport, Definition, ToolError, Work};
use crate::units::{Charge, ModelOptions, Money, Tokens};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The version of the two.
pub const PROTOCOL: u32 = 2;

/// A call of a tool.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CallRequest {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The tool's name in the catalog.
    pub tool: Arc<str>,
    /// What it is: the worker must have the same.
    pub definition: Definition,
    /// The step's id.
    pub step: Arc<str>,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The resolved parameters.
    pub input: Arc<Value>,
    /// The model that the step names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// Another prompt than the tool's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Arc<str>>,
    /// What requests to a model say otherwise than the tool.
    #[serde(default, skip_serializing_if = "ModelOptions::is_empty")]
    pub options: ModelOptions,
    /// The name of the attempt.
    pub name: Arc<str>,
    /// What the tool is given to tell a repeated call by.
    pub idempotency_key: Arc<str>,
    /// The span of the attempt, as `traceparent` of W3C Trace Context has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Arc<str>>,
    /// The time limit, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit_ms: Option<u64>,
    /// The memory limit of a child process, in mebibytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_memory_mb: Option<u64>,
    /// The processor share of a child process, in percent of one core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cpu_percent: Option<u32>,
    /// The most that the call may cost: what is reserved for it; `None` for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_cost: Option<Money>,
}

impl CallRequest {
    /// A call as it is sent.
    pub fn new(work: &Work, call: &Call) -> Self {
        let reserved = work.tool.reservation(&call.input, call.model.as_deref());
        Self {
            protocol: PROTOCOL,
            tool: Arc::clone(&work.name),
            definition: Definition::clone(&work.definition),
            step: Arc::clone(&call.step),
            attempt: call.attempt,
            input: Arc::clone(&call.input),
            model: call.model.clone(),
            prompt: work.prompt.clone(),
            options: work.options,
            name: Arc::clone(&call.name),
            idempotency_key: Arc::clone(&call.idempotency_key),
            trace: call.trace.clone(),
            time_limit_ms: call.time_limit.map(|limit| limit.as_millis() as u64),
            max_memory_mb: call.max_memory_mb,
            max_cpu_percent: call.max_cpu_percent,
            may_cost: reserved.max,
        }
    }

    /// The time limit.
    pub fn time_limit(&self) -> Option<Duration> {
        self.time_limit_ms.map(Duration::from_millis)
    }
}

/// What a worker answers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CallReply {
    /// The outcome of the call.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The worker that answers, for users: its host and process.
    pub worker: String,
    /// What the tool logged, as far as it is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<(LogStream, String)>,
}

/// The outcome of a call.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It ended.
    Ended {
        /// How.
        report: Box<Report>,
    },
    /// A worker had begun it and died, and it is not made again.
    Unknown,
    /// It was not made.
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

/// A [`CallReport`] as it is sent.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Report {
    /// The output, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<Arc<Value>>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rejected: Option<Arc<Value>>,
    cost: Option<Money>,
    basis: CostBasis,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    charges: Vec<Charge>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens: Option<Tokens>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prompt: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reasoning: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_token_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens_per_second: Option<f64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_unknown: bool,
}

/// A [`ToolError`] as it is sent.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Failure {
    kind: ErrorKind,
    message: String,
    retryable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl From<CallReport> for Report {
    fn from(report: CallReport) -> Self {
        let (output, error) = match report.output {
            Ok(output) => (Some(output), None),
            Err(error) => (
                None,
                Some(Failure {
                    kind: error.kind,
                    message: error.message,
                    retryable: error.retryable,
                    retry_after_ms: error.retry_after.map(|wait| wait.as_millis() as u64),
                }),
            ),
        };
        Self {
            output,
            error,
            rejected: report.rejected,
            cost: report.cost,
            basis: report.basis,
            charges: report.charges,
            tokens: report.tokens,
            model: report.model,
            prompt: report.prompt,
            answer: report.answer,
            reasoning: report.reasoning,
            first_token_ms: report.first_token.map(|time| time.as_secs_f64() * 1e3),
            tokens_per_second: report.tokens_per_second,
            is_unknown: report.is_unknown,
        }
    }
}

impl From<Report> for CallReport {
    fn from(report: Report) -> Self {
        let output = match (report.output, report.error) {
            (_, Some(error)) => Err(ToolError {
                kind: error.kind,
                retryable: error.retryable,
                retry_after: error.retry_after_ms.map(Duration::from_millis),
                // What comes over the line is not trusted.
                ..ToolError::permanent(error.message)
            }),
            (output, None) => Ok(output.unwrap_or_default()),
        };
        let first_token = report.first_token_ms;
        Self {
            rejected: report.rejected,
            cost: report.cost,
            charges: report.charges,
            basis: report.basis,
            tokens: report.tokens,
            model: report.model,
            prompt: report.prompt,
            answer: report.answer,
            reasoning: report.reasoning,
            first_token: first_token.and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok()),
            tokens_per_second: report.tokens_per_second,
            is_unknown: report.is_unknown && output.is_err(),
            output,
            unredacted: None,
            exchanges: Vec::new(),
        }
    }
}
