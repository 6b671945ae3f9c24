//! The worker: the small model that plays tools, or what stands in for one.

use super::answer::{self, OutputSchema};
use super::chat::{ChatError, ChatRequest, Endpoint, Role, sendable};
use super::http::{HttpClients, RequestError};
use super::prices::{Price, Prices};
use super::prompt::{self, Task};
use super::provider::{Environment, PROVIDERS, Provider, process_environment};
use super::{estimate, simulation};
use crate::run::{Money, Tokens};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The most tokens an answer may have where the tool does not say.
pub const MAX_TOKENS: u32 = 1024;

/// How long `auto` waits for a local Ollama.
const OLLAMA_WAIT: Duration = Duration::from_millis(300);

/// A violation that is quoted back to a model is at most this long, in bytes.
const LONGEST_VIOLATION: usize = 1_500;

/// Who carries out `model` tools.
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
    mode: Mode,
    base_url: Option<Arc<str>>,
    environment: Environment,
    prices: Prices,
    clients: Arc<HttpClients>,
    endpoints: Arc<Mutex<HashMap<&'static str, Arc<Endpoint>>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Mode {
    Model {
        provider: &'static Provider,
        model: Arc<str>,
    },
    Offline,
    Simulated {
        seed: u64,
    },
}

/// What came of one task.
#[derive(Clone, Debug)]
pub struct WorkerReport {
    /// The output, or why there is none.
    pub output: Result<Value, RequestError>,
    /// What was spent, a repair turn and a bad answer included; `None` where the model has no price or the server did not say
    /// what was used.
    pub cost: Option<Money>,
    /// What was used.
    pub tokens: Option<Tokens>,
    /// The model that answered.
    pub model: Option<Arc<str>>,
    /// What it was asked.
    pub prompt: Option<Arc<str>>,
    /// What it answered.
    pub answer: Option<Arc<str>>,
}

impl WorkerReport {
    fn free(output: Result<Value, RequestError>) -> Self {
        Self {
            output,
            cost: Some(Money::ZERO),
            tokens: None,
            model: None,
            prompt: None,
            answer: None,
        }
    }
}

impl SmallModelWorker {
    /// A worker that asks `model`: `PROVIDER/MODEL`, or a model of OpenAI or of the server that
    /// [`base_url`](Self::base_url) names. The key is read from the environment when it is needed.
    pub fn new(model: &str) -> Self {
        let (provider, model) = split(model).unwrap_or((&PROVIDERS[0], model));
        Self::with_mode(Mode::Model {
            provider,
            model: model.into(),
        })
    }

    /// A worker without a model: tools do their work by their `offline` rules.
    pub fn offline() -> Self {
        Self::with_mode(Mode::Offline)
    }

    /// A worker that invents outputs. The same seed invents the same.
    pub fn simulated(seed: u64) -> Self {
        Self::with_mode(Mode::Simulated { seed })
    }

    fn with_mode(mode: Mode) -> Self {
        Self {
            mode,
            base_url: None,
            environment: process_environment(),
            prices: Prices::default(),
            clients: Arc::default(),
            endpoints: Arc::default(),
        }
    }

    /// Asks this server whatever the provider: the part of its address before `/chat/completions`.
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

    /// Reckons with these prices.
    #[must_use]
    pub fn prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// The worker that `--worker` names: `auto`, `offline`, `simulated` (or `simulated:SEED`), `PROVIDER/MODEL`, `PROVIDER/` for its
    /// default model, or `MODEL`. `auto` takes `base_url` or the first provider that the
    /// environment has a key for, else a local Ollama that answers within 0.3 s, else none.
    ///
    /// # Errors
    /// Where the choice cannot be understood or its key is missing, with the remedy.
    pub async fn choose(
        choice: &str,
        base_url: Option<&str>,
        environment: Environment,
    ) -> Result<Self, String> {
        let choice = choice.trim();
        let worker = match choice {
            "offline" => return Ok(Self::offline()),
            "simulated" => return Ok(Self::simulated(0)),
            "" | "auto" => Self::automatic(base_url, &environment).await,
            _ => match choice.strip_prefix("simulated:") {
                Some(seed) => {
                    let seed = seed
                        .parse()
                        .map_err(|_| format!("\"{seed}\" is no seed; it must be a whole number"))?;
                    return Ok(Self::simulated(seed));
                }
                None => Self::named(choice)?,
            },
        };
        let worker = worker.environment(environment);
        let worker = match base_url {
            Some(url) => worker.base_url(url),
            None => worker,
        };
        if let Mode::Model { provider, .. } = &worker.mode {
            worker.endpoint(provider)?;
        }
        Ok(worker)
    }

    fn named(choice: &str) -> Result<Self, String> {
        let Some((provider, model)) = split(choice) else {
            return Ok(Self::new(choice));
        };
        if !model.is_empty() {
            return Ok(Self::new(choice));
        }
        if provider.default_model.is_empty() {
            return Err(format!(
                "which model of {}? Name it: {}/MODEL",
                provider.name, provider.name
            ));
        }
        Ok(Self::new(&format!(
            "{}/{}",
            provider.name, provider.default_model
        )))
    }

    async fn automatic(base_url: Option<&str>, environment: &Environment) -> Self {
        let open_ai = &PROVIDERS[0];
        if base_url.is_some() || environment("OPENAI_BASE_URL").is_some() {
            return Self::new(open_ai.default_model);
        }
        let configured = PROVIDERS
            .iter()
            .find(|provider| provider.key(environment).is_some());
        if let Some(provider) = configured {
            return Self::new(&format!("{}/{}", provider.name, provider.default_model));
        }
        match ollama_model(environment).await {
            Some(model) => Self::new(&format!("ollama/{model}")),
            None => Self::offline(),
        }
    }

    /// `openai/gpt-4o-mini`, `offline`, `simulated`.
    pub fn name(&self) -> String {
        match &self.mode {
            Mode::Model { provider, model } => format!("{}/{model}", provider.name),
            Mode::Offline => "offline".to_owned(),
            Mode::Simulated { .. } => "simulated".to_owned(),
        }
    }

    /// Whether it invents outputs.
    pub fn is_simulated(&self) -> bool {
        matches!(self.mode, Mode::Simulated { .. })
    }

    /// Whether it has no model, so that tools work by rules.
    pub fn is_offline(&self) -> bool {
        self.mode == Mode::Offline
    }

    /// The seed of a worker that invents outputs.
    pub fn seed(&self) -> Option<u64> {
        match self.mode {
            Mode::Simulated { seed } => Some(seed),
            _ => None,
        }
    }

    /// The model that a task is given to, as `(provider, model)`; `None` without a model.
    pub fn model_for<'a>(&'a self, wanted: Option<&'a str>) -> Option<(&'static str, &'a str)> {
        self.route(wanted)
            .map(|(provider, model)| (provider.name, model))
    }

    /// The price of what [`model_for`](Self::model_for) names; `None` where it is not known.
    pub fn price_for(&self, wanted: Option<&str>) -> Option<Price> {
        let (provider, model) = self.route(wanted)?;
        self.prices
            .get(&format!("{}/{model}", provider.name))
            .or_else(|| (provider.name == "ollama").then_some(Price::FREE))
    }

    fn route<'a>(&'a self, wanted: Option<&'a str>) -> Option<(&'static Provider, &'a str)> {
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

    fn endpoint(&self, provider: &'static Provider) -> Result<Arc<Endpoint>, String> {
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
        let elsewhere = base != provider.base;
        if key.is_none() && !provider.keys.is_empty() && !elsewhere {
            return Err(format!(
                "{} needs a key: set {}, or choose another worker (--worker offline, --worker ollama/MODEL, --base-url URL)",
                provider.name,
                provider.keys.join(" or ")
            ));
        }
        let endpoint = Arc::new(Endpoint::new(base, key));
        endpoints.insert(provider.name, endpoint.clone());
        Ok(endpoint)
    }

    /// The most and the least that a task can cost: input tokens by [`estimate`], the most output tokens, and with an
    /// output schema a second turn. `None` for the most where the model has no price. A simulated worker's invented
    /// costs are bounded as well.
    pub fn quote(&self, task: &Task, input: &Value) -> (Option<Money>, Money) {
        match &self.mode {
            Mode::Offline => (Some(Money::ZERO), Money::ZERO),
            Mode::Simulated { .. } => (Some(simulation::most()), Money::ZERO),
            Mode::Model { .. } => {
                let most = self.price_for(task.model).map(|price| {
                    let messages = prompt::messages(task, input);
                    let mut first = estimate::chat(messages.iter().map(|(_, text)| text.as_str()));
                    if let Some(schema) = task.output_schema {
                        // The schema goes along a second time, as the answer's format.
                        first += estimate::tokens(&sendable(schema).to_string());
                    }
                    let output = u64::from(task.max_tokens.unwrap_or(MAX_TOKENS));
                    let again = if task.output_schema.is_some() {
                        let violation = LONGEST_VIOLATION as u64 + 100;
                        Tokens {
                            input: first + output + violation,
                            cached_input: 0,
                            output,
                        }
                    } else {
                        Tokens::default()
                    };
                    let once = Tokens {
                        input: first,
                        cached_input: 0,
                        output,
                    };
                    price.cost(once) + price.cost(again)
                });
                (most, Money::ZERO)
            }
        }
    }

    /// Carries out a task. Dropping the future drops the request.
    pub async fn perform(
        &self,
        task: &Task<'_>,
        input: &Value,
        schema: Option<&OutputSchema>,
        attempt: u32,
    ) -> WorkerReport {
        match &self.mode {
            Mode::Offline => WorkerReport::free(Err(permanent(format!(
                "the tool \"{}\" needs a model, and the worker is offline: give the tool `offline` rules, \
                 or choose a worker (--worker PROVIDER/MODEL with its key in the environment, or --base-url URL)",
                task.name
            )))),
            Mode::Simulated { seed } => self.invent(*seed, task, input, attempt).await,
            Mode::Model { .. } => self.ask(task, input, schema).await,
        }
    }

    async fn invent(
        &self,
        seed: u64,
        task: &Task<'_>,
        input: &Value,
        attempt: u32,
    ) -> WorkerReport {
        let invented = simulation::simulate(seed, task.name, input, attempt, task.output_schema);
        tokio::time::sleep(invented.latency).await;
        let answer = invented
            .output
            .as_ref()
            .ok()
            .map(|output| output.to_string().into());
        WorkerReport {
            cost: Some(invented.cost),
            tokens: Some(invented.tokens),
            model: Some("simulated".into()),
            prompt: Some(prompt::transcript(&prompt::messages(task, input)).into()),
            answer,
            output: invented.output,
        }
    }

    async fn ask(
        &self,
        task: &Task<'_>,
        input: &Value,
        schema: Option<&OutputSchema>,
    ) -> WorkerReport {
        let Some((provider, model)) = self.route(task.model) else {
            return WorkerReport::free(Err(permanent("there is no model".to_owned())));
        };
        let endpoint = match self.endpoint(provider) {
            Ok(endpoint) => endpoint,
            Err(error) => return WorkerReport::free(Err(permanent(error))),
        };
        let mut conversation = Conversation {
            worker: self,
            endpoint: &endpoint,
            model,
            price: self.price_for(task.model),
            max_tokens: task.max_tokens.unwrap_or(MAX_TOKENS),
            format: task.output_schema.map(sendable),
            messages: prompt::messages(task, input),
            answers: Vec::new(),
            cost: Some(Money::ZERO),
            tokens: None,
        };
        let output = conversation.output(schema).await;
        WorkerReport {
            output,
            cost: conversation.cost,
            tokens: conversation.tokens,
            model: Some(model.into()),
            prompt: Some(prompt::transcript(&conversation.messages).into()),
            answer: (!conversation.answers.is_empty())
                .then(|| conversation.answers.join("\n\n").into()),
        }
    }
}

/// One task's turns with a model.
struct Conversation<'a> {
    worker: &'a SmallModelWorker,
    endpoint: &'a Endpoint,
    model: &'a str,
    price: Option<Price>,
    max_tokens: u32,
    format: Option<Value>,
    messages: Vec<(Role, String)>,
    answers: Vec<String>,
    cost: Option<Money>,
    tokens: Option<Tokens>,
}

impl Conversation<'_> {
    async fn output(&mut self, schema: Option<&OutputSchema>) -> Result<Value, RequestError> {
        let violation = match self.turn(schema).await? {
            Ok(output) => return Ok(output),
            Err(violation) => violation,
        };
        let said = self.answers.last().cloned().unwrap_or_default();
        self.messages.push((Role::Assistant, said));
        self.messages.push((Role::User, prompt::repair(&violation)));
        match self.turn(schema).await? {
            Ok(output) => Ok(output),
            Err(violation) => Err(permanent(format!("bad output after repair: {violation}"))),
        }
    }

    /// One question and its answer; the inner error says what is wrong with the answer.
    async fn turn(
        &mut self,
        schema: Option<&OutputSchema>,
    ) -> Result<Result<Value, String>, RequestError> {
        let request = ChatRequest {
            model: self.model,
            messages: &self.messages,
            schema: self.format.as_ref(),
            max_tokens: self.max_tokens,
        };
        let reply = match self.endpoint.chat(&self.worker.clients, &request).await {
            Ok(reply) => reply,
            Err(ChatError { error, tokens }) => {
                if tokens.is_some() {
                    self.charge(tokens);
                }
                return Err(error);
            }
        };
        self.charge(reply.tokens);
        let read = answer::read(&reply.text, schema);
        self.answers.push(reply.text);
        if reply.cut_off && schema.is_some() {
            return Err(permanent(format!(
                "the answer was cut off at {} tokens; give the tool more `max_tokens`",
                self.max_tokens
            )));
        }
        Ok(read.map_err(|violation| super::text_of(violation.as_bytes(), LONGEST_VIOLATION)))
    }

    /// Adds what a turn used. What nobody counted cannot be priced, unless it costs nothing anyway.
    fn charge(&mut self, tokens: Option<Tokens>) {
        let cost = match (self.price, tokens) {
            (Some(price), Some(tokens)) => Some(price.cost(tokens)),
            (Some(Price::FREE), None) => Some(Money::ZERO),
            _ => None,
        };
        self.cost = self.cost.zip(cost).map(|(sum, cost)| sum + cost);
        if let Some(tokens) = tokens {
            *self.tokens.get_or_insert_default() += tokens;
        }
    }
}

fn permanent(message: String) -> RequestError {
    RequestError {
        message,
        retryable: false,
        retry_after: None,
    }
}

/// `PROVIDER/MODEL` with a known provider.
fn split(model: &str) -> Option<(&'static Provider, &str)> {
    let (provider, model) = model.split_once('/')?;
    Some((Provider::named(provider)?, model))
}

/// The first model of a local Ollama, where one answers soon.
async fn ollama_model(environment: &Environment) -> Option<String> {
    let base = Provider::named("ollama")?.base(environment);
    let url: reqwest::Url = format!("{}/api/tags", base.strip_suffix("/v1")?)
        .parse()
        .ok()?;
    let clients = HttpClients::default();
    let ask = async {
        let response = clients
            .client(&url, false)
            .ok()?
            .get(url.clone())
            .send()
            .await
            .ok()?;
        let bytes = super::http::body(response, 4 << 20).await.ok()?;
        let answer: Value = serde_json::from_slice(&bytes).ok()?;
        let name = answer.pointer("/models/0/name")?.as_str()?;
        Some(name.to_owned())
    };
    tokio::time::timeout(OLLAMA_WAIT, ask).await.ok().flatten()
}
