//! What events record of one attempt: its end, and its log.

use super::{RunError, StepKey};
use crate::units::{Charge, Micros, Money, Tokens};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which stream of a tool a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// A program's standard error, a sandbox's prints.
    Stderr,
    /// Remarks of the executor itself.
    Note,
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptEnd {
    /// The step.
    #[serde(flatten)]
    pub step: StepKey,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The time the call itself took.
    #[serde(rename = "service_ms")]
    pub service: Micros,
    /// What it cost; `None` where the model has no price or cost is not tracked.
    pub cost: Option<Money>,
    /// The parts of the cost: together they make it. Runs of older versions have none.
    #[serde(default, skip_serializing_if = "no_charges")]
    pub charges: Arc<[Charge]>,
    /// Tokens, for a model call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Box<Tokens>>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// What the model was asked, or the request that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Arc<str>>,
    /// What came back, before it was read as an output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Arc<str>>,
    /// What the model thought before it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Arc<str>>,
    /// How its answer arrived, where that was streamed.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub streamed: Option<Box<Streamed>>,
    /// Why it failed; `None` where it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<RunError>>,
    /// The wait before the next attempt; `None` where there is none.
    #[serde(
        rename = "retry_in_ms",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub retry_in: Option<Micros>,
    /// Whether it was stopped rather than ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
}

/// How a streamed answer arrived.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Streamed {
    /// When it began, from the start of the attempt.
    #[serde(rename = "first_token_ms")]
    pub first_token: Micros,
    /// The output tokens per second from its first part to its last, where the server counts tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
}

fn no_charges(charges: &Arc<[Charge]>) -> bool {
    charges.is_empty()
}
