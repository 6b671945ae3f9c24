//! `code_exec` tools: Python in a sandbox, `input_data` in, the variable `output` out.

use crate::run::NotReused;
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolDefinition, ToolSettings,
};
use crate::tools::sandbox::{Language, Work};
use crate::tools::services::Services;
use crate::tools::{Call, CallPolicy, CallReport, Reaches, Tool, ToolError, ToolKind};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

static KIND: ToolKind = ToolKind {
    reaches_outside: false,
    free: true,
    repeatable: true,
    deterministic: true,
    ..ToolKind::new("code_exec")
};

pub(super) static ENTRY: KindEntry = KindEntry {
    kind: &KIND,
    fields: &["code", "python"],
    implied_by: &["code"],
    rank: 4,
    parse: |fields| {
        Arc::new(CodeSettings {
            code: fields.text_or_file("code"),
            language: match fields.text("python").as_deref().map(interpreter) {
                None => Language::Python,
                Some(Some(language)) => language,
                Some(None) => {
                    fields.fault("python", FORMS);
                    Language::Python
                }
            },
        })
    },
};

/// The values of `python`.
const FORMS: &str = "`python` must be embedded, the default, or cpython";

/// The interpreter that the word names.
fn interpreter(word: &str) -> Option<Language> {
    match word {
        "embedded" => Some(Language::Python),
        "cpython" => Some(Language::Cpython),
        _ => None,
    }
}

/// Python.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CodeSettings {
    /// The code; `None` where each call has its own.
    pub code: Option<Arc<str>>,
    /// Which interpreter runs it.
    pub language: Language,
}

impl ToolSettings for CodeSettings {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError> {
        Ok(Arc::new(CodeExecTool {
            code: self.code.clone(),
            language: self.language,
            policy: context.definition.policy(),
            services: context.services.clone(),
        }))
    }

    fn reaches(&self, definition: &ToolDefinition, reaches: &mut Reaches) {
        reaches.code.insert(definition.name.to_string());
    }

    fn written(&self) -> Option<Value> {
        let python = match self.language {
            Language::Cpython => "cpython",
            _ => "embedded",
        };
        Some(json!({"code": self.code, "python": python}))
    }

    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused> {
        parts.put("code", json!(self.code));
        if self.language == Language::Cpython {
            parts.put("python", json!("cpython"));
        }
        None
    }
}

/// Runs the catalog's code over the parameters. Without code in the catalog it runs the code of each call:
/// `{"code", "input_data"}`.
pub(in crate::tools) struct CodeExecTool {
    code: Option<Arc<str>>,
    language: Language,
    policy: CallPolicy,
    services: Arc<Services>,
}

impl CodeExecTool {
    /// The built-in tool, which runs the code of each call.
    pub(crate) fn builtin(services: Arc<Services>) -> Self {
        Self {
            code: None,
            language: Language::Python,
            policy: CallPolicy::from(&KIND),
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
    run_by(Language::Python, code, input, services, call, time, None).await
}

/// The same by another interpreter. `about` gets what it was and what confined it.
async fn run_by(
    language: Language,
    code: &str,
    input: &Value,
    services: &Services,
    call: &Call,
    time: Option<Duration>,
    about: Option<&OnceLock<String>>,
) -> Result<Value, ToolError> {
    let work = Work {
        language,
        source: code,
        input,
        memory_mb: call.max_memory_mb,
        cpu_percent: call.max_cpu_percent,
        time,
        about,
    };
    services.sandbox.run(work, &call.log, &call.cancel).await
}

impl Tool for CodeExecTool {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (code, services) = (self.code.clone(), self.services.clone());
        let (time, language) = (self.policy.timeout, self.language);
        async move {
            let about = OnceLock::new();
            let output = match &code {
                Some(code) => {
                    let about = Some(&about);
                    run_by(language, code, &call.input, &services, &call, time, about).await
                }
                None => match call.input.get("code").and_then(Value::as_str) {
                    Some(code) => {
                        let empty = Value::Object(Map::new());
                        let input = call.input.get("input_data").unwrap_or(&empty);
                        let named = call.input.get("python").and_then(Value::as_str);
                        match named.map_or(Some(language), interpreter) {
                            Some(language) => {
                                let about = Some(&about);
                                run_by(language, code, input, &services, &call, time, about).await
                            }
                            None => Err(ToolError::permanent(FORMS)),
                        }
                    }
                    None => Err(ToolError::permanent(
                        "there is no code to run: give the step a parameter `code` with Python that sets `output`",
                    )),
                },
            };
            let mut report = CallReport::free(output);
            // What ran the code, for the record.
            report.prompt = about.into_inner().map(|about| format!("# {about}").into());
            report
        }
        .boxed()
    }

    fn policy(&self) -> CallPolicy {
        self.policy
    }
}
