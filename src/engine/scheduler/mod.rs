//! The scheduler: a pure state machine.
//!
//! Inputs are what happened (a command, an end, a timer, the answer to a preparation) with the moment and a
//! random number; outputs are [`Action`]s in the order in which they are to be carried out. The same inputs
//! give the same actions. A step starts as soon as its trigger is met and a slot is free: there are no levels.

mod budget;
mod clock;
mod edit;
mod end;
mod expand;
mod fund;
mod graph;
mod queue;
mod rates;
mod start;

use crate::plan::{Mode, RetryPolicy, Step, StepIx, Trigger};
use crate::run::{
    Demand, Fact, Rates, ResourceLimits, Reuse, RunCommand, RunError, RunOutcome, SkipReason,
    StepKey, StepSource, StepStatus, Why,
};
use crate::tools::CallReport;
use crate::units::{Micros, Money};
use budget::Budget;
use clock::RunClock;
use expand::{Element, Expansion};
use graph::Graph;
use queue::{ReadyQueue, Slots};
pub use rates::MeterIx;
use rates::Meters;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// The run begins.
    Start,
    /// A person or a script asks for something.
    Command(RunCommand),
    /// The answer to [`Action::Prepare`].
    Prepared(StepIx, Prepared),
    /// An attempt ended; cancelled ones too.
    Ended {
        /// The step.
        step: StepIx,
        /// How long the call itself took.
        service: Micros,
        /// What came of it.
        report: Box<CallReport>,
        /// Whether it was stopped rather than ended.
        cancelled: bool,
    },
    /// An attempt under way asks whether it may come to cost so much in all; the answer is [`Action::Fund`].
    Asked(StepIx, Money),
    /// A timer is due.
    Timer(Timer),
}

/// What is to be done with a step that is about to start.
#[derive(Debug)]
pub enum Prepared {
    /// Call the tool.
    Call {
        /// The resolved parameters.
        input: Arc<Value>,
        /// The most it can cost without asking for more; `None` where that cannot be known.
        most: Option<Money>,
        /// Whether that rests on an estimate that the bills of calls have yet to bear out.
        estimated: bool,
        /// What it draws on beside its slot and its money.
        demand: Demand,
        /// Why it is made, where the output could have been there already.
        why: Option<Box<Why>>,
    },
    /// Run once for each of these.
    Each(Vec<Arc<Value>>),
    /// Its `run_if` is not true.
    Unwanted,
    /// Its output is known already, from there, and this is what that saved.
    Known(Arc<Value>, StepSource, Option<Box<Reuse>>),
    /// It cannot be called.
    Impossible(Box<RunError>),
    /// It was under way when an earlier run's process died, and nobody has said what to do about it.
    Unknown(Box<RunError>),
    /// A person does not want it.
    Skip,
}

/// A moment the scheduler waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The next try of a step after its attempt of this number.
    Backoff(StepIx, u32),
    /// The run's `timeout_seconds`.
    Deadline,
    /// A rate lets something start again.
    Rate(MeterIx),
}

/// Something to be done, in order.
#[derive(Debug)]
pub enum Action {
    /// Number this fact and tell everybody.
    Emit(Fact),
    /// Look at the step's condition, resolve its parameters, and answer with [`Input::Prepared`].
    Prepare(StepIx),
    /// Make the call, and answer with [`Input::Ended`]. Everything emitted so far is told first.
    Call {
        /// The step.
        step: StepIx,
        /// Which try, from 1.
        attempt: u32,
        /// The resolved parameters.
        input: Arc<Value>,
        /// What is reserved for it.
        reserved: Money,
    },
    /// Tell the attempt that asked whether it may.
    Fund(StepIx, bool),
    /// Stop the attempt under way; it still ends.
    Cancel(StepIx),
    /// Answer with [`Input::Timer`] at this moment.
    SetTimer(Micros, Timer),
}

/// What the scheduler needs to know beside the plan.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub struct Rules {
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
    /// Whether somebody is there to say what became of a step that nobody knows the end of: the run waits for
    /// that.
    pub asks: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Running,
    Paused,
    /// What is under way is being cancelled; then the run ends this way.
    Stopping(RunOutcome),
    Ended,
}

/// What a row that has not ended is doing, beside its status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing of its own: its trigger is not met, its elements run, or it has ended.
    #[default]
    Idle,
    /// In the queue.
    Queued,
    /// Taken from the queue and held at a breakpoint.
    AtBreakpoint,
    /// Taken from the queue; its upper bound does not fit into the free money.
    Parked,
    /// Taken from the queue; a rate of its model or pool is used up.
    Throttled,
    /// Taken from the queue; no more calls may be made.
    OutOfCalls,
    /// Between two tries.
    Backoff,
    /// It has a slot, and its preparation is asked for.
    Preparing,
    /// It has a slot, and its attempt is under way.
    Calling,
    /// Nobody knows whether it happened, and a person is asked.
    Asked,
    /// The row of an element that the list does not have at present.
    Dormant,
}

/// What the scheduler knows of one row.
#[derive(Debug, Default)]
// Each flag is a fact of its own about the row; any of them can hold beside the others.
#[allow(clippy::struct_excessive_bools)]
struct Node {
    status: StepStatus,
    stage: Stage,
    trigger: Trigger,
    /// It overlaps nothing.
    sequential: bool,
    /// Skipped because of a failure somewhere above.
    tainted: bool,
    /// Its dependents know that it has ended.
    told: bool,
    /// Goes back to the beginning once what is under way has ended.
    rerun: bool,
    /// A person skipped it or supplied its output: that stays until the row itself is retried.
    decided: bool,
    /// Skipped because the run was stopped before it could start.
    stopped: bool,
    /// May start although the run is paused.
    permitted: bool,
    /// May pass its breakpoint.
    released: bool,
    /// Its attempt asked for more money than there was.
    denied: bool,
    /// Its bound rests on an estimate.
    estimated: bool,
    /// Dependencies that have not ended, that ended, that succeeded, that failed.
    open: u32,
    ended: u32,
    succeeded: u32,
    bad: u32,
    /// Tries in all, and since the last reset.
    attempts: u32,
    tries: u32,
    /// The slot while it is being prepared or called.
    slot: u32,
    /// The upper bound of its call: reserved while it is under way, too much while it is parked.
    bound: Money,
    /// What of the bound is there because of the bills of other calls.
    surcharge: Money,
    /// Held back beside its bound while it is under way.
    margin: Money,
    /// What an attempt asked for in vain: the next one has it from the beginning.
    needs: Money,
    output: Option<Arc<Value>>,
}

impl Node {
    fn of(step: &Step) -> Self {
        Self {
            trigger: step.trigger,
            sequential: step.mode == Mode::Sequential,
            ..Self::default()
        }
    }
}

/// Decides what happens next in a run.
#[derive(Debug)]
pub struct Scheduler {
    steps: Arc<[Step]>,
    retry: Vec<RetryPolicy>,
    rules: Rules,
    graph: Graph,
    nodes: Vec<Node>,
    elements: Vec<Element>,
    expansions: HashMap<StepIx, Expansion>,
    ready: ReadyQueue,
    slots: Slots,
    budget: Budget,
    clock: RunClock,
    phase: Phase,
    /// The moment and the random number of the input in hand.
    now: Micros,
    random: u64,
    /// Rows that have ended and whose dependents have not been told yet.
    settled: VecDeque<StepIx>,
    /// Rows that have not ended.
    unfinished: usize,
    /// Steps between two tries.
    backoffs: usize,
    meters: Meters,
    /// Rows that wait for a rate.
    throttled: usize,
    /// Attempts under way.
    under_way: usize,
    /// Attempts started.
    calls: u64,
    /// Parked rows by their upper bound.
    parked: BTreeSet<(Money, StepIx)>,
    /// Rows that are or were out of calls.
    out_of_calls: Vec<StepIx>,
    /// A row that runs alone, is queued, and waits for the others to end.
    alone_next: Option<StepIx>,
    /// The row that runs alone and has a slot.
    alone: Option<StepIx>,
    breakpoints: HashSet<StepIx>,
    /// What a person gave rows as their input.
    given: HashMap<StepIx, Arc<Value>>,
    /// Rows that are or were held at a breakpoint, in order.
    at_breakpoint: VecDeque<StepIx>,
    /// The deadline's timer fired while the clock stood still or nothing was to be stopped.
    deadline_missed: bool,
    /// What the clock showed when the present allowance of time began.
    allowance_from: Micros,
    /// A step has failed and the run is to stop because of it.
    failing: bool,
    errors: HashMap<StepIx, Box<RunError>>,
    /// What is known of rows about which a person is asked.
    asked: HashMap<StepIx, Box<RunError>>,
    limit_error: Option<Box<RunError>>,
}

impl Scheduler {
    /// A scheduler for `steps`, whose `depends_on` have no cycle. `retry` is each step's policy.
    pub fn new(steps: Arc<[Step]>, retry: Vec<RetryPolicy>, rules: Rules) -> Self {
        let graph = Graph::new(steps.len(), |at| &steps[at].depends_on);
        let nodes: Vec<Node> = steps
            .iter()
            .map(|step| Node {
                open: step.depends_on.len() as u32,
                ..Node::of(step)
            })
            .collect();
        let meters = Meters::new(&rules.rates);
        let limit = rules.limits.max_total_cost_usd.filter(|_| rules.track_cost);
        Self {
            slots: Slots::new(rules.limits.max_concurrent),
            budget: Budget::new(limit),
            unfinished: nodes.len(),
            graph,
            nodes,
            retry,
            rules,
            steps,
            elements: Vec::new(),
            expansions: HashMap::new(),
            ready: ReadyQueue::default(),
            clock: RunClock::default(),
            phase: Phase::New,
            now: Micros(0),
            random: 0,
            settled: VecDeque::new(),
            backoffs: 0,
            meters,
            throttled: 0,
            under_way: 0,
            calls: 0,
            parked: BTreeSet::new(),
            out_of_calls: Vec::new(),
            alone_next: None,
            alone: None,
            breakpoints: HashSet::new(),
            given: HashMap::new(),
            at_breakpoint: VecDeque::new(),
            deadline_missed: false,
            allowance_from: Micros(0),
            failing: false,
            errors: HashMap::new(),
            asked: HashMap::new(),
            limit_error: None,
        }
    }

    /// Takes in what happened at `now` and appends what is to be done to `out`. `random` is used for the
    /// jitter of a backoff.
    pub fn handle(&mut self, now: Micros, random: u64, input: Input, out: &mut Vec<Action>) {
        (self.now, self.random) = (now, random);
        match input {
            Input::Start => self.begin(out),
            Input::Command(command) => self.command(command, out),
            Input::Prepared(step, prepared) => self.prepared(step, prepared, out),
            Input::Ended {
                step,
                service,
                report,
                cancelled,
            } => self.attempt_ended(step, service, *report, cancelled, out),
            Input::Asked(step, total) => self.asked(step, total, out),
            Input::Timer(Timer::Backoff(step, attempt)) => self.backoff_over(step, attempt),
            Input::Timer(Timer::Deadline) => self.deadline(out),
            Input::Timer(Timer::Rate(place)) => self.meters.due(now, place),
        }
        self.settle(out);
        if std::mem::take(&mut self.failing) {
            out.push(Action::Emit(Fact::StopRequested));
            self.stop(RunOutcome::Failed, SkipReason::User, out);
            self.settle(out);
        }
        self.serve_rates();
        self.dispatch(out);
        self.check_end(out);
        let stands = matches!(self.phase, Phase::Paused | Phase::Ended);
        let held = self.under_way == 0 && stands || self.waits_for_a_person();
        self.clock.hold(now, held);
        let going = matches!(self.phase, Phase::Running | Phase::Paused);
        if self.deadline_missed && going && !self.clock.is_held() {
            self.arm_deadline(out);
        }
    }

    /// Whether nothing more happens without a command.
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether nothing goes on before a person has said what became of an unknown step.
    pub fn waits_for_a_person(&self) -> bool {
        let goes_on = |node: &Node| {
            !matches!(
                node.stage,
                Stage::Idle | Stage::Asked | Stage::Dormant | Stage::Calling
            )
        };
        self.phase == Phase::Running
            && self.under_way == 0
            && !self.asked.is_empty()
            && !self.nodes.iter().any(goes_on)
    }

    /// Whether a person is asked about a row.
    fn is_asked(&self, row: StepIx) -> bool {
        self.nodes
            .get(row.at())
            .is_some_and(|node| node.stage == Stage::Asked)
    }

    /// Whether a row has ended: one that a person is asked about has not.
    fn is_over(&self, row: StepIx) -> bool {
        self.nodes[row.at()].status.has_ended() && !self.is_asked(row)
    }

    /// Attempts under way.
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// A row's status.
    pub fn status(&self, step: StepIx) -> StepStatus {
        self.nodes
            .get(step.at())
            .map_or_else(Default::default, |node| node.status)
    }

    /// A row's output, once it succeeded.
    pub fn output(&self, step: StepIx) -> Option<&Arc<Value>> {
        self.nodes.get(step.at())?.output.as_ref()
    }

    /// The input that a person gave a row instead of its parameters.
    pub fn given(&self, row: StepIx) -> Option<&Arc<Value>> {
        self.given.get(&row)
    }

    /// The plan's step behind a row: itself, or the `for_each` step that the row is an element of.
    pub fn plan_step(&self, row: StepIx) -> StepIx {
        self.element(row).map_or(row, |element| element.parent)
    }

    /// The element and its position that a row runs for.
    pub fn item(&self, row: StepIx) -> Option<(&Arc<Value>, usize)> {
        self.element(row).map(|e| (&e.item, e.index as usize))
    }

    /// What a row is called in events.
    pub fn key(&self, row: StepIx) -> StepKey {
        let id = match self.element(row) {
            Some(element) => element.id.clone(),
            None => self
                .steps
                .get(row.at())
                .map_or_else(|| "".into(), |step| step.id.clone()),
        };
        StepKey { ix: row, id }
    }

    fn spec(&self, row: StepIx) -> &Step {
        &self.steps[self.plan_step(row).at()]
    }

    fn node(&mut self, row: StepIx) -> &mut Node {
        &mut self.nodes[row.at()]
    }

    fn exists(&self, row: StepIx) -> bool {
        row.at() < self.nodes.len()
    }

    fn begin(&mut self, out: &mut Vec<Action>) {
        if self.phase != Phase::New {
            return;
        }
        self.phase = Phase::Running;
        for at in 0..self.steps.len() as u32 {
            self.consider(StepIx(at), None, out);
        }
        if self.rules.paused {
            self.phase = Phase::Paused;
            out.push(Action::Emit(Fact::RunPaused));
        }
        self.arm_deadline(out);
    }

    /// Tells the dependents of every row that has ended since the last call.
    fn settle(&mut self, out: &mut Vec<Action>) {
        while let Some(row) = self.settled.pop_front() {
            let node = self.node(row);
            node.told = true;
            let (succeeded, bad) = (node.status == StepStatus::Succeeded, node.is_bad());
            if self.element(row).is_some() {
                self.element_settled(row, out);
                continue;
            }
            for at in 0..self.graph.after(row).len() {
                let next = self.graph.after(row)[at];
                self.node(next).note(succeeded, bad);
                self.consider(next, Some(row), out);
            }
        }
    }

    /// Holds a pending step's trigger against what its dependencies came to. `because` is the dependency that
    /// ended just now.
    fn consider(&mut self, row: StepIx, because: Option<StepIx>, out: &mut Vec<Action>) {
        let node = &self.nodes[row.at()];
        if node.status != StepStatus::Pending || matches!(self.phase, Phase::Stopping(_)) {
            return;
        }
        match node.verdict() {
            Verdict::Wait => {}
            Verdict::Go => self.make_ready(row, out),
            Verdict::Never => {
                // Looked up and not counted: what ended in the same moment counts too, told or not.
                let mut before = self.graph.before(row).iter();
                let tainted = before.any(|from| self.nodes[from.at()].is_bad());
                self.node(row).tainted = tainted;
                let because = because.or_else(|| self.first_in_the_way(row));
                self.skip(row, SkipReason::Upstream, because, out);
            }
        }
    }

    fn first_in_the_way(&self, row: StepIx) -> Option<StepIx> {
        let mut before = self.graph.before(row).iter().copied();
        before.find(|row| {
            let status = self.nodes[row.at()].status;
            self.is_over(*row) && status != StepStatus::Succeeded
        })
    }

    fn make_ready(&mut self, row: StepIx, out: &mut Vec<Action>) {
        self.node(row).status = StepStatus::Ready;
        let step = self.key(row);
        out.push(Action::Emit(Fact::StepReady { step }));
        self.queue(row);
    }

    fn skip(
        &mut self,
        row: StepIx,
        reason: SkipReason,
        because: Option<StepIx>,
        out: &mut Vec<Action>,
    ) {
        let because = because.map(|row| self.key(row).id);
        let step = self.key(row);
        out.push(Action::Emit(Fact::StepSkipped {
            step,
            reason,
            because,
        }));
        self.end_row(row, StepStatus::Skipped);
    }

    fn succeed(
        &mut self,
        row: StepIx,
        output: Arc<Value>,
        source: StepSource,
        out: &mut Vec<Action>,
    ) {
        self.succeed_with(row, output, source, None, out);
    }

    fn succeed_with(
        &mut self,
        row: StepIx,
        output: Arc<Value>,
        source: StepSource,
        reused: Option<Box<Reuse>>,
        out: &mut Vec<Action>,
    ) {
        let step = self.key(row);
        out.push(Action::Emit(Fact::StepSucceeded {
            step,
            source,
            output: Arc::clone(&output),
            reused,
        }));
        self.node(row).output = Some(output);
        self.end_row(row, StepStatus::Succeeded);
    }

    fn fail(&mut self, row: StepIx, error: Box<RunError>, out: &mut Vec<Action>) {
        let step = self.key(row);
        self.errors.insert(row, error.clone());
        out.push(Action::Emit(Fact::StepFailed { step, error }));
        self.end_row(row, StepStatus::Failed);
        self.failing |= self.rules.fail_fast && !matches!(self.phase, Phase::Stopping(_));
    }

    /// A row has come to its end; it is in no queue any more and has no slot.
    fn end_row(&mut self, row: StepIx, status: StepStatus) {
        let node = self.node(row);
        node.status = status;
        node.stage = Stage::Idle;
        node.rerun = false;
        self.unfinished -= 1;
        self.settled.push_back(row);
        self.meters.forget(row);
    }

    /// Takes a row out of wherever it waits, and takes its slot and reservation from it.
    fn leave(&mut self, row: StepIx) {
        let node = self.node(row);
        let (bound, slot) = (node.bound, node.slot);
        match std::mem::take(&mut node.stage) {
            // Who pops these looks at the stage.
            Stage::Idle | Stage::AtBreakpoint | Stage::OutOfCalls | Stage::Dormant => return,
            Stage::Queued => {
                if self.alone_next == Some(row) {
                    self.alone_next = None;
                }
                return;
            }
            Stage::Parked => {
                self.parked.remove(&(bound, row));
                return;
            }
            Stage::Backoff => {
                self.backoffs -= 1;
                return;
            }
            Stage::Throttled => {
                self.throttled -= 1;
                return;
            }
            Stage::Asked => {
                self.asked.remove(&row);
                return;
            }
            Stage::Preparing => {}
            Stage::Calling => self.under_way -= 1,
        }
        self.slots.give(slot);
        if self.alone == Some(row) {
            self.alone = None;
        }
    }
}

/// What a step's trigger says.
enum Verdict {
    Wait,
    Go,
    Never,
}

impl Node {
    /// Failed, cancelled, unknown for good, or skipped because of that.
    fn is_bad(&self) -> bool {
        let bad = match self.status {
            StepStatus::Failed | StepStatus::Cancelled => true,
            StepStatus::Unknown => self.stage != Stage::Asked,
            _ => false,
        };
        bad || self.tainted
    }

    /// Takes note of how a dependency ended.
    fn note(&mut self, succeeded: bool, bad: bool) {
        self.open = self.open.saturating_sub(1);
        self.ended += 1;
        self.succeeded += u32::from(succeeded);
        self.bad += u32::from(bad);
    }

    fn verdict(&self) -> Verdict {
        match self.trigger {
            // What ended and did not succeed failed or was skipped.
            Trigger::AllSuccess if self.ended > self.succeeded => Verdict::Never,
            Trigger::NoneFailed if self.bad > 0 => Verdict::Never,
            Trigger::OneSuccess if self.succeeded > 0 => Verdict::Go,
            Trigger::OneSuccess if self.open == 0 && self.ended > 0 => Verdict::Never,
            _ if self.open == 0 => Verdict::Go,
            _ => Verdict::Wait,
        }
    }
}

/// What the scheduler believes that the fold of its facts has to agree with.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ledger {
    pub spent: Money,
    pub reserved: Money,
    pub under_way: usize,
    pub calls: u64,
    pub wall: Micros,
}

#[cfg(test)]
impl Scheduler {
    /// The scheduler's own account at `now`.
    pub fn ledger(&self, now: Micros) -> Ledger {
        Ledger {
            spent: self.budget.spent(),
            reserved: self.budget.reserved(),
            under_way: self.under_way,
            calls: self.calls,
            wall: self.clock.wall(now),
        }
    }
}
