//! The result of one task.

use super::RequestError;
use super::cost_basis::CostBasis;
use super::exchange::Exchange;
use crate::units::{Charge, Money, Tokens};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The result of one task.
#[derive(Clone, Debug)]
pub struct WorkerReport {
    /// The output, or why there is none.
    pub output: Result<Value, RequestError>,
    /// What was spent, including a bad answer and its repair; `None` where the model has no price.
    pub cost: Option<Money>,
    /// The parts of that cost.
    pub charges: Vec<Charge>,
    /// What the cost rests on: where the server does not say what it bills, it is an upper bound.
    pub basis: CostBasis,
    /// The tokens used.
    pub tokens: Option<Tokens>,
    /// The model that answered.
    pub model: Option<Arc<str>>,
    /// The messages it was sent.
    pub prompt: Option<Arc<str>>,
    /// What it answered.
    pub answer: Option<Arc<str>>,
    /// What it thought before it answered.
    pub reasoning: Option<Arc<str>>,
    /// When the answer began to arrive, from the start of the task; `None` where it came in one piece.
    pub first_token: Option<Duration>,
    /// The output tokens per second, from the first to the last part of the answers, as far as that can be known.
    pub tokens_per_second: Option<f64>,
    /// The requests and responses as they went over the wire, where the task wants them kept.
    pub exchanges: Vec<Exchange>,
}

impl WorkerReport {
    /// The report of a task for which nothing was sent.
    pub(super) fn not_sent(error: RequestError) -> Self {
        Self {
            output: Err(error),
            cost: Some(Money::ZERO),
            charges: Vec::new(),
            basis: CostBasis::NotSent,
            tokens: None,
            model: None,
            prompt: None,
            answer: None,
            reasoning: None,
            first_token: None,
            tokens_per_second: None,
            exchanges: Vec::new(),
        }
    }
}
