//! One task's turns with a model: the question, the answer, and one repair.

use super::answer::{self, Unusable};
use super::api_quirks::ApiQuirks;
use super::arrival::Arrival;
use super::cost_basis::CostBasis;
use super::degenerate;
use super::endpoint::{Asked, Endpoint};
use super::estimate;
use super::http::{HttpClients, RequestError};
use super::output_schema::OutputSchema;
use super::prices::Price;
use super::prompt;
use super::protocol::Protocol;
use super::request::{ChatAnswer, ChatError, ChatRequest, Role};
use super::spend_authorizer::SpendAuthorizer;
use super::stated_bill;
use super::structured_output::SentSchema;
use super::time_limits::{TimeLimits, kept};
use super::usage::Usage;
use crate::text::message::quote;
use crate::text::thoughts;
use crate::units::{Charge, Money, Temperature, Tokens};
use serde_json::Value;

/// The maximum length of a violation that is quoted back to a model, in bytes.
pub(super) const MAX_VIOLATION_BYTES: usize = 1_500;

/// The maximum of forms of one request. Each refusal changes one of few parameters, so this is never reached.
pub(super) const MAX_FORMS: usize = 8;

/// One task's turns with a model.
pub(super) struct Conversation<'a> {
    pub(super) clients: &'a HttpClients,
    pub(super) endpoint: &'a Endpoint,
    pub(super) spend_authorizer: &'a SpendAuthorizer,
    pub(super) model: &'a str,
    pub(super) price: Option<Price>,
    pub(super) temperature: Temperature,
    pub(super) max_tokens: u32,
    pub(super) limits: TimeLimits,
    /// What of the answers has arrived.
    pub(super) arrival: Arrival,
    /// The schema in the forms in which it is sent.
    pub(super) schema: Option<SentSchema>,
    pub(super) messages: Vec<(Role, String)>,
    /// The number of the attempt, from 1.
    pub(super) attempt: u32,
    /// The name of the attempt, which outlives a crash.
    pub(super) key: Option<&'a str>,
    /// The answers, without what the model thought.
    pub(super) answers: Vec<String>,
    /// What the model thought.
    pub(super) reasoning: Vec<String>,
    pub(super) spent: Spent,
    /// The maximum of requests for one answer: each form of the request that the server refuses is one.
    pub(super) max_requests: usize,
    /// How many requests were sent.
    pub(super) requests: u32,
}

/// What the requests of a conversation have cost so far.
pub(super) struct Spent {
    /// `None` without a price.
    pub(super) cost: Option<Money>,
    pub(super) tokens: Option<Tokens>,
    /// The parts of the cost.
    pub(super) charges: Vec<Charge>,
    pub(super) basis: CostBasis,
    /// Whether a request is waiting for its answer.
    waiting: bool,
}

impl Spent {
    pub(super) const NOTHING: Self = Self {
        cost: Some(Money::ZERO),
        tokens: None,
        charges: Vec::new(),
        basis: CostBasis::NotSent,
        waiting: false,
    };
}

impl Conversation<'_> {
    /// The output, or an error once `cancelled` is ready. A request that is dropped then counts as billed.
    pub(super) async fn output_unless(
        &mut self,
        cancelled: impl Future<Output = ()>,
        schema: Option<&OutputSchema>,
    ) -> Result<Value, RequestError> {
        let output = tokio::select! {
            biased;
            () = cancelled => None,
            output = self.output(schema) => Some(output),
        };
        output.unwrap_or_else(|| {
            let kept = kept(self.arrival.bytes());
            if self.spent.waiting {
                self.charge(Usage::UNKNOWN);
                self.salvage();
            }
            let place = self.endpoint.place(self.model);
            Err(RequestError::permanent(format!("{place}: cancelled{kept}")))
        })
    }

    /// Keeps what has arrived of an answer that does not come to its end.
    fn salvage(&mut self) {
        let partial = self.arrival.take_partial();
        let text = self.endpoint.redact(&partial.text);
        let (text, thoughts) = thoughts::split(&text);
        let reasoning = self.endpoint.redact(&partial.reasoning);
        self.keep(text, [reasoning, thoughts]);
    }

    /// Keeps an answer and what the model thought.
    fn keep(&mut self, text: String, reasoning: [String; 2]) {
        let thoughts = reasoning.into_iter().filter(|part| !part.is_empty());
        self.reasoning.extend(thoughts);
        if !text.is_empty() {
            self.answers.push(text);
        }
    }

    /// The output tokens per second while the answers arrived. Tokens of thoughts that the server does not show came
    /// before them and do not count.
    pub(super) fn tokens_per_second(&self) -> Option<f64> {
        let tokens = self.spent.tokens?;
        let hidden = tokens.reasoning.filter(|_| self.reasoning.is_empty());
        let tokens = tokens.output.saturating_sub(hidden.unwrap_or(0));
        let seconds = self.arrival.times()?.generating.as_secs_f64();
        let rate = tokens as f64 / seconds;
        (tokens > 1 && rate.is_finite()).then_some(rate)
    }

    /// The output, after one repair where the first answer is not valid.
    async fn output(&mut self, schema: Option<&OutputSchema>) -> Result<Value, RequestError> {
        let violation = match self.turn(schema).await? {
            Ok(output) => return Ok(output),
            Err(violation) => violation,
        };
        let bad_answer = self.answers.last().cloned().unwrap_or_default();
        self.messages.push((Role::Assistant, bad_answer));
        self.messages.push((Role::User, prompt::repair(&violation)));
        if !self.can_afford_another_request().await {
            return Err(RequestError::permanent(format!(
                "{}: bad output, and asking again could cost more than is left: {violation}",
                self.model
            )));
        }
        match self.turn(schema).await? {
            Ok(output) => Ok(output),
            Err(violation) => Err(RequestError::permanent(format!(
                "{}: bad output after repair: {violation} (choose a larger model, or simplify the tool's `output_schema`)",
                self.model
            ))),
        }
    }

    /// One question and its answer; the inner error says what is wrong with the answer.
    async fn turn(
        &mut self,
        schema: Option<&OutputSchema>,
    ) -> Result<Result<Value, String>, RequestError> {
        let answer = self.answer().await?;
        let read = answer::read(&answer.text, schema).await;
        let read = read.and_then(|output| {
            // The first answer to a first attempt may be empty for a reason; after failures it is how models give up.
            let after_failure = self.attempt > 1 || !self.answers.is_empty();
            match degenerate::fault(&output).filter(|_| after_failure) {
                Some(fault) => Err(Unusable::Wrong(fault)),
                None => Ok(output),
            }
        });
        let (text, thoughts) = thoughts::split(&answer.text);
        let reasoning = [answer.reasoning, thoughts];
        let reasoning = reasoning.into_iter().filter(|part| !part.is_empty());
        self.reasoning.extend(reasoning);
        self.answers.push(text);
        if answer.cut_off && schema.is_some() {
            return Err(RequestError::permanent(format!(
                "{}: the answer was cut off at {} tokens; give the tool more `max_tokens`",
                self.endpoint.place(self.model),
                self.max_tokens
            )));
        }
        match read {
            Ok(output) => Ok(Ok(output)),
            Err(Unusable::Wrong(violation)) => Ok(Err(quote(&violation, MAX_VIOLATION_BYTES))),
            Err(Unusable::NotValidated(why)) => Err(RequestError::permanent(why)),
        }
    }

    /// The answer to the messages so far, in the form of request that the server accepts.
    pub(super) async fn answer(&mut self) -> Result<ChatAnswer, RequestError> {
        let mut quirks = self.endpoint.first_quirks(&self.request());
        let mut refusal = None;
        if self.lacks_temperature(quirks) {
            return Err(RequestError::permanent(self.no_temperature()));
        }
        for _ in 0..self.max_requests {
            self.spent.waiting = true;
            self.requests += 1;
            let request = self.request();
            let asked =
                self.endpoint
                    .ask(self.clients, &request, quirks, self.limits, &self.arrival);
            let asked = asked.await;
            self.spent.waiting = false;
            match asked {
                Ok(Asked::Answer(answer)) => {
                    self.charge(answer.usage);
                    return Ok(answer);
                }
                Ok(Asked::Refused { next, error, usage }) => {
                    self.settle(&error, usage);
                    if self.lacks_temperature(next) {
                        let message = self.no_temperature();
                        return Err(RequestError { message, ..error });
                    }
                    if usage.is_some() && !self.can_afford_another_request().await {
                        return Err(RequestError {
                            message: format!(
                                "{}; asking in another form could cost more than is left",
                                error.message
                            ),
                            ..error
                        });
                    }
                    quirks = next;
                    refusal = Some(error);
                }
                Err(ChatError { error, usage }) => {
                    self.settle(&error, usage);
                    self.salvage();
                    return Err(error);
                }
            }
        }
        let every_form = "the server refuses every form of the request";
        Err(refusal.unwrap_or_else(|| RequestError::permanent(every_form).sent()))
    }

    /// Whether requests of this form lack the temperature that is asked for.
    fn lacks_temperature(&self, quirks: ApiQuirks) -> bool {
        !quirks.temperature && !self.temperature.is_default()
    }

    fn no_temperature(&self) -> String {
        format!(
            "{} takes no temperature, and {} is asked for: take it back (`temperature` of the tool, or \
             `plandeck edit RUN STEP --temperature default`), or ask another model",
            self.endpoint.place(self.model),
            self.temperature
        )
    }

    fn request(&self) -> ChatRequest<'_> {
        ChatRequest {
            model: self.model,
            messages: &self.messages,
            schema: self.schema.as_ref(),
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            // A repair and another form of a request are requests of their own.
            key: self.key.map(|key| format!("{key}/{}", self.requests)),
        }
    }

    /// The maximum of tokens of a request with the messages so far.
    fn max_request_tokens(&self) -> Tokens {
        let protocol = self.endpoint.protocol();
        max_turn_tokens(
            protocol,
            &self.messages,
            self.schema.as_ref(),
            self.max_tokens,
        )
    }

    /// Whether the budget permits another request. Without a price there is no limit to enforce.
    async fn can_afford_another_request(&self) -> bool {
        match self.price.zip(self.spent.cost) {
            Some((price, spent)) => {
                let total = spent + price.cost(price.most_expensive(self.max_request_tokens()));
                self.spend_authorizer.authorize(total).await
            }
            None => true,
        }
    }

    /// Takes note of a request that failed.
    fn settle(&mut self, error: &RequestError, usage: Option<Usage>) {
        match usage {
            Some(usage) => self.charge(usage),
            None if error.sent && self.spent.basis == CostBasis::NotSent => {
                self.spent.basis = CostBasis::Billed;
            }
            None => {}
        }
    }

    /// Adds the cost of a request that was billed. What is not known of its tokens counts with its upper bound; without
    /// a price the cost is what the provider states, else not known. Of our own sum and the stated bill the higher counts.
    fn charge(&mut self, usage: Usage) {
        let max = self.max_request_tokens();
        let price = self.price;
        let spent = &mut self.spent;
        spent.waiting = false;
        let mut own = price.map(|_| Money::ZERO);
        match price {
            Some(price) => {
                let (input, output) = usage.bounded();
                for charge in price.charges(usage.at_most(price.most_expensive(max))) {
                    let upper_bound = if charge.class.is_of_output() {
                        output
                    } else {
                        input
                    };
                    let charge = Charge {
                        upper_bound,
                        ..charge
                    };
                    spent.cost = spent.cost.map(|cost| cost + charge.cost());
                    own = own.map(|own| own + charge.cost());
                    charge.add_to(&mut spent.charges);
                }
            }
            None if usage.bill().is_none() => spent.cost = None,
            None => {}
        }
        if let Some(bill) = usage.bill() {
            let more = stated_bill::charge(bill, own, &mut spent.charges);
            spent.cost = spent.cost.map(|cost| cost + more);
        }
        match usage.tokens() {
            Some(tokens) => {
                *spent.tokens.get_or_insert_default() += tokens;
                if spent.basis == CostBasis::NotSent {
                    spent.basis = CostBasis::Billed;
                }
            }
            None => spent.basis = CostBasis::UpperBound,
        }
    }
}

/// The maximum of tokens in one turn: the messages, the schema (which is sent a second time besides them), the answer.
pub(super) fn max_turn_tokens(
    protocol: &dyn Protocol,
    messages: &[(Role, String)],
    schema: Option<&SentSchema>,
    max_tokens: u32,
) -> Tokens {
    let texts = messages.iter().map(|(_, text)| text.as_str());
    let input = estimate::chat(texts)
        + schema.map_or(0, SentSchema::max_tokens)
        + protocol.overhead(schema.is_some());
    Tokens::plain(input, max_tokens.into())
}
