//! One task's turns with a model: the question, the answer, and one repair.

use super::answer::{self, OutputSchema};
use super::chat::{ChatError, ChatRequest, Endpoint, Role};
use super::estimate;
use super::funds::Funds;
use super::http::RequestError;
use super::prices::Price;
use super::prompt;
use super::worker::{SmallModelWorker, permanent};
use crate::text::message::quote;
use crate::units::{Money, Tokens};
use serde_json::Value;

/// A violation that is quoted back to a model is at most this long, in bytes.
pub(super) const LONGEST_VIOLATION: usize = 1_500;

/// One task's turns with a model.
pub(super) struct Conversation<'a> {
    pub(super) worker: &'a SmallModelWorker,
    pub(super) endpoint: &'a Endpoint,
    pub(super) funds: &'a Funds,
    pub(super) model: &'a str,
    pub(super) price: Option<Price>,
    pub(super) max_tokens: u32,
    pub(super) format: Option<Value>,
    pub(super) messages: Vec<(Role, String)>,
    pub(super) answers: Vec<String>,
    pub(super) cost: Option<Money>,
    pub(super) tokens: Option<Tokens>,
    /// The most it can have cost so far, where nobody said what it did.
    pub(super) at_most: Money,
}

impl Conversation<'_> {
    /// The output, after one repair where the first answer does not do.
    pub(super) async fn output(
        &mut self,
        schema: Option<&OutputSchema>,
    ) -> Result<Value, RequestError> {
        let violation = match self.turn(schema).await? {
            Ok(output) => return Ok(output),
            Err(violation) => violation,
        };
        let said = self.answers.last().cloned().unwrap_or_default();
        self.messages.push((Role::Assistant, said));
        self.messages.push((Role::User, prompt::repair(&violation)));
        if !self.can_pay_another().await {
            return Err(permanent(format!(
                "bad output, and asking again could cost more than is left: {violation}"
            )));
        }
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
            Err(ChatError {
                error,
                tokens,
                lost,
            }) => {
                if tokens.is_some() {
                    self.charge(tokens);
                } else if lost {
                    // It may have been billed: it counts with its upper bound, and no token is claimed.
                    let most = self.next_turn();
                    self.cost = self.cost.zip(most).map(|(sum, most)| sum + most);
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
        Ok(read.map_err(|violation| quote(&violation, LONGEST_VIOLATION)))
    }

    /// The most that a turn with the messages so far can cost; `None` without a price.
    fn next_turn(&self) -> Option<Money> {
        let tokens = turn(&self.messages, self.format.as_ref(), self.max_tokens);
        Some(self.price?.cost(tokens))
    }

    /// Asks for what another turn can cost. What cannot be priced has no limit to keep.
    async fn can_pay_another(&self) -> bool {
        match self.next_turn() {
            Some(next) => self.funds.cover(self.at_most + next).await,
            None => true,
        }
    }

    /// Adds what a turn used. What nobody counted cannot be priced, unless it costs nothing anyway.
    fn charge(&mut self, tokens: Option<Tokens>) {
        let cost = match (self.price, tokens) {
            (Some(price), Some(tokens)) => Some(price.cost(tokens)),
            (Some(Price::FREE), None) => Some(Money::ZERO),
            _ => None,
        };
        self.cost = self.cost.zip(cost).map(|(sum, cost)| sum + cost);
        self.at_most += cost.or_else(|| self.next_turn()).unwrap_or_default();
        if let Some(tokens) = tokens {
            *self.tokens.get_or_insert_default() += tokens;
        }
    }
}

/// The most tokens of one turn: the messages, the answer's format (which goes along a second time), the answer.
pub(super) fn turn(messages: &[(Role, String)], format: Option<&Value>, most: u32) -> Tokens {
    let texts = messages.iter().map(|(_, text)| text.as_str());
    let format = format.map_or(0, |format| estimate::tokens(&format.to_string()));
    Tokens {
        input: estimate::chat(texts) + format,
        cached_input: 0,
        output: most.into(),
    }
}
