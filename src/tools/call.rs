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

/// Where a tool says something while a call is under way. Never blocks; what is said after the call ended is
/// dropped.
pub type CallLog = Arc<dyn Fn(LogStream, &str) + Send + Sync>;

/// Everything a tool is given for one attempt.
#[derive(Clone)]
pub struct Call {
    /// The step's id.
    pub step: Arc<str>,
    /// Which try, from 1.
    pub attempt: u32,
    /// The resolved parameters.
    pub input: Arc<Value>,
    /// The model that the step asks for instead of the tool's or the worker's.
    pub model: Option<Arc<str>>,
    /// The same for every attempt at one step in one run.
    pub idempotency_key: Arc<str>,
    /// The time after which the caller drops the call; `None` where it leaves that to the tool.
    pub time_limit: Option<Duration>,
    /// Memory that a child may use, in mebibytes.
    pub max_memory_mb: Option<u64>,
    /// Processor share that a child may use, in percent of one core.
    pub max_cpu_percent: Option<u32>,
    /// Cancelled when the attempt is to stop; the tool ends what it started and returns.
    pub cancel: CancellationToken,
    /// Where the tool may say something.
    pub log: CallLog,
    /// Where the tool asks before it spends more than [`Pricing::reservation`] said.
    pub spend_authorizer: SpendAuthorizer,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    /// Its kind, as the result names it.
    pub kind: ErrorKind,
    /// What went wrong and what to do; no secrets, no control characters but line feeds.
    pub message: String,
    /// Whether the same call could succeed if it is made again.
    pub retryable: bool,
    /// When the other side asks to be called again (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl ToolError {
    /// An error that trying again will not mend.
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

    /// An error that may be gone the next time.
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            retryable: true,
            ..Self::permanent(message)
        }
    }
}

/// What came of a call.
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
    /// The most it can cost; `None` where a model has no price.
    pub max: Option<Money>,
    /// The least it can cost.
    pub min: Money,
}

impl Quote {
    /// A call that costs nothing.
    pub const FREE: Self = Self {
        max: Some(Money::ZERO),
        min: Money::ZERO,
    };
}

/// Tokens that come into the input of a call beside what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// How many are expected.
    pub expected: u64,
    /// How many there may be at the most; `None` where nothing bounds them.
    pub max: Option<u64>,
}

impl Unseen {
    /// The input is known whole.
    pub const NONE: Self = Self::some(0, 0);

    /// So many, and at the most so many.
    pub const fn some(expected: u64, max: u64) -> Self {
        Self {
            expected,
            max: Some(max),
        }
    }

    /// Both.
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
    /// The least that it costs when it ends well.
    pub min: Money,
    /// What is to be expected; `None` where that is not known.
    pub expected: Option<Money>,
    /// The most; `None` where there is no bound.
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
    /// The most that the call spends without asking its [`SpendAuthorizer`]; `None` where a model has no price.
    pub max: Option<Money>,
    /// Whether that rests on an estimate of what somebody else will count, which the first call's bill has yet
    /// to bear out.
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

    /// What a call can cost of which only this much of the input is known. Where a tool knows no better it is expected
    /// to cost the mean of its bounds.
    fn estimate(&self, known: &Value, model: Option<&str>, _unseen: Unseen) -> Estimate {
        let Quote { max, min } = self.quote(known, model);
        let mean = |max: Money| Money::from_pico(min.pico().midpoint(max.pico()));
        Estimate {
            min,
            expected: max.map(mean),
            max,
        }
    }

    /// The most tokens that its outputs have, where something bounds them.
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
    /// How it is carried out: `model`, `http`, `process`, `jq`, `code_exec`, …
    fn kind(&self) -> &'static ToolKind;

    /// Makes the call. It must end soon after `call.cancel` is cancelled; dropping the future must leave
    /// nothing behind (children are killed with their group).
    fn call(&self, call: Call) -> BoxFuture<'static, CallReport>;

    /// Answers at once, without waiting for anything, where the tool is a plain function of its input;
    /// `None` where it must be called. The engine prefers this for tools that take microseconds.
    fn call_now(&self, _input: &Arc<Value>) -> Option<CallReport> {
        None
    }

    /// How calls are made; by default as its kind says.
    fn policy(&self) -> CallPolicy {
        self.kind().into()
    }

    /// What calls cost; `None` where they cost nothing.
    fn pricing(&self) -> Option<&dyn Pricing> {
        None
    }

    /// The tool that carries out a call with this input, where it is another one.
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

/// Where the engine finds its tools.
pub trait Toolbox: Send + Sync {
    /// The tool of this name, `None` where the catalog has none.
    fn tool(&self, name: &str) -> Option<Arc<dyn Tool>>;

    /// The pool whose rate the calls of a tool count against, where the catalog names one.
    fn pool(&self, _name: &str) -> Option<Arc<str>> {
        None
    }

    /// What determines the tool's outputs beside its input; `model` is the model that a step asks for. `None`
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
