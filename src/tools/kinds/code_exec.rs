//! `code_exec` tools: Python in a sandbox, `input_data` in, the variable `output` out.

use crate::run::{LogStream, NotReused};
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolDefinition, ToolSettings,
};
use crate::tools::sandbox::{Language, Work};
use crate::tools::services::Services;
use crate::tools::{
    Call, CallPolicy, CallReport, Reaches, Tool, ToolError, ToolKind, WarmJail, quote,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

static KIND: ToolKind = ToolKind {
    reaches_outside: false,
    free: true,
    repeatable: true,
    deterministic: true,
    calls_tools: true,
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
                None => None,
                Some(Some(language)) => Some(language),
                Some(None) => {
                    fields.fault("python", FORMS);
                    None
                }
            },
        })
    },
};

/// Characters that are shown of why an interpreter could not run the code.
const MAX_REASON: usize = 200;

/// The values of `python`.
const FORMS: &str = "`python` must be embedded or cpython; without it the embedded interpreter runs the code, and CPython where \
     that lacks something";

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
    /// Which interpreter runs it; `None` for the embedded one, and CPython where that lacks something.
    pub language: Option<Language>,
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
        let mut written = json!({"code": self.code});
        // Without a word either of them may run it.
        if let Some(language) = self.language {
            let python = match language {
                Language::Cpython => "cpython",
                _ => "embedded",
            };
            written["python"] = json!(python);
        }
        Some(written)
    }

    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused> {
        parts.put("code", json!(self.code));
        if self.language == Some(Language::Cpython) {
            parts.put("python", json!("cpython"));
        }
        None
    }
}

/// Runs the catalog's code over the parameters. Without code in the catalog it runs the code of each call:
/// `{"code", "input_data"}`.
#[derive(Clone)]
pub(in crate::tools) struct CodeExecTool {
    code: Option<Arc<str>>,
    language: Option<Language>,
    policy: CallPolicy,
    services: Arc<Services>,
}

impl CodeExecTool {
    /// The interpreter that the parameters of a call ask for, or the tool's own; the error is that they name none that there
    /// is.
    fn wanted(&self, parameters: &Value) -> Result<Option<Language>, ToolError> {
        match parameters.get("python").and_then(Value::as_str) {
            Some(word) => match interpreter(word) {
                Some(language) => Ok(Some(language)),
                None => Err(ToolError::permanent(FORMS)),
            },
            None => Ok(self.language),
        }
    }

    /// The built-in tool, which runs the code of each call.
    pub(crate) fn builtin(services: Arc<Services>) -> Self {
        Self {
            code: None,
            language: None,
            policy: CallPolicy::from(&KIND),
            services,
        }
    }
}

/// Runs Python over `input` in the embedded interpreter.
pub(super) async fn run(
    code: &str,
    input: &Value,
    services: &Services,
    call: &Call,
    time: Option<Duration>,
) -> Result<Value, ToolError> {
    let work = Work {
        port: None,
        ..work(Language::Python, code, input, call, time)
    };
    services.sandbox.run(work, &call.log, &call.cancel).await
}

fn work<'a>(
    language: Language,
    source: &'a str,
    input: &'a Value,
    call: &'a Call,
    time: Option<Duration>,
) -> Work<'a> {
    Work {
        language,
        source,
        input,
        memory_mb: call.max_memory_mb,
        cpu_percent: call.max_cpu_percent,
        time,
        port: Some(&call.code),
        about: None,
        has_called: None,
    }
}

impl CodeExecTool {
    /// Runs code by an interpreter. `about` gets which it was, what confined it, and why it was that one.
    async fn run(
        &self,
        language: Option<Language>,
        code: &str,
        input: &Value,
        call: &Call,
        about: &OnceLock<String>,
    ) -> Result<Value, ToolError> {
        let (sandbox, time) = (&self.services.sandbox, self.policy.timeout);
        let first = language.unwrap_or(Language::Python);
        let (ran_by, has_called) = (OnceLock::new(), AtomicBool::new(false));
        let attempt = Work {
            about: Some(&ran_by),
            has_called: Some(&has_called),
            ..work(first, code, input, call, time)
        };
        let output = sandbox.run(attempt, &call.log, &call.cancel).await;
        let error = output.as_ref().err().filter(|_| language.is_none());
        let lacking = error.and_then(|error| Language::lacking(&error.message));
        // What the code had others do is not done twice.
        let may_run_again = !has_called.load(Ordering::Relaxed);
        let Some(why) = lacking.filter(|_| may_run_again) else {
            about.get_or_init(|| ran_by.into_inner().unwrap_or_default());
            return output;
        };
        if !sandbox.has_cpython().await {
            about.get_or_init(|| ran_by.into_inner().unwrap_or_default());
            return output;
        }
        let why = quote(why, MAX_REASON);
        (call.log)(
            LogStream::Note,
            &format!("the embedded interpreter cannot run the code ({why}): CPython runs it"),
        );
        let ran_by = OnceLock::new();
        let again = Work {
            about: Some(&ran_by),
            ..work(Language::Cpython, code, input, call, time)
        };
        let output = sandbox.run(again, &call.log, &call.cancel).await;
        about.get_or_init(|| {
            let by = ran_by.into_inner().unwrap_or_default();
            format!("{by}; the embedded interpreter could not: {why}")
        });
        output
    }
}

impl Tool for CodeExecTool {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let tool = self.clone();
        async move {
            let about = OnceLock::new();
            let output = match &tool.code {
                Some(code) => {
                    let input = &call.input;
                    tool.run(tool.language, code, input, &call, &about).await
                }
                None => match call.input.get("code").and_then(Value::as_str) {
                    Some(code) => {
                        let empty = Value::Object(Map::new());
                        let input = call.input.get("input_data").unwrap_or(&empty);
                        match tool.wanted(&call.input) {
                            Ok(language) => tool.run(language, code, input, &call, &about).await,
                            Err(error) => Err(error),
                        }
                    }
                    None => Err(ToolError::permanent(
                        "there is no code to run: give the step a parameter `code` with Python that sets `output`",
                    )),
                },
            };
            let mut report = CallReport::free(output);
            // What ran the code, for the record.
            let about = about.into_inner().filter(|about| !about.is_empty());
            report.prompt = about.map(|about| format!("# {about}").into());
            report
        }
        .boxed()
    }

    fn policy(&self) -> CallPolicy {
        self.policy
    }

    fn warm(
        &self,
        parameters: &Value,
        memory_mb: Option<u64>,
        cpu_percent: Option<u32>,
    ) -> Option<WarmJail> {
        let language = match self.code {
            Some(_) => self.language,
            None => self.wanted(parameters).ok()?,
        };
        let language = language.unwrap_or(Language::Python);
        let nothing = Value::Null;
        let work = Work {
            language,
            source: "",
            input: &nothing,
            memory_mb,
            cpu_percent,
            time: self.policy.timeout,
            port: None,
            about: None,
            has_called: None,
        };
        Some(self.services.sandbox.keep_ready(work))
    }
}
