//! The worker: the small model that performs tools, or its replacement without a model.

use super::arrival::Arrival;
use super::conversation::{Conversation, MAX_FORMS, Spent};
use super::endpoint::Endpoint;
use super::http::{HttpClients, RequestError};
use super::output_schema::OutputSchema;
use super::prices::{Price, Prices};
use super::prompt::{self, Task};
use super::provider::{Environment, PROVIDERS, Provider, process_environment};
use super::simulation;
use super::spend_authorizer::SpendAuthorizer;
use super::structured_output::SentSchema;
use super::time_limits::TimeLimits;
use super::worker_error::WorkerError;
use super::worker_report::WorkerReport;
use crate::text::secrets::SharedSecrets;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The default maximum of tokens in an answer.
pub const MAX_TOKENS: u32 = 1000;

/// Performs `model` tools.
///
/// ```
/// use plandeck::models::SmallModelWorker;
///
/// assert_eq!(SmallModelWorker::new("gpt-4o-mini").name(), "openai/gpt-4o-mini");
/// assert_eq!(SmallModelWorker::new("ollama/llama3.2").name(), "ollama/llama3.2");
/// assert_eq!(SmallModelWorker::offline().name(), "offline");
/// ```
#[derive(Clone)]
pub struct SmallModelWorker {
    pub(super) mode: Mode,
    reason: Option<Arc<str>>,
    base_url: Option<Arc<str>>,
    environment: Environment,
    prices: Prices,
    /// The longest time without a byte of an answer; `None` for the default.
    pub(super) stall_timeout: Option<Duration>,
    /// Whether answers are requested as streams.
    streaming: bool,
    pub(super) clients: Arc<HttpClients>,
    endpoints: Arc<Mutex<HashMap<&'static str, Arc<Endpoint>>>>,
}

#[derive(Clone)]
pub(super) enum Mode {
    Model {
        provider: &'static Provider,
        model: Arc<str>,
    },
    Offline,
    Simulated {
        seed: u64,
        /// How many times as long its calls take.
        slowness: u32,
    },
}

impl SmallModelWorker {
    /// A worker that asks `model`: `PROVIDER/MODEL`, or a model of OpenAI or of the server that
    /// [`base_url`](Self::base_url) names. The key is read from the environment when it is needed.
    pub fn new(model: &str) -> Self {
        let (provider, model) = split(model).unwrap_or((&PROVIDERS[0], model));
        Self::of_provider(provider, model)
    }

    pub(super) fn of_provider(provider: &'static Provider, model: &str) -> Self {
        Self::with_mode(Mode::Model {
            provider,
            model: model.into(),
        })
    }

    /// A worker without a model: tools run their `offline` rules.
    pub fn offline() -> Self {
        Self::with_mode(Mode::Offline)
    }

    /// A worker that simulates calls with fake outputs. The same seed gives the same outputs.
    pub fn simulated(seed: u64) -> Self {
        Self::simulated_slowly(seed, 1)
    }

    /// The same worker, but its calls take `slowness` times as long.
    pub(super) fn simulated_slowly(seed: u64, slowness: u32) -> Self {
        Self::with_mode(Mode::Simulated { seed, slowness })
    }

    fn with_mode(mode: Mode) -> Self {
        Self {
            mode,
            reason: None,
            base_url: None,
            environment: process_environment(),
            prices: Prices::default(),
            stall_timeout: None,
            streaming: true,
            clients: Arc::default(),
            endpoints: Arc::default(),
        }
    }

    /// Uses this server for every provider. `url` is what precedes `/chat/completions`, and the bare root for `anthropic/`,
    /// `gemini/` and `azure/`.
    #[must_use]
    pub fn base_url(mut self, url: &str) -> Self {
        self.base_url = Some(url.trim().trim_end_matches('/').into());
        self.endpoints = Arc::default();
        self
    }

    /// Reads keys and addresses from here instead of the process's environment.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self.endpoints = Arc::default();
        self
    }

    /// Uses these prices.
    #[must_use]
    pub fn prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// Ends a request after this time without a byte of its answer, where a tool has no `stall_timeout_s` of its own. By
    /// default 120 s, counted from the first byte.
    #[must_use]
    pub fn stall_timeout(mut self, stall_timeout: Option<Duration>) -> Self {
        self.stall_timeout = stall_timeout;
        self
    }

    /// Whether answers are requested as streams, so that they can be followed while they arrive. They are by default.
    #[must_use]
    pub fn streaming(mut self, streaming: bool) -> Self {
        self.streaming = streaming;
        self.endpoints = Arc::default();
        self
    }

    /// `openai/gpt-4o-mini`, `offline`, `simulated`.
    pub fn name(&self) -> String {
        match &self.mode {
            Mode::Model { provider, model } => format!("{}/{model}", provider.name),
            Mode::Offline => "offline".to_owned(),
            Mode::Simulated { .. } => "simulated".to_owned(),
        }
    }

    /// Says why it was chosen.
    pub(super) fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Why `auto` chose it; `None` where the user named it.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Whether its outputs are simulated.
    pub(crate) fn is_simulated(&self) -> bool {
        matches!(self.mode, Mode::Simulated { .. })
    }

    /// Whether it has no model, so that tools run their rules.
    pub(crate) fn is_offline(&self) -> bool {
        matches!(self.mode, Mode::Offline)
    }

    /// The seed of a simulated worker.
    pub fn seed(&self) -> Option<u64> {
        match self.mode {
            Mode::Simulated { seed, .. } => Some(seed),
            _ => None,
        }
    }

    /// The model that performs a task, as `(provider, model)`; `wanted` replaces the worker's own. `None` without a
    /// model.
    pub(crate) fn model_for<'a>(
        &'a self,
        wanted: Option<&'a str>,
    ) -> Option<(&'static str, &'a str)> {
        self.route(wanted)
            .map(|(provider, model)| (provider.name, model))
    }

    /// Whether the model that performs a task runs at temperature 0, so that its answers can be reused; some models
    /// accept no temperature.
    pub(crate) fn takes_temperature(&self, wanted: Option<&str>) -> bool {
        self.route(wanted)
            .is_some_and(|(provider, model)| provider.protocol.quirks(model).temperature)
    }

    /// The address of the server that performs a task; `None` without a model.
    pub fn address(&self, wanted: Option<&str>) -> Option<String> {
        let (provider, _) = self.route(wanted)?;
        Some(match &self.base_url {
            Some(base) => base.to_string(),
            None => provider.base(&self.environment),
        })
    }

    /// The key that is sent to the server that performs a task; `None` where there is none.
    pub(crate) fn key_for(&self, wanted: Option<&str>) -> Option<String> {
        self.route(wanted)?.0.key(&self.environment)
    }

    /// The variable that holds the key that [`key_for`](Self::key_for) gives.
    pub(crate) fn key_variable(&self, wanted: Option<&str>) -> Option<&'static str> {
        let names = self.route(wanted)?.0.keys.iter();
        names
            .copied()
            .find(|name| (self.environment)(name).is_some())
    }

    /// The variables that hold a key of a provider, where a model runs tools: a step may ask for a model of any of them.
    pub(crate) fn keys_at_hand(&self) -> Vec<&'static str> {
        if !matches!(self.mode, Mode::Model { .. }) {
            return Vec::new();
        }
        let names = PROVIDERS.iter().flat_map(|provider| provider.keys);
        let names = names.filter(|name| (self.environment)(name).is_some());
        names.copied().collect()
    }

    /// Adds what must not be shown: the keys of all providers that the environment has, and passwords in addresses.
    pub(crate) fn add_secrets_to(&self, secrets: &SharedSecrets) {
        for provider in &PROVIDERS {
            let keys = provider.keys.iter();
            for key in keys.filter_map(|name| (self.environment)(name)) {
                secrets.add(&key);
            }
            secrets.add_credentials_of(&provider.base(&self.environment));
        }
        if let Some(base) = &self.base_url {
            secrets.add_credentials_of(base);
        }
    }

    /// The price of what [`model_for`](Self::model_for) names; `None` where it is not known.
    pub(crate) fn price_for(&self, wanted: Option<&str>) -> Option<Price> {
        let (provider, model) = self.route(wanted)?;
        let name = format!("{}/{model}", provider.name);
        if provider.is_local() {
            return Some(self.prices.own_price(&name).unwrap_or(Price::FREE));
        }
        self.prices.get(&name)
    }

    /// The price of the model that performs a task; `None` where it is not known.
    pub(super) fn price_of(&self, task: &Task) -> Option<Price> {
        task.price.or_else(|| self.price_for(task.model))
    }

    /// The price by which a simulated call is billed: that of the model it names, or else a small model's.
    pub(super) fn simulated_price(&self, task: &Task) -> Price {
        let named = || self.prices.get(task.model?);
        task.price
            .or_else(named)
            .unwrap_or_else(simulation::default_price)
    }

    pub(super) fn route<'a>(
        &'a self,
        wanted: Option<&'a str>,
    ) -> Option<(&'static Provider, &'a str)> {
        let Mode::Model { provider, model } = &self.mode else {
            return None;
        };
        Some(match wanted {
            None => (*provider, &**model),
            Some(wanted) => split(wanted)
                .filter(|(_, model)| !model.is_empty())
                .unwrap_or((*provider, wanted)),
        })
    }

    pub(super) fn endpoint(
        &self,
        provider: &'static Provider,
    ) -> Result<Arc<Endpoint>, WorkerError> {
        let mut endpoints = self
            .endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = endpoints.get(provider.name) {
            return Ok(endpoint.clone());
        }
        let key = provider.key(&self.environment);
        let base = match &self.base_url {
            Some(base) => base.to_string(),
            None => provider.base(&self.environment),
        };
        if base.is_empty() {
            return Err(WorkerError::NoAddress {
                provider: provider.name,
                variable: provider.base_variable.unwrap_or_default(),
            });
        }
        let elsewhere = base != provider.base;
        if key.is_none() && !provider.keys.is_empty() && !elsewhere {
            return Err(WorkerError::NoKey {
                provider: provider.name,
                variables: provider.keys.join(" or "),
            });
        }
        let endpoint = Arc::new(Endpoint::new(
            provider,
            &base,
            key,
            provider.version(&self.environment),
            self.streaming,
        ));
        endpoints.insert(provider.name, endpoint.clone());
        Ok(endpoint)
    }

    /// What a task asks a model, for the record; `None` without a model.
    pub fn prompt(&self, task: &Task<'_>, input: &Value) -> Option<String> {
        (!self.is_offline()).then(|| prompt::transcript(&prompt::messages(task, input)))
    }

    /// Performs a task, or stops once `cancelled` is ready. Dropping the future drops the request, and with it what is
    /// known of its cost.
    pub async fn perform(
        &self,
        task: &Task<'_>,
        input: &Value,
        schema: Option<&OutputSchema>,
        attempt: u32,
        spend_authorizer: &SpendAuthorizer,
        cancelled: impl Future<Output = ()>,
    ) -> WorkerReport {
        if !self.is_offline()
            && let Some(fault) = prompt::fault(task, input)
        {
            return WorkerReport::not_sent(RequestError::permanent(fault));
        }
        match &self.mode {
            Mode::Offline => WorkerReport::not_sent(RequestError::permanent(format!(
                "the tool \"{}\" needs a model, and the worker is offline: give the tool `offline` rules, \
                 or choose a worker (--worker PROVIDER/MODEL with its key in the environment, or --base-url URL)",
                task.name
            ))),
            Mode::Simulated { seed, slowness } => {
                let call = simulation::SimulatedCall {
                    seed: *seed,
                    task,
                    input,
                    attempt,
                    price: self.simulated_price(task),
                };
                let work = simulation::perform(call, *slowness);
                tokio::select! {
                    biased;
                    () = cancelled => {
                        WorkerReport::not_sent(RequestError::permanent("cancelled"))
                    }
                    report = work => report,
                }
            }
            Mode::Model { .. } => {
                self.ask(task, input, schema, attempt, spend_authorizer, cancelled)
                    .await
            }
        }
    }

    async fn ask(
        &self,
        task: &Task<'_>,
        input: &Value,
        schema: Option<&OutputSchema>,
        attempt: u32,
        spend_authorizer: &SpendAuthorizer,
        cancelled: impl Future<Output = ()>,
    ) -> WorkerReport {
        let Some((provider, model)) = self.route(task.model) else {
            return WorkerReport::not_sent(RequestError::permanent("there is no model"));
        };
        let endpoint = match self.endpoint(provider) {
            Ok(endpoint) => endpoint,
            Err(error) => {
                return WorkerReport::not_sent(RequestError::permanent(error.to_string()));
            }
        };
        let mut conversation = Conversation {
            clients: &self.clients,
            endpoint: &endpoint,
            spend_authorizer,
            model,
            price: self.price_of(task),
            temperature: task.options.temperature.unwrap_or_default(),
            max_tokens: task.options.max_tokens.unwrap_or(MAX_TOKENS),
            limits: TimeLimits::begin(task.timeout, task.stall_timeout.or(self.stall_timeout)),
            arrival: Arrival::new(task.listener, task.raw),
            schema: task
                .output_schema
                .map(|schema| SentSchema::new(schema, provider.protocol.subset())),
            messages: prompt::messages(task, input),
            attempt,
            key: task.key,
            answers: Vec::new(),
            reasoning: Vec::new(),
            spent: Spent::NOTHING,
            max_requests: MAX_FORMS,
            requests: 0,
        };
        let output = conversation.output_unless(cancelled, schema).await;
        let times = conversation.arrival.times();
        WorkerReport {
            exchanges: conversation.arrival.take_exchanges(),
            first_token: times.map(|times| times.first),
            tokens_per_second: conversation.tokens_per_second(),
            output,
            cost: conversation.spent.cost,
            charges: conversation.spent.charges,
            basis: conversation.spent.basis,
            tokens: conversation.spent.tokens,
            model: Some(model.into()),
            prompt: Some(prompt::transcript(&conversation.messages).into()),
            answer: (!conversation.answers.is_empty())
                .then(|| conversation.answers.join("\n\n").into()),
            reasoning: (!conversation.reasoning.is_empty())
                .then(|| conversation.reasoning.join("\n\n").into()),
        }
    }
}

/// `PROVIDER/MODEL` with a known provider.
pub(super) fn split(model: &str) -> Option<(&'static Provider, &str)> {
    let (provider, model) = model.split_once('/')?;
    Some((Provider::named(provider)?, model))
}
