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
mod graph;
mod queue;
mod start;

use crate::plan::{RetryPolicy, Step, StepIx, Trigger};
use crate::run::{
    Fact, Micros, Money, ResourceLimits, RunCommand, RunError, RunOutcome, SkipReason, StepKey,
    StepSource, StepStatus,
};
use crate::tools::CallReport;
use budget::Budget;
use clock::RunClock;
use expand::{Element, Expansion};
use graph::Graph;
use queue::{ReadyQueue, Slots};
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
        /// The most it can cost; `None` where that cannot be known.
        most: Option<Money>,
    },
    /// Run once for each of these.
    Each(Vec<Arc<Value>>),
    /// Its `run_if` is not true.
    Unwanted,
    /// Its output is known already.
    Known(Arc<Value>, StepSource),
    /// It cannot be called.
    Impossible(Box<RunError>),
}

/// A moment the scheduler waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The next try of a step after its attempt of this number.
    Backoff(StepIx, u32),
    /// The run's `timeout_seconds`.
    Deadline,
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
    /// Stop the attempt under way; it still ends.
    Cancel(StepIx),
    /// Answer with [`Input::Timer`] at this moment.
    SetTimer(Micros, Timer),
}

/// What the scheduler needs to know beside the plan.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The limits of the run.
    pub limits: ResourceLimits,
    /// Whether the first failure stops what is independent of it.
    pub fail_fast: bool,
    /// Whether cost is tracked; without it money limits nothing.
    pub track_cost: bool,
    /// Whether the run begins paused.
    pub paused: bool,
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

/// What the scheduler knows of one row.
#[derive(Debug, Default)]
struct Node {
    status: StepStatus,
    /// Skipped because of a failure somewhere above.
    tainted: bool,
    /// Waits in the queue for its next try; its status stays `running`.
    retry_queued: bool,
    /// Between two tries.
    backoff: bool,
    /// Runs again as soon as the attempt under way has ended.
    rerun: bool,
    /// Skipped by a person.
    unwanted: bool,
    /// Skipped because the run was stopped before it could start.
    stopped: bool,
    /// Dependencies that have not ended, that ended, that succeeded, that failed.
    open: u32,
    ended: u32,
    succeeded: u32,
    bad: u32,
    /// Tries in all, and since the last reset.
    attempts: u32,
    tries: u32,
    /// The slot while it is being prepared or an attempt is under way, and what is reserved for it.
    slot: Option<u32>,
    reserved: Money,
    output: Option<Arc<Value>>,
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
    /// Rows that have ended and whose dependents have not been told yet.
    settled: VecDeque<StepIx>,
    /// Rows that have not ended.
    unfinished: usize,
    /// Steps between two tries.
    backoffs: usize,
    /// Attempts started.
    calls: u64,
    /// Steps whose upper bound did not fit, by that bound.
    parked: BTreeSet<(Money, StepIx)>,
    /// Steps that wait because no more calls may be made.
    out_of_calls: Vec<StepIx>,
    /// A step that runs alone and waits for the others to end.
    alone_next: Option<StepIx>,
    /// A step that runs alone is under way.
    alone: Option<StepIx>,
    breakpoints: HashSet<StepIx>,
    at_breakpoint: Vec<StepIx>,
    /// Steps that may start although the run is paused.
    permits: u32,
    once: VecDeque<StepIx>,
    deadline_missed: bool,
    errors: HashMap<StepIx, Box<RunError>>,
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
                ..Node::default()
            })
            .collect();
        let limit = rules.limits.max_total_cost_usd.filter(|_| rules.track_cost);
        Self {
            slots: Slots::new(rules.limits.slots(steps.len())),
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
            settled: VecDeque::new(),
            backoffs: 0,
            calls: 0,
            parked: BTreeSet::new(),
            out_of_calls: Vec::new(),
            alone_next: None,
            alone: None,
            breakpoints: HashSet::new(),
            at_breakpoint: Vec::new(),
            permits: 0,
            once: VecDeque::new(),
            deadline_missed: false,
            errors: HashMap::new(),
            limit_error: None,
        }
    }

    /// Takes in what happened at `now` and appends what is to be done to `out`. `random` is used for the
    /// jitter of a backoff.
    pub fn handle(&mut self, now: Micros, random: u64, input: Input, out: &mut Vec<Action>) {
        match input {
            Input::Start => self.begin(out),
            Input::Command(command) => self.command(command, out),
            Input::Prepared(step, prepared) => self.prepared(step, prepared, out),
            Input::Ended {
                step,
                service,
                report,
                cancelled,
            } => self.attempt_ended(now, random, step, service, *report, cancelled, out),
            Input::Timer(Timer::Backoff(step, attempt)) => self.backoff_over(step, attempt),
            Input::Timer(Timer::Deadline) => self.deadline(now, out),
        }
        self.settle(out);
        self.dispatch(out);
        self.check_end(out);
        let held = self.slots.taken() == 0 && matches!(self.phase, Phase::Paused | Phase::Ended);
        self.clock.hold(now, held);
        if self.deadline_missed && !self.clock.is_held() {
            self.deadline_missed = false;
            self.arm_deadline(now, out);
        }
    }

    /// Whether nothing more happens without a command.
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Attempts under way.
    pub fn under_way(&self) -> usize {
        self.slots.taken()
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
        self.arm_deadline(Micros(0), out);
    }

    /// Tells the dependents of every row that has ended since the last call.
    fn settle(&mut self, out: &mut Vec<Action>) {
        while let Some(row) = self.settled.pop_front() {
            if self.element(row).is_some() {
                self.element_settled(row, out);
                continue;
            }
            let node = &self.nodes[row.at()];
            let (status, tainted) = (node.status, node.tainted);
            for at in 0..self.graph.after(row).len() {
                let next = self.graph.after(row)[at];
                self.node(next).note(status, tainted);
                self.consider(next, Some(row), out);
            }
        }
    }

    /// Holds a pending step's trigger against what its dependencies came to.
    fn consider(&mut self, row: StepIx, because: Option<StepIx>, out: &mut Vec<Action>) {
        let node = &self.nodes[row.at()];
        if node.status != StepStatus::Pending || matches!(self.phase, Phase::Stopping(_)) {
            return;
        }
        match node.verdict(self.steps[row.at()].trigger) {
            Verdict::Wait => {}
            Verdict::Go => {
                self.node(row).status = StepStatus::Ready;
                let step = self.key(row);
                out.push(Action::Emit(Fact::StepReady { step }));
                self.ready.push(row, self.graph.height(row));
            }
            Verdict::Never => {
                let tainted = node.bad > 0;
                self.node(row).tainted = tainted;
                self.skip(row, SkipReason::Upstream, because, out);
            }
        }
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
        self.node(row).unwanted = reason == SkipReason::User;
        self.end_row(row, StepStatus::Skipped);
    }

    fn succeed(
        &mut self,
        row: StepIx,
        output: Arc<Value>,
        source: StepSource,
        out: &mut Vec<Action>,
    ) {
        let step = self.key(row);
        out.push(Action::Emit(Fact::StepSucceeded {
            step,
            source,
            output: Arc::clone(&output),
        }));
        self.node(row).output = Some(output);
        self.end_row(row, StepStatus::Succeeded);
    }

    fn fail(&mut self, row: StepIx, error: Box<RunError>, out: &mut Vec<Action>) {
        let step = self.key(row);
        self.errors.insert(row, error.clone());
        out.push(Action::Emit(Fact::StepFailed { step, error }));
        self.end_row(row, StepStatus::Failed);
        if self.rules.fail_fast && !matches!(self.phase, Phase::Stopping(_)) {
            self.stop(RunOutcome::Failed, SkipReason::User, out);
        }
    }

    fn end_row(&mut self, row: StepIx, status: StepStatus) {
        self.node(row).status = status;
        self.unfinished -= 1;
        self.settled.push_back(row);
    }
}

/// What a step's trigger says.
enum Verdict {
    Wait,
    Go,
    Never,
}

impl Node {
    /// Takes note of how a dependency ended.
    fn note(&mut self, status: StepStatus, tainted: bool) {
        self.open = self.open.saturating_sub(1);
        self.ended += 1;
        match status {
            StepStatus::Succeeded => self.succeeded += 1,
            StepStatus::Failed | StepStatus::Cancelled | StepStatus::Unknown => self.bad += 1,
            StepStatus::Skipped if tainted => self.bad += 1,
            _ => {}
        }
    }

    fn verdict(&self, trigger: Trigger) -> Verdict {
        match trigger {
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
