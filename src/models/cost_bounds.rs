//! What a task can cost, before it is asked: for previews, reservations and rates.

use super::context_window::context_window;
use super::conversation::{MAX_VIOLATION_BYTES, max_turn_tokens};
use super::prices::Price;
use super::prompt::{self, Task};
use super::provider::PROVIDERS;
use super::structured_output::SentSchema;
use super::worker::{MAX_TOKENS, Mode, SmallModelWorker};
use super::{estimate, simulation};
use crate::units::{Money, Tokens};
use serde_json::Value;

impl SmallModelWorker {
    /// The upper and the lower bound of a task's cost: input tokens by an estimate that stays above what tokenizers
    /// count, the maximum of output tokens, and with an output schema a second turn. The upper bound is `None` where
    /// the model has no price. The costs of a simulated worker are bounded too.
    pub fn quote(&self, task: &Task, input: &Value) -> (Option<Money>, Money) {
        match &self.mode {
            Mode::Offline => (Some(Money::ZERO), Money::ZERO),
            Mode::Simulated { .. } => {
                let price = self.simulated_price(task);
                (Some(simulation::max_cost(price)), Money::ZERO)
            }
            Mode::Model { .. } => {
                let [first, repair] = turns(self, task, input);
                let price = self.price_of(task);
                let max = price.map(|price| max_cost(price, first) + max_cost(price, repair));
                (max, Money::ZERO)
            }
        }
    }

    /// What is reserved for a task before it begins (its first turn), and whether that is an estimate. The repair of a
    /// bad answer asks the task's [`SpendAuthorizer`](super::SpendAuthorizer) once its length is known.
    pub fn reservation(&self, task: &Task, input: &Value) -> (Option<Money>, bool) {
        let Mode::Model { .. } = &self.mode else {
            return (self.quote(task, input).0, false);
        };
        let [first, _] = turns(self, task, input);
        let price = self.price_of(task);
        let max = price.map(|price| max_cost(price, first));
        (max, price != Some(Price::FREE))
    }

    /// The minimum, the expected and the maximum cost of a task of which only a part of the input is known. The pair
    /// is the expected number and the upper bound of the tokens that are still to come.
    ///
    /// The minimum counts a token for each word, at the price of cached tokens, and one token of answer. The expected
    /// cost counts a token for every four bytes and half of the longest answer. The maximum is that of
    /// [`quote`](Self::quote); an input without a bound counts with the model's context window.
    pub fn estimate(
        &self,
        task: &Task,
        input: &Value,
        (expected, max): (u64, Option<u64>),
    ) -> (Money, Option<Money>, Option<Money>) {
        let Mode::Model { .. } = &self.mode else {
            let (max, min) = self.quote(task, input);
            let mean = |max: Money| Money::from_pico(min.pico().midpoint(max.pico()));
            return (min, max.map(mean), max);
        };
        let Some(price) = self.price_of(task) else {
            return (Money::ZERO, None, None);
        };
        let window = self
            .route(task.model)
            .map_or(u64::MAX, |(_, model)| context_window(model));
        let messages = prompt::messages(task, input);
        let schema = task.output_schema.map(Value::to_string);
        let texts = || messages.iter().map(|(_, text)| text).chain(&schema);
        let sum = |count: fn(&str) -> u64| texts().map(|text| count(text)).sum::<u64>();
        let [first, repair] = turns(self, task, input);
        let longest = |turn: Tokens| Tokens {
            input: max.map_or(window, |max| turn.input.saturating_add(max).min(window)),
            ..turn
        };
        let words: u64 = messages
            .iter()
            .map(|(_, text)| estimate::min_tokens(text))
            .sum();
        let min = price.input.min(price.cached_input).times(words) + price.output;
        let likely = Tokens::plain(
            (sum(estimate::likely_tokens) + expected).min(window),
            first.output / 2,
        );
        let mut max = max_cost(price, longest(first));
        if repair != Tokens::default() {
            max += max_cost(price, longest(repair));
        }
        // A prompt of short words may have more words than a token for every four bytes.
        let likely = price.cost(likely).max(min);
        (min, Some(likely.min(max)), Some(max))
    }

    /// What a task counts against rate limits: the model that performs it, as `PROVIDER/MODEL`, and the maximum of
    /// tokens that it uses; `None` without a model. Simulated calls count as the model that they name, or `simulated`.
    pub(crate) fn rate_limit_use(&self, task: &Task, input: &Value) -> Option<(String, u64)> {
        if let Mode::Simulated { .. } = self.mode {
            let model = task.model.unwrap_or(simulation::NAME);
            return Some((
                model.to_owned(),
                simulation::MAX_TOKENS.input + simulation::MAX_TOKENS.output,
            ));
        }
        let (provider, model) = self.route(task.model)?;
        let turns = turns(self, task, input);
        let tokens = turns.iter().map(|turn| turn.input + turn.output).sum();
        Some((format!("{}/{model}", provider.name), tokens))
    }
}

/// The maximum cost of a turn of so many tokens.
fn max_cost(price: Price, tokens: Tokens) -> Money {
    price.cost(price.most_expensive(tokens))
}

/// The maximum of tokens of a task's turns: the question, and with an output schema the repair of a bad answer.
fn turns(worker: &SmallModelWorker, task: &Task, input: &Value) -> [Tokens; 2] {
    let protocol = worker
        .route(task.model)
        .map_or(PROVIDERS[0].protocol, |(provider, _)| provider.protocol);
    let messages = prompt::messages(task, input);
    let schema = task
        .output_schema
        .map(|schema| SentSchema::new(schema, protocol.subset()));
    let max_tokens = task.options.max_tokens.unwrap_or(MAX_TOKENS);
    let first = max_turn_tokens(protocol, &messages, schema.as_ref(), max_tokens);
    let repair = match schema {
        Some(_) => Tokens {
            input: first.input + first.output + MAX_VIOLATION_BYTES as u64 + 100,
            ..first
        },
        None => Tokens::default(),
    };
    [first, repair]
}
