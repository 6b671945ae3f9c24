//! One call: what a tool is given, and what it reports.

use super::asker::Asker;
use super::code_port::CodePort;
use super::error::ToolError;
use super::handle::CallHandle;
use super::secrets::Secrets;
use crate::models::{AnswerListener, CostBasis, Exchange, SpendAuthorizer};
use crate::run::LogStream;
use crate::text::json::footprint;
use crate::units::{Charge, Money, Tokens};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Takes the lines that a tool logs while a call is running. It never blocks; lines that come after the call has
/// ended are dropped.
pub(crate) type CallLog = Arc<dyn Fn(LogStream, &str) + Send + Sync>;

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
    /// The name of the attempt, `RUN/STEP/ATTEMPT`, which a call has again that is repeated after a crash.
    pub name: Arc<str>,
    /// What the tool is given to tell a repeated call by: the name of the attempt, or the plan's own `idempotency_key` where
    /// it gives one, the same for every attempt.
    pub idempotency_key: Arc<str>,
    /// The span of the attempt, as `traceparent` of W3C Trace Context has it, for what the tool asks others to do; `None`
    /// where the run is not traced.
    pub trace: Option<Arc<str>>,
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
    /// Follows the answers of a model while they arrive; `None` where nobody does.
    pub listener: Option<AnswerListener>,
    /// Has the bodies of requests to models and their responses kept, without these secrets; `None` where nobody wants
    /// them.
    pub raw: Option<Arc<Secrets>>,
    /// Asks the user what the server wants to know.
    pub asker: Asker,
    /// The handle that the server gives, or gave, the call.
    pub handle: CallHandle,
    /// Where code has other tools called.
    pub code: CodePort,
    /// Asked before the tool spends more than [`Pricing::reservation`](super::Pricing::reservation) reserved.
    pub spend_authorizer: SpendAuthorizer,
}

/// The result of a call.
#[derive(Clone, Debug)]
pub struct CallReport {
    /// The output as it is shown and recorded, or why there is none.
    pub output: Result<Arc<Value>, ToolError>,
    /// The output as later steps get it, where it holds a secret.
    pub unredacted: Option<Unredacted>,
    /// The output that was made, where it is not what the step expects.
    pub rejected: Option<Arc<Value>>,
    /// What was spent, failed calls included; `None` where it cannot be known (a model without a price).
    pub cost: Option<Money>,
    /// The parts of the cost, as far as there are any.
    pub charges: Vec<Charge>,
    /// What the cost rests on.
    pub basis: CostBasis,
    /// Tokens, for a model call.
    pub tokens: Option<Tokens>,
    /// The model that answered.
    pub model: Option<Arc<str>>,
    /// What the model was asked, or the request that was made, without secrets.
    pub prompt: Option<Arc<str>>,
    /// What came back, before it was read as an output.
    pub answer: Option<Arc<str>>,
    /// What the model thought before it answered.
    pub reasoning: Option<Arc<str>>,
    /// When a streamed answer began to arrive, from the start of the call.
    pub first_token: Option<Duration>,
    /// The output tokens per second while it arrived.
    pub tokens_per_second: Option<f64>,
    /// The requests to a model and their responses as they went over the wire, without secrets.
    pub exchanges: Vec<Exchange>,
    /// Whether nobody knows if the call happened: whoever carried it out died, and it must not be made again by itself.
    /// Only with an error, which says what is known.
    pub is_unknown: bool,
}

/// A value that holds a secret.
#[derive(Clone)]
pub struct Unredacted(Arc<Value>);

impl Unredacted {
    /// The value itself.
    pub(crate) fn into_value(self) -> Arc<Value> {
        self.0
    }

    /// The same, not taken out.
    pub(crate) const fn value(&self) -> &Arc<Value> {
        &self.0
    }
}

impl std::fmt::Debug for Unredacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unredacted")
    }
}

impl CallReport {
    /// A report of a call that cost nothing and involved no model.
    pub fn free(output: Result<Value, ToolError>) -> Self {
        Self {
            output: output.map(Arc::new),
            unredacted: None,
            rejected: None,
            cost: Some(Money::ZERO),
            charges: Vec::new(),
            basis: CostBasis::Billed,
            tokens: None,
            model: None,
            prompt: None,
            answer: None,
            reasoning: None,
            first_token: None,
            tokens_per_second: None,
            exchanges: Vec::new(),
            is_unknown: false,
        }
    }

    /// A report of a call of which nobody knows whether it happened. It may have been billed: all that is reserved for it
    /// counts.
    pub(crate) fn unknown(error: ToolError) -> Self {
        Self {
            basis: CostBasis::Reservation,
            is_unknown: true,
            ..Self::free(Err(error))
        }
    }

    /// A report of a call that failed before anything was sent, so that it cannot have been billed.
    pub(crate) fn not_sent(error: ToolError) -> Self {
        Self {
            basis: CostBasis::NotSent,
            ..Self::free(Err(error))
        }
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn footprint(&self) -> usize {
        let texts = self.prompt.iter().chain(&self.answer);
        let whole = self.unredacted.as_ref().map(|whole| &whole.0);
        let values = self.output.as_ref().ok().into_iter().chain(whole);
        texts.map(|text| text.len()).sum::<usize>() + values.map(|it| footprint(it)).sum::<usize>()
    }

    /// The output as it is, where there is one.
    pub(crate) fn whole_output(&self) -> Option<&Arc<Value>> {
        let whole = self.unredacted.as_ref().map(Unredacted::value);
        whole.or(self.output.as_ref().ok())
    }

    /// The output is kept, and is not what the step expects.
    pub(crate) fn reject(&mut self, error: ToolError) {
        self.rejected = self.whole_output().cloned();
        self.unredacted = None;
        self.output = Err(error);
    }

    /// Redacts the output; later steps still get it as it was.
    pub(super) fn hide(&mut self, secrets: &Secrets) {
        if let Ok(output) = &mut self.output
            && let Some(redacted) = secrets.redacted(output)
        {
            let whole = std::mem::replace(output, Arc::new(redacted));
            self.unredacted = Some(Unredacted(whole));
        }
    }
}
