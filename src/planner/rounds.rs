//! Asks a model for a plan, and for at most two corrections.

use super::MAX_REQUESTS;
use super::budget::Budget;
use super::created_plan::{
    Correction, CreatedPlan, PlanningError, PlanningFailure, PlanningRecord, fault,
};
use super::feedback::{feedback, sent_back};
use super::listening::{self, BYTES_PER_TOKEN, Report, Sent};
use super::narrow::narrow;
use super::plan_schema::plan_schema;
use super::progress::PlanningProgress;
use super::prompt::{self, PlanningTask};
use super::validate::{answer, validate};
use crate::models::{AnswerListener, Chat, ChatReport, RequestError, Role, SmallModelWorker};
use crate::plan::{ExecutionPlan, PlanFaults};
use crate::tools::Catalog;
use crate::units::Money;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The tokens that an answer may use: the most first, and fewer where the budget has less left.
const MAX_TOKENS: [u32; 4] = [8_192, 4_096, 2_048, 1_024];

/// The time limit of one request.
const TIMEOUT: Duration = Duration::from_mins(5);

/// The longest wait before a request that failed is sent again.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// One plan that is being made.
pub(super) struct Rounds<'a> {
    pub worker: &'a SmallModelWorker,
    pub catalog: &'a Catalog,
    pub planning: PlanningTask<'a>,
    pub limit: Option<Money>,
    pub report: Report,
    began: Instant,
    record: PlanningRecord,
    budget: Budget,
    messages: Vec<(Role, String)>,
    schema: Value,
    last: Option<PlanFaults>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(
        worker: &'a SmallModelWorker,
        catalog: &'a Catalog,
        planning: PlanningTask<'a>,
        limit: Option<Money>,
        report: Report,
    ) -> Self {
        let used: Vec<&str> = planning.change.map_or_else(Vec::new, |plan| {
            plan.steps.iter().map(|step| &*step.tool).collect()
        });
        let tools = narrow(planning.text, catalog, &used);
        if tools.len() < catalog.tools().len() {
            report(&PlanningProgress::Narrowed {
                shown: tools.len(),
                of: catalog.tools().len(),
            });
        }
        Self {
            messages: prompt::messages(planning, &tools),
            schema: plan_schema(&tools),
            record: PlanningRecord {
                planner: worker.name(),
                cost: Some(Money::ZERO),
                ..PlanningRecord::default()
            },
            budget: Budget::new(limit),
            last: None,
            worker,
            catalog,
            planning,
            limit,
            report,
            began: Instant::now(),
        }
    }

    /// The maximum cost of the first request; `None` where the model has no price.
    pub(super) fn max_cost(&self) -> Option<Money> {
        self.worker.max_chat_cost(&self.chat(MAX_TOKENS[0]))
    }

    /// The plan, or why there is none.
    pub(super) async fn run(mut self) -> Result<CreatedPlan, Box<PlanningFailure>> {
        let done = self.rounds().await;
        self.record.latency = self.began.elapsed();
        let record = self.record;
        match done {
            Ok(plan) => Ok(CreatedPlan {
                plan,
                record,
                notes: Vec::new(),
            }),
            Err(error) => Err(Box::new(PlanningFailure { error, record })),
        }
    }

    async fn rounds(&mut self) -> Result<ExecutionPlan, PlanningError> {
        loop {
            let left = MAX_REQUESTS.saturating_sub(self.record.attempts);
            let (report, max_tokens) = self.ask(left).await?;
            let text = match report.answer {
                Ok(text) => text,
                Err(error) => {
                    self.wait(error).await?;
                    continue;
                }
            };
            let faults = match self.read(&text, report.cut_off, max_tokens) {
                Ok(plan) => return Ok(plan),
                Err(faults) => faults,
            };
            self.not_valid(&text, faults)?;
        }
    }

    /// Sends the messages so far, within the budget.
    async fn ask(&mut self, left: u32) -> Result<(ChatReport, u32), PlanningError> {
        let price = self.worker.max_chat_cost(&self.chat(MAX_TOKENS[0]));
        if self.limit.is_some() && price.is_none() {
            return Err(PlanningError::Unpriced(self.worker.name()));
        }
        let affordable = MAX_TOKENS.iter().copied().find(|max_tokens| {
            let max = self.worker.max_chat_cost(&self.chat(*max_tokens));
            self.budget.fits(max)
        });
        let Some(max_tokens) = affordable else {
            let least = self
                .worker
                .max_chat_cost(&self.chat(MAX_TOKENS[MAX_TOKENS.len() - 1]));
            return Err(PlanningError::Budget {
                spent: self.record.cost.unwrap_or(Money::ZERO),
                limit: self.limit.unwrap_or(Money::ZERO),
                next: least.unwrap_or(Money::ZERO),
                faults: self.last.take(),
            });
        };
        let follow = self.listener();
        let chat = Chat {
            listener: Some(&follow),
            max_requests: left as usize,
            ..self.chat(max_tokens)
        };
        (self.report)(&PlanningProgress::Asking {
            attempt: self.record.attempts + 1,
            planner: self.worker.name(),
            at_most: self.worker.max_chat_cost(&chat),
        });
        let report = self.worker.chat(chat, &self.budget.authorizer()).await;
        let report = report.unwrap_or_else(|| ChatReport {
            answer: Err(RequestError::permanent("there is no model")),
            cut_off: false,
            requests: 0,
            cost: Some(Money::ZERO),
            tokens: None,
        });
        self.record.attempts += report.requests;
        self.budget.charge(report.cost);
        let cost = self.record.cost.zip(report.cost);
        self.record.cost = cost.map(|(sum, cost)| sum + cost);
        if let Some(tokens) = report.tokens {
            *self.record.tokens.get_or_insert_default() += tokens;
        }
        Ok((report, max_tokens))
    }

    /// Follows the answer to the next request.
    fn listener(&self) -> AnswerListener {
        let bytes: usize = self.messages.iter().map(|(_, text)| text.len()).sum();
        let sent = Sent {
            began: self.began,
            cost: self.record.cost,
            input: bytes as u64 / BYTES_PER_TOKEN,
            price: self.worker.price_for(None),
        };
        listening::listener(Arc::clone(&self.report), sent)
    }

    fn chat(&self, max_tokens: u32) -> Chat<'_> {
        Chat {
            messages: &self.messages,
            schema: &self.schema,
            max_tokens,
            max_requests: 1,
            timeout: TIMEOUT,
            listener: None,
        }
    }

    /// Waits before a request that failed is sent again; an error where that is of no use.
    async fn wait(&self, error: RequestError) -> Result<(), PlanningError> {
        let wait = error
            .retry_after
            .unwrap_or(Duration::from_secs(1) * self.record.attempts.max(1));
        let is_last = self.record.attempts >= MAX_REQUESTS || self.record.attempts == 0;
        if is_last || !error.retryable || wait > MAX_WAIT {
            return Err(PlanningError::Request {
                planner: self.worker.name(),
                error,
            });
        }
        (self.report)(&PlanningProgress::Waiting {
            error: error.message,
            wait,
        });
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn read(
        &self,
        text: &str,
        cut_off: bool,
        max_tokens: u32,
    ) -> Result<ExecutionPlan, PlanFaults> {
        let name = format!("the answer of {}", self.worker.name());
        if cut_off {
            return Err(fault(
                &answer(&name),
                "cut_off",
                format!(
                    "the answer was cut off at {max_tokens} tokens: write a shorter plan, without descriptions"
                ),
            ));
        }
        let context = (!self.planning.context.is_empty()).then_some(self.planning.context);
        validate(&name, text, self.catalog, context)
    }

    /// Takes note of an answer that is not a valid plan; an error where it was the last.
    fn not_valid(&mut self, text: &str, faults: PlanFaults) -> Result<(), PlanningError> {
        let attempt = self.record.attempts;
        let corrected = attempt < MAX_REQUESTS;
        let first = faults.errors().next().map(|fault| fault.message.clone());
        (self.report)(&PlanningProgress::NotValid {
            attempt,
            faults: faults.errors().count(),
            first: first.unwrap_or_default(),
            corrected,
        });
        if !corrected {
            return Err(PlanningError::NotValid {
                planner: self.worker.name(),
                attempts: attempt,
                faults,
            });
        }
        self.messages.push((Role::Assistant, sent_back(text)));
        self.messages.push((Role::User, feedback(&faults)));
        self.last = Some(faults.clone());
        self.record.corrections.push(Correction { attempt, faults });
        Ok(())
    }
}
