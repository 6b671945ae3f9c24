//! The fold: a run's state from its events.

use super::clock::Clock;
use super::hand_over::HandOver;
use super::row_info::RowInfo;
use super::run_phase::RunPhase;
use super::slot_accounting::{Conditions, SlotAccounting, SlotUse};
use super::step_state::Moment;
use super::{
    AttemptExtras, AttemptState, Breakpoint, EditHistory, EventKind, IdleCause, IdlePeriods, Limit,
    RateWait, Rates, ResourceLimits, Rows, RunError, RunEvent, RunHeader, RunSetting, SkipReason,
    StepKey, StepSource, StepState, StepStatus,
};
use crate::plan::StepIx;
use crate::units::{Micros, Money, Tokens};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

pub use holds::HeldStep;

mod attempt;
mod called;
mod edited;
mod expansion;
mod holds;
mod money;
#[cfg(test)]
pub(super) mod tests;
mod time;

/// A run at one of its events. A copy shares the rows that stay alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunState {
    /// What was known at the start.
    pub header: Option<Arc<RunHeader>>,
    /// The rows: the plan's steps in its order, then the elements of `for_each` steps as they appeared.
    pub steps: Rows,
    /// The limits in force.
    pub limits: ResourceLimits,
    /// The rates in force.
    pub rates: Rates,
    /// Settings that were changed in the run, with the moment, in order.
    pub setting_changes: Vec<(Micros, RunSetting)>,
    /// Its phase.
    pub phase: RunPhase,
    /// How many events were applied.
    pub events: u64,
    /// When the last one happened.
    pub at: Micros,
    /// Running attempts.
    pub running: usize,
    /// Those of them whose call has ended, and which slow motion keeps running.
    paced: usize,
    /// Attempts started.
    pub calls: u64,
    /// The plan's steps by status, in the order of [`StepStatus::ALL`]; elements count with their step.
    pub counts: [usize; 8],
    /// Rows that a call can be made for: the plan's steps, with elements instead of their `for_each` step.
    callable: usize,
    /// The most that there were of them: what was a slot once remains one, so that no figure is above its bound.
    most_callable: usize,
    /// The highest limit of slots so far.
    highest_limit: u32,
    /// What the slots did.
    slot_accounting: SlotAccounting,
    /// What ended attempts cost, those without a price left out.
    pub spent: Money,
    /// Whether an ended attempt had no price.
    pub unpriced: bool,
    /// What is reserved for running attempts.
    pub reserved: Money,
    /// What earlier runs were thought to have spent on calls that turned out not to have happened.
    pub released: Money,
    /// The service time of all ended attempts: the work T1.
    pub work: Micros,
    /// Tokens of all ended attempts.
    pub tokens: Tokens,
    /// What outputs from the cache saved: what their calls had cost.
    pub saved_cost: Money,
    /// The same as time: how long those calls had taken.
    pub saved_time: Micros,
    /// The edits of steps, in order.
    pub edits: EditHistory,
    /// When a step was edited last, and which.
    last_edit: Option<(Micros, StepIx)>,
    /// The breakpoints that are set.
    pub breakpoints: BTreeSet<Breakpoint>,
    /// The steps at which the run is held, in order.
    pub held_steps: Vec<HeldStep>,
    /// The id of the row to which the run goes on.
    pub target: Option<Arc<str>>,
    /// The run that goes on with an edited plan, once this one stands still.
    pub hand_over: Option<Box<HandOver>>,
    /// Whether it was paused when it was stopped.
    pub(crate) was_paused: bool,
    /// Rows whose outcome is unknown.
    unknown: usize,
    /// Time in which a pause or the user held everything, up to `held_since`.
    pub held: Micros,
    /// Since when a pause or the user holds everything.
    pub held_since: Option<Micros>,
    /// When everything was held.
    clock: Clock,
    /// When nothing started because of a pause, or because it had ended until something ran again.
    pub idle_periods: IdlePeriods,
    /// Limits that were reached, in order.
    pub exceeded: Vec<Limit>,
    /// The final result, once it ended.
    pub result: Option<Arc<Value>>,
    /// The error it ended with.
    pub error: Option<Box<RunError>>,
}

impl RunState {
    /// The state after all of `events`.
    pub fn from_events<'a>(events: impl IntoIterator<Item = &'a RunEvent>) -> Self {
        let mut state = Self::default();
        for event in events {
            state.apply(event);
        }
        state
    }

    /// How many of the plan's steps have this status.
    pub fn count(&self, status: StepStatus) -> usize {
        self.counts[status as usize]
    }

    /// The slots of the run at present. A `for_each` step counts with its elements.
    pub fn slots(&self) -> usize {
        self.limits.slots(self.most_callable)
    }

    /// P · W at `now`, in slot time: the slots in force, over the time that counts.
    pub fn slot_capacity(&self, now: Micros) -> Micros {
        self.accounting_at(now).capacity(self.most_callable)
    }

    /// Whether anything can still happen without the user.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase, RunPhase::Ended(_))
    }

    /// Takes in the next event. An event about a row that does not exist is counted, and changes nothing else.
    pub fn apply(&mut self, event: &RunEvent) {
        self.events = event.seq.saturating_add(1);
        let passed = event.at - self.at;
        if passed.0 > 0 && self.held_since.is_none() {
            let now = self.conditions();
            self.slot_accounting.pass(passed, &now);
        }
        self.at = self.at.max(event.at);
        let row = event.kind.step().map(|step| step.ix.at());
        let before = row.and_then(|row| self.slot_use(row));
        self.take_in(event);
        self.keep_target(&event.kind);
        let after = row.and_then(|row| self.slot_use(row));
        self.slot_accounting.change(before, after);
        self.keep_clock(event.at);
        self.idle_periods.turn(self.idle_cause(), event.at);
    }

    fn slot_use(&self, row: usize) -> Option<SlotUse> {
        SlotUse::of(self.steps.get(row)?)
    }

    /// The accounting of slot time up to `now`.
    pub(super) fn accounting_at(&self, now: Micros) -> SlotAccounting {
        let mut accounting = self.slot_accounting.clone();
        if self.held_since.is_none() {
            accounting.pass(now - self.at, &self.conditions());
        }
        accounting
    }

    fn conditions(&self) -> Conditions {
        let most = self.limits.max_tool_calls;
        Conditions {
            limit: self.limits.slots_at_most(),
            highest_limit: self.highest_limit,
            slots: self.slots() as u64,
            phase: self.phase,
            out_of_calls: most.is_some_and(|most| self.calls >= most),
        }
    }

    fn take_in(&mut self, event: &RunEvent) {
        match &event.kind {
            EventKind::RunStarted(header) => self.start(header),
            EventKind::StepReady { step } => {
                if let Some(row) = self.set_status(step, StepStatus::Ready) {
                    row.ready = event.at.into();
                }
            }
            EventKind::StepWaiting {
                step,
                reason,
                on,
                until,
            } => self.with(step, |row| {
                row.waiting = Some(*reason);
                let details = row.details_mut();
                details.waits.begin(*reason, on.as_ref(), event.at);
                details.rate = on.as_ref().map(|name| {
                    Box::new(RateWait {
                        name: Arc::clone(name),
                        until: *until,
                    })
                });
            }),
            EventKind::StepsAdded { steps } => self.add_steps(steps),
            EventKind::StepExpanded {
                step,
                count,
                elements,
            } => self.expand(event.at, step, *count, elements),
            EventKind::StepCalled { step, row, call } => self.called(step, *row, call),
            EventKind::AttemptSuspended { step, attempt } => {
                self.suspend(event.at, step, *attempt);
            }
            EventKind::AttemptContinued {
                step,
                attempt,
                slot,
            } => self.go_on(event.at, step, *attempt, *slot),
            EventKind::AttemptStarted {
                step,
                attempt,
                slot,
                input,
                reserved,
                why,
                prompt,
            } => {
                self.let_go(step.ix);
                self.forget_calls(step);
                if let Some(row) = self.set_status(step, StepStatus::Running) {
                    let due = row.retry_at.or(row.ready_at());
                    let ready = due.unwrap_or(event.at).min(event.at);
                    row.wait_no_more(event.at);
                    row.started.get_or_insert(event.at);
                    row.attempts.push(AttemptState {
                        number: *attempt,
                        slot: *slot,
                        ready,
                        started: event.at,
                        input: input.clone(),
                        extras: AttemptExtras {
                            reserved: *reserved,
                            why: why.clone(),
                            prompt: prompt.clone(),
                            ..AttemptExtras::default()
                        }
                        .boxed(),
                        end: None,
                    });
                    self.running += 1;
                    // A call whose code has ended may still be running.
                    self.most_callable = self.most_callable.max(self.running);
                    self.calls += 1;
                    self.reserved += *reserved;
                }
            }
            EventKind::ReservationRaised {
                step,
                attempt,
                reserved,
            } => self.raise(step, *attempt, *reserved),
            EventKind::AttemptPaced { step, attempt } => self.pace(event.at, step, *attempt),
            EventKind::AttemptHandle {
                step,
                attempt,
                handle,
            } => self.give_handle(step, *attempt, handle),
            EventKind::QuestionAsked {
                step,
                attempt,
                question,
            } => self.ask(step, *attempt, question),
            EventKind::QuestionAnswered {
                step,
                attempt,
                answer,
            } => self.answer(step, *attempt, answer),
            EventKind::AttemptLog {
                step,
                attempt,
                stream,
                text,
            } => self.log(step, *attempt, *stream, text),
            EventKind::AttemptEnded(end) => self.end_attempt(event.at, end),
            EventKind::StepSucceeded {
                step,
                source,
                output,
                reused,
            } => {
                if let (StepSource::Cache, Some(reused)) = (source, reused) {
                    self.saved_cost += reused.cost;
                    self.saved_time += reused.service;
                }
                if let Some(row) = self.end_step(step, StepStatus::Succeeded, event.at) {
                    row.source = Some(*source);
                    row.output = Some(Arc::clone(output));
                    row.pinned = reused.as_ref().is_some_and(|reused| reused.pinned);
                    if reused.is_some() {
                        row.details_mut().reused.clone_from(reused);
                    } else if let Some(details) = row.details_if_any() {
                        details.reused = None;
                    }
                    row.clear_error();
                }
            }
            EventKind::StepFailed {
                step,
                error,
                output,
            } => {
                if let Some(row) = self.end_step(step, StepStatus::Failed, event.at) {
                    let details = row.details_mut();
                    details.error = Some(error.clone());
                    details.rejected.clone_from(output);
                }
            }
            EventKind::StepUnknown { step, error } => {
                if let Some(row) = self.end_step(step, StepStatus::Unknown, event.at) {
                    row.details_mut().error = Some(error.clone());
                }
            }
            EventKind::StepSettled { step, settlement } => {
                self.released += settlement.released;
                self.with(step, |row| {
                    row.details_mut().settlement = Some(settlement.clone());
                });
            }
            EventKind::StepSkipped {
                step,
                reason,
                because,
            } => {
                let by_hand = *reason == SkipReason::User && self.phase != RunPhase::Stopping;
                if let Some(row) = self.end_step(step, StepStatus::Skipped, event.at) {
                    row.reason = Some(*reason);
                    row.details_mut().because.clone_from(because);
                    row.details_mut().skipped_by_hand = by_hand;
                    row.clear_error();
                }
            }
            EventKind::StepCancelled { step } => {
                self.end_step(step, StepStatus::Cancelled, event.at);
            }
            EventKind::StepReset { step } => self.reset(event.at, step),
            EventKind::StepInputSet { .. }
            | EventKind::StepCallSet { .. }
            | EventKind::StepEdited { .. } => self.take_in_edit(event),
            EventKind::ApprovalAsked { .. }
            | EventKind::ApprovalDecided { .. }
            | EventKind::ApprovalUsed { .. }
            | EventKind::BreakpointSet { .. }
            | EventKind::RunTargeted { .. }
            | EventKind::HandOverSet { .. }
            | EventKind::StepHeld { .. } => self.take_in_hold(event),
            EventKind::StepPinned { step, pinned } => self.with(step, |row| row.pinned = *pinned),
            EventKind::RunPaused => self.phase = RunPhase::Paused,
            EventKind::RunResumed => {
                self.phase = RunPhase::Running;
                self.held_steps.clear();
            }
            EventKind::RunReopened => self.reopen(),
            EventKind::SettingChanged { setting } => {
                setting.apply(&mut self.limits, &mut self.rates);
                self.setting_changes.push((event.at, setting.clone()));
                self.highest_limit = self.highest_limit.max(self.limits.slots_at_most());
            }
            EventKind::LimitReached { limit, .. } => {
                self.phase = RunPhase::Stopping;
                self.held_steps.clear();
                if !self.exceeded.contains(limit) {
                    self.exceeded.push(*limit);
                }
            }
            EventKind::StopRequested => {
                self.was_paused = self.phase == RunPhase::Paused;
                self.phase = RunPhase::Stopping;
                self.held_steps.clear();
            }
            EventKind::RunEnded {
                status,
                result,
                error,
            } => {
                self.phase = RunPhase::Ended(*status);
                self.result = Some(Arc::clone(result));
                self.error.clone_from(error);
            }
        }
    }

    /// Why nothing starts now.
    fn idle_cause(&self) -> Option<IdleCause> {
        match self.phase {
            RunPhase::Paused => Some(IdleCause::Pause),
            RunPhase::Ended(_) => Some(IdleCause::Ended),
            RunPhase::Empty | RunPhase::Running | RunPhase::Stopping => None,
        }
    }

    fn start(&mut self, header: &Arc<RunHeader>) {
        *self = Self {
            events: self.events,
            at: self.at,
            steps: RowInfo::each(&header.steps).map(StepState::new).collect(),
            limits: header.limits.clone(),
            highest_limit: header.limits.slots_at_most(),
            rates: header.rates.clone(),
            ..Self::default()
        };
        let of_the_plan = self.steps.iter().filter(|row| row.info.parent.is_none());
        self.callable = of_the_plan.count();
        self.most_callable = self.callable;
        self.counts[StepStatus::Pending as usize] = self.callable;
        self.header = Some(Arc::clone(header));
        self.phase = RunPhase::Running;
    }

    fn end_step(
        &mut self,
        step: &StepKey,
        status: StepStatus,
        at: Micros,
    ) -> Option<&mut StepState> {
        self.let_go(step.ix);
        let row = self.set_status(step, status)?;
        row.wait_no_more(at);
        row.not_stale();
        row.ended = at.into();
        Some(row)
    }

    fn reset(&mut self, at: Micros, step: &StepKey) {
        self.let_go(step.ix);
        self.note_stale(at, step);
        let row = self.steps.get(step.ix.at());
        let from_cache = row.filter(|row| row.source == Some(StepSource::Cache));
        if let Some(reused) = from_cache.and_then(|row| row.reused.as_deref()) {
            // It was thrown away again.
            self.saved_cost -= reused.cost;
            self.saved_time = self.saved_time - reused.service;
        }
        self.set_status(step, StepStatus::Pending);
        self.set_count(step, None);
        self.forget_calls(step);
        self.with(step, |row| {
            row.wait_no_more(at);
            row.source = None;
            row.output = None;
            if let Some(details) = row.details_if_any() {
                details.reused = None;
                details.because = None;
                details.approval = None;
                details.skipped_by_hand = false;
            }
            row.clear_error();
            row.pinned = false;
            row.reason = None;
            row.ready = Moment::NEVER;
            row.started = Moment::NEVER;
            row.ended = Moment::NEVER;
        });
    }

    /// Changes where a step stands, and returns its row for what else changes.
    fn set_status(&mut self, step: &StepKey, status: StepStatus) -> Option<&mut StepState> {
        let row = self.steps.get_mut(step.ix.at())?;
        if !row.is_element {
            self.counts[row.status as usize] -= 1;
            self.counts[status as usize] += 1;
        }
        let before = std::mem::replace(&mut row.status, status);
        self.unknown -= usize::from(before == StepStatus::Unknown);
        self.unknown += usize::from(status == StepStatus::Unknown);
        Some(row)
    }

    fn with(&mut self, step: &StepKey, change: impl FnOnce(&mut StepState)) {
        if let Some(row) = self.steps.get_mut(step.ix.at()) {
            change(row);
        }
    }

    /// Whether nothing continues until the user decides: about an unknown step, or about an approval.
    pub(crate) fn waits_for_user(&self) -> bool {
        let asked = self.unknown > 0 || self.slot_accounting.asks();
        self.phase == RunPhase::Running && asked && self.slot_accounting.is_idle()
    }
}
