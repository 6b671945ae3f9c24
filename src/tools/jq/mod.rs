//! `jq` tools: a filter over the parameters.

mod bound;
mod filter;
mod value;

pub use filter::Filter;

use super::sandbox::{Language, Work};
use super::services::Services;
use super::{Call, CallReport, Tool, ToolError};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A compiled filter with its text.
#[derive(Debug)]
pub struct JqRule {
    source: Arc<str>,
    filter: Arc<Filter>,
}

impl JqRule {
    /// Compiles `source`; the error says what is wrong with it.
    pub fn new(source: &Arc<str>) -> Result<Self, String> {
        Ok(Self {
            source: source.clone(),
            filter: Filter::shared(source)?,
        })
    }

    /// The output for `input`, where it can be worked out in place.
    pub fn run_now(&self, input: &Value) -> Option<Result<Value, ToolError>> {
        self.filter
            .is_bounded_on(input)
            .then(|| self.filter.run(input).map_err(ToolError::permanent))
    }

    /// The output for `input`, in place or in a sandbox.
    pub async fn run(
        &self,
        input: &Value,
        services: &Services,
        call: &Call,
        time: Option<Duration>,
    ) -> Result<Value, ToolError> {
        if let Some(output) = self.run_now(input) {
            return output;
        }
        let work = Work {
            language: Language::Jq,
            source: &self.source,
            input,
            memory_mb: call.max_memory_mb,
            cpu_percent: call.max_cpu_percent,
            time,
        };
        services.sandbox.run(work, &call.log, &call.cancel).await
    }
}

/// A filter that is run in place where it surely ends soon, and in a sandbox where it might not.
pub struct JqTool {
    rule: Arc<JqRule>,
    timeout: Option<Duration>,
    services: Arc<Services>,
}

impl JqTool {
    /// Compiles the filter.
    pub fn new(
        source: &Arc<str>,
        timeout: Option<Duration>,
        services: Arc<Services>,
    ) -> Result<Self, String> {
        Ok(Self {
            rule: Arc::new(JqRule::new(source)?),
            timeout,
            services,
        })
    }
}

impl Tool for JqTool {
    fn kind(&self) -> &'static str {
        "jq"
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (rule, services, timeout) = (self.rule.clone(), self.services.clone(), self.timeout);
        async move { CallReport::free(rule.run(&call.input, &services, &call, timeout).await) }
            .boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        self.rule.run_now(input).map(CallReport::free)
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}
