//! One task's turns with a model: the question, the answer, and one repair.

use super::answer::{self, OutputSchema};
use super::endpoint::Endpoint;
use super::estimate;
use super::http::{HttpClients, RequestError};
use super::prices::Price;
use super::prompt;
use super::request::{ChatError, ChatRequest, Role};
use super::spend_authorizer::SpendAuthorizer;
use super::time_limits::TimeLimits;
use crate::text::message::quote;
use crate::units::{Money, Tokens};
use serde_json::Value;

/// The maximum length of a violation that is quoted back to a model, in bytes.
pub(super) const MAX_VIOLATION_BYTES: usize = 1_500;

/// One task's turns with a model.
pub(super) struct Conversation<'a> {
    pub(super) clients: &'a HttpClients,
    pub(super) endpoint: &'a Endpoint,
    pub(super) spend_authorizer: &'a SpendAuthorizer,
    pub(super) model: &'a str,
    pub(super) price: Option<Price>,
    pub(super) max_tokens: u32,
    pub(super) limits: TimeLimits,
    /// The schema as it is sent.
    pub(super) schema: Option<Value>,
    pub(super) messages: Vec<(Role, String)>,
    pub(super) answers: Vec<String>,
    pub(super) cost: Option<Money>,
    pub(super) tokens: Option<Tokens>,
    /// An upper bound of the cost so far, also where no usage was reported.
    pub(super) max_cost: Money,
}

impl Conversation<'_> {
    /// The output, after one repair where the first answer is not valid.
    pub(super) async fn output(
        &mut self,
        schema: Option<&OutputSchema>,
    ) -> Result<Value, RequestError> {
        let violation = match self.turn(schema).await? {
            Ok(output) => return Ok(output),
            Err(violation) => violation,
        };
        let bad_answer = self.answers.last().cloned().unwrap_or_default();
        self.messages.push((Role::Assistant, bad_answer));
        self.messages.push((Role::User, prompt::repair(&violation)));
        if !self.can_afford_another_turn().await {
            return Err(RequestError::permanent(format!(
                "bad output, and asking again could cost more than is left: {violation}"
            )));
        }
        match self.turn(schema).await? {
            Ok(output) => Ok(output),
            Err(violation) => Err(RequestError::permanent(format!(
                "bad output after repair: {violation}"
            ))),
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
            schema: self.schema.as_ref(),
            max_tokens: self.max_tokens,
        };
        let asked = self.endpoint.ask(self.clients, &request, self.limits);
        let answer = match asked.await {
            Ok(answer) => answer,
            Err(ChatError {
                error,
                tokens,
                lost,
            }) => {
                if tokens.is_some() {
                    self.charge(tokens);
                } else if lost {
                    // It may have been billed: the cost counts with its upper bound, and no tokens are reported.
                    let max = self.max_turn_cost();
                    self.cost = self.cost.zip(max).map(|(sum, max)| sum + max);
                }
                return Err(error);
            }
        };
        self.charge(answer.tokens);
        let read = answer::read(&answer.text, schema);
        self.answers.push(answer.text);
        if answer.cut_off && schema.is_some() {
            return Err(RequestError::permanent(format!(
                "the answer was cut off at {} tokens; give the tool more `max_tokens`",
                self.max_tokens
            )));
        }
        Ok(read.map_err(|violation| quote(&violation, MAX_VIOLATION_BYTES)))
    }

    /// The maximum cost of a turn with the messages so far; `None` without a price.
    fn max_turn_cost(&self) -> Option<Money> {
        let tokens = max_turn_tokens(&self.messages, self.schema.as_ref(), self.max_tokens);
        Some(self.price?.cost(tokens))
    }

    /// Whether the budget permits another turn. Without a price there is no limit to enforce.
    async fn can_afford_another_turn(&self) -> bool {
        match self.max_turn_cost() {
            Some(cost) => self.spend_authorizer.authorize(self.max_cost + cost).await,
            None => true,
        }
    }

    /// Adds the cost of a turn. Without usage the cost is not known, unless the model is free.
    fn charge(&mut self, tokens: Option<Tokens>) {
        let cost = match (self.price, tokens) {
            (Some(price), Some(tokens)) => Some(price.cost(tokens)),
            (Some(Price::FREE), None) => Some(Money::ZERO),
            _ => None,
        };
        self.cost = self.cost.zip(cost).map(|(sum, cost)| sum + cost);
        self.max_cost += cost.or_else(|| self.max_turn_cost()).unwrap_or_default();
        if let Some(tokens) = tokens {
            *self.tokens.get_or_insert_default() += tokens;
        }
    }
}

/// The maximum of tokens in one turn: the messages, the schema (which is sent a second time besides them), the answer.
pub(super) fn max_turn_tokens(
    messages: &[(Role, String)],
    schema: Option<&Value>,
    max_tokens: u32,
) -> Tokens {
    let texts = messages.iter().map(|(_, text)| text.as_str());
    let schema = schema.map_or(0, |schema| estimate::tokens(&schema.to_string()));
    Tokens {
        input: estimate::chat(texts) + schema,
        cached_input: 0,
        output: max_tokens.into(),
    }
}
