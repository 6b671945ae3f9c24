//! What a tool is to the engine.

use super::call::{Call, CallReport};
use super::pricing::{Estimate, Pricing, Quote, Reservation, Unseen};
use super::warm_jail::WarmJail;
use super::{CallPolicy, Standing, ToolKind};
use crate::units::ModelOptions;
use futures::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;

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

    /// What a call with this input asks a model, by `model` where that is given; `None` for tools that ask none.
    fn prompt(&self, _input: &Value, _model: Option<&str>) -> Option<String> {
        None
    }

    /// Asks the server what became of the call with the handle that `call` knows, which an earlier process made; `None` for
    /// a tool whose calls have no handles.
    fn look_up(&self, _call: Call) -> Option<BoxFuture<'static, Standing>> {
        None
    }

    /// The same tool with another prompt, `{{name}}` for parameters; `None` for tools that have none.
    fn with_prompt(&self, _prompt: &Arc<str>) -> Option<Arc<dyn Tool>> {
        None
    }

    /// The same tool, whose requests to a model say this; `None` for tools that ask none so.
    fn with_options(&self, _options: ModelOptions) -> Option<Arc<dyn Tool>> {
        None
    }

    /// What its requests to a model say where no step says otherwise; `None` for tools that ask none so.
    fn own_options(&self) -> Option<ModelOptions> {
        None
    }

    /// The prompt that calls are made from, with `{{name}}` for parameters; `None` for tools that have none of their own.
    fn own_prompt(&self) -> Option<&Arc<str>> {
        None
    }

    /// The model that answers where a step names `wanted`, by the name that it is chosen by; `None` for tools that ask none.
    fn model(&self, _wanted: Option<&str>) -> Option<String> {
        None
    }

    /// What calls cost; `None` where they cost nothing.
    fn pricing(&self) -> Option<&dyn Pricing> {
        None
    }

    /// Has what carries out calls ready before it is needed, until the guard is dropped: for a step with these parameters,
    /// as the plan has them, and these limits. `None` where nothing has to be started.
    fn warm(
        &self,
        _parameters: &Value,
        _memory_mb: Option<u64>,
        _cpu_percent: Option<u32>,
    ) -> Option<WarmJail> {
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
    pub(crate) fn max_answer_tokens(&self) -> Option<u64> {
        self.pricing()?.max_answer_tokens()
    }

    /// See [`Pricing::rate_limit_use`].
    pub(crate) fn rate_limit_use(
        &self,
        input: &Value,
        model: Option<&str>,
    ) -> Option<(String, u64)> {
        self.pricing()?.rate_limit_use(input, model)
    }
}
