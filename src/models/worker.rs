//! The worker: the small model that plays tools, or what stands in for one.

use super::answer::OutputSchema;
use super::chat::Endpoint;
use super::conversation::{Conversation, LONGEST_VIOLATION, turn};
use super::funds::Funds;
use super::http::{HttpClients, RequestError};
use super::manners::{Manners, sendable};
use super::prices::{Price, Prices};
use super::prompt::{self, Task};
use super::provider::{Environment, PROVIDERS, Provider, process_environment};
use super::window::window;
use super::{estimate, simulation};
use crate::units::{Money, Tokens};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The most tokens an answer may have where the tool does not say.
pub const MAX_TOKENS: u32 = 1024;

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
    pub(super) mode: Mode,
    base_url: Option<Arc<str>>,
    environment: Environment,
    prices: Prices,
    pub(super) clients: Arc<HttpClients>,
    endpoints: Arc<Mutex<HashMap<&'static str, Arc<Endpoint>>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
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

    /// Whether the model that a task is given to is asked at temperature 0, so that it answers the same again;
    /// some models take no temperature.
    pub fn takes_temperature(&self, wanted: Option<&str>) -> bool {
        self.route(wanted)
            .is_some_and(|(_, model)| Manners::of(model).temperature)
    }

    /// The address of the server that a task is given to; `None` without a model.
    pub fn address(&self, wanted: Option<&str>) -> Option<String> {
        let (provider, _) = self.route(wanted)?;
        Some(match &self.base_url {
            Some(base) => base.to_string(),
            None => provider.base(&self.environment),
        })
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

    pub(super) fn endpoint(&self, provider: &'static Provider) -> Result<Arc<Endpoint>, String> {
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
                let [first, repair] = turns(task, input);
                let price = self.price_for(task.model);
                let most = price.map(|price| price.cost(first) + price.cost(repair));
                (most, Money::ZERO)
            }
        }
    }

    /// What is reserved for a task before it begins, and whether that rests on an estimate: the first turn. The
    /// repair of a bad answer asks the task's [`Funds`], when it is known how long it is.
    pub fn reservation(&self, task: &Task, input: &Value) -> (Option<Money>, bool) {
        let Mode::Model { .. } = &self.mode else {
            return (self.quote(task, input).0, false);
        };
        let [first, _] = turns(task, input);
        let price = self.price_for(task.model);
        let most = price.map(|price| price.cost(first));
        (most, price != Some(Price::FREE))
    }

    /// The least, the expected and the most that a task can cost of which only this much of the input is known, and
    /// into which so many tokens more are expected to come, and may come at the most.
    ///
    /// The least counts a token for each word, as if they all came from the provider's cache, and one token of an
    /// answer. Expected are a token for every four bytes and half of the longest answer. The most is what
    /// [`quote`](Self::quote) says, with inputs that nothing else bounds as long as the model takes them.
    pub fn estimate(
        &self,
        task: &Task,
        input: &Value,
        (expected, most): (u64, Option<u64>),
    ) -> (Money, Option<Money>, Option<Money>) {
        let Mode::Model { .. } = &self.mode else {
            let (most, least) = self.quote(task, input);
            let mean = |most: Money| Money::from_pico(least.pico().midpoint(most.pico()));
            return (least, most.map(mean), most);
        };
        let Some(price) = self.price_for(task.model) else {
            return (Money::ZERO, None, None);
        };
        let window = self
            .route(task.model)
            .map_or(u64::MAX, |(_, model)| window(model));
        let messages = prompt::messages(task, input);
        let format = task
            .output_schema
            .map(|schema| sendable(schema).to_string());
        let texts = || messages.iter().map(|(_, text)| text).chain(&format);
        let sum = |count: fn(&str) -> u64| texts().map(|text| count(text)).sum::<u64>();
        let [first, repair] = turns(task, input);
        let longest = |turn: Tokens| Tokens {
            input: most.map_or(window, |most| turn.input.saturating_add(most).min(window)),
            ..turn
        };
        let words: u64 = messages
            .iter()
            .map(|(_, text)| estimate::least_tokens(text))
            .sum();
        let least = price.input.min(price.cached_input).times(words) + price.output;
        let likely = Tokens {
            input: (sum(estimate::likely_tokens) + expected).min(window),
            cached_input: 0,
            output: first.output / 2,
        };
        let mut most = price.cost(longest(first));
        if repair != Tokens::default() {
            most += price.cost(longest(repair));
        }
        // A prompt of many short words may have more of them than a token for every four bytes.
        let likely = price.cost(likely).max(least);
        (least, Some(likely.min(most)), Some(most))
    }

    /// The model that a task is given to, as `PROVIDER/MODEL`, and the most tokens that it can take; `None`
    /// without a model.
    pub fn draws_on(&self, task: &Task, input: &Value) -> Option<(String, u64)> {
        let (provider, model) = self.route(task.model)?;
        let turns = turns(task, input);
        let tokens = turns.iter().map(|turn| turn.input + turn.output).sum();
        Some((format!("{}/{model}", provider.name), tokens))
    }

    /// Carries out a task. Dropping the future drops the request.
    pub async fn perform(
        &self,
        task: &Task<'_>,
        input: &Value,
        schema: Option<&OutputSchema>,
        attempt: u32,
        funds: &Funds,
    ) -> WorkerReport {
        match &self.mode {
            Mode::Offline => WorkerReport::free(Err(permanent(format!(
                "the tool \"{}\" needs a model, and the worker is offline: give the tool `offline` rules, \
                 or choose a worker (--worker PROVIDER/MODEL with its key in the environment, or --base-url URL)",
                task.name
            )))),
            Mode::Simulated { seed } => self.invent(*seed, task, input, attempt).await,
            Mode::Model { .. } => self.ask(task, input, schema, funds).await,
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
        funds: &Funds,
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
            funds,
            model,
            price: self.price_for(task.model),
            max_tokens: task.max_tokens.unwrap_or(MAX_TOKENS),
            format: task.output_schema.map(sendable),
            messages: prompt::messages(task, input),
            answers: Vec::new(),
            cost: Some(Money::ZERO),
            tokens: None,
            at_most: Money::ZERO,
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

pub(super) fn permanent(message: String) -> RequestError {
    RequestError {
        message,
        retryable: false,
        retry_after: None,
    }
}

/// `PROVIDER/MODEL` with a known provider.
pub(super) fn split(model: &str) -> Option<(&'static Provider, &str)> {
    let (provider, model) = model.split_once('/')?;
    Some((Provider::named(provider)?, model))
}

/// The most tokens of a task's turns: the question, and with an output schema the repair of a bad answer.
fn turns(task: &Task, input: &Value) -> [Tokens; 2] {
    let messages = prompt::messages(task, input);
    let format = task.output_schema.map(sendable);
    let most = task.max_tokens.unwrap_or(MAX_TOKENS);
    let first = turn(&messages, format.as_ref(), most);
    let repair = match format {
        Some(_) => Tokens {
            input: first.input + first.output + LONGEST_VIOLATION as u64 + 100,
            ..first
        },
        None => Tokens::default(),
    };
    [first, repair]
}
