//! The scheduler's inputs and actions.

use super::{CodeCall, LimitId};
use crate::plan::{StepInput, StepIx};
use crate::run::{
    Answers, Breakpoint, CallReason, Demand, EventKind, Limit, Rates, ResourceLimits, Reuse,
    RunCommand, RunError, StepSource,
};
use crate::tools::CallReport;
use crate::units::{Micros, Money};
use serde_json::Value;
use std::sync::Arc;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// The run begins.
    Start,
    /// The user or a script asks for something.
    Command(RunCommand),
    /// The answer to [`Action::Prepare`].
    Prepared(StepIx, Prepared),
    /// The call of a step has ended, and slow motion keeps the step running for a moment; [`Input::Ended`] follows.
    Paced(StepIx),
    /// The code of a running attempt calls a tool.
    Called(StepIx, Box<CodeCall>),
    /// The code of a running attempt can do nothing until one of its calls ends.
    Waits {
        /// The step.
        step: StepIx,
        /// How many answers its code has seen.
        answered: u32,
    },
    /// An attempt ended; cancelled ones too.
    Ended {
        /// The step.
        step: StepIx,
        /// How long the call itself took.
        service: Micros,
        /// Its result, cost and usage.
        report: Box<CallReport>,
        /// Whether it was stopped rather than ended.
        cancelled: bool,
        /// The condition of a breakpoint that holds of it.
        breaks: Option<Arc<str>>,
    },
    /// A running attempt asks whether it may cost this much in total; the answer is [`Action::BudgetDecision`].
    BudgetRequest(StepIx, Money),
    /// The same, where the limits that it shares with other runs do not allow it.
    BudgetDenied(StepIx, Money),
    /// The limits that the run shares with others never allow the prepared call of a step: which one, and why.
    Refused(StepIx, Limit, Arc<str>),
    /// So much that earlier runs were thought to have spent was not spent.
    Released(Money),
    /// A timer is due.
    Timer(Timer),
    /// Nobody is left who could answer a question.
    Unattended,
}

/// What is to be done with a step that is about to start.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// Call the tool.
    Call {
        /// The resolved parameters.
        input: StepInput,
        /// The most it can cost without asking for more; `None` where that cannot be known.
        upper_bound: Option<Money>,
        /// Whether that rests on an estimate that the bills of calls have yet to confirm.
        estimated: bool,
        /// What it draws on beside its slot and its money.
        demand: Demand,
        /// Why it is made, where the output could have been there already.
        why: Option<Box<CallReason>>,
        /// The digest of the call, where it needs an approval.
        approval: Option<Arc<str>>,
        /// The condition of a breakpoint that holds of it.
        breaks: Option<Arc<str>>,
    },
    /// Run once for each of these.
    Each(Vec<Arc<Value>>),
    /// Its `run_if` is not true.
    Unwanted,
    /// Its output is known already: the output, its source, and what reusing it saved.
    Known(Arc<Value>, StepSource, Option<Box<Reuse>>),
    /// Its output is known already, and is not what the step expects.
    Rejected(Box<RunError>, Arc<Value>),
    /// It cannot be called.
    Impossible(Box<RunError>),
    /// It was running when an earlier run's process died, and the user has not decided what to do.
    Unknown(Box<RunError>),
    /// The user does not want it.
    Skip,
}

/// A moment the scheduler waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The next attempt of a step after its attempt of this number.
    Backoff(StepIx, u32),
    /// The run's `timeout_seconds`.
    Deadline,
    /// A rate lets something start again.
    Rate(LimitId),
}

/// Something to be done, in order.
#[derive(Debug)]
pub(crate) enum Action {
    /// Number this event and give it to the sinks.
    Emit(EventKind),
    /// Look at the step's condition, resolve its parameters, and answer with [`Input::Prepared`].
    Prepare(StepIx),
    /// Make the call, and answer with [`Input::Ended`]. Everything emitted so far reaches the sinks first.
    Call {
        /// The step.
        step: StepIx,
        /// Which attempt, from 1.
        attempt: u32,
        /// The resolved parameters.
        input: StepInput,
        /// What is reserved for it.
        reserved: Money,
    },
    /// Tell the code of a running attempt what became of a call that it made.
    Answer {
        /// The step.
        caller: StepIx,
        /// What the code calls the call by.
        number: u32,
        /// The output, or why there is none.
        outcome: Result<Arc<Value>, Arc<str>>,
    },
    /// Tell the attempt that asked whether it may.
    BudgetDecision(StepIx, bool),
    /// Stop the running attempt; it still ends.
    Cancel(StepIx),
    /// Answer with [`Input::Timer`] at this moment.
    SetTimer(Micros, Timer),
}

/// What the scheduler needs to know beside the plan.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub(crate) struct Rules {
    /// The limits of the run.
    pub limits: ResourceLimits,
    /// Whether the first failure stops what is independent of it.
    pub fail_fast: bool,
    /// Whether cost is tracked; without it money limits nothing.
    pub track_cost: bool,
    /// Whether the run begins paused.
    pub paused: bool,
    /// The rates of models and pools.
    pub rates: Rates,
    /// Whether a user can decide about steps whose outcome is unknown: the run then waits for the decision.
    pub asks: bool,
    /// What the runs that it resumes have spent; it counts against the limit.
    pub spent_before: Money,
    /// Answers that were given before the run began.
    pub answers: Answers,
    /// How long a call may be made after it was approved.
    pub approval_lifetime: Option<Micros>,
    /// Breakpoints that are set before the run begins.
    pub breakpoints: Vec<Breakpoint>,
    /// The row to which the run goes from its beginning on.
    pub run_to: Option<Arc<str>>,
}
