//! The parent's side of the sandbox: starts child processes, sends them code, and keeps idle ones for the next call.

use super::confinement;
use super::conversation::Ended;
use super::ending::exit_reason;
use super::idle::Idle;
use super::log::Printed;
use super::process::SandboxProcess;
use super::program::Program;
use super::protocol::{Language, MAX_LINE_BYTES, Request};
use super::shape::{MEMORY_MB, SECONDS, Shape, seconds};
use super::tool_calls::ToolCalls;
use super::work::Work;
use crate::plan::Evaluation;
use crate::tools::CallLog;
use crate::tools::cancel::cancellable;
use crate::tools::error::ToolError;
use crate::tools::secrets::SharedSecrets;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The time limits for validating a value, and for saying what is wrong with it.
const VALIDATION_LIMIT: Duration = Duration::from_secs(10);
const DESCRIPTION_LIMIT: Duration = Duration::from_secs(3);

/// A sandbox is replaced after this many calls.
const MAX_CALLS: u32 = 10_000;

/// The sandboxes of one toolbox.
#[derive(Debug, Default)]
pub(crate) struct Sandbox {
    program: Program,
    secrets: SharedSecrets,
    /// Whether code may run where the system cannot confine it.
    allow_unsandboxed: bool,
    pub(super) idle: Idle,
    /// Itself, for what it starts in the background.
    pub(super) itself: Weak<Self>,
}

impl Sandbox {
    /// Sandboxes that are started from `program`. What code says is shown without `secrets`.
    pub(crate) fn new(
        program: Program,
        secrets: SharedSecrets,
        allow_unsandboxed: bool,
    ) -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            program,
            secrets,
            allow_unsandboxed,
            idle: Idle::default(),
            itself: Weak::clone(itself),
        })
    }

    /// The program that sandboxes are started from.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// Runs the code. Cancelling the call or dropping the future ends its sandbox.
    pub(crate) async fn run(
        &self,
        work: Work<'_>,
        log: &CallLog,
        cancel: &CancellationToken,
    ) -> Result<Value, ToolError> {
        cancellable(cancel, self.work(work, log)).await?
    }

    /// The value of an expression: for a condition whether it holds, else a list of the value, which is empty where it
    /// is undefined.
    pub(crate) async fn evaluate(
        &self,
        evaluation: Evaluation,
        memory_mb: Option<u64>,
        limit: Duration,
    ) -> Result<Value, ToolError> {
        let input = Value::Object(evaluation.variables);
        let work = Work {
            language: if evaluation.is_condition {
                Language::Condition
            } else {
                Language::Expression
            },
            source: &evaluation.text,
            input: &input,
            memory_mb,
            cpu_percent: None,
            time: Some(limit),
            port: None,
            about: None,
            has_called: None,
        };
        let nothing: CallLog = Arc::new(|_, _| {});
        tokio::time::timeout(limit, self.work(work, &nothing))
            .await
            .unwrap_or_else(|_| {
                let seconds = limit.as_secs_f64();
                Err(ToolError::permanent(format!(
                    "it has no value within {seconds} s"
                )))
            })
    }

    /// What is wrong with a value, one violation a line; `None` where it is valid against the schema.
    pub(crate) async fn violation(
        &self,
        schema: &Value,
        value: &Value,
    ) -> Result<Option<String>, String> {
        let source = schema.to_string();
        let is_valid = self
            .validate(Language::Schema, &source, value, VALIDATION_LIMIT)
            .await?;
        if is_valid == Value::Bool(true) {
            return Ok(None);
        }
        let why = self.validate(Language::Violations, &source, value, DESCRIPTION_LIMIT);
        Ok(Some(match why.await {
            Ok(Value::String(violation)) => violation,
            Ok(_) => return Err("a pattern in it goes back too often".to_owned()),
            Err(why) => format!("it is not valid; which part is not was not found out: {why}"),
        }))
    }

    async fn validate(
        &self,
        language: Language,
        source: &str,
        value: &Value,
        limit: Duration,
    ) -> Result<Value, String> {
        let work = Work {
            language,
            source,
            input: value,
            memory_mb: None,
            cpu_percent: None,
            time: Some(limit),
            port: None,
            about: None,
            has_called: None,
        };
        let nothing: CallLog = Arc::new(|_, _| {});
        match tokio::time::timeout(limit, self.work(work, &nothing)).await {
            Ok(answer) => answer.map_err(|error| error.message),
            Err(_) => Err(format!("it did not end within {} s", limit.as_secs())),
        }
    }

    async fn work(&self, work: Work<'_>, log: &CallLog) -> Result<Value, ToolError> {
        let seconds = seconds(&work);
        let mut calls = ToolCalls::of(work.source, work.port);
        let request = Request {
            tools: calls.functions(),
            language: work.language,
            source: Cow::Borrowed(work.source),
            input: Cow::Borrowed(work.input),
            seconds,
        };
        let mut line = serde_json::to_vec(&request).map_err(|error| {
            ToolError::permanent(format!("the input cannot be written as JSON: {error}"))
        })?;
        line.push(b'\n');
        if line.len() > MAX_LINE_BYTES {
            return Err(ToolError::permanent(format!(
                "the input has {} MB; the maximum for {} is {} MB",
                line.len() >> 20,
                work.language.subject(),
                MAX_LINE_BYTES >> 20
            )));
        }
        let memory_mb = work.memory_mb.unwrap_or(MEMORY_MB);
        let is_cpython = work.language == Language::Cpython;
        let shape = Shape {
            memory_mb,
            cpu_percent: work.cpu_percent,
            cpython_seconds: is_cpython.then_some(seconds),
        };
        let idle = self.idle.take(&shape);
        if is_cpython {
            self.refill(shape);
        }
        let mut process = match idle {
            Some(process) => process,
            None => self.start(shape, work.language).await?,
        };
        confinement::check(
            work.language,
            process.walls.as_deref(),
            self.allow_unsandboxed,
        )?;
        if let Some(about) = work.about {
            let _ = about.set(process.about());
        }
        process.calls += 1;
        let mut printed = Printed::new(log, self.secrets.now());
        let ended = process
            .converse(&line, &mut calls, work.language, seconds, |text, is_end| {
                printed.take(text, is_end);
            })
            .await;
        printed.finish();
        if let Some(has_called) = work.has_called.filter(|_| calls.any_made()) {
            has_called.store(true, Ordering::Relaxed);
        }
        let ended = match ended {
            Ended::Answered { reply, is_fit } => {
                if is_fit && !is_cpython && process.calls < MAX_CALLS {
                    self.idle.give_back(process);
                }
                reply
            }
            Ended::Died => {
                let (status, said) = process.stderr_tail().await;
                let why = exit_reason(work.language, status, &said, memory_mb, seconds);
                return Err(ToolError::permanent(why));
            }
        };
        ended.map_err(|message| {
            let message = self.secrets.now().quote_end(&message, 4_000);
            ToolError::permanent(work.language.with_remedy(message))
        })
    }

    /// Starts a sandbox.
    pub(super) async fn start(
        &self,
        shape: Shape,
        language: Language,
    ) -> Result<SandboxProcess, ToolError> {
        let path = self.program.path().map_err(|error| ToolError {
            message: format!("{}: {}", language.why_sandboxed(), error.message),
            ..error
        })?;
        let setup = match shape.cpython_seconds {
            Some(seconds) => {
                let setup = confinement::cpython(self.allow_unsandboxed, shape.memory_mb, seconds);
                Some(Box::pin(setup).await?)
            }
            None => None,
        };
        Box::pin(SandboxProcess::start(path, shape, setup)).await
    }

    /// Whether CPython is installed, and may run code here.
    pub(crate) async fn has_cpython(&self) -> bool {
        confinement::cpython(self.allow_unsandboxed, MEMORY_MB, SECONDS)
            .await
            .is_ok()
    }
}
