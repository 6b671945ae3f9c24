//! The world of a preview: a scheduler of its own, brought to where a run is, and calls that end well.

use super::Liveness;
use super::estimate::Estimates;
use super::row_set::RowSet;
use super::world_end::WorldEnd;
use crate::engine::{Action, Input, Prepared, Rules, Scheduler, Timer};
use crate::plan::{ExecutionPlan, RetryPolicy, StepInput, StepIx};
use crate::run::{
    Answers, Demand, ErrorKind, EventKind, Rates, ResourceLimits, RunCommand, RunError, RunSetting,
    RunState, SkipReason, StepKey, StepSource, StepState, StepStatus,
};
use crate::tools::CallReport;
use crate::units::{Micros, Money};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub(super) struct World<'a> {
    plan: &'a ExecutionPlan,
    state: &'a RunState,
    estimates: &'a Estimates<'a>,
    liveness: Liveness,
    scheduler: Scheduler,
    /// Whether what happened before the commands is being repeated.
    repeats: bool,
    /// The rows here whose call was made in that, and how many calls those were.
    repeated: RowSet,
    repeated_calls: u64,
    /// The elements of the run by their ids.
    elements: HashMap<&'a str, StepIx>,
    /// Rows here by those of the run, where they differ: elements.
    rows_here: HashMap<StepIx, StepIx>,
    ready: VecDeque<StepKey>,
    actions: VecDeque<Action>,
    calls: BinaryHeap<Reverse<(Micros, StepIx)>>,
    timers: BinaryHeap<Reverse<(Micros, TimerOrder)>>,
    now: Micros,
    /// Whether the run is held before it has come to its end.
    stops: bool,
    end: WorldEnd,
}

/// A timer in the order in which timers that are due together are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TimerOrder(Timer);

impl<'a> World<'a> {
    pub(super) fn new(
        plan: &'a ExecutionPlan,
        state: &'a RunState,
        estimates: &'a Estimates<'a>,
        liveness: Liveness,
    ) -> Self {
        let rules = Rules {
            limits: ResourceLimits::none(),
            fail_fast: false,
            track_cost: true,
            paused: true,
            rates: Rates::default(),
            asks: true,
            spent_before: Money::ZERO,
            answers: Answers::default(),
            approval_lifetime: None,
            breakpoints: Vec::new(),
            run_to: None,
        };
        let once = RetryPolicy {
            attempts: 1,
            backoff: Duration::ZERO,
        };
        let retry = plan.steps.iter().map(|_| once);
        let elements = state.steps.iter().enumerate().skip(plan.steps.len());
        Self {
            scheduler: Scheduler::new(Arc::clone(&plan.steps), retry, rules),
            elements: elements
                .map(|(at, row)| (&*row.info.id, StepIx(at as u32)))
                .collect(),
            plan,
            state,
            estimates,
            liveness,
            repeats: true,
            repeated: RowSet::default(),
            repeated_calls: 0,
            rows_here: HashMap::new(),
            ready: VecDeque::new(),
            actions: VecDeque::new(),
            calls: BinaryHeap::new(),
            timers: BinaryHeap::new(),
            now: Micros(0),
            stops: false,
            end: WorldEnd::default(),
        }
    }

    /// Repeats what happened so far.
    pub(super) fn catch_up(&mut self) {
        self.input(Input::Start);
        for (at, row) in self
            .state
            .steps
            .iter()
            .take(self.plan.steps.len())
            .enumerate()
        {
            let ix = StepIx(at as u32);
            // The user decided about these whatever comes before them.
            if row.source == Some(StepSource::Mock) {
                self.input(Input::Command(RunCommand::SetOutput(ix, Arc::default())));
            } else if row.status == StepStatus::Skipped && self.stays_skipped(row) {
                self.input(Input::Command(RunCommand::Skip(ix)));
            }
        }
        while let Some(key) = self.ready.pop_front() {
            if self
                .row_of(&key)
                .is_some_and(|(_, row)| self.is_repeated(row))
            {
                self.input(Input::Command(RunCommand::StepOnce(Some(key.ix))));
                self.work();
            }
        }
        self.repeats = false;
    }

    /// Whether a skipped row stays so because of what was decided, not because of what comes before it.
    fn stays_skipped(&self, row: &StepState) -> bool {
        match row.reason {
            Some(SkipReason::User) => true,
            Some(SkipReason::Limit) => self.liveness == Liveness::Live,
            _ => false,
        }
    }

    /// Whether what a row came to is what it comes to here before the commands.
    fn is_repeated(&self, row: &StepState) -> bool {
        match row.status {
            StepStatus::Pending | StepStatus::Ready => false,
            StepStatus::Running | StepStatus::Cancelled => {
                self.liveness == Liveness::Live || row.is_expanded()
            }
            StepStatus::Skipped if row.reason == Some(SkipReason::Limit) => self.stays_skipped(row),
            _ => true,
        }
    }

    /// Gives the commands, whose rows are those of the run, and the limits of the run.
    pub(super) fn give(&mut self, commands: &[RunCommand], asked: &BTreeSet<StepIx>) {
        let limits = &self.state.limits;
        let settings = [
            RunSetting::MaxConcurrent {
                value: limits.max_concurrent,
            },
            RunSetting::MaxTotalCostUsd {
                value: limits.max_total_cost_usd,
            },
            RunSetting::MaxToolCalls {
                value: limits.max_tool_calls,
            },
        ];
        for setting in settings {
            let left = self.what_is_left(setting);
            self.input(Input::Command(RunCommand::Set(left)));
        }
        for command in commands {
            match command {
                // What is running there is running here: both are on their way from the same place.
                RunCommand::RunTo(_) => {
                    for row in asked {
                        if let Some(retry) = self.translated(RunCommand::Retry(*row)) {
                            self.input(Input::Command(retry));
                        }
                    }
                    self.stops = true;
                    self.input(Input::Command(command.clone()));
                }
                // Here nothing was stopped by a limit, and what was cut off is not known as such.
                RunCommand::RetryFailed | RunCommand::ContinueAfterLimit(_) => {
                    if let RunCommand::ContinueAfterLimit(settings) = command {
                        for setting in settings {
                            let left = self.what_is_left(setting.clone());
                            self.input(Input::Command(RunCommand::Set(left)));
                        }
                    }
                    for row in asked {
                        if let Some(retry) = self.translated(RunCommand::Retry(*row)) {
                            self.input(Input::Command(retry));
                        }
                    }
                }
                command => {
                    if let Some(command) = self.translated(command.clone()) {
                        self.input(Input::Command(command));
                    }
                }
            }
        }
    }

    /// The same command with the rows of the scheduler here; `None` where it is about an element that its list does not
    /// have at present.
    fn translated(&self, command: RunCommand) -> Option<RunCommand> {
        let here = |row: StepIx| {
            let is_step = row.at() < self.plan.steps.len();
            let known = self.rows_here.get(&row).copied();
            known.or_else(|| is_step.then_some(row))
        };
        Some(match command {
            RunCommand::Retry(row) => RunCommand::Retry(here(row)?),
            RunCommand::Refresh(row) => RunCommand::Refresh(here(row)?),
            RunCommand::Skip(row) => RunCommand::Skip(here(row)?),
            RunCommand::SetOutput(row, output) => RunCommand::SetOutput(here(row)?, output),
            RunCommand::SetInput(row, input) => RunCommand::SetInput(here(row)?, input),
            RunCommand::SetCall(row, edit) => RunCommand::SetCall(here(row)?, edit),
            RunCommand::Pin(row, on) => RunCommand::Pin(here(row)?, on),
            RunCommand::Set(setting) => RunCommand::Set(self.what_is_left(setting)),
            other => other,
        })
    }

    /// The setting for the scheduler here, which has spent nothing, and made the calls that it repeated.
    fn what_is_left(&self, setting: RunSetting) -> RunSetting {
        match setting {
            RunSetting::MaxTotalCostUsd { value } => RunSetting::MaxTotalCostUsd {
                value: value.map(|most| (most - self.state.ledger()).max(Money::ZERO)),
            },
            RunSetting::MaxToolCalls { value } => RunSetting::MaxToolCalls {
                value: value
                    .map(|most| most.saturating_sub(self.state.calls) + self.repeated_calls),
            },
            other => other,
        }
    }

    /// Goes on until nothing is left to do.
    pub(super) fn go_on(mut self) -> WorldEnd {
        if !self.stops {
            self.input(Input::Command(RunCommand::Resume));
        }
        loop {
            self.work();
            let call = self.calls.peek().map(|Reverse((at, _))| *at);
            let timer = self.timers.peek().map(|Reverse((at, _))| *at);
            match (call, timer) {
                (None, None) => break,
                (Some(at), timer) if timer.is_none_or(|timer| at <= timer) => {
                    let Some(Reverse((_, row))) = self.calls.pop() else {
                        break;
                    };
                    self.now = self.now.max(at);
                    self.ends(row, false);
                    self.end.took = self.now;
                }
                _ => {
                    let Some(Reverse((at, TimerOrder(timer)))) = self.timers.pop() else {
                        break;
                    };
                    self.now = self.now.max(at);
                    self.input(Input::Timer(timer));
                }
            }
        }
        let steps = (0..self.plan.steps.len() as u32).map(StepIx);
        let is_open = |ix: &StepIx| !self.scheduler.status(*ix).has_ended();
        self.end.open = steps.filter(is_open).collect();
        self.end
    }

    fn ends(&mut self, step: StepIx, cancelled: bool) {
        let row = self.row_behind(step);
        // What it costs is a part of what is spent and reserved in the run.
        let row = row.filter(|_| !self.repeated.contains(step));
        let cost = row.and_then(|(row, _)| self.estimates.expected_cost(row));
        let report = CallReport {
            cost: Some(cost.unwrap_or_default()),
            ..CallReport::free(Ok(Value::Null))
        };
        self.input(Input::Ended {
            step,
            service: Micros(0),
            report: Box::new(report),
            cancelled,
            breaks: None,
        });
    }

    /// Takes what is to be done until nothing is.
    fn work(&mut self) {
        while let Some(action) = self.actions.pop_front() {
            match action {
                Action::Emit(_) => {}
                Action::Prepare(row) => {
                    let prepared = self.prepared(row);
                    self.input(Input::Prepared(row, prepared));
                }
                Action::Call { step, .. } => self.call(step),
                // Nothing here runs code that could ask for anything.
                Action::BudgetDecision(..) | Action::Answer { .. } => {}
                Action::Cancel(row) => {
                    self.calls.retain(|Reverse((_, running))| *running != row);
                    self.ends(row, true);
                }
                Action::SetTimer(at, timer) => self.timers.push(Reverse((at, TimerOrder(timer)))),
            }
        }
    }

    fn call(&mut self, step: StepIx) {
        let parent = self.scheduler.plan_step(step);
        let is_listed = self
            .state
            .steps
            .get(parent.at())
            .is_some_and(StepState::is_expanded);
        let row = self.row_behind(step);
        // Of a list that the run does not know, the step is named.
        let known = row.filter(|_| parent == step || is_listed);
        let mut service = row.and_then(|(row, _)| self.estimates.service(row));
        service = service.or_else(|| self.estimates.service(parent));
        let mut service = service.unwrap_or_default();
        if self.repeats {
            self.repeated.insert(step);
            self.repeated_calls += 1;
        } else {
            self.repeated.remove(step);
        }
        match known {
            Some((_, row)) if self.repeats => {
                service = service - row.running_time(self.state.at).unwrap_or_default();
            }
            known => self.end.called.insert(known.map_or(parent, |(row, _)| row)),
        }
        self.calls.push(Reverse((self.now + service, step)));
    }

    fn input(&mut self, input: Input) {
        let mut out = Vec::new();
        self.scheduler.handle(self.now, 0, input, &mut out);
        for action in out {
            match action {
                Action::Emit(kind) => self.event(kind),
                other => self.actions.push_back(other),
            }
        }
    }

    fn event(&mut self, kind: EventKind) {
        match kind {
            EventKind::StepReady { step } if self.repeats => {
                if let Some(row) = self
                    .elements
                    .get(&*step.id)
                    .filter(|_| self.is_element(&step))
                {
                    self.rows_here.insert(*row, step.ix);
                }
                self.ready.push_back(step);
            }
            EventKind::StepSkipped {
                step,
                reason: SkipReason::Limit,
                ..
            } if !self.repeats => {
                if let Some((row, _)) = self.row_of(&step) {
                    self.end.refused.insert(row);
                }
            }
            // What a breakpoint holds is let go.
            EventKind::RunPaused if !self.repeats && !self.stops => {
                self.input(Input::Command(RunCommand::Resume));
            }
            _ => {}
        }
    }

    fn is_element(&self, key: &StepKey) -> bool {
        key.ix.at() >= self.plan.steps.len()
    }

    /// The row of the run for a row of the scheduler here.
    fn row_behind(&self, row: StepIx) -> Option<(StepIx, &'a StepState)> {
        if row.at() < self.plan.steps.len() {
            Some((row, self.state.steps.get(row.at())?))
        } else {
            self.row_of(&self.scheduler.key(row))
        }
    }

    /// The row of the run that has this id.
    fn row_of(&self, key: &StepKey) -> Option<(StepIx, &'a StepState)> {
        let ix = if self.is_element(key) {
            *self.elements.get(&*key.id)?
        } else {
            key.ix
        };
        Some((ix, self.state.steps.get(ix.at())?))
    }

    fn prepared(&mut self, row: StepIx) -> Prepared {
        let is_list =
            row.at() < self.plan.steps.len() && self.plan.steps[row.at()].for_each.is_some();
        let Some((ix, state)) = self.row_behind(row) else {
            return self.a_call(row);
        };
        if is_list && (!self.repeats || state.is_expanded()) {
            let count = if state.is_expanded() {
                state.elements().len()
            } else {
                self.end.open_lists = true;
                1
            };
            return Prepared::Each(vec![Arc::default(); count]);
        }
        if !self.repeats {
            if state.reason == Some(SkipReason::Condition) {
                self.end.possible.insert(ix);
                return Prepared::Unwanted;
            }
            return self.a_call(ix);
        }
        match state.status {
            StepStatus::Succeeded => Prepared::Known(
                Arc::default(),
                state.source.unwrap_or(StepSource::Recorded),
                None,
            ),
            StepStatus::Skipped if state.reason == Some(SkipReason::Condition) => {
                Prepared::Unwanted
            }
            StepStatus::Skipped => Prepared::Skip,
            StepStatus::Unknown => Prepared::Unknown(Box::new(as_it_was(state))),
            StepStatus::Failed | StepStatus::Cancelled => {
                Prepared::Impossible(Box::new(as_it_was(state)))
            }
            StepStatus::Pending | StepStatus::Ready | StepStatus::Running => self.a_call(ix),
        }
    }

    fn a_call(&self, row: StepIx) -> Prepared {
        let expected = self.estimates.expected_cost(row).unwrap_or_default();
        let bound = self.estimates.most(row).unwrap_or(expected);
        Prepared::Call {
            input: StepInput::from(Value::Null),
            upper_bound: Some(if self.repeats { Money::ZERO } else { bound }),
            estimated: false,
            demand: Demand::default(),
            why: None,
            approval: None,
            breaks: None,
        }
    }
}

/// The error of a row that did not succeed.
fn as_it_was(row: &StepState) -> RunError {
    row.error.as_deref().cloned().unwrap_or_else(|| RunError {
        kind: ErrorKind::ToolExecutionError,
        step: Some(Arc::clone(&row.info.id)),
        tool_name: None,
        message: "".into(),
        retryable: false,
        attempts: 0,
    })
}
