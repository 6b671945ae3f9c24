//! `final_synthesis`: the plan's last step, which the worker completes.

use super::kinds::model;
use super::{
    Call, CallReport, Estimate, Pricing, Quote, Reservation, Tool, ToolError, ToolKind, Unseen,
};
use crate::models::{MAX_TOKENS, SmallModelWorker, Task};
use crate::text::BoundedText;
use crate::units::{ModelOptions, Temperature};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;

/// `final_synthesis`: the plan's last step. The worker completes its rendered template; offline the template itself is
/// the output.
pub(super) struct FinalSynthesis {
    worker: SmallModelWorker,
    options: ModelOptions,
}

impl FinalSynthesis {
    /// The tool, run by `worker`.
    pub(super) fn new(worker: SmallModelWorker) -> Self {
        Self {
            worker,
            options: ModelOptions::default(),
        }
    }
}

/// The instructions to the model, before the template.
const SYNTHESIS: &str = "Write the final result of a plan that has been carried out. \
    Use only what the text below holds. Answer with the result and nothing else.";

/// The most that is written of values which are themselves the template, in bytes.
const MAX_WRITTEN: usize = 32 << 20;

/// The rendered template of a call.
///
/// # Errors
/// Where it is not a text but other values, and they are too large.
fn template(input: &Value) -> Result<String, ToolError> {
    let mut text = BoundedText::new(MAX_WRITTEN);
    let fits = match input.get("prompt_template").unwrap_or(input) {
        Value::String(text) => return Ok(text.clone()),
        other => write!(text, "{other}").is_ok(),
    };
    if fits {
        return Ok(text.into_string());
    }
    Err(ToolError::permanent(format!(
        "the values of its template take more than {} MB as text; name a part of them",
        MAX_WRITTEN >> 20
    )))
}

/// The whole prompt of a call. One that is too large is not sent, and costs nothing.
fn prompt(input: &Value) -> String {
    let template = template(input).unwrap_or_default();
    format!("{SYNTHESIS}\n\n{template}")
}

impl Tool for FinalSynthesis {
    fn kind(&self) -> &'static ToolKind {
        &model::KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (worker, options) = (self.worker.clone(), self.options);
        async move {
            let template = match template(&call.input) {
                Ok(template) => template,
                Err(error) => return CallReport::free(Err(error)),
            };
            if worker.is_offline() {
                return CallReport::free(Ok(Value::String(template)));
            }
            let prompt = format!("{SYNTHESIS}\n\n{template}");
            let known_output = worker.is_simulated().then_some(Value::String(template));
            let key = model::request_key(&call);
            let task = Task {
                key: Some(&key),
                name: crate::plan::FINAL_SYNTHESIS,
                prompt: Some(&prompt),
                model: call.model.as_deref(),
                options,
                known_output: known_output.as_ref(),
                timeout: model::own_timeout(&call, None),
                listener: call.listener.as_ref(),
                raw: call.raw.as_ref(),
                ..Task::default()
            };
            let work = worker.perform(
                &task,
                &call.input,
                None,
                call.attempt,
                &call.spend_authorizer,
                call.cancel.cancelled(),
            );
            let mut report = CallReport::of_worker(work.await, &call.log);
            // The answer is text, even where it is valid JSON.
            if let Some(answer) = report
                .answer
                .as_ref()
                .filter(|_| report.output.is_ok() && !worker.is_simulated())
            {
                report.output = Ok(Arc::new(Value::String(answer.trim().to_owned())));
            }
            report
        }
        .boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        self.worker
            .is_offline()
            .then(|| CallReport::free(template(input).map(Value::String)))
    }

    fn prompt(&self, input: &Value, model: Option<&str>) -> Option<String> {
        let prompt = prompt(input);
        self.worker.prompt(&self.asked(&prompt, model), input)
    }

    fn with_options(&self, options: ModelOptions) -> Option<Arc<dyn Tool>> {
        Some(Arc::new(Self {
            worker: self.worker.clone(),
            options,
        }))
    }

    fn own_options(&self) -> Option<ModelOptions> {
        Some(self.options.or(ModelOptions {
            temperature: Some(Temperature::DEFAULT),
            max_tokens: Some(MAX_TOKENS),
        }))
    }

    fn model(&self, wanted: Option<&str>) -> Option<String> {
        Some(wanted.map_or_else(|| self.worker.name(), str::to_owned))
    }

    fn pricing(&self) -> Option<&dyn Pricing> {
        Some(self)
    }
}

impl FinalSynthesis {
    /// The task of a call, as it is priced.
    fn asked<'a>(&self, prompt: &'a str, model: Option<&'a str>) -> Task<'a> {
        Task {
            name: crate::plan::FINAL_SYNTHESIS,
            prompt: Some(prompt),
            model,
            options: self.options,
            ..Task::default()
        }
    }
}

impl Pricing for FinalSynthesis {
    fn quote(&self, input: &Value, model: Option<&str>) -> Quote {
        let prompt = prompt(input);
        self.worker.quote(&self.asked(&prompt, model), input).into()
    }

    fn reservation(&self, input: &Value, model: Option<&str>) -> Reservation {
        let prompt = prompt(input);
        let task = self.asked(&prompt, model);
        self.worker.reservation(&task, input).into()
    }

    fn estimate(&self, known: &Value, model: Option<&str>, unseen: Unseen) -> Estimate {
        let prompt = prompt(known);
        let task = self.asked(&prompt, model);
        let unseen = (unseen.expected, unseen.max);
        self.worker.estimate(&task, known, unseen).into()
    }

    fn max_answer_tokens(&self) -> Option<u64> {
        let max = self.options.max_tokens.unwrap_or(MAX_TOKENS);
        (!self.worker.is_offline()).then_some(max.into())
    }

    fn rate_limit_use(&self, input: &Value, model: Option<&str>) -> Option<(String, u64)> {
        let prompt = prompt(input);
        self.worker
            .rate_limit_use(&self.asked(&prompt, model), input)
    }
}
