//! One call: what a tool is given, and what it reports.

use super::{CallPolicy, Fingerprint, ToolKind};
use crate::models::SpendAuthorizer;
use crate::run::{ErrorKind, LogStream};
use crate::text::message::{clean, is_clean};
use crate::units::{Money, Tokens};
use futures::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Takes the lines that a tool logs while a call is running. It never blocks; lines that come after the call has
/// ended are dropped.
pub type CallLog = Arc<dyn Fn(LogStream, &str) + Send + Sync>;

/// Everything a tool is given for one attempt.
#[derive(Clone)]
pub struct Call {
    /// The step's id.
    pub step: Arc<str>,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The resolved parameters.
    pub input: Arc<Value>,
    /// The model that the step names, in place of the tool's or the worker's.
    pub model: Option<Arc<str>>,
    /// The same for every attempt at one step in one run.
    pub idempotency_key: Arc<str>,
    /// The time after which the caller drops the call; `None` where it leaves that to the tool.
    pub time_limit: Option<Duration>,
    /// The memory limit of a child process, in mebibytes.
    pub max_memory_mb: Option<u64>,
    /// The processor share of a child process, in percent of one core.
    pub max_cpu_percent: Option<u32>,
    /// Cancelled when the attempt is to stop; the tool ends what it started and returns.
    pub cancel: CancellationToken,
    /// Takes what the tool logs.
    pub log: CallLog,
    /// Asked before the tool spends more than [`Pricing::reservation`] reserved.
    pub spend_authorizer: SpendAuthorizer,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    /// The kind of error, as the result names it.
    pub kind: ErrorKind,
    /// What went wrong and what to do; no secrets, no control characters but line feeds.
    pub message: String,
    /// Whether the same call could succeed if it is made again.
    pub retryable: bool,
    /// When the other side asks to be called again (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl ToolError {
    /// An error that a retry does not fix.
    pub fn permanent(message: impl Into<String>) -> Self {
        let message = message.into();
        // Names and values from plans and catalogs get into messages; nothing in them reaches a terminal raw.
        let message = if is_clean(&message) {
            message
        } else {
            clean(&message, usize::MAX)
        };
        Self {
            kind: ErrorKind::ToolExecutionError,
            message,
            retryable: false,
            retry_after: None,
        }
    }

    /// An error that may not occur again on a retry.
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            retryable: true,
            ..Self::permanent(message)
        }
    }
}

/// The result of a call.
#[derive(Clone, Debug)]
pub struct CallReport {
    /// The output, or why there is none.
    pub output: Result<Arc<Value>, ToolError>,
    /// What was spent, failed calls included; `None` where it cannot be known (a model without a price).
    pub cost: Option<Money>,
    /// Tokens, for a model call.
    pub tokens: Option<Tokens>,
    /// The model that answered.
    pub model: Option<Arc<str>>,
    /// What the model was asked, or the request that was made, without secrets.
    pub prompt: Option<Arc<str>>,
    /// What came back, before it was read as an output.
    pub answer: Option<Arc<str>>,
}

impl CallReport {
    /// A report of a call that cost nothing and involved no model.
    pub fn free(output: Result<Value, ToolError>) -> Self {
        Self {
            output: output.map(Arc::new),
            cost: Some(Money::ZERO),
            tokens: None,
            model: None,
            prompt: None,
            answer: None,
        }
    }
}

/// What one call can cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The upper bound; `None` where a model has no price.
    pub max: Option<Money>,
    /// The lower bound.
    pub min: Money,
}

impl Quote {
    /// A call that costs nothing.
    pub const FREE: Self = Self {
        max: Some(Money::ZERO),
        min: Money::ZERO,
    };
}

/// Tokens of a call's input that are not known yet, such as the outputs of steps that have not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// How many are expected.
    pub expected: u64,
    /// The upper bound; `None` where there is none.
    pub max: Option<u64>,
}

impl Unseen {
    /// The whole input is known.
    pub const NONE: Self = Self::some(0, 0);

    /// An expected number and an upper bound.
    pub const fn some(expected: u64, max: u64) -> Self {
        Self {
            expected,
            max: Some(max),
        }
    }

    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let max = self.max.zip(other.max);
        Self {
            expected: self.expected.saturating_add(other.expected),
            max: max.map(|(a, b)| a.saturating_add(b)),
        }
    }
}

/// What a call can cost before its input is known whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The lower bound of a successful call.
    pub min: Money,
    /// The expected cost; `None` where it is not known.
    pub expected: Option<Money>,
    /// The upper bound; `None` where there is none.
    pub max: Option<Money>,
}

impl Estimate {
    /// A call that costs nothing.
    pub const FREE: Self = Self {
        min: Money::ZERO,
        expected: Some(Money::ZERO),
        max: Some(Money::ZERO),
    };
}

/// What is reserved of the budget before a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The maximum that the call spends without asking its [`SpendAuthorizer`]; `None` where a model has no price.
    pub max: Option<Money>,
    /// Whether this is an estimate of the tokens that a provider will count, not yet confirmed by the bill of a
    /// first call.
    pub estimated: bool,
}

impl Reservation {
    /// A call that costs nothing.
    pub const NOTHING: Self = Self {
        max: Some(Money::ZERO),
        estimated: false,
    };
}

/// What calls of a tool can cost.
pub trait Pricing {
    /// The bounds of what a call with this input can cost, its first attempt alone.
    fn quote(&self, input: &Value, model: Option<&str>) -> Quote;

    /// What is reserved for a call with this input: all that it can cost, unless it asks for more on its way.
    fn reservation(&self, input: &Value, model: Option<&str>) -> Reservation {
        Reservation {
            max: self.quote(input, model).max,
            estimated: false,
        }
    }

    /// What a call can cost when only a part of its input is known. By default the expected cost is the mean of the
    /// bounds.
    fn estimate(&self, known: &Value, model: Option<&str>, _unseen: Unseen) -> Estimate {
        let Quote { max, min } = self.quote(known, model);
        let mean = |max: Money| Money::from_pico(min.pico().midpoint(max.pico()));
        Estimate {
            min,
            expected: max.map(mean),
            max,
        }
    }

    /// The maximum of tokens in an output; `None` where there is no bound.
    fn max_answer_tokens(&self) -> Option<u64> {
        None
    }

    /// What a call with this input counts against rate limits: the model that it calls, as `PROVIDER/MODEL`, and
    /// the maximum of tokens that it uses. `None` where it calls no model. Only asked for where rates are limited.
    fn rate_limit_use(&self, _input: &Value, _model: Option<&str>) -> Option<(String, u64)> {
        None
    }
}

/// A tool that can be called. One value serves every step that names it.
pub trait Tool: Send + Sync {
    /// The kind of tool: `model`, `http`, `process`, `jq`, `code_exec`, …
    fn kind(&self) -> &'static ToolKind;

    /// Makes the call. It must end soon after `call.cancel` is cancelled; dropping the future must leave
    /// nothing behind (child processes are killed with their group).
    fn call(&self, call: Call) -> BoxFuture<'static, CallReport>;

    /// The result at once, without blocking, where the tool is a plain function of its input; `None` where
    /// [`call`](Self::call) must be used. The engine prefers this for tools that take microseconds.
    fn call_now(&self, _input: &Arc<Value>) -> Option<CallReport> {
        None
    }

    /// The retry and time limit policy; by default that of its kind.
    fn policy(&self) -> CallPolicy {
        self.kind().into()
    }

    /// What calls cost; `None` where they cost nothing.
    fn pricing(&self) -> Option<&dyn Pricing> {
        None
    }

    /// The tool that a call with this input delegates to; `None` where the tool runs the call itself.
    fn target(&self, _input: &Value) -> Option<Arc<dyn Tool>> {
        None
    }
}

/// A tool without [`Pricing`] costs nothing.
impl dyn Tool + '_ {
    /// See [`Pricing::quote`].
    pub fn quote(&self, input: &Value, model: Option<&str>) -> Quote {
        self.pricing()
            .map_or(Quote::FREE, |pricing| pricing.quote(input, model))
    }

    /// See [`Pricing::reservation`].
    pub fn reservation(&self, input: &Value, model: Option<&str>) -> Reservation {
        self.pricing().map_or(Reservation::NOTHING, |pricing| {
            pricing.reservation(input, model)
        })
    }

    /// See [`Pricing::estimate`].
    pub fn estimate(&self, known: &Value, model: Option<&str>, unseen: Unseen) -> Estimate {
        self.pricing().map_or(Estimate::FREE, |pricing| {
            pricing.estimate(known, model, unseen)
        })
    }

    /// See [`Pricing::max_answer_tokens`].
    pub fn max_answer_tokens(&self) -> Option<u64> {
        self.pricing()?.max_answer_tokens()
    }

    /// See [`Pricing::rate_limit_use`].
    pub fn rate_limit_use(&self, input: &Value, model: Option<&str>) -> Option<(String, u64)> {
        self.pricing()?.rate_limit_use(input, model)
    }
}

/// The tools that the engine can call, by name.
pub trait Toolbox: Send + Sync {
    /// The tool of this name, `None` where the catalog has none.
    fn tool(&self, name: &str) -> Option<Arc<dyn Tool>>;

    /// The pool whose rate limit the tool's calls count against; `None` where the catalog names none.
    fn pool(&self, _name: &str) -> Option<Arc<str>> {
        None
    }

    /// What determines the tool's outputs besides its input; `model` is the model that the step names. `None`
    /// where that is not known.
    fn fingerprint(&self, _name: &str, _model: Option<&str>) -> Option<Fingerprint> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_carry_no_control_characters() {
        assert_eq!(
            ToolError::transient("a\u{1b}[31mb\u{0}\nc").message,
            "ab\nc"
        );
    }
}
