//! `model` tools: the worker's model performs them; offline their own rules do.

mod role;

use super::jq::{self, JqRule};
use crate::models::{MAX_TOKENS, OutputSchema, Price, SchemaSandbox, SmallModelWorker, Task};
use crate::run::NotReused;
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolSettings,
};
use crate::tools::fields::Fields;
use crate::tools::model_price;
use crate::tools::services::Services;
use crate::tools::{
    Call, CallPolicy, CallReport, Estimate, Pricing, Quote, Reservation, Tool, ToolKind, Unseen,
};
use crate::units::{ModelOptions, Temperature};
use futures::FutureExt;
use futures::future::BoxFuture;
use role::{Asked, CompiledRules, Role};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(in crate::tools) static KIND: ToolKind = ToolKind {
    repeatable: true,
    timeout: Some(Duration::from_mins(5)),
    ..ToolKind::new("model")
};

pub(super) static ENTRY: KindEntry = KindEntry {
    kind: &KIND,
    fields: &[
        "prompt",
        "model",
        "temperature",
        "max_tokens",
        "stall_timeout_s",
        "offline",
        model_price::FIELD,
    ],
    implied_by: &[],
    rank: 0,
    parse: |fields| {
        Arc::new(ModelSettings {
            prompt: fields.text_or_file("prompt"),
            model: fields.text("model"),
            options: ModelOptions {
                temperature: fields.temperature("temperature"),
                max_tokens: fields.count("max_tokens"),
            },
            price: model_price::read(fields),
            stall_timeout: fields.seconds("stall_timeout_s"),
            offline: offline(fields),
        })
    },
};

/// A tool that a model performs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelSettings {
    /// The prompt, with `{{name}}` for parameters, instead of one made from the description.
    pub prompt: Option<Arc<str>>,
    /// The model, instead of the worker's own.
    pub model: Option<Arc<str>>,
    /// The temperature and the maximum of tokens in an answer, instead of the worker's own.
    pub options: ModelOptions,
    /// The price of the model, instead of that of the settings or the built-in table.
    pub price: Option<Price>,
    /// The longest time without a byte of an answer, instead of the worker's own.
    pub stall_timeout: Option<Duration>,
    /// The rules that replace the model offline.
    pub offline: Option<Rules>,
}

/// Rules that replace the model offline.
#[derive(Clone, Debug, PartialEq)]
pub enum Rules {
    /// A jq filter over the parameters.
    Jq(Arc<str>),
    /// Python code: the parameters are `input_data`, the output is the variable `output`.
    Code(Arc<str>),
}

pub(super) fn offline(fields: &mut Fields<'_>) -> Option<Rules> {
    let rules = fields.object("offline")?;
    let (jq, code) = (rules.get("jq"), rules.get("code"));
    match (jq, code) {
        (Some(Value::String(filter)), None) => {
            let filter = fields.resolve_file("offline", filter.as_str().into())?;
            jq::check_filter(fields, "offline", &filter);
            Some(Rules::Jq(filter))
        }
        (None, Some(Value::String(code))) => fields
            .resolve_file("offline", code.as_str().into())
            .map(Rules::Code),
        _ => {
            fields.fault("offline", "`offline` must be {jq: \"…\"} or {code: \"…\"}");
            None
        }
    }
}

impl ToolSettings for ModelSettings {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError> {
        self.build_as(&KIND, context)
    }

    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused> {
        let (definition, worker) = (parts.definition, parts.worker);
        parts.put("description", json!(definition.description));
        parts.put("input_schema", json!(definition.input_schema));
        parts.put("output_schema", json!(definition.output_schema));
        parts.put("examples", json!(definition.examples));
        parts.put("prompt", json!(self.prompt));
        let options = parts.options.or(self.options);
        parts.put("max_tokens", json!(options.max_tokens));
        let temperature = options.temperature.unwrap_or_default();
        if !temperature.is_default() {
            parts.put("temperature", json!(temperature));
        }
        parts.put("wanted_model", json!(self.model));
        match &self.offline {
            Some(Rules::Jq(filter)) => parts.put("offline.jq", json!(filter)),
            Some(Rules::Code(code)) => parts.put("offline.code", json!(code)),
            None => {}
        }
        let wanted = parts.model.or(self.model.as_deref());
        parts.by("worker", json!(worker.name()));
        parts.by("address", json!(worker.address(wanted)));
        if let Some((provider, model)) = worker.model_for(wanted) {
            parts.by("model", json!(format!("{provider}/{model}")));
        }
        // Another account may have another model under the same name.
        parts.value("key", worker.key_for(wanted));
        parts.by("seed", json!(worker.seed()));
        if worker.is_simulated() {
            Some(NotReused::Simulated)
        } else if worker.is_offline() {
            // Rules are free and take no longer than a look-up of their output.
            Some(NotReused::Quick)
        } else if temperature.is_default() && worker.takes_temperature(wanted) {
            None
        } else {
            Some(NotReused::Temperature)
        }
    }
}

impl ModelSettings {
    fn build_as(
        &self,
        kind: &'static ToolKind,
        context: &BuildContext<'_>,
    ) -> Result<Arc<dyn Tool>, BuildError> {
        let output = context.definition.output_schema.as_deref();
        let name = &context.definition.name;
        let output = output
            .map(|schema| OutputSchema::new(name, schema))
            .transpose()?;
        let sandbox: Arc<dyn SchemaSandbox> = context.services.clone();
        let rules = match &self.offline {
            Some(Rules::Jq(filter)) => Some(CompiledRules::Jq(JqRule::new(filter)?)),
            Some(Rules::Code(code)) => Some(CompiledRules::Code(code.clone())),
            None => None,
        };
        Ok(Arc::new(ModelTool {
            kind,
            role: Arc::new(Role {
                definition: context.definition.clone(),
                settings: self.clone(),
                output: output.map(|schema| {
                    let secrets = context.services.secrets.clone();
                    schema.sandbox(sandbox).secrets(secrets)
                }),
                rules,
            }),
            prompt: None,
            options: ModelOptions::default(),
            worker: context.worker.clone(),
            services: context.services.clone(),
        }))
    }
}

/// A tool of another kind whose rules do its work while the worker is offline.
pub(super) fn by_rules(
    kind: &'static ToolKind,
    rules: &Rules,
    context: &BuildContext<'_>,
) -> Result<Arc<dyn Tool>, BuildError> {
    let settings = ModelSettings {
        offline: Some(rules.clone()),
        ..ModelSettings::default()
    };
    settings.build_as(kind, context)
}

/// The tool.
#[derive(Clone)]
struct ModelTool {
    kind: &'static ToolKind,
    role: Arc<Role>,
    /// The prompt instead of the definition's.
    prompt: Option<Arc<str>>,
    /// What requests say otherwise than the definition.
    options: ModelOptions,
    worker: SmallModelWorker,
    services: Arc<Services>,
}

impl ModelTool {
    /// The task of a call with this rendered prompt, by the model that its step names.
    fn task<'a>(&'a self, prompt: Option<&'a str>, model: Option<&'a str>) -> Task<'a> {
        self.role.task(Asked {
            prompt,
            model,
            options: self.options,
        })
    }
}

impl Tool for ModelTool {
    fn kind(&self) -> &'static ToolKind {
        self.kind
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (role, worker, services) = (
            self.role.clone(),
            self.worker.clone(),
            self.services.clone(),
        );
        let (own_prompt, options) = (self.prompt.clone(), self.options);
        async move {
            if worker.is_offline()
                && let Some(rules) = &role.rules
            {
                return CallReport::free(role.by_rules(rules, &call, &services).await);
            }
            let prompt = match role.prompt(own_prompt.as_deref(), &call.input) {
                Ok(prompt) => prompt,
                Err(error) => return CallReport::free(Err(error)),
            };
            let known_output = match &role.rules {
                Some(rules) if worker.is_simulated() => {
                    match role.by_rules(rules, &call, &services).await {
                        Ok(output) => Some(output),
                        Err(error) => return CallReport::not_sent(error),
                    }
                }
                _ => None,
            };
            let key = request_key(&call);
            let asked = Asked {
                prompt: prompt.as_deref(),
                model: call.model.as_deref(),
                options,
            };
            let task = Task {
                key: Some(&key),
                timeout: own_timeout(&call, role.definition.timeout),
                listener: call.listener.as_ref(),
                raw: call.raw.as_ref(),
                known_output: known_output.as_ref(),
                ..role.task(asked)
            };
            let output = role.output.as_ref();
            let work = worker.perform(
                &task,
                &call.input,
                output,
                call.attempt,
                &call.spend_authorizer,
                call.cancel.cancelled(),
            );
            CallReport::of_worker(work.await, &call.log)
        }
        .boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        match &self.role.rules {
            Some(CompiledRules::Jq(rule)) if self.worker.is_offline() => {
                let output = rule.run_now(input)?;
                self.role.checked_now(output).map(CallReport::free)
            }
            _ => None,
        }
    }

    fn prompt(&self, input: &Value, model: Option<&str>) -> Option<String> {
        let prompt = self.role.known_prompt(self.prompt.as_deref(), input);
        self.worker
            .prompt(&self.task(prompt.as_deref(), model), input)
    }

    fn with_prompt(&self, prompt: &Arc<str>) -> Option<Arc<dyn Tool>> {
        Some(Arc::new(Self {
            prompt: Some(Arc::clone(prompt)),
            ..self.clone()
        }))
    }

    fn with_options(&self, options: ModelOptions) -> Option<Arc<dyn Tool>> {
        Some(Arc::new(Self {
            options,
            ..self.clone()
        }))
    }

    fn own_options(&self) -> Option<ModelOptions> {
        let of_tool = self.options.or(self.role.settings.options);
        Some(of_tool.or(ModelOptions {
            temperature: Some(Temperature::DEFAULT),
            max_tokens: Some(MAX_TOKENS),
        }))
    }

    fn own_prompt(&self) -> Option<&Arc<str>> {
        self.prompt.as_ref().or(self.role.settings.prompt.as_ref())
    }

    fn model(&self, wanted: Option<&str>) -> Option<String> {
        let named = wanted.or(self.role.settings.model.as_deref());
        Some(named.map_or_else(|| self.worker.name(), str::to_owned))
    }

    fn policy(&self) -> CallPolicy {
        CallPolicy {
            deterministic: self.worker.is_offline() && self.role.rules.is_some(),
            ..self.role.definition.policy()
        }
    }

    fn pricing(&self) -> Option<&dyn Pricing> {
        Some(self)
    }
}

impl Pricing for ModelTool {
    fn quote(&self, input: &Value, model: Option<&str>) -> Quote {
        let prompt = self.role.known_prompt(self.prompt.as_deref(), input);
        self.worker
            .quote(&self.task(prompt.as_deref(), model), input)
            .into()
    }

    fn reservation(&self, input: &Value, model: Option<&str>) -> Reservation {
        let prompt = self.role.known_prompt(self.prompt.as_deref(), input);
        self.worker
            .reservation(&self.task(prompt.as_deref(), model), input)
            .into()
    }

    fn estimate(&self, known: &Value, model: Option<&str>, unseen: Unseen) -> Estimate {
        let prompt = self.role.known_prompt(self.prompt.as_deref(), known);
        let task = self.task(prompt.as_deref(), model);
        self.worker
            .estimate(&task, known, (unseen.expected, unseen.max))
            .into()
    }

    fn max_answer_tokens(&self) -> Option<u64> {
        let options = self.options.or(self.role.settings.options);
        let max = options.max_tokens.unwrap_or(MAX_TOKENS);
        (!self.worker.is_offline()).then_some(max.into())
    }

    fn rate_limit_use(&self, input: &Value, model: Option<&str>) -> Option<(String, u64)> {
        let prompt = self.role.known_prompt(self.prompt.as_deref(), input);
        self.worker
            .rate_limit_use(&self.task(prompt.as_deref(), model), input)
    }
}

/// The name of an attempt for a provider: one with a key of the plan's own is told from other attempts by its number, since
/// a provider answers a known name with what it answered before.
pub(in crate::tools) fn request_key(call: &Call) -> String {
    let name = &call.idempotency_key;
    if name.contains(&format!("/{}/", call.step)) {
        name.to_string()
    } else {
        format!("{name}/{}", call.attempt)
    }
}

/// The time limit that the worker enforces: none where the caller enforces one, since a step's limit may be longer.
pub(in crate::tools) fn own_timeout(call: &Call, timeout: Option<Duration>) -> Option<Duration> {
    call.time_limit.map_or(timeout, |_| Some(Duration::MAX))
}
