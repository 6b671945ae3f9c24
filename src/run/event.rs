//! The facts of a run.
//!
//! As JSON an event is one flat object: `{"seq": 3, "at_ms": 0.41, "type": "attempt_started", …}`.

use super::{NotReused, Rates, ResourceLimits, Reuse, StepPrice, Why};
use crate::plan::{Dialect, StepIx};
use crate::units::{Micros, Money, Tokens};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// Which step an event is about: its id for people, its position for the fold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepKey {
    /// The row of the step in the run.
    #[serde(rename = "index")]
    pub ix: StepIx,
    /// The step's id; an element of a `for_each` step has `ID[n]`.
    #[serde(rename = "step")]
    pub id: Arc<str>,
}

/// What a reader needs to know of a step before anything happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepInfo {
    /// The step's id.
    pub id: Arc<str>,
    /// The tool it calls.
    pub tool: Arc<str>,
    /// How the tool is carried out: `model`, `http`, `process`, …
    pub kind: Arc<str>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "<[StepIx]>::is_empty")]
    pub depends_on: Arc<[StepIx]>,
    /// What the planner said it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Arc<str>>,
    /// The `for_each` step that this is an element of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<StepIx>,
    /// The parameters as the plan has them, references unresolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Arc<Value>>,
    /// Why its outputs are never used again; `None` where they may be, and for elements, which are as their
    /// `for_each` step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_reused: Option<NotReused>,
    /// Whether nothing else is under way while it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sequential: bool,
    /// What its calls can cost; `None` where they cost nothing, or where the run does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Box<StepPrice>>,
}

/// What is known when a run starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The run's id.
    pub run_id: Arc<str>,
    /// The plan's name.
    pub plan: Arc<str>,
    /// How the plan was written.
    pub dialect: Dialect,
    /// When it started, RFC 3339.
    pub started_at: Arc<str>,
    /// Who carries out `model` tools: `openai/gpt-4o-mini`, `offline`, `simulated`.
    pub worker: Arc<str>,
    /// Whether outputs are invented.
    pub simulated: bool,
    /// Whether cost is tracked.
    pub track_cost: bool,
    /// The limits in force.
    pub limits: ResourceLimits,
    /// The rates in force.
    #[serde(default, skip_serializing_if = "Rates::is_empty")]
    pub rates: Rates,
    /// Whether the steps say what their calls can cost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub priced: bool,
    /// The context that the references see.
    #[serde(default)]
    pub context: Arc<Value>,
    /// The plan's steps, in its order.
    pub steps: Arc<[StepInfo]>,
    /// The run that it was forked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<Arc<str>>,
}

/// Where an output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepSource {
    /// The tool was called.
    Call,
    /// An earlier output for the same input was used.
    Cache,
    /// An earlier run that is being resumed or forked had it.
    Recorded,
    /// A person supplied it.
    Mock,
}

/// Why a step was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Its `run_if` is not true.
    Condition,
    /// Its trigger cannot be met: a dependency failed or was skipped.
    Upstream,
    /// A limit stopped the run.
    Limit,
    /// A person skipped it, or the run was stopped before it started.
    User,
}

/// What holds a step that is ready, beside the slots and the pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// Its upper bound does not fit in what is left; calls under way may free some.
    Budget,
    /// A rate of its model or pool.
    Rate,
    /// It runs alone and others are under way.
    Exclusive,
    /// A breakpoint.
    Breakpoint,
}

/// A limit, named as the field of [`ResourceLimits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Memory of a child.
    MaxMemoryMb,
    /// Processor share of a child.
    MaxCpuPercent,
    /// Time of the run.
    TimeoutSeconds,
    /// Attempts started.
    MaxToolCalls,
    /// Money.
    MaxTotalCostUsd,
}

impl Limit {
    /// The name of the field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxMemoryMb => "max_memory_mb",
            Self::MaxCpuPercent => "max_cpu_percent",
            Self::TimeoutSeconds => "timeout_seconds",
            Self::MaxToolCalls => "max_tool_calls",
            Self::MaxTotalCostUsd => "max_total_cost_usd",
        }
    }
}

/// The kind of an error, as the result names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The plan or its references are at fault.
    PlanError,
    /// The tool failed.
    ToolExecutionError,
    /// A limit was passed.
    ResourceLimitError,
    /// It took too long.
    TimeoutError,
}

/// An error of a step or of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: ErrorKind,
    /// The step, where it is about one.
    pub step: Option<Arc<str>>,
    /// The tool, where it is about one.
    pub tool_name: Option<Arc<str>>,
    /// What went wrong and what to do.
    pub message: Arc<str>,
    /// Whether trying again could help.
    pub retryable: bool,
    /// Attempts made.
    pub attempts: u32,
}

/// Which stream of a tool a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// A program's standard error, a sandbox's prints.
    Stderr,
    /// What the carrying out itself has to say.
    Note,
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptEnd {
    /// The step.
    #[serde(flatten)]
    pub step: StepKey,
    /// Which try, from 1.
    pub attempt: u32,
    /// The time the call itself took.
    #[serde(rename = "service_ms")]
    pub service: Micros,
    /// What it cost; `None` where the model has no price or cost is not tracked.
    pub cost: Option<Money>,
    /// Tokens, for a model call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    /// What the model was asked, or the request that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Arc<str>>,
    /// What came back, before it was read as an output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Arc<str>>,
    /// Why it failed; `None` where it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<RunError>>,
    /// The wait before the next try, where there is one.
    #[serde(
        rename = "retry_in_ms",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub retry_in: Option<Micros>,
    /// Whether it was stopped rather than ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Every step that was to run succeeded.
    Succeeded,
    /// A step failed.
    Failed,
    /// A limit stopped it.
    LimitExceeded,
    /// A person or a signal stopped it.
    Cancelled,
}

/// One fact about a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Fact {
    /// The run began.
    RunStarted(Arc<RunHeader>),
    /// A step could start; a slot, a rate, a breakpoint or the pause holds it.
    StepReady {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
    },
    /// Something beside the slots and the pause holds a ready step.
    StepWaiting {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// What holds it.
        reason: WaitReason,
        /// The name of the rate or pool, where one holds it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<Arc<str>>,
        /// The moment before which that does not let it start; `None` where it depends on the end of a call.
        #[serde(rename = "until_ms", default, skip_serializing_if = "Option::is_none")]
        until: Option<Micros>,
    },
    /// A `for_each` step runs once for each of `count` elements. Rows it has from an earlier time are used
    /// again; the ones it lacks stand after all rows so far. It comes a second time, right after the step's
    /// reset, when a step that had ended goes on because one of its elements runs again.
    StepExpanded {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// How many elements the list has.
        count: u32,
        /// The new rows.
        elements: Arc<[StepInfo]>,
    },
    /// A call is about to be made.
    AttemptStarted {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// Which try, from 1; retries by a person go on counting.
        attempt: u32,
        /// The slot it takes, from 0.
        slot: u32,
        /// The resolved parameters.
        input: Arc<Value>,
        /// What was reserved of the budget: its upper bound.
        reserved: Money,
        /// Why it is made, where the output could have been there already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Box<Why>>,
    },
    /// A call under way may come to cost more than was reserved for it when it began.
    ReservationRaised {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// Which try.
        attempt: u32,
        /// What is reserved for it now, in all.
        reserved: Money,
    },
    /// A tool said something on the way.
    AttemptLog {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// Which try.
        attempt: u32,
        /// Where it came from.
        stream: LogStream,
        /// A line or more.
        text: Arc<str>,
    },
    /// A call ended.
    AttemptEnded(Arc<AttemptEnd>),
    /// A step has its output.
    StepSucceeded {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// Where the output came from.
        source: StepSource,
        /// The output.
        output: Arc<Value>,
        /// What it saved, where the tool was not called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reused: Option<Box<Reuse>>,
    },
    /// No attempt is left, or the error is not worth retrying.
    StepFailed {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The last error.
        error: Box<RunError>,
    },
    /// A step will not run.
    StepSkipped {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// Why.
        reason: SkipReason,
        /// The nearest dependency that failed or was skipped, where that is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<Arc<str>>,
    },
    /// A step was under way when the process of an earlier run died: it may or may not have happened.
    StepUnknown {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// What is known of it, and what can be done.
        error: Box<RunError>,
    },
    /// A step was under way when the run was stopped.
    StepCancelled {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
    },
    /// A step is as it was before the run: a person asked to run it again, or what it depends on runs again.
    /// Its attempts so far stay on record; a `for_each` step has no elements until it is expanded again.
    StepReset {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
    },
    /// A person gave the step another input, or took that back: from now on its calls are made with this instead
    /// of the resolved parameters.
    StepInputSet {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The input; `None` for the parameters as the plan has them.
        input: Option<Arc<Value>>,
    },
    /// A person pinned the step's output, so that it is used for the same call until it is unpinned, or unpinned
    /// it.
    StepPinned {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// Whether it is pinned now.
        pinned: bool,
    },
    /// Nothing starts any more; what is under way goes on.
    RunPaused,
    /// Steps start again.
    RunResumed,
    /// A limit stops the run.
    LimitReached {
        /// Which.
        limit: Limit,
        /// Which call, and by how much.
        message: Arc<str>,
    },
    /// A person, a signal, or the first failure where that is asked for stops the run.
    StopRequested,
    /// Nothing is left to do.
    RunEnded {
        /// How it ended.
        status: RunOutcome,
        /// The final result: of the sinks, or of the final synthesis.
        result: Arc<Value>,
        /// The first error, where it did not succeed.
        error: Option<Box<RunError>>,
    },
    /// A run that had ended goes on, because a person retried something.
    RunReopened,
}

impl Fact {
    /// The step that it is about, where it is about one.
    pub fn step(&self) -> Option<&StepKey> {
        match self {
            Self::StepReady { step }
            | Self::StepWaiting { step, .. }
            | Self::StepExpanded { step, .. }
            | Self::AttemptStarted { step, .. }
            | Self::ReservationRaised { step, .. }
            | Self::AttemptLog { step, .. }
            | Self::StepSucceeded { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepSkipped { step, .. }
            | Self::StepUnknown { step, .. }
            | Self::StepCancelled { step }
            | Self::StepReset { step }
            | Self::StepInputSet { step, .. }
            | Self::StepPinned { step, .. } => Some(step),
            Self::AttemptEnded(end) => Some(&end.step),
            Self::RunStarted(_)
            | Self::RunPaused
            | Self::RunResumed
            | Self::LimitReached { .. }
            | Self::StopRequested
            | Self::RunEnded { .. }
            | Self::RunReopened => None,
        }
    }
}

/// One numbered fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// Its number in the run, from 0.
    pub seq: u64,
    /// When, counted from the start of the run.
    #[serde(rename = "at_ms")]
    pub at: Micros,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}
