//! The events of a run.
//!
//! As JSON an event is one flat object: `{"seq": 3, "at_ms": 0.41, "type": "attempt_started", …}`. Everything that an
//! event carries is in this folder; what is computed from events is in the folder above, and nothing here depends on it.

mod approval;
mod attempt;
mod breakpoint;
mod cost;
mod edited;
mod error;
mod header;
mod question;
mod reuse;
mod setting;
mod settlement;
mod step;

pub use approval::{DecidedBy, VoidReason};
pub use attempt::{AttemptDetails, AttemptEnd, LogStream, Streamed};
pub use breakpoint::{BreakWhen, Breakpoint, HeldAt};
pub use cost::StepPrice;
pub use edited::{EditWay, StepGiven};
pub use error::{ErrorKind, Limit, RunError};
pub use header::{RunHeader, RunOutcome};
pub use question::{Answer, AskedQuestion, Question};
pub use reuse::{CallReason, InputChange, MissReason, NotReused, RerunReason, Reuse};
pub use setting::RunSetting;
pub use settlement::{SettledBy, Settlement};
pub use step::{SkipReason, StepChecks, StepInfo, StepKey, StepSource, WaitReason};

use super::given_call::GivenCall;
use super::hand_over::HandOver;
use crate::plan::{StepInput, StepIx};
use crate::units::{Micros, Money};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What an event reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    /// The run began.
    RunStarted(Arc<RunHeader>),
    /// A step could start; a slot, a rate, an approval, a breakpoint or the pause holds it.
    StepReady {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
    },
    /// Something other than the slots and the pause holds a ready step.
    StepWaiting {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// What holds it.
        reason: WaitReason,
        /// The name of the rate or pool, where one holds it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<Arc<str>>,
        /// The time until which it is held; `None` where that depends on the end of a call.
        #[serde(rename = "until_ms", default, skip_serializing_if = "Option::is_none")]
        until: Option<Micros>,
    },
    /// More steps became known of a run that another system makes while it is watched. They follow all steps so far; a run
    /// that has rows of other kinds by then takes in none.
    StepsAdded {
        /// The new steps.
        steps: Arc<[StepInfo]>,
    },
    /// A `for_each` step runs once for each of `count` elements. Rows it has from an earlier time are used
    /// again; the ones it lacks follow all rows so far. It comes a second time, right after the step's
    /// reset, when a step that had ended runs again because one of its elements does.
    StepExpanded {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// How many elements the list has.
        count: u32,
        /// The new rows.
        elements: Arc<[StepInfo]>,
    },
    /// The code of a running step calls a tool. That call is a row of its own, which waits for a slot, for money and for
    /// rates as a step does: a new one that follows all rows so far, or one that an earlier attempt of the step had.
    StepCalled {
        /// The row whose code calls.
        #[serde(flatten)]
        step: StepKey,
        /// The row of the call.
        row: StepIx,
        /// What is known of the call. What it depends on is the call whose answer the code had before it made this one,
        /// where there is one.
        call: Box<StepInfo>,
    },
    /// A call is about to be made.
    AttemptStarted {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The attempt's number, from 1; retries by the user keep counting.
        attempt: u32,
        /// The slot it takes, from 0.
        slot: u32,
        /// The resolved parameters.
        input: StepInput,
        /// What was reserved of the budget: its upper bound.
        reserved: Money,
        /// Why it is made, where the output could have been there already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Box<CallReason>>,
        /// What a model is going to be asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prompt: Option<Arc<str>>,
    },
    /// A running call may come to cost more than was reserved for it when it began.
    ReservationRaised {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The attempt's number, from 1.
        attempt: u32,
        /// What is reserved for it now, in all.
        reserved: Money,
    },
    /// A call has ended, and slow motion keeps its step running for a moment. The run's clock stands still while that
    /// holds everything.
    AttemptPaced {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The attempt's number, from 1.
        attempt: u32,
    },
    /// The server of a running call gave it a handle, by which it can be asked about the call after this process has
    /// ended. It is on record before anybody waits for the end of the call.
    AttemptHandle {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The attempt's number, from 1.
        attempt: u32,
        /// The id of the task that the server made of the call.
        handle: Arc<str>,
    },
    /// The server of a running call asks the user something; the call waits for the answer.
    QuestionAsked {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The attempt's number, from 1.
        attempt: u32,
        /// What is asked.
        question: Box<Question>,
    },
    /// The question of a running call was answered.
    QuestionAnswered {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The attempt's number, from 1.
        attempt: u32,
        /// The answer.
        answer: Box<Answer>,
    },
    /// The code of a running attempt can do nothing until one of its calls ends: its slot is free meanwhile, and the time
    /// is not its own.
    AttemptSuspended {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The attempt's number, from 1.
        attempt: u32,
    },
    /// The code of a suspended attempt continues.
    AttemptContinued {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The attempt's number, from 1.
        attempt: u32,
        /// The slot it takes, from 0.
        slot: u32,
    },
    /// A running tool logged something.
    AttemptLog {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The attempt's number, from 1.
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
        /// What its last call made, where that is not what the step expects.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Arc<Value>>,
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
    /// A step was being called when whoever made the call died, the process of an earlier run or a worker elsewhere: it may
    /// or may not have happened.
    StepUnknown {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// What is known of it, and what the user can do.
        error: Box<RunError>,
    },
    /// A step was being called when the process of an earlier run died, and what became of that call was looked into. What
    /// follows from it comes next: the step succeeds, runs again or stays unknown.
    StepSettled {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// What was found out, and how.
        #[serde(flatten)]
        settlement: Box<Settlement>,
    },
    /// A step was running when the run was stopped.
    StepCancelled {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
    },
    /// A step is as it was before the run: the user asked to run it again, or what it depends on runs again.
    /// Its attempts so far stay on record; a `for_each` step has no elements until it is expanded again.
    StepReset {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
    },
    /// The user gave the step another input, or took that back: from now on its calls are made with this instead
    /// of the resolved parameters.
    StepInputSet {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The input; `None` for the parameters as the plan has them.
        input: Option<Arc<Value>>,
    },
    /// The user has the step's calls ask their model otherwise, or took that back: this is what holds from now on.
    StepCallSet {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// What is not the plan's or the catalog's own.
        #[serde(flatten)]
        call: GivenCall,
    },
    /// The user changed what a step is called with or comes to, or took the last such change back, or made it again. What
    /// follows from it comes next; what is taken back at the same moment is out of date because of it.
    StepEdited {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// Whether the edit was made, taken back or made again.
        edit: EditWay,
        /// What the user had given the step before the edit was made the first time.
        before: Box<StepGiven>,
        /// What the user has given it with the edit.
        after: Box<StepGiven>,
    },
    /// The user pinned the step's output, so that it is used for the same call until it is unpinned, or unpinned
    /// it.
    StepPinned {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// Whether it is pinned now.
        pinned: bool,
    },
    /// A step needs an approval for the call that it is about to make; a [`StepWaiting`](Self::StepWaiting) for it
    /// follows.
    ApprovalAsked {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The digest of the call, to which the answer is bound.
        call: Arc<str>,
        /// What the tool would be called with.
        input: StepInput,
        /// Why an earlier approval does not count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        void: Option<VoidReason>,
    },
    /// Somebody decided about the call of a step. A refused step is skipped next.
    ApprovalDecided {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The digest of the call.
        call: Arc<str>,
        /// Whether it may be made.
        granted: bool,
        /// Who decided.
        by: DecidedBy,
        /// Until when it may be made; `None` where that does not end by itself.
        #[serde(rename = "until_ms", default, skip_serializing_if = "Option::is_none")]
        until: Option<Micros>,
    },
    /// The call that was approved is made now: its attempt starts next, and the approval is used up.
    ApprovalUsed {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// The digest of the call.
        call: Arc<str>,
        /// The attempt's number, from 1.
        attempt: u32,
    },
    /// A breakpoint was set or removed.
    BreakpointSet {
        /// Which.
        #[serde(flatten)]
        breakpoint: Breakpoint,
        /// Whether it is set now.
        on: bool,
    },
    /// From here on the run calls only what one of its rows needs, until that is about to start.
    RunTargeted {
        /// The id of that row; there may be none of this id yet.
        to: Arc<str>,
    },
    /// An edit of the plan was accepted, and another run will go on with it; or that was taken back, or came to nothing
    /// because the run ended for another reason.
    HandOverSet {
        /// To which run, and what is left to it; `None` where nothing is handed over.
        to: Option<Box<HandOver>>,
    },
    /// A breakpoint or the end of the way to a step holds a step. With a user the run pauses next; without one the rest
    /// goes on, as far as it may.
    StepHeld {
        /// The step.
        #[serde(flatten)]
        step: StepKey,
        /// On which side of it.
        at: HeldAt,
        /// The condition that holds, where the breakpoint has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        condition: Option<Arc<str>>,
    },
    /// Nothing starts any more; running attempts continue.
    RunPaused,
    /// Steps start again.
    RunResumed,
    /// A setting of the run is another one from now on.
    SettingChanged {
        /// Which, and what it is.
        #[serde(flatten)]
        setting: RunSetting,
    },
    /// A limit stops the run.
    LimitReached {
        /// Which.
        limit: Limit,
        /// Which call, and by how much.
        message: Arc<str>,
    },
    /// The user, a signal, or the first failure where that is asked for stops the run.
    StopRequested,
    /// The run ended: nothing is left to do.
    RunEnded {
        /// How it ended.
        status: RunOutcome,
        /// The final result: of the sinks, or of the final synthesis.
        result: Arc<Value>,
        /// The first error, where it did not succeed.
        error: Option<Box<RunError>>,
    },
    /// A run that had ended is running again, because the user retried something.
    RunReopened,
}

impl EventKind {
    /// The step that it is about, where it is about one.
    pub fn step(&self) -> Option<&StepKey> {
        match self {
            Self::StepReady { step }
            | Self::StepWaiting { step, .. }
            | Self::StepExpanded { step, .. }
            | Self::StepCalled { step, .. }
            | Self::AttemptStarted { step, .. }
            | Self::AttemptSuspended { step, .. }
            | Self::AttemptContinued { step, .. }
            | Self::ReservationRaised { step, .. }
            | Self::AttemptPaced { step, .. }
            | Self::AttemptHandle { step, .. }
            | Self::QuestionAsked { step, .. }
            | Self::QuestionAnswered { step, .. }
            | Self::AttemptLog { step, .. }
            | Self::StepSucceeded { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepSkipped { step, .. }
            | Self::StepUnknown { step, .. }
            | Self::StepSettled { step, .. }
            | Self::StepCancelled { step }
            | Self::StepReset { step }
            | Self::StepInputSet { step, .. }
            | Self::StepCallSet { step, .. }
            | Self::StepEdited { step, .. }
            | Self::StepPinned { step, .. }
            | Self::ApprovalAsked { step, .. }
            | Self::ApprovalDecided { step, .. }
            | Self::ApprovalUsed { step, .. }
            | Self::StepHeld { step, .. } => Some(step),
            Self::AttemptEnded(end) => Some(&end.step),
            Self::RunStarted(_)
            | Self::StepsAdded { .. }
            | Self::BreakpointSet { .. }
            | Self::RunTargeted { .. }
            | Self::HandOverSet { .. }
            | Self::RunPaused
            | Self::RunResumed
            | Self::SettingChanged { .. }
            | Self::LimitReached { .. }
            | Self::StopRequested
            | Self::RunEnded { .. }
            | Self::RunReopened => None,
        }
    }
}

/// One numbered event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// Its number in the run, from 0.
    pub seq: u64,
    /// When, counted from the start of the run.
    #[serde(rename = "at_ms")]
    pub at: Micros,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}
