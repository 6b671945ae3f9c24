//! One row of a run: a step of the plan, or an element of a `for_each` step.

use super::given_call::GivenCall;
use super::row_info::RowInfo;
use super::{
    AttemptState, Attempts, CallReason, DecidedBy, ErrorKind, Question, Reuse, RunError,
    Settlement, SkipReason, StepSource, StepStatus, VoidReason, WaitReason, Waits,
};
use crate::plan::{StepInput, StepIx};
use crate::units::{Micros, Money, Tokens};
use serde_json::Value;
use std::ops::Deref;
use std::sync::Arc;

/// A moment that may not have come, in the room of one: each row has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(u64);

impl Moment {
    /// It has not come.
    pub(super) const NEVER: Self = Self(u64::MAX);

    /// The moment, once it has come.
    pub(super) fn get(self) -> Option<Micros> {
        (self != Self::NEVER).then_some(Micros(self.0))
    }

    /// It has come, unless it had before.
    pub(super) fn get_or_insert(&mut self, at: Micros) {
        if *self == Self::NEVER {
            *self = at.into();
        }
    }
}

impl From<Micros> for Moment {
    fn from(at: Micros) -> Self {
        Self(at.0)
    }
}

/// One row of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct StepState {
    /// What was known before anything happened.
    pub info: RowInfo,
    /// Whether it is an element of a `for_each` step, and whether it runs alone: copied
    /// from `info`, so that applying an event needs no other part of memory.
    pub(super) is_element: bool,
    pub(super) is_sequential: bool,
    /// Its status.
    pub status: StepStatus,
    /// What holds it while it is ready, other than the slots and the pause.
    pub waiting: Option<WaitReason>,
    /// Where its output came from.
    pub source: Option<StepSource>,
    /// Its output.
    pub output: Option<Arc<Value>>,
    /// Whether its output is pinned.
    pub pinned: bool,
    /// Why it was skipped.
    pub reason: Option<SkipReason>,
    /// When it became ready.
    pub(super) ready: Moment,
    /// When its first attempt since the last reset started.
    pub(super) started: Moment,
    /// When it ended.
    pub(super) ended: Moment,
    /// Every attempt, oldest first, those before a reset included.
    pub attempts: Attempts,
    /// The time of its ended attempts, in all.
    pub service: Micros,
    /// What its ended attempts cost; `None` where one has no price.
    pub cost: Option<Money>,
    /// What only some rows have; read as if it were here.
    pub(super) details: Option<Box<Details>>,
}

/// What only some rows of a run have: a million rows that were called and succeeded do not carry the room for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// Tokens of its ended attempts; `None` where none was a model call.
    pub tokens: Option<Box<Tokens>>,
    /// Which rate, where one holds it.
    pub rate: Option<Box<RateWait>>,
    /// What the output saved, where the tool was not called.
    pub reused: Option<Box<Reuse>>,
    /// The input that the user gave it instead of its parameters.
    pub given: Option<Arc<Value>>,
    /// How the user has it ask its model.
    pub given_call: Option<Box<GivenCall>>,
    /// Whether the user skipped it, rather than a stop.
    pub skipped_by_hand: bool,
    /// Its last error.
    pub error: Option<Box<RunError>>,
    /// What its last call made, where that is not what it expects.
    pub rejected: Option<Arc<Value>>,
    /// What is known of the approval that its call needs.
    pub approval: Option<Box<ApprovalState>>,
    /// What was found out about the call of it that an earlier run left behind.
    pub settlement: Option<Box<Settlement>>,
    /// The dependency because of which it was skipped.
    pub because: Option<Arc<str>>,
    /// When its next attempt is due, in a backoff.
    pub retry_at: Option<Micros>,
    /// Since when slow motion keeps it running, although its call has ended.
    pub paced_since: Option<Micros>,
    /// When something other than the slots and the pause held it.
    pub waits: Waits,
    /// The elements of a `for_each` step.
    expansion: Option<Expansion>,
    /// The rows of the calls that the code of its last attempt has made, in order.
    calls: Vec<StepIx>,
    /// The row whose code made this call.
    pub caller: Option<StepIx>,
    /// The row because of whose edit what it came to is out of date, until it has run again.
    pub stale: Option<StepIx>,
}

/// The approval that the call of a row needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalState {
    /// The digest of the call.
    pub call: Arc<str>,
    /// What the tool would be called with.
    pub input: StepInput,
    /// Why an earlier approval does not count.
    pub void: Option<VoidReason>,
    /// Whether it was granted, and by whom, once it has been decided.
    pub decided: Option<(bool, DecidedBy)>,
    /// Until when the call may be made, where that ends by itself.
    pub until: Option<Micros>,
}

/// The details of a row that has none.
static NO_DETAILS: Details = Details {
    tokens: None,
    rate: None,
    reused: None,
    given: None,
    given_call: None,
    skipped_by_hand: false,
    error: None,
    rejected: None,
    approval: None,
    settlement: None,
    because: None,
    retry_at: None,
    paced_since: None,
    waits: Waits::NONE,
    expansion: None,
    calls: Vec::new(),
    caller: None,
    stale: None,
};

impl StepState {
    /// Whether nobody knows the end of a call that this run waited for, because a worker elsewhere died; `false` where the
    /// process of the run did.
    pub(crate) fn was_lost_elsewhere(&self) -> bool {
        let last = self.attempts.last();
        let has_ended = last.is_some_and(|last| last.end.is_some() && !last.was_cut_off());
        self.status == StepStatus::Unknown && has_ended
    }

    /// How long its running attempt has been called by `now`: the time in which slow motion keeps it running is not
    /// its own.
    pub(crate) fn running_time(&self, now: Micros) -> Option<Micros> {
        let attempt = self.running_attempt()?;
        let until = self.paced_since.unwrap_or(now);
        Some(until - attempt.started - attempt.suspended(until))
    }

    /// When its last call ended, once it has ended: slow motion keeps it running longer.
    pub(crate) fn called_until(&self) -> Option<Micros> {
        let ended = self.ended_at()?;
        let last = self.attempts.last();
        let called =
            last.and_then(|attempt| Some(attempt.started + attempt.end.as_ref()?.1.service));
        Some(called.map_or(ended, |called| called.min(ended)))
    }
}

impl Deref for StepState {
    type Target = Details;

    fn deref(&self) -> &Details {
        self.details.as_deref().unwrap_or(&NO_DETAILS)
    }
}

/// The elements of a `for_each` step that has been expanded.
#[derive(Clone, Debug, Default, PartialEq)]
struct Expansion {
    /// Their rows; after a shorter list there may be more than are in use.
    rows: Vec<StepIx>,
    /// How many elements the list has, while it is known.
    count: Option<u32>,
}

/// A rate that a step waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateWait {
    /// The model or pool.
    pub name: Arc<str>,
    /// The time until which the step is held; `None` where that depends on the end of a call.
    pub until: Option<Micros>,
}

impl StepState {
    pub(super) fn new(info: RowInfo) -> Self {
        Self {
            is_element: info.parent.is_some(),
            is_sequential: info.sequential,
            info,
            status: StepStatus::Pending,
            waiting: None,
            source: None,
            output: None,
            pinned: false,
            reason: None,
            ready: Moment::NEVER,
            started: Moment::NEVER,
            ended: Moment::NEVER,
            attempts: Attempts::default(),
            service: Micros(0),
            cost: Some(Money::ZERO),
            details: None,
        }
    }

    /// When it became ready.
    pub(crate) fn ready_at(&self) -> Option<Micros> {
        self.ready.get()
    }

    /// When its first attempt since the last reset started.
    pub fn started_at(&self) -> Option<Micros> {
        self.started.get()
    }

    /// When it ended.
    pub(crate) fn ended_at(&self) -> Option<Micros> {
        self.ended.get()
    }

    /// Its details, with the room for them made.
    pub(crate) fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    /// Its details, where it has any: for what takes something away.
    pub(super) fn details_if_any(&mut self) -> Option<&mut Details> {
        self.details.as_deref_mut()
    }

    /// What held it does not any more; it may be in a backoff.
    pub(super) fn held_no_more(&mut self, at: Micros) {
        self.waiting = None;
        if let Some(details) = self.details_if_any() {
            details.waits.end(at);
            details.rate = None;
        }
    }

    /// It has come to something, which is not out of date.
    pub(super) fn not_stale(&mut self) {
        if let Some(details) = self.details_if_any() {
            details.stale = None;
        }
    }

    pub(super) fn wait_no_more(&mut self, at: Micros) {
        self.held_no_more(at);
        if let Some(details) = self.details_if_any() {
            details.retry_at = None;
        }
    }

    /// The call for which it needs an approval now.
    pub(crate) fn asked_approval(&self) -> Option<&ApprovalState> {
        let approval = self.approval.as_deref();
        approval.filter(|_| self.waiting == Some(WaitReason::Approval))
    }

    pub(super) fn clear_error(&mut self) {
        if let Some(details) = self.details_if_any() {
            details.error = None;
            details.rejected = None;
        }
    }

    /// Whether it failed because what it made is not what it expects.
    pub(crate) fn is_unexpected(&self) -> bool {
        let error = self.error.as_ref();
        error.is_some_and(|error| error.kind == ErrorKind::ExpectationError)
    }

    /// What it made: its output, or one that is not what it expects.
    pub(crate) fn made(&self) -> Option<&Arc<Value>> {
        self.output.as_ref().or(self.rejected.as_ref())
    }

    /// Whether it is a `for_each` step whose list is known.
    pub(crate) fn is_expanded(&self) -> bool {
        self.element_count().is_some()
    }

    /// How many elements the list of a `for_each` step has, while it is known.
    pub(super) fn element_count(&self) -> Option<u32> {
        self.expansion.as_ref()?.count
    }

    pub(super) fn set_element_count(&mut self, count: Option<u32>) {
        if count.is_some() || self.expansion.is_some() {
            self.details_mut().expansion.get_or_insert_default().count = count;
        }
    }

    pub(super) fn add_elements(&mut self, rows: impl IntoIterator<Item = StepIx>) {
        let expansion = &mut self.details_mut().expansion;
        expansion.get_or_insert_default().rows.extend(rows);
    }

    /// The rows of its elements, for a `for_each` step that was expanded.
    pub fn elements(&self) -> &[StepIx] {
        let Some(expansion) = &self.expansion else {
            return &[];
        };
        let count = expansion.count.unwrap_or(0) as usize;
        expansion.rows.get(..count).unwrap_or(&expansion.rows)
    }

    /// The rows of the calls that the code of its last attempt has made, in order.
    pub fn calls(&self) -> &[StepIx] {
        &self.calls
    }

    pub(super) fn add_call(&mut self, row: StepIx) {
        self.details_mut().calls.push(row);
    }

    /// Another attempt makes calls of its own. Returns how many there were.
    pub(super) fn forget_calls(&mut self) -> usize {
        let details = self.details_if_any();
        details.map_or(0, |details| std::mem::take(&mut details.calls).len())
    }

    /// The running attempt, where there is one.
    pub(crate) fn running_attempt(&self) -> Option<&AttemptState> {
        self.attempts.last().filter(|attempt| attempt.end.is_none())
    }

    /// The last attempt, where its process died during it.
    pub(crate) fn interrupted_attempt(&self) -> Option<&AttemptState> {
        let last = self.attempts.last()?;
        (last.end.is_none() || last.was_cut_off()).then_some(last)
    }

    /// The question that its running attempt waits for an answer to.
    pub fn open_question(&self) -> Option<&Question> {
        self.running_attempt()?.open_question()
    }

    /// The last attempt, ended or not.
    pub(crate) fn last_attempt(&self) -> Option<&AttemptState> {
        self.attempts.last()
    }

    /// The resolved parameters that it was last called with, or that its output was used again for.
    pub fn input(&self) -> Option<&StepInput> {
        let reused = self.reused.as_ref().map(|reused| &reused.input);
        reused.or_else(|| self.last_attempt().map(|attempt| &attempt.input))
    }

    /// Why its last call was made, where the output could have been there already.
    pub fn why(&self) -> Option<&CallReason> {
        let mut attempts = self.attempts.iter().rev();
        attempts.find_map(|attempt| attempt.why.as_deref())
    }

    /// The model of the last attempt that a model answered.
    pub fn model(&self) -> Option<&Arc<str>> {
        self.attempts
            .iter()
            .rev()
            .find_map(|attempt| attempt.end.as_ref()?.1.model.as_ref())
    }
}
