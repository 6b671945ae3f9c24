//! The result of planning, or why there is none.

use crate::models::{RequestError, WorkerError};
use crate::plan::{Diagnostic, ExecutionPlan, PlanFaults, Severity};
use crate::units::{Money, Tokens};
use std::time::Duration;

/// A plan that a planner wrote, and what it took.
#[derive(Clone, Debug)]
pub struct CreatedPlan {
    /// The plan, checked against the catalog and the context.
    pub plan: ExecutionPlan,
    /// What it took.
    pub record: PlanningRecord,
    /// What the user should know: what the plan leaves out, and what was assumed.
    pub notes: Vec<String>,
}

/// What planning took.
#[derive(Clone, Debug, Default)]
pub struct PlanningRecord {
    /// `PROVIDER/MODEL`, or `offline`.
    pub planner: String,
    /// What was billed; `None` where the model has no price.
    pub cost: Option<Money>,
    /// The tokens of all requests, where the server reports them.
    pub tokens: Option<Tokens>,
    /// How long it took.
    pub latency: Duration,
    /// How many requests were sent; an offline planner needs none and counts as one attempt.
    pub attempts: u32,
    /// The answers that were not valid and that the model was asked to correct.
    pub corrections: Vec<Correction>,
}

/// An answer that was not a valid plan, and that the model was asked to correct.
#[derive(Clone, Debug)]
pub struct Correction {
    /// The request that it answers, from 1.
    pub attempt: u32,
    /// What was wrong with it.
    pub faults: PlanFaults,
}

/// Planning without a result.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct PlanningFailure {
    /// Why.
    #[source]
    pub error: PlanningError,
    /// What it took.
    pub record: PlanningRecord,
}

/// Why there is no plan. Each message has the remedy.
#[derive(Debug, thiserror::Error)]
pub enum PlanningError {
    /// The model cannot be asked: its key is missing, or its address is not valid.
    #[error(transparent)]
    Planner(#[from] WorkerError),
    /// The task is empty.
    #[error("the task is empty: say in a sentence what the plan should do")]
    NoTask,
    /// The catalog has no tools.
    #[error("the catalog has no tools, so no plan can be made: give one with --tools FILE")]
    NoTools,
    /// The planning budget is limited, and the model has no known price.
    #[error(
        "the price of {0} is not known, and what planning may cost is limited: set its price in plandeck.toml \
         ([prices] \"{0}\" = {{ input = 2.5, output = 10 }}), or remove the limit (--max-planning-cost-usd none)"
    )]
    Unpriced(String),
    /// The model did not answer.
    #[error("{planner} did not answer with a plan: {error}")]
    Request {
        /// `PROVIDER/MODEL`.
        planner: String,
        /// Why.
        error: RequestError,
    },
    /// No answer was a valid plan.
    #[error("{planner} wrote no valid plan in {attempts} requests: {faults}")]
    NotValid {
        /// `PROVIDER/MODEL`.
        planner: String,
        /// How many requests were sent.
        attempts: u32,
        /// What is wrong with the last answer.
        faults: PlanFaults,
    },
    /// The next request could cost more than the planning budget has left.
    #[error(
        "the planning budget is used up: {spent} of {limit} is spent, and the next request could cost {next}; raise it \
         with --max-planning-cost-usd, or choose a cheaper planner with --planner"
    )]
    Budget {
        /// What was spent.
        spent: Money,
        /// The budget.
        limit: Money,
        /// The maximum cost of the next request.
        next: Money,
        /// What is wrong with the last answer; `None` where nothing was asked.
        faults: Option<PlanFaults>,
    },
    /// The search found no way from what is given to what the task asks for.
    #[error("the offline planner finds no plan for this task: {}", .missing.join("; "))]
    OutOfReach {
        /// What is missing, one sentence each.
        missing: Vec<String>,
    },
    /// The offline planner cannot follow an instruction.
    #[error(
        "the offline planner cannot change a plan: choose a model, --planner PROVIDER/MODEL with its key in the \
         environment"
    )]
    OfflineCannotRefine,
}

impl PlanningError {
    /// What is wrong with the last answer.
    pub fn faults(&self) -> Option<&PlanFaults> {
        match self {
            Self::NotValid { faults, .. } => Some(faults),
            Self::Budget { faults, .. } => faults.as_ref(),
            _ => None,
        }
    }

    /// What kind of error it is, as one word.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Planner(_) => "PlannerUnavailable",
            Self::NoTask => "NoTask",
            Self::NoTools => "NoTools",
            Self::Unpriced(_) => "Unpriced",
            Self::Request { .. } => "RequestFailed",
            Self::NotValid { .. } => "PlanNotValid",
            Self::Budget { .. } => "BudgetUsedUp",
            Self::OutOfReach { .. } => "OutOfReach",
            Self::OfflineCannotRefine => "OfflineCannotRefine",
        }
    }

    /// Whether the planning budget stopped it.
    pub(crate) fn is_of_budget(&self) -> bool {
        matches!(self, Self::Budget { .. })
    }
}

/// The diagnostics that keep a plan from being valid, as faults of an answer that has no better place for them.
pub(super) fn fault(
    source: &crate::plan::Source,
    code: &'static str,
    message: String,
) -> PlanFaults {
    PlanFaults {
        source_text: source.clone(),
        diagnostics: vec![Diagnostic::new(Severity::Error, code, message)],
    }
}
