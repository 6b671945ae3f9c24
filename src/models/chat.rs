//! A request with messages of the caller's own, for those who ask a model for more than the output of a tool.

use super::answer_listener::AnswerListener;
use super::arrival::Arrival;
use super::conversation::{Conversation, Spent, max_turn_tokens};
use super::cost_basis::CostBasis;
use super::http::RequestError;
use super::request::Role;
use super::spend_authorizer::SpendAuthorizer;
use super::structured_output::SentSchema;
use super::time_limits::TimeLimits;
use super::worker::SmallModelWorker;
use crate::units::{Money, Temperature, Tokens};
use serde_json::Value;
use std::time::Duration;

/// Messages to a model, which answers once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chat<'a> {
    /// The messages so far.
    pub(crate) messages: &'a [(Role, String)],
    /// The JSON Schema of the answer.
    pub(crate) schema: &'a Value,
    /// The maximum of tokens in the answer.
    pub(crate) max_tokens: u32,
    /// The maximum of requests: a server that refuses a parameter is asked again without it.
    pub(crate) max_requests: usize,
    /// The time limit.
    pub(crate) timeout: Duration,
    /// Follows the answer while it arrives.
    pub(crate) listener: Option<&'a AnswerListener>,
}

/// What became of a [`Chat`].
#[derive(Clone, Debug)]
pub(crate) struct ChatReport {
    /// The answer as it came, or why there is none.
    pub(crate) answer: Result<String, RequestError>,
    /// Whether the answer ends because it reached the maximum of tokens.
    pub(crate) cut_off: bool,
    /// How many requests were sent.
    pub(crate) requests: u32,
    /// What was spent; `None` where the model has no price.
    pub(crate) cost: Option<Money>,
    /// The tokens used, where the server reports them.
    pub(crate) tokens: Option<Tokens>,
}

impl SmallModelWorker {
    /// Asks the worker's own model. `None` where the worker has no model.
    pub(crate) async fn chat(
        &self,
        chat: Chat<'_>,
        spend_authorizer: &SpendAuthorizer,
    ) -> Option<ChatReport> {
        let (provider, model) = self.route(None)?;
        let endpoint = match self.endpoint(provider) {
            Ok(endpoint) => endpoint,
            Err(error) => {
                return Some(ChatReport {
                    answer: Err(RequestError::permanent(error.to_string())),
                    cut_off: false,
                    requests: 0,
                    cost: Some(Money::ZERO),
                    tokens: None,
                });
            }
        };
        let mut conversation = Conversation {
            clients: &self.clients,
            endpoint: &endpoint,
            spend_authorizer,
            model,
            price: self.price_for(None),
            temperature: Temperature::DEFAULT,
            max_tokens: chat.max_tokens,
            limits: TimeLimits::begin(Some(chat.timeout), self.stall_timeout),
            arrival: Arrival::new(chat.listener, None),
            schema: Some(SentSchema::new(chat.schema, provider.protocol.subset())),
            messages: chat.messages.to_vec(),
            attempt: 1,
            key: None,
            answers: Vec::new(),
            reasoning: Vec::new(),
            spent: Spent::NOTHING,
            max_requests: chat.max_requests,
            requests: 0,
        };
        let answer = conversation.answer().await;
        let never_sent = conversation.spent.basis == CostBasis::NotSent;
        Some(ChatReport {
            cut_off: answer.as_ref().is_ok_and(|answer| answer.cut_off),
            answer: answer.map(|answer| answer.text),
            requests: if never_sent { 0 } else { conversation.requests },
            cost: conversation.spent.cost,
            tokens: conversation.spent.tokens,
        })
    }

    /// The maximum cost of one request; `None` where the model has no price.
    pub(crate) fn max_chat_cost(&self, chat: &Chat<'_>) -> Option<Money> {
        let protocol = self.route(None)?.0.protocol;
        let schema = SentSchema::new(chat.schema, protocol.subset());
        let tokens = max_turn_tokens(protocol, chat.messages, Some(&schema), chat.max_tokens);
        let price = self.price_for(None)?;
        Some(price.cost(price.most_expensive(tokens)))
    }
}
