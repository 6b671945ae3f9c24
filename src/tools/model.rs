//! `model` tools: the worker plays them; offline they work by their own rules.

use super::catalog::{Implementation, ModelSettings, Rules, ToolDefinition};
use super::code_exec;
use super::jq::JqRule;
use super::placeholder::{Filler, Missing};
use super::services::Services;
use super::{Call, CallReport, Estimate, Quote, Reservation, Tool, ToolError, Unseen};
use crate::models::{MAX_TOKENS, OutputSchema, SmallModelWorker, Task, WorkerReport};
use crate::run::ErrorKind;
use crate::units::Money;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// A tool that a model plays.
pub struct ModelTool {
    role: Arc<Part>,
    worker: SmallModelWorker,
    services: Arc<Services>,
}

/// What is played.
struct Part {
    definition: Arc<ToolDefinition>,
    settings: ModelSettings,
    output: Option<OutputSchema>,
    rules: Option<CompiledRules>,
}

enum CompiledRules {
    Jq(JqRule),
    Code(Arc<str>),
}

impl ModelTool {
    /// The tool of `definition`; the error says what is wrong with its schema or rules.
    pub fn new(
        definition: &Arc<ToolDefinition>,
        worker: SmallModelWorker,
        services: Arc<Services>,
    ) -> Result<Self, String> {
        let settings = match &definition.implementation {
            Implementation::Model(settings) => settings.clone(),
            _ => ModelSettings::default(),
        };
        let output = definition
            .output_schema
            .as_deref()
            .map(OutputSchema::new)
            .transpose()
            .map_err(|error| error.to_string())?;
        let rules = match &settings.offline {
            Some(Rules::Jq(filter)) => Some(CompiledRules::Jq(JqRule::new(filter)?)),
            Some(Rules::Code(code)) => Some(CompiledRules::Code(code.clone())),
            None => None,
        };
        Ok(Self {
            role: Arc::new(Part {
                definition: definition.clone(),
                settings,
                output,
                rules,
            }),
            worker,
            services,
        })
    }
}

impl Part {
    /// The tool's own prompt, filled; parameters that stand nowhere in it come after it, so that none is lost.
    fn prompt(&self, input: &Value) -> Option<String> {
        let template = self.settings.prompt.as_deref()?;
        let empty = Map::new();
        let given = input.as_object().unwrap_or(&empty);
        let mut filler = Filler::new(given, Missing::Empty);
        let mut prompt = filler.text(template, str::to_owned).ok()?;
        let left: Map<String, Value> = given
            .iter()
            .filter(|(name, _)| !filler.used.contains(*name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if !left.is_empty() {
            prompt = format!("{}\n\n{}", prompt.trim_end(), Value::Object(left));
        }
        Some(prompt)
    }

    fn task<'a>(&'a self, prompt: Option<&'a str>, model: Option<&'a str>) -> Task<'a> {
        Task {
            name: &self.definition.name,
            description: &self.definition.description,
            input_schema: self.definition.input_schema.as_deref(),
            output_schema: self.definition.output_schema.as_deref(),
            examples: &self.definition.examples,
            prompt,
            model: model.or(self.settings.model.as_deref()),
            max_tokens: self.settings.max_tokens,
            timeout: None,
        }
    }

    /// The output by rules, held against the schema as a model's would be.
    fn checked(&self, output: Result<Value, ToolError>) -> Result<Value, ToolError> {
        let output = output.map_err(|error| ToolError {
            message: format!(
                "the offline rules of \"{}\" failed: {}",
                self.definition.name, error.message
            ),
            ..error
        })?;
        match self
            .output
            .as_ref()
            .and_then(|schema| schema.violation(&output))
        {
            None => Ok(output),
            Some(violation) => Err(ToolError::permanent(format!(
                "the offline rules of \"{}\" gave what its output_schema does not allow: {violation}",
                self.definition.name
            ))),
        }
    }
}

impl Tool for ModelTool {
    fn kind(&self) -> &'static str {
        "model"
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (part, worker, services) = (
            self.role.clone(),
            self.worker.clone(),
            self.services.clone(),
        );
        async move {
            if worker.is_offline()
                && let Some(rules) = &part.rules
            {
                let time = part.definition.timeout;
                let output = match rules {
                    CompiledRules::Jq(rule) => rule.run(&call.input, &services, &call, time).await,
                    CompiledRules::Code(code) => code_exec::run(code, &call.input, &services, &call, time).await,
                };
                return CallReport::free(part.checked(output));
            }
            let prompt = part.prompt(&call.input);
            let task = Task {
                timeout: own_timeout(&call, part.definition.timeout),
                ..part.task(prompt.as_deref(), call.model.as_deref())
            };
            tokio::select! {
                biased;
                () = call.cancel.cancelled() => CallReport::free(Err(ToolError::permanent("cancelled"))),
                report = worker.perform(&task, &call.input, part.output.as_ref(), call.attempt, &call.funds) => report.into(),
            }
        }
        .boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        match &self.role.rules {
            Some(CompiledRules::Jq(rule)) if self.worker.is_offline() => rule
                .run_now(input)
                .map(|output| CallReport::free(self.role.checked(output))),
            _ => None,
        }
    }

    fn quote(&self, input: &Value, model: Option<&str>) -> Quote {
        let prompt = self.role.prompt(input);
        let (most, least) = self
            .worker
            .quote(&self.role.task(prompt.as_deref(), model), input);
        Quote { most, least }
    }

    fn reservation(&self, input: &Value, model: Option<&str>) -> Reservation {
        let prompt = self.role.prompt(input);
        self.worker
            .reservation(&self.role.task(prompt.as_deref(), model), input)
            .into()
    }

    fn estimate(&self, known: &Value, model: Option<&str>, unseen: Unseen) -> Estimate {
        let prompt = self.role.prompt(known);
        let task = self.role.task(prompt.as_deref(), model);
        estimate(&self.worker, &task, known, unseen)
    }

    fn most_answer_tokens(&self) -> Option<u64> {
        let most = self.role.settings.max_tokens.unwrap_or(MAX_TOKENS);
        (!self.worker.is_offline()).then_some(most.into())
    }

    fn draws_on(&self, input: &Value, model: Option<&str>) -> Option<(String, u64)> {
        let prompt = self.role.prompt(input);
        self.worker
            .draws_on(&self.role.task(prompt.as_deref(), model), input)
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn timeout(&self) -> Option<Duration> {
        self.role.definition.timeout
    }
}

/// The time limit that the worker keeps: none where the caller keeps one, so that the longer one of a step counts.
fn own_timeout(call: &Call, timeout: Option<Duration>) -> Option<Duration> {
    call.time_limit.map_or(timeout, |_| Some(Duration::MAX))
}

impl From<(Option<Money>, bool)> for Reservation {
    fn from((most, estimated): (Option<Money>, bool)) -> Self {
        Self { most, estimated }
    }
}

fn estimate(worker: &SmallModelWorker, task: &Task, known: &Value, unseen: Unseen) -> Estimate {
    let (least, expected, most) = worker.estimate(task, known, (unseen.expected, unseen.most));
    Estimate {
        least,
        expected,
        most,
    }
}

impl From<WorkerReport> for CallReport {
    fn from(report: WorkerReport) -> Self {
        Self {
            output: report.output.map(Arc::new).map_err(|error| ToolError {
                kind: if error.timed_out {
                    ErrorKind::TimeoutError
                } else {
                    ErrorKind::ToolExecutionError
                },
                retryable: error.retryable,
                retry_after: error.retry_after,
                ..ToolError::permanent(error.message)
            }),
            cost: report.cost,
            tokens: report.tokens,
            model: report.model,
            prompt: report.prompt,
            answer: report.answer,
        }
    }
}

/// `final_synthesis`: the plan's last step. Its template, already filled, is completed by the worker; offline it is itself the output.
pub struct FinalSynthesis {
    worker: SmallModelWorker,
}

impl FinalSynthesis {
    /// The tool, carried out by `worker`.
    pub fn new(worker: SmallModelWorker) -> Self {
        Self { worker }
    }
}

/// What a model is told before the template.
const SYNTHESIS: &str = "Write the final result of a plan that has been carried out. \
    Use only what the text below holds. Answer with the result and nothing else.";

/// The template of a call, and the whole prompt made of it.
fn synthesis(input: &Value) -> (String, String) {
    let template = match input.get("prompt_template").unwrap_or(input) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let prompt = format!("{SYNTHESIS}\n\n{template}");
    (template, prompt)
}

impl Tool for FinalSynthesis {
    fn kind(&self) -> &'static str {
        "model"
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let worker = self.worker.clone();
        async move {
            let (template, prompt) = synthesis(&call.input);
            if worker.is_offline() {
                return CallReport::free(Ok(Value::String(template)));
            }
            let schema = serde_json::json!({"type": "string"});
            let task = Task {
                name: crate::plan::FINAL_SYNTHESIS,
                prompt: Some(&prompt),
                model: call.model.as_deref(),
                // Only the inventor needs to know that it is text; a model answers in words by itself.
                output_schema: worker.is_simulated().then_some(&schema),
                timeout: own_timeout(&call, None),
                ..Task::default()
            };
            let mut report: CallReport = tokio::select! {
                biased;
                () = call.cancel.cancelled() => return CallReport::free(Err(ToolError::permanent("cancelled"))),
                report = worker.perform(&task, &call.input, None, call.attempt, &call.funds) => report.into(),
            };
            // The answer is text, also where it happens to be JSON.
            if let Some(answer) = report.answer.as_ref().filter(|_| report.output.is_ok() && !worker.is_simulated()) {
                report.output = Ok(Arc::new(Value::String(answer.trim().to_owned())));
            }
            report
        }
        .boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        self.worker
            .is_offline()
            .then(|| CallReport::free(Ok(Value::String(synthesis(input).0))))
    }

    fn quote(&self, input: &Value, model: Option<&str>) -> Quote {
        let (_, prompt) = synthesis(input);
        let task = Task {
            prompt: Some(&prompt),
            model,
            ..Task::default()
        };
        let (most, least) = self.worker.quote(&task, input);
        Quote { most, least }
    }

    fn reservation(&self, input: &Value, model: Option<&str>) -> Reservation {
        let (_, prompt) = synthesis(input);
        let task = Task {
            prompt: Some(&prompt),
            model,
            ..Task::default()
        };
        self.worker.reservation(&task, input).into()
    }

    fn estimate(&self, known: &Value, model: Option<&str>, unseen: Unseen) -> Estimate {
        let (_, prompt) = synthesis(known);
        let task = Task {
            prompt: Some(&prompt),
            model,
            ..Task::default()
        };
        estimate(&self.worker, &task, known, unseen)
    }

    fn most_answer_tokens(&self) -> Option<u64> {
        (!self.worker.is_offline()).then_some(MAX_TOKENS.into())
    }

    fn draws_on(&self, input: &Value, model: Option<&str>) -> Option<(String, u64)> {
        let (_, prompt) = synthesis(input);
        let task = Task {
            prompt: Some(&prompt),
            model,
            ..Task::default()
        };
        self.worker.draws_on(&task, input)
    }

    fn repeatable(&self) -> bool {
        true
    }
}
