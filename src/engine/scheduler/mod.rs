//! The scheduler: a pure state machine.
//!
//! Inputs are what happened (a command, an end, a timer, the answer to a preparation) with the moment and a
//! random number; outputs are [`Action`]s in the order in which they are to be run. The same inputs
//! give the same actions. A step starts as soon as its trigger is met and a slot is free: there are no levels.
//!
//! A row is a step of the plan, or one element of a `for_each` step. What it does beside its status is its
//! stage, and the stage holds what is known only then. What the scheduler knows beside the rows stands in parts
//! of its own: which rows wait for what, what calls use, what the user decided, how the run ends. The rules
//! that need several of them are here and in the files named after what happens.
//!
//! # Transitions
//!
//! What a row of a stage may be doing after an input, whether the input was about that row or about another. An
//! input takes a row through several stages at times: one that becomes ready while a slot is free goes from
//! `Pending` to `Preparing`. `Pending`, `Expanded` (a `for_each` step that runs in its elements) and `Ended` are
//! the idle stage by status; `Withdrawn` is an element whose step goes back to the beginning as soon as the calls
//! of other elements have ended; `Aside` is not needed on the way to a step; `(none)` has no row yet. `Called` is a call that code makes, which is a row of its own,
//! and `Waits` is code that waits for its calls and gives its slot back. Parentheses mark what takes a rare
//! coincidence. A test compares the table with what happens in random runs.
//!
//! | stage | Start | Command | Prepared | Ended | BudgetRequest | Timer | Called | Waits |
//! | --- | --- | --- | --- | --- | --- | --- | --- | --- |
//! | (none) | – | – | Queued Preparing (AtBreakpoint) (Ended) | – | – | – | Queued Preparing | – |
//! | Pending | Queued Preparing | Queued Preparing Ended (AtBreakpoint) | Queued AtBreakpoint Preparing Ended | Queued AtBreakpoint Preparing Ended | – | Ended | – | (Ended) |
//! | Queued | – | Pending AtBreakpoint Preparing Withdrawn Dormant Ended | AtBreakpoint Preparing Ended | AtBreakpoint Preparing Ended | – | Ended | (AtBreakpoint) (Preparing) | Preparing (AtBreakpoint) (Ended) |
//! | AtBreakpoint | – | Pending Preparing Ended (Queued) (Withdrawn) (Dormant) | (Ended) | (Ended) | – | (Ended) | – | (Ended) |
//! | Aside | – | (Ended) (Pending) (Preparing) (Queued) (AtBreakpoint) (Withdrawn) (Dormant) | Queued (Ended) (Preparing) (AtBreakpoint) | Queued (Ended) (Preparing) (AtBreakpoint) | – | (Ended) (Queued) | (Queued) | (Queued) (Ended) |
//! | Parked | – | Preparing Ended (Pending) (Queued) (AtBreakpoint) (Withdrawn) (Dormant) | Preparing Ended (AtBreakpoint) | Preparing Ended (AtBreakpoint) | – | Ended | (Preparing) (AtBreakpoint) | Preparing (Ended) (AtBreakpoint) (Queued) |
//! | Throttled | – | Pending Queued Preparing Dormant Ended (AtBreakpoint) (Withdrawn) | Queued Preparing Ended (AtBreakpoint) | Queued Preparing Ended (AtBreakpoint) | – | Queued Preparing Ended (AtBreakpoint) | (Queued) (Preparing) (AtBreakpoint) | Preparing (Queued) (AtBreakpoint) (Ended) |
//! | OutOfCalls | – | Ended (Pending) (Queued) (AtBreakpoint) (Preparing) (Withdrawn) (Dormant) | Ended | Ended | – | Ended | – | (Ended) |
//! | Preparing | – | Pending (Dormant) Ended (Queued) (AtBreakpoint) (Withdrawn) | Queued Parked Throttled OutOfCalls Calling Unapproved Asked Expanded Ended Aside (AtBreakpoint) | Ended | – | Ended | – | (Ended) |
//! | Calling | – | – | – | Pending Queued Parked Preparing Backoff Asked Withdrawn Dormant Ended (AtBreakpoint) | – | – | – | – |
//! | Backoff | – | Pending Queued Preparing Dormant Ended (AtBreakpoint) (Withdrawn) | (Ended) | Ended | – | Queued AtBreakpoint Preparing Ended | – | (Ended) |
//! | Unapproved | – | Pending Queued Preparing Dormant Ended (AtBreakpoint) (Withdrawn) | Ended | Ended | – | Ended | – | (Ended) |
//! | Asked | – | Pending Queued Preparing Dormant Ended (AtBreakpoint) | Ended | Ended | – | Ended | – | (Ended) |
//! | Expanded | – | Pending Queued Preparing Draining Ended (AtBreakpoint) | Ended | Ended | – | Ended | – | (Ended) |
//! | Draining | – | – | – | Pending Queued Preparing Ended (AtBreakpoint) | – | – | – | – |
//! | Withdrawn | – | (Ended) | (Ended) | Dormant (Ended) | – | (Ended) | – | (Ended) |
//! | Dormant | – | – | Queued AtBreakpoint Preparing | – | – | – | – | – |
//! | Ended | – | Pending Queued AtBreakpoint Preparing Expanded Dormant | – | Dormant | – | – | Queued Preparing (AtBreakpoint) | – |

mod approvals;
mod attempt_end;
mod breakpoints;
mod budget;
mod budget_request;
mod call_row;
mod clock;
mod code_calls;
mod commands;
mod continued;
mod decisions;
mod dispatch;
mod elements;
mod graph;
mod hand_over;
mod messages;
mod outcome;
mod pool;
mod prepared;
mod propagate;
mod rate_limiter;
mod ready;
mod rerun;
mod resources;
mod rows;
mod settings;
mod slots;
mod steps;
mod stop;
mod target;
mod turn;
mod waiting;

use crate::plan::{RetryPolicy, Step, StepIx};
use crate::run::{EventKind, RunOutcome, SkipReason, StepKey, StepStatus};
use crate::units::{Micros, Money};
use approvals::Approvals;
use breakpoints::Breakpoints;
pub(crate) use call_row::CodeCall;
use clock::RunClock;
use code_calls::Callers;
use decisions::Decisions;
use elements::{Element, Elements};
pub(crate) use messages::{Action, Input, Prepared, Rules, Timer};
use outcome::{Outcome, Phase};
pub(super) use pool::{Decision, Need, Pool, Ticket};
pub(super) use rate_limiter::LimitId;
use resources::Resources;
use rows::{Rows, Stage};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;
use steps::Steps;
use target::Target;
use turn::Turn;
use waiting::{WaitFor, Waiting};

/// Decides what happens next in a run.
#[derive(Debug)]
pub(crate) struct Scheduler {
    rules: Rules,
    steps: Steps,
    rows: Rows,
    elements: Elements,
    callers: Callers,
    waiting: Waiting,
    resources: Resources,
    clock: RunClock,
    decisions: Decisions,
    approvals: Approvals,
    breakpoints: Breakpoints,
    target: Option<Target>,
    /// The plan's steps that are left to another run, where one goes on with an edited plan.
    handed_over: Option<HashSet<StepIx>>,
    outcome: Outcome,
}

impl Scheduler {
    /// A scheduler for `steps`, whose `depends_on` have no cycle. `retry` is each step's policy.
    pub(crate) fn new(
        steps: Arc<[Step]>,
        retry: impl IntoIterator<Item = RetryPolicy>,
        rules: Rules,
    ) -> Self {
        let steps = Steps::new(steps, retry);
        Self {
            rows: Rows::new(&steps),
            elements: Elements::new(steps.len()),
            callers: Callers::default(),
            waiting: Waiting::new(&steps.graph),
            resources: Resources::new(&rules),
            clock: RunClock::new(rules.limits.timeout_seconds),
            decisions: Decisions::default(),
            approvals: Approvals::default(),
            breakpoints: Breakpoints::new(&rules.breakpoints),
            target: None,
            handed_over: None,
            outcome: Outcome::default(),
            steps,
            rules,
        }
    }

    /// Takes in what happened at `now` and appends what is to be done to `out`. `random` is used for the
    /// jitter of a backoff.
    pub(crate) fn handle(&mut self, now: Micros, random: u64, input: Input, out: &mut Vec<Action>) {
        let turn = &mut Turn { now, random, out };
        match input {
            Input::Start => self.begin(turn),
            Input::Command(command) => self.command(command, turn),
            Input::Prepared(row, prepared) => self.prepared(row, prepared, turn),
            Input::Ended {
                step,
                service,
                report,
                cancelled,
                breaks,
            } => {
                self.breakpoints.note(step, breaks);
                self.attempt_ended(step, service, report, cancelled, turn);
            }
            Input::Paced(row) => self.pace(row, turn),
            Input::Called(caller, call) => self.called(caller, *call, turn),
            Input::Waits { step, answered } => self.waits(step, answered, turn),
            Input::Released(money) => self.resources.budget.release(money),
            Input::BudgetRequest(row, total) => self.budget_requested(row, total, turn),
            Input::BudgetDenied(row, total) => self.budget_denied(row, total, turn),
            Input::Refused(row, limit, message) => self.refused(row, limit, message),
            Input::Timer(Timer::Backoff(row, attempt)) => self.backoff_over(row, attempt),
            Input::Timer(Timer::Deadline) => self.deadline(turn),
            Input::Timer(Timer::Rate(limit)) => self.resources.rates.due(now, limit),
            Input::Unattended => self.unattended(turn),
        }
        self.propagate(turn);
        if std::mem::take(&mut self.outcome.failing) {
            turn.emit(EventKind::StopRequested);
            self.stop(RunOutcome::Failed, SkipReason::User, turn);
            self.propagate(turn);
        }
        self.recheck_rates();
        self.give_slots_back(turn);
        self.dispatch(turn);
        self.look_for_target(turn);
        self.hand_over(turn);
        self.check_end(turn);
        self.settle_target();
        let stands = matches!(self.outcome.phase, Phase::Paused | Phase::Ended);
        let (running, paced) = (self.resources.running, self.resources.paced.len());
        let held = running == paced && (stands || paced > 0) || self.waits_for_user();
        self.clock.hold(now, held);
        if self.outcome.is_going() && self.clock.is_to_be_armed() {
            self.arm_deadline(turn);
        }
    }

    fn begin(&mut self, turn: &mut Turn<'_>) {
        if self.outcome.phase != Phase::New {
            return;
        }
        self.outcome.phase = Phase::Running;
        for breakpoint in self.rules.breakpoints.clone() {
            let on = true;
            turn.emit(EventKind::BreakpointSet { breakpoint, on });
        }
        if let Some(id) = self.rules.run_to.clone() {
            self.begin_to(id, turn);
        }
        for row in self.steps.positions() {
            self.consider(row, None, turn);
        }
        if self.rules.paused {
            self.outcome.phase = Phase::Paused;
            turn.emit(EventKind::RunPaused);
        }
        self.arm_deadline(turn);
    }

    /// Slow motion holds the end of a row's call.
    fn pace(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        let has_slot = match self.rows.stage(row) {
            Stage::Calling(call) => call.slot.is_some(),
            _ => false,
        };
        if has_slot && self.resources.paced.insert(row) {
            let (step, attempt) = (self.key(row), self.rows[row].attempts);
            turn.emit(EventKind::AttemptPaced { step, attempt });
        }
    }

    fn arm_deadline(&mut self, turn: &mut Turn<'_>) {
        if let Some(at) = self.clock.arm(turn.now) {
            turn.act(Action::SetTimer(at, Timer::Deadline));
        }
    }

    /// Whether nothing more happens without a command.
    pub(crate) fn has_ended(&self) -> bool {
        self.outcome.phase == Phase::Ended
    }

    /// Whether nothing continues until the user decides: about an unknown step, or about an approval.
    pub(crate) fn waits_for_user(&self) -> bool {
        matches!(self.outcome.phase, Phase::Running | Phase::Closing(_))
            && self.resources.running == 0
            && (self.decisions.is_asking() || self.approvals.is_asking())
            && !self.rows.iter().any(rows::Row::can_continue)
    }

    /// The same, also where others wait for a row that runs alone, whose code waits for the call that is asked about.
    pub(crate) fn is_stuck(&self) -> bool {
        let mut rows = self.rows.positions();
        self.outcome.phase == Phase::Running
            && self.resources.running == 0
            && (self.decisions.is_asking() || self.approvals.is_asking())
            && !rows.any(|row| self.could_go_on(row))
    }

    /// A row's status.
    pub(crate) fn status(&self, row: StepIx) -> StepStatus {
        let row = self.rows.get(row);
        row.map_or_else(Default::default, |row| row.status)
    }

    /// Whether a row waits to be prepared.
    pub(crate) fn is_preparing(&self, row: StepIx) -> bool {
        let stage = self.rows.get(row).map(|row| &row.stage);
        matches!(stage, Some(Stage::Preparing { .. }))
    }

    /// Whether a call of a row is running.
    pub(crate) fn is_calling(&self, row: StepIx) -> bool {
        self.rows.get(row).is_some_and(rows::Row::is_calling)
    }

    /// What the next call of a row draws on beside its preparation: its tool, what an earlier attempt asked for in vain,
    /// and whether code waits for it.
    pub(crate) fn need(&self, row: StepIx) -> (Arc<str>, Money, bool) {
        let requested = self.resources.requested(row);
        let of_code = self.elements.call(row).is_some();
        (Arc::clone(&self.spec(row).tool), requested, of_code)
    }

    /// What calls have cost.
    pub(crate) fn spent(&self) -> Money {
        self.resources.budget.spent()
    }

    /// Whether a row is of an element that its list does not have at present.
    pub(crate) fn is_dormant(&self, row: StepIx) -> bool {
        *self.rows.stage(row) == Stage::Dormant
    }

    /// A row's output, once it succeeded.
    pub(crate) fn output(&self, row: StepIx) -> Option<&Arc<Value>> {
        self.rows.get(row)?.output.as_ref()
    }

    /// The input that the user gave a row instead of its parameters.
    pub(crate) fn given(&self, row: StepIx) -> Option<&Arc<Value>> {
        self.decisions.input(row)
    }

    /// The plan's step behind a row: itself, or the `for_each` step that the row is an element of.
    pub(crate) fn plan_step(&self, row: StepIx) -> StepIx {
        self.elements.plan_step(row)
    }

    /// The element and its position that a row runs for.
    pub(crate) fn item(&self, row: StepIx) -> Option<(&Arc<Value>, usize)> {
        let element = self.elements.get(row)?;
        Some((&element.item, element.index as usize))
    }

    /// How many rows there are beside the plan's steps: elements of `for_each` steps, and calls that code made.
    pub(crate) fn elements(&self) -> usize {
        self.rows.positions().count() - self.steps.len()
    }

    /// What a row is called in events.
    pub(crate) fn key(&self, row: StepIx) -> StepKey {
        let of_call = || self.elements.call(row).map(|call| &call.call.id);
        let element = self.elements.get(row).map(|element| &element.id);
        let id = match element.or_else(of_call) {
            Some(id) => Arc::clone(id),
            None => self.steps.id(row),
        };
        StepKey { ix: row, id }
    }

    fn spec(&self, row: StepIx) -> &Step {
        match self.elements.call(row) {
            Some(call) => &call.call.step,
            None => self.steps.get(self.plan_step(row)),
        }
    }

    fn retry_policy(&self, row: StepIx) -> RetryPolicy {
        match self.elements.call(row) {
            Some(call) => call.call.retry,
            None => self.steps.retry(self.plan_step(row)),
        }
    }

    /// A row begins to wait for something without a slot.
    fn enter(&mut self, row: StepIx, wait: WaitFor) {
        self.rows[row].stage = self.waiting.enter(row, wait);
    }

    /// A row begins to wait for a slot.
    fn queue(&mut self, row: StepIx) {
        self.enter(row, self.wait_for_slot(row));
    }

    /// Takes a row out of wherever it is, with its slot, and returns what its stage was.
    fn leave(&mut self, row: StepIx) -> Stage {
        let stage = std::mem::take(&mut self.rows[row].stage);
        self.waiting.leave(row, &stage);
        self.resources.leave(row, &stage);
        match stage {
            Stage::Asked => drop(self.decisions.take_question(row)),
            Stage::Unapproved => self.approvals.close(row),
            _ => {}
        }
        stage
    }
}

/// What the scheduler believes; the fold of its events has to agree with it.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub spent: crate::units::Money,
    pub reserved: crate::units::Money,
    pub running: usize,
    pub calls: u64,
    pub wall: Micros,
}

#[cfg(test)]
impl Scheduler {
    /// What every row is doing, by the names of the table of transitions.
    pub(crate) fn stages(&self) -> Vec<&'static str> {
        let name = |row: StepIx| {
            let is_element = self.elements.get(row).is_some();
            let row = &self.rows[row];
            match row.stage {
                Stage::Idle if row.status.has_ended() => "Ended",
                Stage::Idle if row.status == StepStatus::Pending => "Pending",
                Stage::Idle if is_element => "Withdrawn",
                Stage::Idle => "Expanded",
                Stage::Queued => "Queued",
                Stage::AtBreakpoint => "AtBreakpoint",
                Stage::Aside => "Aside",
                Stage::Parked { .. } => "Parked",
                Stage::Throttled => "Throttled",
                Stage::OutOfCalls => "OutOfCalls",
                Stage::Backoff { .. } => "Backoff",
                Stage::Preparing { .. } => "Preparing",
                Stage::Calling(_) => "Calling",
                Stage::Draining { .. } => "Draining",
                Stage::Asked => "Asked",
                Stage::Unapproved => "Unapproved",
                Stage::Dormant => "Dormant",
            }
        };
        self.rows.positions().map(name).collect()
    }

    /// The scheduler's own account at `now`.
    pub(crate) fn ledger(&self, now: Micros) -> Ledger {
        Ledger {
            spent: self.resources.budget.spent(),
            reserved: self.resources.budget.reserved(),
            running: self.resources.running,
            calls: self.resources.calls,
            wall: self.clock.wall(now),
        }
    }
}
