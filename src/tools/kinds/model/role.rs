//! The definition of a model tool, compiled: what it asks, and the rules that replace the model.

use super::ModelSettings;
use crate::models::{MAX_PROMPT_BYTES, OutputSchema, Price, Task, too_large};
use crate::text::BoundedText;
use crate::tools::cancel::cancellable;
use crate::tools::definition::ToolDefinition;
use crate::tools::kinds::code_exec;
use crate::tools::kinds::jq::JqRule;
use crate::tools::services::Services;
use crate::tools::template::{Missing, TemplateRenderer};
use crate::tools::{Call, ToolError};
use crate::units::ModelOptions;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::sync::Arc;

/// How a call asks the model otherwise than the tool.
#[derive(Clone, Copy, Default)]
pub(super) struct Asked<'a> {
    /// The rendered prompt.
    pub(super) prompt: Option<&'a str>,
    /// The model that the step names.
    pub(super) model: Option<&'a str>,
    /// The temperature and the maximum of tokens in an answer.
    pub(super) options: ModelOptions,
}

/// The tool's definition, compiled.
pub(super) struct Role {
    pub(super) definition: Arc<ToolDefinition>,
    pub(super) settings: ModelSettings,
    pub(super) output: Option<OutputSchema>,
    pub(super) rules: Option<CompiledRules>,
}

pub(super) enum CompiledRules {
    Jq(JqRule),
    Code(Arc<str>),
}

impl Role {
    /// The tool's own prompt, rendered; `None` where it has none. Parameters that it does not contain follow it, so that
    /// none is lost. The error says that it is too large.
    pub(super) fn prompt(
        &self,
        own: Option<&str>,
        input: &Value,
    ) -> Result<Option<String>, ToolError> {
        let Some(template) = own.or(self.settings.prompt.as_deref()) else {
            return Ok(None);
        };
        let empty = Map::new();
        let given = input.as_object().unwrap_or(&empty);
        let mut renderer = TemplateRenderer::new(given, Missing::Empty).up_to(MAX_PROMPT_BYTES);
        let too_large = || ToolError::permanent(too_large(&self.definition.name));
        let text = renderer.text(template, str::to_owned);
        let text = text.map_err(|_| too_large())?;
        let mut left = renderer.rest().peekable();
        if left.peek().is_none() {
            return Ok(Some(text));
        }
        let mut prompt = BoundedText::new(MAX_PROMPT_BYTES);
        let mut fits = prompt.push(text.trim_end()) && prompt.push("\n\n{");
        for (at, (name, value)) in left.enumerate() {
            fits = fits
                && (at == 0 || prompt.push(","))
                && write!(prompt, "{}:{value}", Value::from(name.as_str())).is_ok();
        }
        if fits && prompt.push("}") {
            Ok(Some(prompt.into_string()))
        } else {
            Err(too_large())
        }
    }

    /// The same for a figure or a record. One that is too large is not sent, and costs nothing.
    pub(super) fn known_prompt(&self, own: Option<&str>, input: &Value) -> Option<String> {
        self.prompt(own, input)
            .unwrap_or_else(|_| Some(String::new()))
    }

    /// The tool's own price, unless a step asks for another model than the tool's.
    pub(super) fn price(&self, model: Option<&str>) -> Option<Price> {
        let is_its_own = model.is_none() || model == self.settings.model.as_deref();
        self.settings.price.filter(|_| is_its_own)
    }

    pub(super) fn task<'a>(&'a self, asked: Asked<'a>) -> Task<'a> {
        Task {
            name: &self.definition.name,
            description: &self.definition.description,
            input_schema: self.definition.input_schema.as_deref(),
            output_schema: self.definition.output_schema.as_deref(),
            examples: &self.definition.examples,
            prompt: asked.prompt,
            model: asked.model.or(self.settings.model.as_deref()),
            options: asked.options.or(self.settings.options),
            price: self.price(asked.model),
            timeout: None,
            stall_timeout: self.settings.stall_timeout,
            known_output: None,
            listener: None,
            key: None,
            raw: None,
        }
    }

    /// The output that the rules give for a call.
    pub(super) async fn by_rules(
        &self,
        rules: &CompiledRules,
        call: &Call,
        services: &Arc<Services>,
    ) -> Result<Value, ToolError> {
        let time = self.definition.timeout;
        let output = match rules {
            CompiledRules::Jq(filter) => filter.run(call.input.clone(), services, call, time).await,
            CompiledRules::Code(code) => {
                code_exec::run(code, &call.input, services, call, time).await
            }
        };
        let checked = cancellable(&call.cancel, self.checked(output)).await;
        checked.unwrap_or_else(Err)
    }

    /// The output of the rules, validated against the schema like a model's.
    pub(super) async fn checked(
        &self,
        output: Result<Value, ToolError>,
    ) -> Result<Value, ToolError> {
        let output = Arc::new(output.map_err(|error| self.failed(error))?);
        let violation = match &self.output {
            None => None,
            Some(schema) => schema
                .violation(&output)
                .await
                .map_err(ToolError::permanent)?,
        };
        self.allowed(Arc::unwrap_or_clone(output), violation)
    }

    /// The same at once; `None` where validation may take long.
    pub(super) fn checked_now(
        &self,
        output: Result<Value, ToolError>,
    ) -> Option<Result<Value, ToolError>> {
        let output = match output {
            Ok(output) => output,
            Err(error) => return Some(Err(self.failed(error))),
        };
        let violation = match &self.output {
            None => None,
            Some(schema) => schema.verdict_now(&output)?.err(),
        };
        Some(self.allowed(output, violation))
    }

    pub(super) fn failed(&self, mut error: ToolError) -> ToolError {
        error.message = format!(
            "the offline rules of \"{}\" failed: {}",
            self.definition.name, error.message
        );
        error
    }

    pub(super) fn allowed(
        &self,
        output: Value,
        violation: Option<String>,
    ) -> Result<Value, ToolError> {
        match violation {
            None => Ok(output),
            Some(violation) => Err(ToolError::permanent(format!(
                "the offline rules of \"{}\" gave what its output_schema does not allow: {violation}",
                self.definition.name
            ))),
        }
    }
}
