//! Everything around the pure scheduler, scripted: it prepares steps, makes calls, keeps timers, and ends what
//! is running when the script says so.

use super::oracle::{Oracle, the_fold_agrees};
use super::transitions::{Transitions, column};
use crate::engine::attempt::unanswered;
use crate::engine::{Action, CodeCall, Input, Prepared, Rules, Scheduler, Timer};
use crate::plan::{Mode, RetryPolicy, Step, StepIx, StepSettings, Template, Trigger};
use crate::run::{
    Answers, Approval, DecidedBy, Demand, EventKind, Rates, ResourceLimits, RunCommand, RunError,
    RunEvent, RunHeader, RunPhase, RunSetting, RunState, StepInfo, StepSource, StepStatus,
};
use crate::tools::{CallReport, ToolError};
use crate::units::{Micros, Money, Tokens};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// The bound of the first backoff of every step.
pub(super) const BACKOFF: Duration = Duration::from_millis(100);

/// One step and how the world treats it.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    pub depends_on: Vec<u32>,
    pub trigger: Trigger,
    pub sequential: bool,
    pub attempts: u32,
    /// The lengths of the list of a `for_each` step: the first time, the second, and so on around.
    pub lists: Vec<usize>,
    /// The upper bound of a call.
    pub bound: i64,
    /// It is an estimate, and what the calls use is counted.
    pub estimated: bool,
    pub answer: Answer,
    /// The names whose rates a call counts against, by their place in [`NAMES`], and its tokens.
    pub draws: Vec<usize>,
    pub tokens: u64,
    /// Whether its calls need an approval.
    pub approve: bool,
}

/// What a call may count against.
pub(super) const NAMES: [&str; 2] = ["model", "pool"];

impl Sketch {
    /// What a call counts against, of what has a rate.
    pub(super) fn demand(&self, rates: &Rates) -> Demand {
        let names = self.draws.iter().map(|at| NAMES[*at]);
        Demand {
            names: names
                .filter_map(|name| rates.name_of(name).cloned())
                .collect(),
            tokens: self.tokens,
        }
    }
}

/// What comes of a preparation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Call,
    Unwanted,
    Known,
    Impossible,
    Unknown,
    Skip,
}

impl Default for Sketch {
    fn default() -> Self {
        Self {
            depends_on: Vec::new(),
            trigger: Trigger::AllSuccess,
            sequential: false,
            attempts: 1,
            lists: Vec::new(),
            bound: 0,
            estimated: false,
            answer: Answer::Call,
            draws: Vec::new(),
            tokens: 0,
            approve: false,
        }
    }
}

/// A step that waits for `depends_on`.
pub(super) fn after(depends_on: &[u32]) -> Sketch {
    Sketch {
        depends_on: depends_on.to_vec(),
        ..Sketch::default()
    }
}

/// The settings of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    pub slots: Option<u32>,
    pub budget: Option<i64>,
    pub calls: Option<u64>,
    pub timeout_ms: Option<u64>,
    pub fail_fast: bool,
    pub paused: bool,
    pub rates: Rates,
    /// Whether the user is asked about unknown steps.
    pub asks: bool,
    /// What earlier runs have spent.
    pub spent_before: i64,
    /// How long an approval lasts.
    pub approval_ms: Option<u64>,
}

impl Frame {
    /// What earlier runs have left of the budget.
    pub(super) fn left(&self) -> Option<Money> {
        let left = |budget| Money::from_pico(budget) - Money::from_pico(self.spent_before);
        self.budget.map(left)
    }
}

impl Frame {
    /// A setting is another one from now on.
    fn set(&mut self, setting: &RunSetting) {
        match setting.clone() {
            RunSetting::MaxConcurrent { value } => self.slots = value,
            RunSetting::MaxTotalCostUsd { value } => self.budget = value.map(Money::pico),
            RunSetting::MaxToolCalls { value } => self.calls = value,
            RunSetting::TimeoutSeconds { value } => {
                self.timeout_ms = value.map(|seconds| (seconds * 1e3).round() as u64);
            }
            RunSetting::Rate { name, rate } => match rate {
                Some(rate) => drop(self.rates.0.insert(name, rate)),
                None => drop(self.rates.0.remove(&name)),
            },
        }
    }
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Well,
    /// It may be gone the next time.
    Passing,
    /// It may be gone the next time, which is to be so many milliseconds later.
    ComeBack(u64),
    Badly,
    /// Nobody knows whether it happened.
    Unknown,
}

/// A running attempt.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub reserved: Money,
    pub started: Micros,
    pub cancelled: bool,
    /// It asked for more money than there was.
    pub denied: bool,
    /// When its call ended, where slow motion keeps it running.
    pub paced: Option<Micros>,
    /// How long its code waited for its calls, and since when it does.
    pub waited: Micros,
    pub suspended: Option<Micros>,
    /// How many answers its code has.
    pub answered: u32,
}

impl Attempt {
    /// What the call has taken itself by `now`.
    fn service(&self, now: Micros) -> Micros {
        let until = self.paced.unwrap_or(now);
        let open = self.suspended.map_or(Micros(0), |since| until - since);
        until - self.started - self.waited - open
    }
}

pub(super) struct World {
    pub sketches: Vec<Sketch>,
    pub frame: Frame,
    pub scheduler: Scheduler,
    /// The fold of every event so far.
    pub state: RunState,
    pub events: Vec<RunEvent>,
    pub now: Micros,
    /// Not run yet.
    pub actions: VecDeque<Action>,
    pub running: BTreeMap<StepIx, Attempt>,
    pub timers: BTreeSet<(Micros, Timer)>,
    /// What rows asked for in vain since they were reset.
    pub needs: BTreeMap<StepIx, Money>,
    /// Which transitions of rows have happened.
    pub transitions: Transitions,
    /// What every attempt counted against when it started.
    pub demands: BTreeMap<(StepIx, u32), Demand>,
    /// Whether no call costs more than its bound.
    pub foreseen: bool,
    oracle: Oracle,
    /// How many calls of code had an output that the code was given.
    pub answers: u64,
    /// Every output is a new number, so that an old one is recognised.
    outputs: u64,
    expansions: BTreeMap<StepIx, usize>,
    /// Rows that were taken back: whatever an earlier run left of them is of no account any more.
    rerun: BTreeSet<StepIx>,
    random: fastrand::Rng,
}

impl World {
    /// A run that has begun, its first actions run.
    pub(super) fn new(sketches: Vec<Sketch>, frame: Frame) -> Self {
        let mut world = Self::unprepared(sketches, frame);
        world.work(usize::MAX);
        world
    }

    /// The same with other random numbers.
    pub(super) fn seeded(sketches: Vec<Sketch>, frame: Frame, seed: u64) -> Self {
        let mut world = Self::new(sketches, frame);
        world.random = fastrand::Rng::with_seed(seed);
        world
    }

    /// A run that has begun, no action run yet.
    pub(super) fn unprepared(sketches: Vec<Sketch>, frame: Frame) -> Self {
        let steps: Arc<[Step]> = sketches.iter().enumerate().map(step).collect();
        let limits = ResourceLimits {
            timeout_seconds: frame.timeout_ms.map(|ms| ms as f64 / 1e3),
            max_tool_calls: frame.calls,
            max_concurrent: frame.slots,
            max_total_cost_usd: frame.budget.map(Money::from_pico),
            ..ResourceLimits::none()
        };
        let header = RunHeader {
            spent_before: Money::from_pico(frame.spent_before),
            ..header(&steps, &limits)
        };
        let retry = sketches.iter().map(|sketch| RetryPolicy {
            attempts: sketch.attempts,
            backoff: BACKOFF,
        });
        let rules = Rules {
            limits,
            fail_fast: frame.fail_fast,
            track_cost: true,
            paused: frame.paused,
            rates: frame.rates.clone(),
            asks: frame.asks,
            spent_before: Money::from_pico(frame.spent_before),
            answers: Answers::default(),
            approval_lifetime: frame.approval_ms.map(|ms| Micros(ms * 1000)),
            breakpoints: Vec::new(),
            run_to: None,
        };
        let mut world = Self {
            scheduler: Scheduler::new(Arc::clone(&steps), retry, rules),
            sketches,
            frame,
            state: RunState::default(),
            events: Vec::new(),
            now: Micros(0),
            actions: VecDeque::new(),
            running: BTreeMap::new(),
            timers: BTreeSet::new(),
            needs: BTreeMap::new(),
            transitions: Transitions::default(),
            demands: BTreeMap::new(),
            foreseen: true,
            oracle: Oracle::default(),
            answers: 0,
            outputs: 0,
            expansions: BTreeMap::new(),
            rerun: BTreeSet::new(),
            random: fastrand::Rng::with_seed(1),
        };
        world.apply(EventKind::RunStarted(Arc::new(header)));
        world.input(Input::Start);
        world
    }

    fn apply(&mut self, kind: EventKind) {
        let event = RunEvent {
            seq: self.events.len() as u64,
            at: self.now,
            kind,
        };
        let mut oracle = std::mem::take(&mut self.oracle);
        oracle.before(self, &event.kind);
        match &event.kind {
            EventKind::StepReset { step } => {
                self.needs.remove(&step.ix);
                self.rerun.insert(step.ix);
            }
            EventKind::AttemptStarted { step, attempt, .. } => {
                let sketch = &self.sketches[self.scheduler.plan_step(step.ix).at()];
                let demand = sketch.demand(&self.frame.rates);
                self.demands.insert((step.ix, *attempt), demand);
            }
            EventKind::AttemptSuspended { step, .. } => {
                let now = self.now;
                let attempt = self.running.get_mut(&step.ix);
                attempt.expect("it is running").suspended = Some(now);
            }
            EventKind::AttemptContinued { step, .. } => {
                let now = self.now;
                let attempt = self.running.get_mut(&step.ix).expect("it is running");
                let since = attempt.suspended.take().expect("it waits");
                attempt.waited += now - since;
            }
            EventKind::SettingChanged { setting } => self.frame.set(setting),
            EventKind::ReservationRaised { step, reserved, .. } => {
                let attempt = self.running.get_mut(&step.ix);
                attempt.expect("the caller is running").reserved = *reserved;
            }
            _ => {}
        }
        self.state.apply(&event);
        self.events.push(event);
        self.oracle = oracle;
    }

    fn input(&mut self, input: Input) {
        if let Input::Command(command) = &input {
            self.oracle.command(&self.state, command);
        }
        let mut out = Vec::new();
        let random = self.random.u64(..);
        let (column, before) = (column(&input), self.scheduler.stages());
        self.scheduler.handle(self.now, random, input, &mut out);
        let after = self.scheduler.stages();
        self.transitions.note(column, &before, &after);
        for action in out {
            match action {
                Action::Emit(kind) => self.apply(kind),
                other => self.actions.push_back(other),
            }
        }
        the_fold_agrees(self);
    }

    /// Runs at most `most` actions, and checks everything once none is left.
    pub(super) fn work(&mut self, most: usize) {
        for _ in 0..most {
            let Some(action) = self.actions.pop_front() else {
                break;
            };
            match action {
                Action::Emit(_) => {}
                Action::Prepare(row) => {
                    let answer = self.prepare(row);
                    self.input(Input::Prepared(row, answer));
                }
                Action::Call { step, reserved, .. } => {
                    let attempt = Attempt {
                        reserved,
                        started: self.now,
                        cancelled: false,
                        denied: false,
                        paced: None,
                        waited: Micros(0),
                        suspended: None,
                        answered: 0,
                    };
                    let before = self.running.insert(step, attempt);
                    assert!(before.is_none(), "{step:?} is called twice at once");
                }
                Action::Cancel(row) => {
                    if let Some(attempt) = self.running.get_mut(&row) {
                        attempt.cancelled = true;
                    }
                }
                Action::Answer {
                    caller, outcome, ..
                } => {
                    if let Some(attempt) = self.running.get_mut(&caller) {
                        assert!(attempt.suspended.is_none(), "{caller:?} has no slot");
                        attempt.answered += 1;
                    }
                    if outcome.is_ok() {
                        self.answers += 1;
                    }
                }
                Action::BudgetDecision(..) => {}
                Action::SetTimer(at, timer) => {
                    self.timers.insert((at, timer));
                }
            }
        }
        if self.actions.is_empty() {
            let mut oracle = std::mem::take(&mut self.oracle);
            oracle.at_rest(self);
            self.oracle = oracle;
        }
    }

    fn prepare(&mut self, row: StepIx) -> Prepared {
        let plan_row = self.scheduler.plan_step(row);
        let sketch = &self.sketches[plan_row.at()];
        if row == plan_row && !sketch.lists.is_empty() {
            let time = self.expansions.entry(row).or_default();
            let length = sketch.lists[*time % sketch.lists.len()];
            *time += 1;
            let items = (0..length).map(|at| Arc::new(Value::from(at)));
            return Prepared::Each(items.collect());
        }
        match sketch.answer {
            Answer::Unknown if !self.rerun.contains(&row) => Prepared::Unknown(Box::new(error())),
            Answer::Call | Answer::Unknown => {
                let input = match self.scheduler.given(row) {
                    Some(given) => Arc::clone(given),
                    None => Arc::new(self.seen_by(plan_row)),
                };
                Prepared::Call {
                    approval: self.needs_approval(row).then(|| input.to_string().into()),
                    input: input.into(),
                    upper_bound: Some(Money::from_pico(sketch.bound)),
                    estimated: sketch.estimated,
                    demand: sketch.demand(&self.frame.rates),
                    why: None,
                    breaks: None,
                }
            }
            Answer::Unwanted => Prepared::Unwanted,
            Answer::Known => {
                self.outputs += 1;
                Prepared::Known(Arc::new(self.outputs.into()), StepSource::Cache, None)
            }
            Answer::Impossible => Prepared::Impossible(Box::new(error())),
            Answer::Skip => Prepared::Skip,
        }
    }

    /// Whether the calls of a row need an approval; what its code calls is approved with it.
    pub(super) fn needs_approval(&self, row: StepIx) -> bool {
        let plan_row = self.scheduler.plan_step(row);
        self.sketches[plan_row.at()].approve && self.scheduler.code_call(row).is_none()
    }

    /// The outputs of what a step of the plan depends on, `null` for what has none.
    pub(super) fn seen_by(&self, row: StepIx) -> Value {
        let outputs = self.sketches[row.at()].depends_on.iter().map(|from| {
            let output = self.scheduler.output(StepIx(*from));
            output.map_or(Value::Null, |output| Value::clone(output))
        });
        outputs.collect()
    }

    /// Sends a command and runs every action that follows.
    pub(super) fn command(&mut self, command: RunCommand) {
        self.send(command);
        self.work(usize::MAX);
    }

    /// Sends a command and runs no action.
    pub(super) fn send(&mut self, command: RunCommand) {
        self.input(Input::Command(command));
    }

    /// Ends the attempt of `row`, billed with `cost`, after `ms` milliseconds.
    pub(super) fn end_with(&mut self, row: u32, end: End, cost: i64) {
        let row = StepIx(row);
        let attempt = self.running.remove(&row);
        let attempt = attempt.unwrap_or_else(|| panic!("{row:?} is not running"));
        self.outputs += 1;
        let output = match end {
            End::Well => Ok(self.outputs.into()),
            End::Badly | End::Unknown => Err(ToolError::permanent("bad")),
            End::Passing => Err(ToolError::transient("busy")),
            End::ComeBack(ms) => Err(ToolError {
                retry_after: Some(Duration::from_millis(ms)),
                ..ToolError::transient("busy")
            }),
        };
        let counted = self.sketches[self.scheduler.plan_step(row).at()].estimated;
        let report = CallReport {
            charges: Vec::new(),
            reasoning: None,
            cost: Some(Money::from_pico(cost)),
            tokens: counted.then(Tokens::default),
            is_unknown: end == End::Unknown,
            ..CallReport::free(output)
        };
        self.input(Input::Ended {
            step: row,
            service: attempt.service(self.now),
            report: Box::new(report),
            cancelled: attempt.cancelled,
            breaks: None,
        });
    }

    /// The code of `row` makes a call, the one of this number where that is not open.
    pub(super) fn call(&mut self, row: u32, number: u32) {
        let caller = StepIx(row);
        let is_paced = self.running[&caller].paced.is_some();
        let id: Arc<str> = format!("{}/t[{number}]", self.scheduler.key(caller).id).into();
        if is_paced || !self.scheduler.may_call(caller, &id) {
            return;
        }
        let plan_row = self.scheduler.plan_step(caller);
        let step = Step::new(Arc::clone(&id), "tool", Template::Literal(Arc::default()));
        let call = CodeCall {
            number,
            id,
            step: Arc::new(step),
            kind: "test".into(),
            price: None,
            retry: RetryPolicy {
                attempts: self.sketches[plan_row.at()].attempts,
                backoff: BACKOFF,
            },
            input: self.seen_by(plan_row).into(),
        };
        self.input(Input::Called(caller, Box::new(call)));
    }

    /// The code of `row` says that it can do nothing but wait for its calls; `late` where it has not seen the last answer.
    pub(super) fn wait_for_calls(&mut self, row: u32, late: bool) {
        let step = StepIx(row);
        let answered = self.running[&step].answered;
        let answered = answered.saturating_sub(u32::from(late));
        self.input(Input::Waits { step, answered });
    }

    /// The call of `row` has ended, and slow motion keeps it running.
    pub(super) fn pace(&mut self, row: u32) {
        let row = StepIx(row);
        let now = self.now;
        match self.running.get_mut(&row) {
            Some(attempt) if attempt.suspended.is_none() => {
                attempt.paced.get_or_insert(now);
            }
            _ => return,
        }
        self.input(Input::Paced(row));
    }

    /// Ends the attempt of `row`, which was given up, so that nothing is known of its bill.
    pub(super) fn end_unknown(&mut self, row: u32) {
        let row = StepIx(row);
        let attempt = self.running.remove(&row).unwrap();
        let report = unanswered(ToolError::permanent("given up"));
        self.input(Input::Ended {
            step: row,
            service: attempt.service(self.now),
            report: Box::new(report),
            cancelled: attempt.cancelled,
            breaks: None,
        });
    }

    /// Ends the attempt of `row`, billed with its upper bound, and runs every action that follows.
    pub(super) fn end(&mut self, row: u32, end: End) {
        let reserved = self.running.get(&StepIx(row)).map(|a| a.reserved);
        self.end_with(row, end, reserved.unwrap_or_default().pico());
        self.work(usize::MAX);
    }

    /// The attempt of `row` asks whether it may come to cost `total` in all; returns whether it may.
    pub(super) fn ask(&mut self, row: u32, total: i64) -> bool {
        let (row, total) = (StepIx(row), Money::from_pico(total));
        let before = self.running[&row].clone();
        let stopped = self.is_cancelled(row) || self.state.phase == RunPhase::Stopping;
        let limit = self.frame.left().unwrap_or(Money::MAX);
        let free = limit - self.state.spent - self.state.reserved;
        let lacking = total - before.reserved > free && total > before.reserved;
        self.input(Input::BudgetRequest(row, total));
        let answers = self.actions.iter().rev().find_map(|action| match action {
            Action::BudgetDecision(other, granted) if *other == row => Some(*granted),
            _ => None,
        });
        let granted = answers.expect("every question is answered");
        assert_eq!(granted, !stopped && !lacking, "{row:?} asks for {total}");
        if lacking && !stopped {
            self.needs.insert(row, total);
            if let Some(attempt) = self.running.get_mut(&row) {
                attempt.denied = true;
            }
        }
        granted
    }

    /// Whether the attempt of a row is being cancelled, or is about to be.
    pub(super) fn is_cancelled(&self, row: StepIx) -> bool {
        let is_cancel = |action: &Action| matches!(action, Action::Cancel(other) if *other == row);
        let attempt = self.running.get(&row);
        attempt.is_some_and(|attempt| attempt.cancelled) || self.actions.iter().any(is_cancel)
    }

    /// What is reserved for the next call of a row.
    pub(super) fn bound(&self, row: StepIx) -> Money {
        let plan_row = self.scheduler.plan_step(row);
        let bound = Money::from_pico(self.sketches[plan_row.at()].bound);
        let needs = self.needs.get(&row).copied();
        bound.max(needs.unwrap_or_default())
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, ms: u64) {
        self.now += Micros(ms * 1000);
    }

    /// Fires the next timer, where there is one; runs no action.
    pub(super) fn tick(&mut self) -> bool {
        let Some((at, timer)) = self.timers.pop_first() else {
            return false;
        };
        self.now = self.now.max(at);
        self.input(Input::Timer(timer));
        true
    }

    /// Answers for one of the rows that the user is asked about.
    fn answer(&mut self) {
        // Of a call whose code has ended nothing is asked any more.
        let stages = self.scheduler.stages();
        let unknown = |row: &&StepIx| stages[row.at()] == "Asked";
        let rows: Vec<StepIx> = (0..self.state.steps.len() as u32).map(StepIx).collect();
        let Some(row) = rows.iter().copied().find(|row| unknown(&row)) else {
            let asked = |row: &&StepIx| self.state.steps[row.at()].asked_approval().is_some();
            let row = *rows.iter().find(asked).expect("the user is asked");
            return self.command(approve(row, row.0 % 3 > 0));
        };
        let answer = match row.0 % 3 {
            0 => RunCommand::Retry(row),
            1 => RunCommand::SetOutput(row, Arc::new(Value::from("seen"))),
            _ => RunCommand::Skip(row),
        };
        self.command(answer);
    }

    /// Ends everything well until the run has ended, resuming it where it is paused.
    pub(super) fn finish(&mut self) {
        for _ in 0..10_000 {
            self.work(usize::MAX);
            if self.scheduler.has_ended() {
                return;
            }
            if self.state.phase == crate::run::RunPhase::Paused {
                self.command(RunCommand::Resume);
            } else if let Some(row) = self.running.keys().next().copied() {
                self.wait(1);
                self.end(row.0, End::Well);
            } else if self.scheduler.is_stuck() {
                self.answer();
            } else {
                assert!(self.tick(), "nothing is running, and nothing is due");
            }
        }
        panic!("the run does not end");
    }

    pub(super) fn status(&self, row: u32) -> StepStatus {
        self.state.steps[row as usize].status
    }

    pub(super) fn statuses(&self) -> Vec<StepStatus> {
        self.state.steps.iter().map(|row| row.status).collect()
    }

    pub(super) fn running(&self) -> Vec<u32> {
        self.running.keys().map(|row| row.0).collect()
    }
}

/// An answer to a row that needs an approval.
pub(super) fn approve(step: StepIx, granted: bool) -> RunCommand {
    RunCommand::Approve(Approval {
        step,
        granted,
        call: None,
        by: DecidedBy::Screen,
    })
}

fn error() -> RunError {
    RunError {
        kind: crate::run::ErrorKind::ToolExecutionError,
        step: None,
        tool_name: None,
        message: "no such field".into(),
        retryable: false,
        attempts: 0,
    }
}

fn step((at, sketch): (usize, &Sketch)) -> Step {
    let parameters = Template::Literal(Arc::new(Value::Null));
    Step {
        depends_on: sketch.depends_on.iter().copied().map(StepIx).collect(),
        settings: Arc::new(StepSettings {
            trigger: sketch.trigger,
            mode: if sketch.sequential {
                Mode::Sequential
            } else {
                Mode::Parallel
            },
            ..StepSettings::default()
        }),
        for_each: (!sketch.lists.is_empty()).then(|| Box::new(Template::Literal(Arc::default()))),
        ..Step::new(format!("s{at}"), "tool", parameters)
    }
}

fn header(steps: &[Step], limits: &ResourceLimits) -> RunHeader {
    let info = |step: &Step| StepInfo {
        id: step.id.clone(),
        tool: step.tool.clone(),
        kind: "test".into(),
        depends_on: Arc::clone(&step.depends_on),
        description: None,
        parent: None,
        parameters: None,
        not_reused: None,
        sequential: step.settings.mode == Mode::Sequential,
        price: None,
        checks: None,
    };
    RunHeader {
        run_id: "run".into(),
        plan: "plan".into(),
        dialect: crate::plan::Dialect::Documented,
        started_at: "".into(),
        worker: "none".into(),
        simulated: false,
        track_cost: true,
        limits: limits.clone(),
        rates: crate::run::Rates::default(),
        priced: false,
        context: Arc::default(),
        steps: steps.iter().map(info).collect(),
        forked_from: None,
        spent_before: Money::ZERO,
        pace: None,
    }
}
