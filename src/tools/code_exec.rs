//! `code_exec` tools: Python in a sandbox, `input_data` in, the variable `output` out.

use super::sandbox::{Language, Work};
use super::services::Services;
use super::{Call, CallReport, Tool, ToolError};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// Runs code that the catalog has, over the parameters; without code of its own it runs what a call brings as
/// `{"code", "input_data"}`.
pub struct CodeExecTool {
    code: Option<Arc<str>>,
    timeout: Option<Duration>,
    services: Arc<Services>,
}

impl CodeExecTool {
    /// A tool with the catalog's code, or one that runs what it is given.
    pub fn new(code: Option<Arc<str>>, timeout: Option<Duration>, services: Arc<Services>) -> Self {
        Self {
            code,
            timeout,
            services,
        }
    }
}

/// Runs Python over `input`.
pub(super) async fn run(
    code: &str,
    input: &Value,
    services: &Services,
    call: &Call,
    time: Option<Duration>,
) -> Result<Value, ToolError> {
    let work = Work {
        language: Language::Python,
        source: code,
        input,
        memory_mb: call.max_memory_mb,
        cpu_percent: call.max_cpu_percent,
        time,
    };
    services.sandbox.run(work, &call.log, &call.cancel).await
}

impl Tool for CodeExecTool {
    fn kind(&self) -> &'static str {
        "code_exec"
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (code, services, timeout) = (self.code.clone(), self.services.clone(), self.timeout);
        async move {
            let output = match &code {
                Some(code) => run(code, &call.input, &services, &call, timeout).await,
                None => match call.input.get("code").and_then(Value::as_str) {
                    Some(code) => {
                        let empty = Value::Object(Map::new());
                        let input = call.input.get("input_data").unwrap_or(&empty);
                        run(code, input, &services, &call, timeout).await
                    }
                    None => Err(ToolError::permanent(
                        "there is no code to run: give the step a parameter `code` with Python that sets `output`",
                    )),
                },
            };
            CallReport::free(output)
        }
        .boxed()
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}
