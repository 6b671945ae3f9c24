//! The rules of a run a second time, slow and obvious: everything is computed again from the fold of the events
//! and from the status of the step's dependencies, for every event and every moment of rest.

use super::rates;
use super::world::{BACKOFF, World};
use crate::engine::Timer;
use crate::plan::{StepIx, Trigger};
use crate::run::{
    AttemptState, BreakWhen, EventKind, ExecutionResult, HeldAt, Limit, RunCommand, RunOutcome,
    RunPhase, RunSetting, RunState, SkipReason, StepSource, StepState, StepStatus, VoidReason,
    WaitReason,
};
use crate::units::{Charge, Micros, Money};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Oracle {
    /// Rows skipped because of a failure somewhere above.
    tainted: BTreeSet<StepIx>,
    /// Rows that the user skipped or gave an output.
    decided: BTreeSet<StepIx>,
    /// What the user gave rows as their input.
    given: BTreeMap<StepIx, Value>,
    /// Rows whose outcome is unknown, while the user is asked: they have not ended.
    asked: BTreeSet<StepIx>,
    /// What `for_each` steps saw when they were expanded.
    seen_by_lists: BTreeMap<StepIx, Value>,
    /// Steps that the user allowed to start while the run is paused.
    permits: usize,
    /// Whether the user asked for a step since the last moment of rest: it goes ahead of others that wait for a
    /// rate, even where the run is resumed before it starts.
    asked_for_one: bool,
    /// A step failed and the run is to stop for it, or a limit or the user stops it.
    stopping: bool,
    /// It is to stop because a step failed.
    by_failure: bool,
    /// The rows for whose failure it is to stop.
    failing: BTreeSet<StepIx>,
    /// What is held back beside the bounds of running calls, until one of those that are estimated is billed.
    margins: BTreeMap<StepIx, Money>,
    /// The moment on the run's clock from which its time is counted.
    allowance_from: Micros,
    /// What may have been spent although the budget is smaller by now.
    tolerated: Money,
    /// The calls of which rows were approved, until when, and whether they have been made.
    approved: BTreeMap<StepIx, (Arc<str>, Option<Micros>, bool)>,
    /// The rows whose ends breakpoints hold: those that depend on them do not know of it.
    held: BTreeSet<StepIx>,
    /// The rows that the user refused.
    refused: BTreeSet<StepIx>,
    /// By row: the calls that its code has made in the present attempt, and has no answer to.
    open: BTreeMap<StepIx, BTreeSet<StepIx>>,
    /// The same of the attempt that has ended last, as it ended.
    left: BTreeMap<StepIx, BTreeSet<StepIx>>,
    /// The rows that have waited for a rate since they became ready, by when that began.
    turns: BTreeMap<StepIx, u64>,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Wait,
    Go,
    Never,
}

impl Oracle {
    /// A command is about to be given.
    pub(super) fn command(&mut self, state: &RunState, command: &RunCommand) {
        if matches!(command, RunCommand::StepOnce(_)) && state.phase == RunPhase::Paused {
            self.permits += 1;
            self.asked_for_one = true;
        }
    }

    /// An event is about to be applied to the fold.
    pub(super) fn before(&mut self, world: &World, kind: &EventKind) {
        let state = &world.state;
        match kind {
            EventKind::AttemptStarted {
                step,
                attempt,
                slot,
                input,
                reserved,
                why: _,
                prompt: _,
            } => {
                let permits = self.permits;
                self.may_start(world, step.ix);
                let resumed = state.phase == RunPhase::Running && self.asked_for_one;
                let asked = self.permits < permits || resumed;
                rates::may_start(world, &self.turns, step.ix, asked);
                self.turns.remove(&step.ix);
                let row = &state.steps[step.ix.at()];
                assert_eq!(
                    *attempt as usize,
                    row.attempts.len() + 1,
                    "attempts are counted"
                );
                let limit = world.frame.left();
                let total = state.spent + state.reserved + *reserved;
                assert!(
                    reserved.is_zero() || limit.is_none_or(|limit| total <= limit),
                    "{} starts past the budget",
                    step.id
                );
                let margin = Self::margin(world, step.ix, *reserved);
                let held: Money = self.margins.values().copied().sum();
                assert!(
                    reserved.is_zero()
                        || is_free_of_spending(state)
                        || limit.is_none_or(|limit| total + margin + held <= limit),
                    "{} starts too early for an estimate",
                    step.id
                );
                let bound = world.bound(step.ix).max(Money::ZERO);
                assert!(*reserved == bound || (!world.foreseen && *reserved > bound));
                self.margins.insert(step.ix, margin);
                let calls = world.frame.calls;
                assert!(
                    calls.is_none_or(|most| state.calls < most),
                    "one call too many"
                );
                let slots = world.frame.slots.unwrap_or(u32::MAX);
                assert!(state.running < slots as usize, "one running too many");
                assert!(*slot < slots, "no slot has this number");
                assert!(!is_taken(state, *slot), "a slot is taken twice");
                if world.needs_approval(step.ix) {
                    let (call, _, used) = &self.approved[&step.ix];
                    assert_eq!(
                        **call,
                        input.to_value().to_string(),
                        "another call was approved"
                    );
                    assert!(*used, "{} starts and its approval does not say so", step.id);
                }
                let given = self.given.get(&step.ix);
                assert_eq!(
                    *input,
                    given
                        .cloned()
                        .unwrap_or_else(|| world.seen_by(plan_row(world, step.ix))),
                    "fresh input"
                );
            }
            EventKind::ApprovalAsked {
                step, call, void, ..
            } => {
                let known = self.approved.remove(&step.ix);
                let wanted = known.map(|(before, ..)| {
                    if before == *call {
                        VoidReason::Expired
                    } else {
                        VoidReason::Changed
                    }
                });
                assert_eq!(*void, wanted, "why {} is asked again", step.id);
                self.was_wanted(world, step.ix);
            }
            EventKind::ApprovalDecided {
                step,
                call,
                granted,
                until,
                ..
            } => {
                let asked = state.steps[step.ix.at()].asked_approval();
                assert_eq!(asked.map(|asked| &asked.call), Some(call), "{}", step.id);
                if *granted {
                    let lasts = world
                        .frame
                        .approval_ms
                        .map(|ms| world.now + Micros(ms * 1000));
                    assert_eq!(*until, lasts);
                    let granted = (Arc::clone(call), *until, false);
                    self.approved.insert(step.ix, granted);
                } else {
                    self.refused.insert(step.ix);
                }
            }
            EventKind::ApprovalUsed { step, call, .. } => {
                let (approved, until, used) = self.approved.get_mut(&step.ix).expect("approved");
                assert_eq!(call, approved);
                assert!(!std::mem::replace(used, true), "{} is used twice", step.id);
                assert!(
                    until.is_none_or(|until| world.now < until),
                    "it has expired"
                );
            }
            EventKind::StepCalled { step, row, .. } => {
                let caller = &state.steps[step.ix.at()];
                assert!(
                    caller.running_attempt().is_some(),
                    "{} calls nothing",
                    step.id
                );
                assert!(!caller.calls().contains(row) || state.steps[row.at()].status.has_ended());
                self.open.entry(step.ix).or_default().insert(*row);
            }
            EventKind::AttemptSuspended { step, .. } => {
                let row = &state.steps[step.ix.at()];
                assert!(row.running_attempt().is_some_and(|it| !it.is_suspended()));
                let open = self.open_calls(state, step.ix);
                assert!(open > 0, "{} waits for nothing", step.id);
                assert!(world.running[&step.ix].paced.is_none());
                // It has seen what became of all others.
                self.given(state, step.ix);
            }
            EventKind::AttemptContinued { step, slot, .. } => {
                let row = &state.steps[step.ix.at()];
                assert!(
                    row.running_attempt()
                        .is_some_and(AttemptState::is_suspended)
                );
                assert!(self.has_answer(state, step.ix), "{} has no answer", step.id);
                let slots = world.frame.slots.unwrap_or(u32::MAX);
                assert!(state.running < slots as usize, "one running too many");
                assert!(!is_taken(state, *slot), "a slot is taken twice");
                self.given(state, step.ix);
            }
            EventKind::StepInputSet { step, input } => {
                let running = state.steps[step.ix.at()].running_attempt();
                assert!(running.is_none(), "{} is being called", step.id);
                match input {
                    Some(input) => drop(self.given.insert(step.ix, Value::clone(input))),
                    None => drop(self.given.remove(&step.ix)),
                }
            }
            EventKind::ReservationRaised { step, reserved, .. } => {
                let attempt = state.steps[step.ix.at()].running_attempt();
                let more = *reserved - attempt.expect("it is running").reserved;
                let limit = world.frame.left();
                let total = state.spent + state.reserved + more;
                assert!(more > Money::ZERO && limit.is_none_or(|limit| total <= limit));
            }
            EventKind::AttemptEnded(end) => {
                let sum: Money = end.charges.iter().map(Charge::cost).sum();
                assert_eq!(sum, end.cost.unwrap_or_default(), "{:?}", end.charges);
                self.margins.remove(&end.step.ix);
                let left = self.open.remove(&end.step.ix);
                self.left.insert(end.step.ix, left.unwrap_or_default());
                self.attempt_ended(world, end);
            }
            EventKind::StepWaiting {
                step,
                reason: WaitReason::Rate,
                on,
                until,
            } => {
                let turn = world.events.len() as u64;
                self.turns.entry(step.ix).or_insert(turn);
                rates::says_what_it_waits_for(world, step.ix, on.as_deref(), *until);
            }
            EventKind::StepSucceeded {
                step,
                source,
                output,
                reused: _,
            } => {
                self.ends(world, step.ix);
                let row = &state.steps[step.ix.at()];
                match source {
                    StepSource::Mock => {
                        self.decided.insert(step.ix);
                    }
                    StepSource::Call if is_expandable(world, step.ix) => {
                        let outputs = row.elements().iter().map(|ix| {
                            let output = state.steps[ix.at()].output.as_ref();
                            output.map_or(Value::Null, |output| Value::clone(output))
                        });
                        assert_eq!(**output, outputs.collect::<Value>(), "in order");
                    }
                    StepSource::Call => {
                        let end = row.last_attempt().and_then(|attempt| attempt.end.as_ref());
                        assert!(end.is_some_and(|(_, end)| end.error.is_none()));
                    }
                    _ => {}
                }
            }
            EventKind::StepFailed { step, .. } => {
                self.ends(world, step.ix);
                let is_call = state.steps[step.ix.at()].caller.is_some();
                if world.frame.fail_fast && (!self.stopping || self.by_failure) && !is_call {
                    (self.stopping, self.by_failure) = (true, true);
                    self.failing.insert(step.ix);
                }
            }
            EventKind::StepSkipped {
                step,
                reason,
                because,
            } => {
                self.ends(world, step.ix);
                let before = depends_on(world, step.ix);
                match reason {
                    SkipReason::Upstream if state.steps[step.ix.at()].caller.is_some() => {
                        let caller = state.steps[step.ix.at()].caller.expect("it is a call");
                        let caller = &state.steps[caller.at()];
                        assert_eq!(because.as_ref(), Some(&caller.info.id));
                        assert!(caller.running_attempt().is_none(), "its code still waits");
                    }
                    SkipReason::Upstream => {
                        let verdict = self.verdict(world, step.ix);
                        assert_eq!(verdict, Verdict::Never, "{} is skipped", step.id);
                        if before.iter().any(|row| self.is_bad(state, *row)) {
                            self.tainted.insert(step.ix);
                        }
                        let because = because.as_ref().expect("a dependency is the reason");
                        let named = before
                            .iter()
                            .find(|row| state.steps[row.at()].info.id == *because);
                        let named = named.expect("it is a dependency");
                        let status = state.steps[named.at()].status;
                        assert!(status.has_ended() && status != StepStatus::Succeeded);
                    }
                    SkipReason::Condition => self.was_wanted(world, step.ix),
                    SkipReason::User if self.refused.remove(&step.ix) => {
                        // Whoever depends on it sees it as skipped, and a retry of what it depends on asks again.
                        self.decided.insert(step.ix);
                    }
                    SkipReason::User if !self.stopping => {
                        self.decided.insert(step.ix);
                    }
                    SkipReason::User => {}
                    SkipReason::Limit => assert!(!state.exceeded.is_empty()),
                }
            }
            EventKind::StepUnknown { step, .. } => {
                if state.steps[step.ix.at()].caller.is_none() {
                    self.was_wanted(world, step.ix);
                }
                self.ends(world, step.ix);
                if world.frame.asks {
                    self.asked.insert(step.ix);
                }
            }
            EventKind::StepCancelled { step } => {
                self.ends(world, step.ix);
                // A `for_each` step stays incomplete until all its earlier elements have run again.
                let mut elements = state.steps[step.ix.at()].elements().iter();
                let incomplete = elements.any(|ix| {
                    let cancelled = state.steps[ix.at()].status == StepStatus::Cancelled;
                    cancelled || self.was_stopped(state, ix.at())
                });
                let caller = state.steps[step.ix.at()].caller;
                // Nobody waits for it any more.
                let abandoned = caller.is_some_and(|caller| {
                    !self
                        .open
                        .get(&caller)
                        .is_some_and(|open| open.contains(&step.ix))
                });
                let why = self.stopping || incomplete || abandoned || self.is_held(world, step.ix);
                assert!(why, "{} is cancelled in a run that continues", step.id);
            }
            EventKind::StepReset { step } => {
                let row = &state.steps[step.ix.at()];
                assert!(
                    row.running_attempt().is_none(),
                    "{} is reset while it runs",
                    step.id
                );
                self.turns.remove(&step.ix);
                self.asked.remove(&step.ix);
                self.tainted.remove(&step.ix);
                self.decided.remove(&step.ix);
                self.seen_by_lists.remove(&step.ix);
                self.approved.remove(&step.ix);
                self.held.remove(&step.ix);
            }
            EventKind::StepExpanded { step, .. } => {
                self.was_wanted(world, step.ix);
                let seen = world.seen_by(step.ix);
                self.seen_by_lists.insert(step.ix, seen);
            }
            EventKind::LimitReached { limit, .. } => {
                self.stopping = true;
                self.limit_reached(world, *limit);
                self.asked.clear();
                self.held.clear();
            }
            EventKind::StopRequested => {
                self.stopping = true;
                self.asked.clear();
                self.held.clear();
            }
            EventKind::RunEnded { status, error, .. } => {
                assert_eq!(state.running, 0, "the run ends while something is running");
                let open = state.steps.iter().find(|row| !row.status.has_ended());
                let open = open.filter(|row| row.caller.is_some() || in_use(state, row));
                let asked = || {
                    let stands = |row: &StepState| {
                        row.asked_approval().is_some()
                            || matches!(
                                row.waiting,
                                Some(WaitReason::Breakpoint | WaitReason::Target)
                            )
                    };
                    !self.held.is_empty() || state.steps.iter().any(stands)
                };
                let waits = *status == RunOutcome::Waiting;
                assert!(
                    if waits {
                        !world.frame.asks && asked()
                    } else {
                        open.is_none() && self.held.is_empty()
                    },
                    "the run ends as {status:?} before {open:?}"
                );
                // What became of a call does not matter once the code that made it has ended.
                let mut unanswered = self.asked.iter();
                let unanswered = unanswered.find(|row| state.steps[row.at()].caller.is_none());
                assert!(unanswered.is_none(), "the run ends before an answer");
                self.outcome(world, *status);
                let mut rows = state.steps.iter();
                let went_wrong = rows.any(|row| row.status.went_wrong() && row.caller.is_none());
                assert_eq!(
                    error.is_none(),
                    matches!(
                        status,
                        RunOutcome::Succeeded | RunOutcome::Cancelled | RunOutcome::Waiting
                    ) && !went_wrong
                );
            }
            EventKind::RunReopened => {
                (self.stopping, self.by_failure) = (false, false);
                self.failing.clear();
                let used = state.wall(world.now) - self.allowance_from;
                let limit = world.frame.timeout_ms.map(|ms| Micros(ms * 1000));
                // Where it was raised since, it has some time left.
                let is_over = limit.is_some_and(|limit| used >= limit);
                if state.exceeded.contains(&Limit::TimeoutSeconds) && is_over {
                    self.allowance_from = state.wall(world.now);
                }
            }
            EventKind::SettingChanged { setting } => self.changed(world, setting),
            EventKind::StepHeld {
                step,
                at: HeldAt::Target,
                ..
            } => {
                assert_eq!(state.target.as_ref(), Some(&step.id));
                let row = &state.steps[step.ix.at()];
                assert!(!row.status.has_ended() && row.running_attempt().is_none());
            }
            EventKind::StepHeld {
                step,
                at: HeldAt::Missed,
                ..
            } => {
                let target = state.target.as_ref().expect("the run is on its way");
                assert!(target.starts_with(&*step.id));
                assert_eq!(state.running, 0, "what is running may lead there");
                for at in 0..state.steps.len() as u32 {
                    let id = &state.steps[at as usize].info.id;
                    let waits = state.steps[at as usize].status == StepStatus::Ready
                        && in_use(state, &state.steps[at as usize]);
                    let is_needed = is_needed(world, StepIx(at));
                    assert!(!waits || !is_needed, "{id} leads there");
                }
            }
            EventKind::StepHeld { step, at, .. } => {
                let row = &state.steps[step.ix.at()];
                let set = |when: &BreakWhen| {
                    let mut set = state.breakpoints.iter();
                    set.any(|one| one.when == *when && one.is_about(&step.id))
                };
                let (when, is_there) = match at {
                    HeldAt::Before => (BreakWhen::Before, !row.status.has_ended()),
                    HeldAt::After => (BreakWhen::After, row.status.has_ended()),
                    HeldAt::Failure => (BreakWhen::Failure, row.status == StepStatus::Failed),
                    HeldAt::Target | HeldAt::Missed => unreachable!("seen above"),
                };
                assert!(set(&when) && is_there, "{} is held {at:?}", step.id);
                if *at != HeldAt::Before {
                    self.held.insert(step.ix);
                    // That it stops for it is held, too.
                    if self.failing.remove(&step.ix) && self.failing.is_empty() {
                        (self.stopping, self.by_failure) = (false, false);
                    }
                }
            }
            EventKind::RunPaused => self.permits = 0,
            EventKind::RunResumed => {
                self.permits = 0;
                let failed = |row: &StepIx| state.steps[row.at()].status == StepStatus::Failed;
                let held = std::mem::take(&mut self.held);
                let failed = held.into_iter().filter(failed);
                self.failing
                    .extend(failed.filter(|_| world.frame.fail_fast));
                if !self.failing.is_empty() {
                    (self.stopping, self.by_failure) = (true, true);
                }
            }
            _ => {}
        }
    }

    /// A setting becomes another one.
    fn changed(&mut self, world: &World, setting: &RunSetting) {
        let (state, frame) = (&world.state, &world.frame);
        match setting {
            RunSetting::MaxConcurrent { value } => assert_ne!(*value, Some(0)),
            RunSetting::MaxTotalCostUsd { value } => {
                // What was committed under the limits so far may be spent whatever the new one is.
                let before = Money::from_pico(frame.spent_before);
                let committed = before + state.spent + state.reserved;
                let old = frame.budget.map_or(committed, Money::from_pico);
                let tolerated = self.tolerated.max(old).min(committed);
                self.tolerated = if value.is_some() {
                    tolerated
                } else {
                    Money::ZERO
                };
            }
            RunSetting::TimeoutSeconds { value } => {
                let used = (state.wall(world.now) - self.allowance_from).seconds();
                assert!(value.is_none_or(|seconds| seconds > used));
            }
            RunSetting::MaxToolCalls { .. } | RunSetting::Rate { .. } => {}
        }
    }

    /// Whether the code of a row waits for calls that are held, directly or not, in a run that nobody can let go on.
    fn is_held(&self, world: &World, caller: StepIx) -> bool {
        let state = &world.state;
        let held = |row: &StepIx| {
            self.held.contains(row)
                || state.steps[row.at()].waiting == Some(WaitReason::Breakpoint)
                || self.is_held(world, *row)
        };
        let open = self.left.get(&caller).into_iter().flatten();
        !world.frame.asks && state.running == 0 && open.into_iter().any(held)
    }

    /// How many calls of a row's code have not ended.
    fn open_calls(&self, state: &RunState, caller: StepIx) -> usize {
        let calls = self.open.get(&caller).into_iter().flatten();
        calls.filter(|row| !self.is_over(state, **row)).count()
    }

    /// Whether a call of a row's code has ended that it was not told about.
    fn has_answer(&self, state: &RunState, caller: StepIx) -> bool {
        let mut calls = self.open.get(&caller).into_iter().flatten();
        calls.any(|row| self.is_over(state, *row))
    }

    /// The code of a row is told what became of its calls that have ended.
    fn given(&mut self, state: &RunState, caller: StepIx) {
        let mut open = self.open.remove(&caller).unwrap_or_default();
        open.retain(|row| !self.is_over(state, *row));
        self.open.insert(caller, open);
    }

    fn is_over(&self, state: &RunState, row: StepIx) -> bool {
        let has_ended = state.steps[row.at()].status.has_ended();
        has_ended && !self.asked.contains(&row) && !self.held.contains(&row)
    }

    /// What is held back beside a bound.
    fn margin(world: &World, row: StepIx, bound: Money) -> Money {
        let rows = world.state.steps.iter();
        let mut billed = rows
            .flat_map(|row| &row.attempts)
            .filter_map(|attempt| attempt.end.as_ref());
        let estimated = world.sketches[plan_row(world, row).at()].estimated;
        let proven = billed.any(|(_, end)| end.tokens.is_some());
        if estimated && world.frame.budget.is_some() && !proven {
            bound.times(9)
        } else {
            Money::ZERO
        }
    }

    /// Every row ends once between two resets, and not with a running attempt.
    fn ends(&mut self, world: &World, row: StepIx) {
        let asked = self.asked.remove(&row);
        let row = &world.state.steps[row.at()];
        assert!(
            asked || !row.status.has_ended(),
            "{} ends twice",
            row.info.id
        );
        assert!(
            row.running_attempt().is_none(),
            "{} ends while it runs",
            row.info.id
        );
    }

    fn may_start(&mut self, world: &World, row: StepIx) {
        let state = &world.state;
        let id = &state.steps[row.at()].info.id;
        assert!(!self.stopping, "{id} starts in a run that is being stopped");
        match state.phase {
            RunPhase::Running => {
                let is_needed = is_needed(world, row) || self.asked_for_one;
                assert!(is_needed, "{id} is not needed on the way");
                assert_ne!(
                    state.target.as_ref(),
                    Some(id),
                    "the run is past its target"
                );
            }
            RunPhase::Paused => {
                assert!(self.permits > 0, "{id} starts in a paused run");
                self.permits -= 1;
            }
            other => panic!("{id} starts in a run that is {other:?}"),
        }
        let status = state.steps[row.at()].status;
        assert!(matches!(status, StepStatus::Ready | StepStatus::Running));
        if state.steps[row.at()].caller.is_none() {
            self.was_wanted(world, row);
        }
        let sequential = |row: StepIx| world.sketches[plan_row(world, row).at()].sequential;
        let mut others = (0..state.steps.len() as u32).map(StepIx).filter(|other| {
            state.steps[other.at()].running_attempt().is_some()
                && (sequential(row) || sequential(*other))
                // The calls of its code are a part of what runs alone.
                && plan_row(world, *other) != plan_row(world, row)
        });
        assert_eq!(others.next(), None, "{id} overlaps it");
        let last = state.steps[row.at()].last_attempt();
        if let Some((ended, end)) = last.and_then(|attempt| attempt.end.as_ref())
            && let (StepStatus::Running, Some(wait)) = (status, end.retry_in)
        {
            assert!(world.now >= *ended + wait, "{id} does not wait");
        }
    }

    fn attempt_ended(&self, world: &World, end: &crate::run::AttemptEnd) {
        let row = &world.state.steps[end.step.ix.at()];
        assert!(
            row.running_attempt().is_some(),
            "{} ends twice",
            end.step.id
        );
        let Some(wait) = end.retry_in else { return };
        let attempts = row.attempts.iter().rev().take_while(|attempt| {
            row.started_at()
                .is_some_and(|started| attempt.started >= started)
        });
        let attempts = attempts.count() as u32;
        assert!(end.error.as_ref().is_some_and(|error| error.retryable));
        assert!(!self.stopping, "{} is to be tried again", end.step.id);
        let policy = world.sketches[plan_row(world, end.step.ix).at()].attempts;
        assert!(attempts < policy, "{} is tried too often", end.step.id);
        let doubled = BACKOFF.saturating_mul(1 << (attempts - 1).min(20));
        let bound = doubled.min(Duration::from_mins(1));
        // The script asks for waits of whole seconds and more, far above any jitter.
        let asked = wait.0 >= 1_000_000;
        assert!(
            asked || wait <= bound.into(),
            "{wait:?} is more than {bound:?}"
        );
    }

    fn was_wanted(&self, world: &World, row: StepIx) {
        let id = &world.state.steps[row.at()].info.id;
        let verdict = self.verdict(world, plan_row(world, row));
        assert_eq!(verdict, Verdict::Go, "the trigger of {id}");
    }

    fn limit_reached(&self, world: &World, limit: Limit) {
        let state = &world.state;
        if limit == Limit::TimeoutSeconds {
            let limit = Micros(world.frame.timeout_ms.unwrap() * 1000);
            assert!(state.wall(world.now) - self.allowance_from >= limit);
            return;
        }
        assert_eq!(state.running, 0, "running calls could still free some");
        if limit == Limit::MaxToolCalls {
            // More were made where the limit is a lower one since.
            assert!(world.frame.calls.is_some_and(|most| state.calls >= most));
        } else {
            // What code that waits for its calls may cost is still reserved.
            let left = world.frame.left().unwrap() - state.spent - state.reserved;
            let too_dear =
                state.steps.iter().enumerate().any(|(at, row)| {
                    !row.status.has_ended() && world.bound(StepIx(at as u32)) > left
                });
            assert!(too_dear || left < Money::ZERO, "something fits");
        }
    }

    fn outcome(&self, world: &World, outcome: RunOutcome) {
        let state = &world.state;
        let any = |status| {
            state
                .steps
                .iter()
                .any(|row| row.status == status && in_use(state, row))
        };
        let stopped = matches!(state.phase, RunPhase::Stopping);
        let wanted = match () {
            () if stopped && !state.exceeded.is_empty() => RunOutcome::LimitExceeded,
            () if stopped && !self.by_failure => RunOutcome::Cancelled,
            () if !self.held.is_empty()
                || state
                    .steps
                    .iter()
                    .any(|row| !row.status.has_ended() && in_use(state, row)) =>
            {
                RunOutcome::Waiting
            }
            () if any(StepStatus::Failed) || any(StepStatus::Unknown) => RunOutcome::Failed,
            // Skipped because of an earlier stop, and not decided by the user.
            () if any(StepStatus::Cancelled) => RunOutcome::Cancelled,
            () if (0..state.steps.len()).any(|at| self.was_stopped(state, at)) => {
                RunOutcome::Cancelled
            }
            () => RunOutcome::Succeeded,
        };
        assert_eq!(outcome, wanted);
        let before = Money::from_pico(world.frame.spent_before);
        let is_overdrawn = world
            .frame
            .left()
            .is_some_and(|left| state.spent > left && before + state.spent > self.tolerated);
        assert!(
            !is_overdrawn
                || matches!(
                    outcome,
                    RunOutcome::LimitExceeded | RunOutcome::Cancelled | RunOutcome::Waiting
                )
        );
    }

    fn was_stopped(&self, state: &RunState, at: usize) -> bool {
        let row = &state.steps[at];
        let by_stop = matches!(row.reason, Some(SkipReason::User | SkipReason::Limit));
        row.status == StepStatus::Skipped
            && by_stop
            && !self.decided.contains(&StepIx(at as u32))
            && in_use(state, row)
    }

    /// What a trigger makes of the status of the dependencies.
    fn verdict(&self, world: &World, row: StepIx) -> Verdict {
        let state = &world.state;
        let before = depends_on(world, row);
        let count = |is: &dyn Fn(StepIx) -> bool| before.iter().filter(|row| is(**row)).count();
        let status = |row: StepIx| state.steps[row.at()].status;
        let held = |row: StepIx| self.held.contains(&row);
        let ended =
            count(&|row| status(row).has_ended() && !self.asked.contains(&row) && !held(row));
        let well = count(&|row| status(row) == StepStatus::Succeeded && !held(row));
        let bad = count(&|row| self.is_bad(state, row) && !held(row));
        let all = ended == before.len();
        match world.sketches[row.at()].trigger {
            Trigger::AllSuccess if well == before.len() => Verdict::Go,
            Trigger::AllSuccess if ended > well => Verdict::Never,
            Trigger::AllDone if all => Verdict::Go,
            Trigger::OneSuccess if well > 0 || before.is_empty() => Verdict::Go,
            Trigger::OneSuccess if all => Verdict::Never,
            Trigger::NoneFailed if bad > 0 => Verdict::Never,
            Trigger::NoneFailed if all => Verdict::Go,
            _ => Verdict::Wait,
        }
    }

    fn is_bad(&self, state: &RunState, row: StepIx) -> bool {
        let status = state.steps[row.at()].status;
        let wrong = status.went_wrong() && !self.asked.contains(&row);
        status == StepStatus::Cancelled || wrong || self.tainted.contains(&row)
    }

    /// When every action has been run.
    pub(super) fn at_rest(&mut self, world: &World) {
        self.permits = 0;
        self.asked_for_one = false;
        let state = &world.state;
        for at in 0..world.sketches.len() as u32 {
            self.step_at_rest(world, StepIx(at));
        }
        self.nothing_is_held_for_no_reason(world);
        self.the_deadline_is_set(world);
        let may_hand_over = matches!(state.phase, RunPhase::Running | RunPhase::Paused);
        if state.hand_over.is_some() && may_hand_over {
            let mut rows = state.steps.iter();
            let is_running = rows.any(|row| row.running_attempt().is_some());
            let mut timers = world.timers.iter();
            let goes_on = timers.any(|(_, timer)| *timer != Timer::Deadline);
            assert!(
                is_running || state.phase == RunPhase::Running && goes_on,
                "the run stands still and does not hand over"
            );
        }
        if state.has_ended() && state.phase != RunPhase::Ended(RunOutcome::Waiting) {
            let result = ExecutionResult::of(state);
            let mut rows = result.steps.iter();
            assert!(rows.all(|row| row.status.has_ended()), "{result:?}");
            let done = state.count(StepStatus::Succeeded);
            assert_eq!(result.steps_completed, done);
            assert_eq!(result.cost, Some(state.spent));
        }
    }

    fn step_at_rest(&self, world: &World, row: StepIx) {
        let state = &world.state;
        let step = &state.steps[row.at()];
        if self.decided.contains(&row) || self.begins_again(world, row) {
            return;
        }
        let verdict = self.verdict(world, row);
        let id = &step.info.id;
        if self.stopping {
            assert!(
                step.status.has_ended() || step.status == StepStatus::Running,
                "{id}"
            );
            return;
        }
        let wanted = match (step.status, step.reason) {
            // Code above it was stopped for a call that is held, and begins again.
            (StepStatus::Pending, _) if self.is_below_held_code(world, row) => return,
            (StepStatus::Pending, _) => Verdict::Wait,
            (StepStatus::Skipped, Some(SkipReason::Upstream)) => Verdict::Never,
            (StepStatus::Skipped, Some(SkipReason::User | SkipReason::Limit)) => return,
            // It may have been about to begin again when the run was stopped.
            (StepStatus::Cancelled, _) => return,
            _ => Verdict::Go,
        };
        assert_eq!(verdict, wanted, "{id} is {:?}", step.status);
        self.nothing_is_stale(world, row);
    }

    /// Whether the run has ended because answers are missing, and a dependency was stopped for that.
    fn is_below_held_code(&self, world: &World, row: StepIx) -> bool {
        let state = &world.state;
        let stopped = |row: &StepIx| {
            let is_cancelled = state.steps[row.at()].status == StepStatus::Cancelled;
            is_cancelled && self.left.contains_key(row)
        };
        state.phase == RunPhase::Ended(RunOutcome::Waiting)
            && depends_on(world, row).iter().any(stopped)
    }

    /// Whatever was made from the output of another step was made from the one that it has now.
    fn nothing_is_stale(&self, world: &World, row: StepIx) {
        let step = &world.state.steps[row.at()];
        let called = match step.status {
            // Between two attempts the input may be another one the next time.
            StepStatus::Running => {
                step.running_attempt().is_some() || self.seen_by_lists.contains_key(&row)
            }
            StepStatus::Succeeded => step.source == Some(StepSource::Call),
            _ => false,
        };
        if let Some(given) = self.given.get(&row) {
            let seen = step.last_attempt().map(|attempt| &attempt.input);
            assert!(
                !called || seen.is_some_and(|seen| seen == given),
                "{} is stale",
                step.info.id
            );
            return;
        }
        let seen = match self.seen_by_lists.get(&row) {
            Some(seen) => Some(seen.clone().into()),
            None => step.last_attempt().map(|attempt| attempt.input.to_value()),
        };
        if let Some(seen) = seen.filter(|_| called) {
            let now = world.seen_by(row);
            for (seen, now) in seen.as_array().unwrap().iter().zip(now.as_array().unwrap()) {
                assert!(seen.is_null() || seen == now, "{} is stale", step.info.id);
            }
        }
    }

    /// Whether a step that runs begins again as soon as what is running has ended.
    fn begins_again(&self, world: &World, row: StepIx) -> bool {
        let cancelled = |row: &StepIx| world.running.get(row).is_some_and(|a| a.cancelled);
        let elements = world.state.steps[row.at()].elements();
        !self.stopping && (cancelled(&row) || elements.iter().any(cancelled))
    }

    /// While the run is running and a slot is free, what is ready waits for something that can be named.
    fn nothing_is_held_for_no_reason(&self, world: &World) {
        let state = &world.state;
        let room = world
            .frame
            .slots
            .is_none_or(|slots| state.running < slots as usize);
        if state.phase != RunPhase::Running || !room || self.stopping {
            return;
        }
        let sequential = |row: StepIx| world.sketches[plan_row(world, row).at()].sequential;
        let rows = (0..state.steps.len() as u32).map(StepIx);
        let alone = rows.clone().any(|row| {
            let is_next = state.steps[row.at()].waiting == Some(WaitReason::Exclusive);
            (state.steps[row.at()].running_attempt().is_some() || is_next) && sequential(row)
        });
        let mut all = state.steps.iter();
        let suspended = all.any(|row| {
            row.running_attempt()
                .is_some_and(AttemptState::is_suspended)
        });
        let alone = alone && (state.running > 0 || suspended);
        for row in rows.clone() {
            let attempt = state.steps[row.at()].running_attempt();
            if attempt.is_some_and(AttemptState::is_suspended) {
                let id = &state.steps[row.at()].info.id;
                assert!(
                    !self.has_answer(state, row),
                    "{id} waits for a slot, and one is free"
                );
            }
        }
        let free = world
            .frame
            .left()
            .map_or(Money::MAX, |limit| limit - state.spent - state.reserved);
        for row in rows {
            let step = &state.steps[row.at()];
            let waits = match step.status {
                StepStatus::Ready => true,
                StepStatus::Running => {
                    step.running_attempt().is_none() && step.elements().is_empty()
                }
                _ => false,
            };
            let plan_step = plan_row(world, row);
            let caller = step.caller;
            let is_call = caller.is_some_and(|caller| {
                let open = self.open.get(&caller);
                open.is_some_and(|open| open.contains(&row)) && !world.is_cancelled(caller)
            });
            let is_step = !alone && caller.is_none() && in_use(state, step);
            if !waits || !(is_call || is_step) || self.begins_again(world, plan_step) {
                continue;
            }
            let backoff = Timer::Backoff(row, step.attempts.len() as u32);
            let in_backoff = world.timers.iter().any(|(_, timer)| *timer == backoff);
            let bound = world.bound(row);
            let margin = Self::margin(world, row, bound);
            let held: Money = self.margins.values().copied().sum();
            let alone = is_free_of_spending(state);
            let too_dear =
                !bound.is_zero() && (bound > free || (!alone && bound + margin + held > free));
            let out_of_calls = world.frame.calls.is_some_and(|most| state.calls >= most);
            let throttled = rates::holds(world, &self.turns, row);
            let held = in_backoff
                || too_dear
                || out_of_calls
                || throttled
                || step.asked_approval().is_some()
                || step.waiting == Some(WaitReason::Breakpoint)
                || !is_needed(world, row);
            assert!(
                held,
                "nothing holds {}, which is {:?}",
                step.info.id, step.status
            );
        }
    }

    fn the_deadline_is_set(&self, world: &World) {
        let Some(limit) = world.frame.timeout_ms else {
            return;
        };
        let state = &world.state;
        let going = matches!(state.phase, RunPhase::Running | RunPhase::Paused);
        if !going || state.held_since.is_some() || self.stopping {
            return;
        }
        let used = state.wall(world.now) - self.allowance_from;
        let due = world.now + (Micros(limit * 1000) - used);
        let mut timers = world.timers.iter();
        let is_set = timers.any(|(at, timer)| *timer == Timer::Deadline && *at <= due);
        assert!(
            is_set,
            "the deadline at {due:?} is not in {:?}",
            world.timers
        );
    }
}

/// After every input: the fold agrees with the scheduler.
pub(super) fn the_fold_agrees(world: &World) {
    let state = &world.state;
    let ledger = world.scheduler.ledger(world.now);
    assert_eq!(
        (
            ledger.spent,
            ledger.reserved,
            ledger.running,
            ledger.calls,
            ledger.wall
        ),
        (
            state.spent,
            state.reserved,
            state.running,
            state.calls,
            state.wall(world.now)
        )
    );
    let mut counts = [0; 8];
    for (at, row) in state.steps.iter().enumerate() {
        let ix = StepIx(at as u32);
        assert_eq!(row.status, world.scheduler.status(ix), "{}", row.info.id);
        assert_eq!(
            row.output.as_ref(),
            world.scheduler.output(ix),
            "{}",
            row.info.id
        );
        if row.info.parent.is_none() {
            counts[row.status as usize] += 1;
        }
    }
    assert_eq!(counts, state.counts);
    assert_eq!(world.scheduler.has_ended(), state.has_ended());
    let attempts = state.steps.iter().flat_map(|row| &row.attempts);
    let ended = attempts.clone().filter_map(|attempt| attempt.end.as_ref());
    let spent: Money = ended.filter_map(|(_, end)| end.cost).sum();
    assert_eq!(spent, state.spent, "every call is billed once");
    let open = attempts.filter(|attempt| attempt.end.is_none());
    let reserved: Money = open.map(|attempt| attempt.reserved).sum();
    assert_eq!(reserved, state.reserved);
}

pub(super) fn plan_row(world: &World, row: StepIx) -> StepIx {
    world.state.steps[row.at()].info.parent.unwrap_or(row)
}

/// Whether a row may be called on the way to the target: everything may where there is none.
fn is_needed(world: &World, row: StepIx) -> bool {
    !is_handed_over(world, row) && leads_to_target(world, row)
}

/// Whether a row is left to another run.
fn is_handed_over(world: &World, row: StepIx) -> bool {
    let state = &world.state;
    let step = &state.steps[plan_row(world, row).at()].info.id;
    let mut to = state.hand_over.iter();
    to.any(|to| to.held.contains(step)) && state.steps[row.at()].caller.is_none()
}

fn leads_to_target(world: &World, row: StepIx) -> bool {
    let Some(target) = &world.state.target else {
        return true;
    };
    if world.state.steps[row.at()].caller.is_some() {
        return true;
    }
    let leads_to = |id: &str| {
        let rest = target.strip_prefix(id);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '/']))
    };
    let of_plan = |step: StepIx| &*world.state.steps[step.at()].info.id;
    let mut steps = (0..world.sketches.len() as u32).map(StepIx);
    let to = steps.rfind(|step| leads_to(of_plan(*step)));
    let to = to.expect("a step is behind the target");
    let step = plan_row(world, row);
    if step == to {
        return leads_to(&world.state.steps[row.at()].info.id);
    }
    let mut above = vec![to];
    while let Some(at) = above.pop() {
        if at == step {
            return true;
        }
        above.extend(depends_on(world, at));
    }
    false
}

fn depends_on(world: &World, row: StepIx) -> Vec<StepIx> {
    let sketch = &world.sketches[plan_row(world, row).at()];
    sketch.depends_on.iter().copied().map(StepIx).collect()
}

fn is_expandable(world: &World, row: StepIx) -> bool {
    row == plan_row(world, row) && !world.sketches[row.at()].lists.is_empty()
}

/// Whether no attempt that could spend money is running: code that waits for its calls spends none.
fn is_free_of_spending(state: &RunState) -> bool {
    let running = state.steps.iter().filter_map(|row| row.running_attempt());
    let mut could = running.filter(|attempt| !attempt.is_suspended());
    could.all(|attempt| attempt.reserved.is_zero())
}

/// Whether an attempt has this slot.
fn is_taken(state: &RunState, slot: u32) -> bool {
    let mut running = state.steps.iter().filter_map(|row| row.running_attempt());
    running.any(|other| other.present_slot() == Some(slot))
}

/// Whether a row is one of the plan, or of an element that its list has at present.
fn in_use(state: &RunState, row: &crate::run::StepState) -> bool {
    let Some(parent) = row.info.parent else {
        return true;
    };
    let elements = state.steps[parent.at()].elements().iter();
    elements
        .into_iter()
        .any(|ix| state.steps[ix.at()].info.id == row.info.id)
}
