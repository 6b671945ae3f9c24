//! How to find out what became of a call that was interrupted.
//!
//! The process that made a call may die before the answer comes. Where the catalog says how (`recover`), the call is then
//! not unknown for good: the same call is safe to make again under its name, or another tool can be asked.

use super::asker::Asker;
use super::call::{Call, Unredacted};
use super::code_port::CodePort;
use super::handle::CallHandle;
use super::kinds::jq::JqRule;
use super::recover::ProbeSettings;
use super::services::Services;
use super::template::{Missing, TemplateRenderer};
use super::{SpendAuthorizer, Tool, ToolError};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a probe is asked that may answer if it is asked again.
const TRIES: u32 = 3;

/// The wait before it is asked again, which doubles.
const WAIT: Duration = Duration::from_millis(250);

/// The longest wait that a probe may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The time limit of a probe without one of its own.
const TIME_LIMIT: Duration = Duration::from_mins(2);

/// How to find out what became of a call of a tool, ready to be used.
#[derive(Clone)]
pub enum Recovery {
    /// Making the same call under the same name has no further effect.
    Key,
    /// Another tool knows.
    Probe(Arc<Probe>),
}

/// A tool that knows what became of calls of another one.
pub struct Probe {
    settings: Arc<ProbeSettings>,
    tool: Arc<dyn Tool>,
    found: JqRule,
    services: Arc<Services>,
}

/// A call that was interrupted.
#[derive(Clone, Debug)]
pub struct InterruptedCall {
    /// Its step.
    pub step: Arc<str>,
    /// The name of its attempt, as it was sent.
    pub attempt: Arc<str>,
    /// Its parameters.
    pub input: Arc<Value>,
    /// The memory limit of child processes, in mebibytes.
    pub max_memory_mb: Option<u64>,
    /// The processor share of child processes, in percent of one core.
    pub max_cpu_percent: Option<u32>,
}

/// What a probe was asked and answered.
#[derive(Clone, Debug)]
pub struct ProbeReport {
    /// The name of the tool.
    pub tool: Arc<str>,
    /// What it was called with; null where that could not be put together.
    pub input: Arc<Value>,
    /// Its answer, as it is shown and recorded.
    pub output: Option<Arc<Value>>,
    /// The output of the interrupted call, `None` where it did not happen; or why it is still not known.
    pub found: Result<Option<Arc<Value>>, Arc<str>>,
}

impl Probe {
    pub(super) fn new(
        settings: &Arc<ProbeSettings>,
        tool: Arc<dyn Tool>,
        services: &Arc<Services>,
    ) -> Result<Self, super::definition::BuildError> {
        Ok(Self {
            settings: Arc::clone(settings),
            tool,
            found: JqRule::new(&settings.found)?,
            services: Arc::clone(services),
        })
    }

    /// Asks what became of a call. Dropping the future ends whatever it started.
    pub async fn ask(self: Arc<Self>, interrupted: InterruptedCall) -> ProbeReport {
        let mut report = ProbeReport {
            tool: Arc::clone(&self.settings.tool),
            input: Arc::default(),
            output: None,
            found: Ok(None),
        };
        match self.input(&interrupted) {
            Ok(input) => {
                report.input = Arc::new(input);
                report.found = self.asked(&interrupted, &mut report).await;
            }
            Err(why) => report.found = Err(why.into()),
        }
        report
    }

    fn input(&self, interrupted: &InterruptedCall) -> Result<Value, String> {
        let empty = Map::new();
        let mut known = interrupted.input.as_object().unwrap_or(&empty).clone();
        known.insert("attempt".to_owned(), Value::from(&*interrupted.attempt));
        let with = Value::Object(self.settings.with.clone());
        let mut renderer = TemplateRenderer::new(&known, Missing::Error);
        let input = renderer.value(&with);
        input.map_err(|error| format!("`recover.with` cannot be put together: {error}"))
    }

    async fn asked(
        &self,
        interrupted: &InterruptedCall,
        report: &mut ProbeReport,
    ) -> Result<Option<Arc<Value>>, Arc<str>> {
        let mut wait = WAIT;
        for number in 1.. {
            let call = self.call(interrupted, number, &report.input);
            let error = match self.answer(call.clone()).await {
                Ok((shown, whole)) => {
                    report.output = Some(shown);
                    let found = self.found.run(whole, &self.services, &call, None).await;
                    return match found {
                        Ok(Value::Null | Value::Bool(false)) => Ok(None),
                        Ok(found) => Ok(Some(Arc::new(found))),
                        Err(error) => Err(format!("`recover.found`: {error}").into()),
                    };
                }
                Err(error) => error,
            };
            if !error.retryable || number == TRIES {
                return Err(error.message.into());
            }
            let asked_for = error.retry_after.unwrap_or(wait).min(LONGEST_WAIT);
            tokio::time::sleep(asked_for).await;
            wait *= 2;
        }
        Ok(None)
    }

    fn call(&self, interrupted: &InterruptedCall, number: u32, input: &Arc<Value>) -> Call {
        Call {
            step: Arc::clone(&interrupted.step),
            attempt: number,
            input: Arc::clone(input),
            model: None,
            name: Arc::clone(&interrupted.attempt),
            // It asks, and may be made as often as it takes.
            idempotency_key: format!("{}/probe", interrupted.attempt).into(),
            trace: None,
            time_limit: Some(self.tool.policy().timeout.unwrap_or(TIME_LIMIT)),
            max_memory_mb: interrupted.max_memory_mb,
            max_cpu_percent: interrupted.max_cpu_percent,
            cancel: CancellationToken::new(),
            log: Arc::new(|_, _| {}),
            listener: None,
            raw: None,
            asker: Asker::default(),
            handle: CallHandle::default(),
            code: CodePort::default(),
            spend_authorizer: SpendAuthorizer::unlimited(),
        }
    }

    /// The answer as it is shown, and as it is.
    async fn answer(&self, call: Call) -> Result<(Arc<Value>, Arc<Value>), ToolError> {
        let limit = call.time_limit.unwrap_or(TIME_LIMIT);
        // A tool that is dropped in a call ends what it started.
        let Ok(report) = tokio::time::timeout(limit, self.tool.call(call)).await else {
            let seconds = limit.as_secs_f64();
            return Err(ToolError::permanent(format!(
                "it did not answer within {seconds} s"
            )));
        };
        let shown = report.output?;
        let whole = report.unredacted.map(Unredacted::into_value);
        Ok((Arc::clone(&shown), whole.unwrap_or(shown)))
    }
}
