//! `jq` tools: a filter over the parameters.

mod bound;
mod dialect;
mod filter;
mod paths;
mod value;

pub(crate) use filter::{Filter, FilterError};

use bound::Place;

use crate::run::NotReused;
use crate::tools::cancel::cancellable;
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolSettings,
};
use crate::tools::fields::Fields;
use crate::tools::sandbox::{Language, Sandbox, Work};
use crate::tools::services::Services;
use crate::tools::{Call, CallLog, CallPolicy, CallReport, Tool, ToolError, ToolKind};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

static KIND: ToolKind = ToolKind {
    reaches_outside: false,
    free: true,
    repeatable: true,
    deterministic: true,
    ..ToolKind::new("jq")
};

pub(super) static ENTRY: KindEntry = KindEntry {
    kind: &KIND,
    fields: &["filter"],
    implied_by: &["filter"],
    rank: 3,
    parse: |fields| {
        Arc::new(JqSettings {
            filter: filter_field(fields, "filter", true).unwrap_or_else(|| ".".into()),
        })
    },
};

/// A jq filter over the parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct JqSettings {
    /// The filter.
    pub filter: Arc<str>,
}

/// Reads a field with a filter. It is a fault where the filter is not valid, or is missing and needed.
pub(super) fn filter_field(
    fields: &mut Fields<'_>,
    field: &'static str,
    needed: bool,
) -> Option<Arc<str>> {
    if needed && !fields.has(field) {
        fields.fault(field, format!("a jq tool needs a `{field}`"));
    }
    let filter = fields.text_or_file(field)?;
    check_filter(fields, field, &filter);
    Some(filter)
}

/// Reports a fault where `filter` is not valid.
pub(in crate::tools) fn check_filter(fields: &mut Fields<'_>, field: &'static str, filter: &str) {
    if let Err(error) = Filter::shared(filter) {
        fields.fault(
            field,
            format!("`{field}` is not a valid jq filter: {error}"),
        );
    }
}

impl ToolSettings for JqSettings {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError> {
        Ok(Arc::new(JqTool {
            rule: Arc::new(JqRule::new(&self.filter)?),
            policy: context.definition.policy(),
            services: context.services.clone(),
        }))
    }

    fn written(&self) -> Option<Value> {
        Some(json!({"filter": self.filter}))
    }

    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused> {
        parts.put("filter", json!(self.filter));
        Some(NotReused::Quick)
    }
}

/// What a filter that somebody types makes of a value: in place where it surely ends at once, else in a sandbox.
pub(crate) async fn filtered_by(
    source: &str,
    input: &Value,
    sandbox: &Sandbox,
    limit: Duration,
) -> Result<Value, String> {
    let filter = Filter::shared(source).map_err(|error| error.to_string())?;
    if filter.place(input) == Place::Inline {
        return filter.run(input);
    }
    let work = Work {
        language: Language::Jq,
        source,
        input,
        memory_mb: None,
        cpu_percent: None,
        time: Some(limit),
        port: None,
        about: None,
        has_called: None,
    };
    let nothing: CallLog = Arc::new(|_, _| {});
    let never = CancellationToken::new();
    let run = sandbox.run(work, &nothing, &never);
    match tokio::time::timeout(limit, run).await {
        Ok(output) => output.map_err(|error| error.message),
        Err(_) => Err(format!("it did not end within {} s", limit.as_secs())),
    }
}

/// A compiled filter with its text.
#[derive(Debug)]
pub(crate) struct JqRule {
    source: Arc<str>,
    filter: Arc<Filter>,
}

impl JqRule {
    /// Compiles `source`; the error says what is wrong with it.
    pub(crate) fn new(source: &Arc<str>) -> Result<Self, FilterError> {
        Ok(Self {
            source: source.clone(),
            filter: Filter::shared(source)?,
        })
    }

    /// The output for `input`, where the filter may run in place.
    pub(crate) fn run_now(&self, input: &Value) -> Option<Result<Value, ToolError>> {
        let is_quick = self.filter.place(input) == Place::Inline;
        is_quick.then(|| self.filter.run(input).map_err(ToolError::permanent))
    }

    /// The output for `input`, in place, on a thread or in a sandbox.
    pub(crate) async fn run(
        &self,
        input: Arc<Value>,
        services: &Services,
        call: &Call,
        time: Option<Duration>,
    ) -> Result<Value, ToolError> {
        match self.filter.place(&input) {
            Place::Inline => self.filter.run(&input).map_err(ToolError::permanent),
            Place::Thread => {
                let filter = self.filter.clone();
                let work = tokio::task::spawn_blocking(move || filter.run(&input));
                let output = cancellable(&call.cancel, work).await?;
                let lost = |_| Err("the interpreter failed".to_owned());
                output.unwrap_or_else(lost).map_err(ToolError::permanent)
            }
            Place::Sandbox => {
                let work = Work {
                    language: Language::Jq,
                    source: &self.source,
                    input: &input,
                    memory_mb: call.max_memory_mb,
                    cpu_percent: call.max_cpu_percent,
                    time,
                    port: None,
                    about: None,
                    has_called: None,
                };
                services.sandbox.run(work, &call.log, &call.cancel).await
            }
        }
    }
}

/// A filter that runs in place where it is certain to end soon, else in a sandbox.
struct JqTool {
    rule: Arc<JqRule>,
    policy: CallPolicy,
    services: Arc<Services>,
}

impl Tool for JqTool {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (rule, services) = (self.rule.clone(), self.services.clone());
        let timeout = self.policy.timeout;
        async move {
            CallReport::free(
                rule.run(call.input.clone(), &services, &call, timeout)
                    .await,
            )
        }
        .boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        self.rule.run_now(input).map(CallReport::free)
    }

    fn policy(&self) -> CallPolicy {
        self.policy
    }
}
