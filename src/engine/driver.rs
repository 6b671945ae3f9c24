//! The driver: carries the scheduler's actions out on tokio, and tells everybody what happened.

mod reuse;

use super::attempt::{AttemptDone, Bounds, attempt, panicked};
use super::cache::{CacheKey, Keys, Made, OutputCache};
use super::recorded::{Edit, Recorded};
use super::{Action, EventSink, Input, Rules, Scheduler, Timer};
use crate::plan::{ExecutionPlan, Mode, RetryPolicy, Step, StepIx};
use crate::run::{
    Fact, LogStream, Rates, ResourceLimits, RunCommand, RunEvent, RunHeader, RunState, StepInfo,
    StepPrice,
};
use crate::tools::{Call, CallLog, CallReport, Funds, Quote, Tool, ToolError, Toolbox};
use crate::units::{Micros, Money};
use futures::FutureExt;
use reuse::Refreshed;
use serde_json::{Map, Value};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Tries of a call that may be repeated, where the plan says nothing.
const DEFAULT_ATTEMPTS: u32 = 3;
/// The bound of the first wait between them.
const DEFAULT_BACKOFF: Duration = Duration::from_millis(500);
/// Log entries that may wait for the engine; a tool that says more meanwhile loses them.
const LOG_ENTRIES: usize = 1024;
/// What is kept of all that one attempt says, in bytes. Everything kept is in memory while a dashboard is open, and
/// on disk after that.
const LOG_KEPT: u64 = 1 << 20;
/// Steps of a plan whose parameters are told at the start; in a larger plan that would be most of the record.
const MOST_SHOWN: usize = 10_000;
/// Actions carried out between two looks at commands and timers.
const ACTIONS_IN_A_ROW: usize = 512;

/// What a run is started with, beside the plan and the tools.
#[derive(Clone, Debug)]
// Each is a choice of its own; any of them can be made beside the others.
#[allow(clippy::struct_excessive_bools)]
pub struct Settings {
    /// The limits in force.
    pub limits: ResourceLimits,
    /// Whether cost is tracked.
    pub track_cost: bool,
    /// Whether the first failure stops what is independent of it.
    pub fail_fast: bool,
    /// Whether the run begins paused.
    pub paused: bool,
    /// Whether the run waits for commands after its end, until [`RunCommand::Close`].
    pub interactive: bool,
    /// Who carries out `model` tools, for the header.
    pub worker: Arc<str>,
    /// Whether outputs are invented.
    pub simulated: bool,
    /// The seed of the jitter.
    pub seed: u64,
    /// The rates of models and of the catalog's pools.
    pub rates: Rates,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: ResourceLimits::default(),
            track_cost: true,
            fail_fast: false,
            paused: false,
            interactive: false,
            worker: "none".into(),
            simulated: false,
            seed: fastrand::u64(..),
            rates: Rates::default(),
        }
    }
}

/// One run of one plan with one context.
pub struct Engine {
    plan: Arc<ExecutionPlan>,
    context: Arc<Map<String, Value>>,
    toolbox: Arc<dyn Toolbox>,
    settings: Settings,
    run_id: Arc<str>,
    sinks: Vec<Box<dyn EventSink>>,
    recorded: Option<Recorded>,
    cache: Option<Box<dyn OutputCache>>,
    prices: Option<Vec<Option<StepPrice>>>,
}

impl Engine {
    /// A run that has not begun.
    pub fn new(
        plan: Arc<ExecutionPlan>,
        context: Map<String, Value>,
        toolbox: Arc<dyn Toolbox>,
        settings: Settings,
    ) -> Self {
        let mut all = plan.context.clone();
        all.extend(context);
        Self {
            plan,
            context: Arc::new(all),
            toolbox,
            settings,
            run_id: uuid::Uuid::now_v7().to_string().into(),
            sinks: Vec::new(),
            recorded: None,
            cache: None,
            prices: None,
        }
    }

    /// Uses outputs again that were kept from earlier calls, and keeps new ones.
    #[must_use]
    pub fn with_cache(mut self, cache: impl OutputCache + 'static) -> Self {
        self.cache = Some(Box::new(cache));
        self
    }

    /// Goes on with an earlier run: what that had done is not done again.
    #[must_use]
    pub fn with_recorded(mut self, recorded: Recorded) -> Self {
        self.recorded = Some(recorded);
        self
    }

    /// Somebody more who hears of every event.
    #[must_use]
    pub fn with_sink(mut self, sink: impl EventSink + 'static) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// The run's id.
    pub fn run_id(&self) -> &Arc<str> {
        &self.run_id
    }

    /// Runs to the end, taking commands on the way, and gives the run's state after its last event.
    ///
    /// It ends when the run has ended and, where [`Settings::interactive`] is set, [`RunCommand::Close`] came
    /// or no sender of commands is left.
    pub async fn run(self, origin: Instant, commands: mpsc::Receiver<RunCommand>) -> RunState {
        Driver::new(self, origin).run(commands).await
    }

    /// What the steps can cost, in the plan's order, so that readers of the run can tell what is to come.
    #[must_use]
    pub fn with_prices(mut self, prices: Vec<Option<StepPrice>>) -> Self {
        self.prices = Some(prices);
        self
    }

    fn header(&self, tools: &Tools, keys: &mut Keys) -> RunHeader {
        let shown = self.plan.steps.len() <= MOST_SHOWN;
        let price = |at: usize| *self.prices.as_ref()?.get(at)?;
        let steps = self
            .plan
            .steps
            .iter()
            .enumerate()
            .map(|(at, step)| StepInfo {
                id: step.id.clone(),
                tool: step.tool.clone(),
                kind: tools.kind(at),
                depends_on: Arc::from(&*step.depends_on),
                description: step.description.clone(),
                parent: None,
                parameters: shown.then(|| Arc::new(step.parameters.source())),
                not_reused: keys.not_reused(step),
                sequential: step.mode == Mode::Sequential,
                price: price(at).map(Box::new),
            });
        RunHeader {
            run_id: self.run_id.clone(),
            plan: self.plan.name.clone(),
            dialect: self.plan.dialect,
            started_at: jiff::Timestamp::now().to_string().into(),
            worker: self.settings.worker.clone(),
            simulated: self.settings.simulated,
            track_cost: self.settings.track_cost,
            limits: self.settings.limits.clone(),
            rates: self.settings.rates.clone(),
            priced: self.prices.is_some(),
            context: Arc::new(Value::Object(Map::clone(&self.context))),
            steps: steps.collect(),
            forked_from: self
                .recorded
                .as_ref()
                .and_then(|recorded| recorded.forked_from().cloned()),
        }
    }
}

/// The tool of every step. Each name is looked up once.
struct Tools {
    known: Vec<Known>,
    /// For each step its place in `known`.
    of: Vec<u32>,
}

struct Known {
    tool: Option<Arc<dyn Tool>>,
    kind: Arc<str>,
}

impl Tools {
    fn of(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> Self {
        let mut places: HashMap<&str, u32> = HashMap::new();
        let mut known = Vec::new();
        let look_up = |step: &Step| {
            let tool = toolbox.tool(&step.tool);
            let kind = tool.as_ref().map_or("unknown", |tool| tool.kind()).into();
            Known { tool, kind }
        };
        let of = plan.steps.iter().map(|step| {
            *places.entry(&step.tool).or_insert_with(|| {
                known.push(look_up(step));
                known.len() as u32 - 1
            })
        });
        let of = of.collect();
        Self { known, of }
    }

    fn get(&self, step: usize) -> Option<&Arc<dyn Tool>> {
        self.known.get(*self.of.get(step)? as usize)?.tool.as_ref()
    }

    fn kind(&self, step: usize) -> Arc<str> {
        self.known[self.of[step] as usize].kind.clone()
    }
}

/// How often a step is tried: as the plan says, else by whether its tool's calls may be repeated.
pub(super) fn retry_policy(step: &Step, tool: Option<&Arc<dyn Tool>>) -> RetryPolicy {
    let repeatable = |tool: &Arc<dyn Tool>| {
        let calls_another = tool.kind() == "function";
        let target = calls_another.then(|| tool.target(&step.parameters.source()));
        target.flatten().as_ref().unwrap_or(tool).repeatable()
    };
    step.retry.unwrap_or_else(|| RetryPolicy {
        attempts: match tool {
            Some(tool) if repeatable(tool) => DEFAULT_ATTEMPTS,
            _ => 1,
        },
        backoff: DEFAULT_BACKOFF,
    })
}

/// What comes back from the tasks that make the calls.
enum Back {
    Done {
        row: StepIx,
        done: Box<AttemptDone>,
        /// Whether the call could cost or change something.
        matters: bool,
    },
    /// A call under way may come to cost so much in all.
    Asked {
        row: StepIx,
        total: Money,
        answer: oneshot::Sender<bool>,
    },
}

struct Driver {
    plan: Arc<ExecutionPlan>,
    context: Arc<Map<String, Value>>,
    tools: Tools,
    toolbox: Arc<dyn Toolbox>,
    settings: Settings,
    run_id: Arc<str>,
    sinks: Vec<Box<dyn EventSink>>,
    recorded: Option<Recorded>,
    cache: Option<Box<dyn OutputCache>>,
    keys: Keys,
    /// Calls whose outputs are to be kept.
    to_keep: HashMap<StepIx, CacheKey>,
    /// Rows that a person wants to be called for again.
    refreshed: Refreshed,
    /// Edits of rows that have not come to be yet.
    edits: Vec<Edit>,
    scheduler: Scheduler,
    random: fastrand::Rng,
    origin: Instant,
    seq: u64,
    state: RunState,
    /// Told to nobody yet.
    batch: Vec<RunEvent>,
    /// Whether what is told next has to survive this process before anyone acts on it.
    settle_next: bool,
    /// Why nothing can be kept any more, where calls that matter are not to be made then.
    refused: Option<Arc<str>>,
    actions: VecDeque<Action>,
    scratch: Vec<Action>,
    timers: BinaryHeap<Reverse<(Micros, Timer)>>,
    stop: CancellationToken,
    under_way: HashMap<StepIx, CancellationToken>,
    /// Calls that wait to hear whether they may cost more.
    asking: HashMap<StepIx, oneshot::Sender<bool>>,
    back: mpsc::UnboundedSender<Back>,
    /// At most as many entries as there are slots.
    returns: mpsc::UnboundedReceiver<Back>,
    log: mpsc::Sender<LogEntry>,
    logged: mpsc::Receiver<LogEntry>,
    log_dropped: Arc<AtomicU64>,
}

struct LogEntry {
    row: StepIx,
    attempt: u32,
    stream: LogStream,
    text: Arc<str>,
}

impl Driver {
    fn new(engine: Engine, origin: Instant) -> Self {
        let tools = Tools::of(&engine.plan, &*engine.toolbox);
        let mut keys = Keys::new(Arc::clone(&engine.toolbox));
        let header = engine.header(&tools, &mut keys);
        let retry = engine
            .plan
            .steps
            .iter()
            .enumerate()
            .map(|(at, step)| retry_policy(step, tools.get(at)))
            .collect();
        let rules = Rules {
            limits: engine.settings.limits.clone(),
            fail_fast: engine.settings.fail_fast,
            track_cost: engine.settings.track_cost,
            paused: engine.settings.paused,
            rates: engine.settings.rates.clone(),
            asks: engine.settings.interactive,
        };
        let (back, returns) = mpsc::unbounded_channel();
        let (log, logged) = mpsc::channel(LOG_ENTRIES);
        let mut driver = Self {
            scheduler: Scheduler::new(Arc::clone(&engine.plan.steps), retry, rules),
            random: fastrand::Rng::with_seed(engine.settings.seed),
            plan: engine.plan,
            context: engine.context,
            settings: engine.settings,
            run_id: engine.run_id,
            sinks: engine.sinks,
            recorded: engine.recorded,
            cache: engine.cache,
            keys,
            toolbox: engine.toolbox,
            to_keep: HashMap::new(),
            refreshed: Refreshed::default(),
            edits: Vec::new(),
            tools,
            origin,
            seq: 0,
            state: RunState::default(),
            batch: Vec::new(),
            settle_next: false,
            refused: None,
            actions: VecDeque::new(),
            scratch: Vec::new(),
            timers: BinaryHeap::new(),
            stop: CancellationToken::new(),
            under_way: HashMap::new(),
            asking: HashMap::new(),
            back,
            returns,
            log,
            logged,
            log_dropped: Arc::default(),
        };
        driver.tell(Micros(0), Fact::RunStarted(Arc::new(header)));
        driver
    }

    async fn run(mut self, mut commands: mpsc::Receiver<RunCommand>) -> RunState {
        self.input(Input::Start);
        self.begin_edited();
        let mut open = true;
        let mut closed = !self.settings.interactive;
        loop {
            let more = self.carry_out();
            self.flush();
            if self.scheduler.has_ended() && !more && (closed || !open) {
                break;
            }
            if !open && self.scheduler.waits_for_a_person() {
                // Nobody is left who could answer.
                self.command(RunCommand::Stop);
                continue;
            }
            let due = self.timers.peek().map(|Reverse((at, _))| *at);
            let wake = self.origin + Duration::from(due.unwrap_or_default());
            tokio::select! {
                biased;
                command = commands.recv(), if open => match command {
                    Some(RunCommand::Close) => closed = true,
                    Some(command) => self.command(command),
                    None => open = false,
                },
                () = std::future::ready(()), if more => tokio::task::yield_now().await,
                Some(entry) = self.logged.recv() => self.logged(entry),
                Some(back) = self.returns.recv() => self.came_back(back),
                () = tokio::time::sleep_until(wake), if due.is_some() => self.timer(),
            }
        }
        self.stop.cancel();
        self.state
    }

    fn input(&mut self, input: Input) {
        let (now, random) = (self.now(), self.random.u64(..));
        self.scheduler.handle(now, random, input, &mut self.scratch);
        let mut scratch = std::mem::take(&mut self.scratch);
        let rows = self.state.steps.len();
        for action in scratch.drain(..) {
            // A fact is dated when it is decided, not when it is told.
            match action {
                Action::Emit(fact) => {
                    if let (Some(recorded), Fact::StepReset { step }) = (&mut self.recorded, &fact)
                    {
                        recorded.forget(step);
                    }
                    self.tell(now, fact);
                }
                other => self.actions.push_back(other),
            }
        }
        self.scratch = scratch;
        if !self.edits.is_empty() && self.state.steps.len() > rows.max(self.plan.steps.len()) {
            self.edit(rows..self.state.steps.len());
        }
    }

    fn tell(&mut self, at: Micros, fact: Fact) {
        let event = RunEvent {
            seq: self.seq,
            at,
            fact,
        };
        self.seq += 1;
        self.state.apply(&event);
        if !self.sinks.is_empty() {
            self.batch.push(event);
        }
    }

    fn flush(&mut self) {
        let settle = std::mem::take(&mut self.settle_next);
        if self.batch.is_empty() && !settle {
            return;
        }
        for sink in &mut self.sinks {
            sink.accept(&self.batch);
            if settle && let Err(why) = sink.settle() {
                self.refused.get_or_insert(why);
            }
        }
        self.batch.clear();
    }

    /// Carries out what is to be done, and says whether something is left for the next round.
    fn carry_out(&mut self) -> bool {
        for _ in 0..ACTIONS_IN_A_ROW {
            let Some(action) = self.actions.pop_front() else {
                return false;
            };
            match action {
                Action::Emit(_) => {}
                Action::Prepare(row) => {
                    let prepared = self.prepare(row);
                    self.input(Input::Prepared(row, prepared));
                }
                Action::Call {
                    step,
                    attempt,
                    input,
                    reserved,
                } => self.call(step, attempt, input, reserved),
                Action::Cancel(row) => {
                    if let Some(token) = self.under_way.get(&row) {
                        token.cancel();
                    }
                }
                Action::Fund(row, granted) => {
                    if let Some(answer) = self.asking.remove(&row) {
                        // Who asked may have been stopped meanwhile.
                        let _ = answer.send(granted);
                    }
                }
                Action::SetTimer(at, timer) => self.timers.push(Reverse((at, timer))),
            }
        }
        !self.actions.is_empty()
    }

    fn call(&mut self, row: StepIx, number: u32, input: Arc<Value>, reserved: Money) {
        let Some(tool) = self.tool(row).map(Arc::clone) else {
            return;
        };
        let started = self.now();
        // A defect in a tool ends its step, not the run.
        let answer = catch_unwind(AssertUnwindSafe(|| tool.call_now(&input)));
        if let Some(report) = answer.unwrap_or_else(|_| Some(CallReport::free(Err(panicked())))) {
            let service = self.now() - started;
            self.ended(row, service, report, false);
            return;
        }
        let plan = Arc::clone(&self.plan);
        let Some(step) = plan.step(self.scheduler.plan_step(row)) else {
            return;
        };
        let free =
            || reserved.is_zero() && tool.quote(&input, step.model.as_deref()) == Quote::FREE;
        let target = tool.target(&input);
        let carrier = target.as_ref().unwrap_or(&tool);
        let (repeatable, timeout) = (carrier.repeatable(), carrier.timeout());
        let matters = !repeatable || !free();
        // Whoever keeps a record has it before the call can have an effect.
        self.settle_next |= matters;
        self.flush();
        if let Some(why) = self.refused.clone().filter(|_| matters) {
            let message = format!("the call was not made, because it cannot be recorded: {why}");
            let report = CallReport::free(Err(ToolError::permanent(message)));
            self.ended(row, Micros(0), report, false);
            return;
        }
        let key = self.scheduler.key(row);
        let cancel = self.stop.child_token();
        let idempotency_key = match &step.idempotency_key {
            Some(key) if self.scheduler.item(row).is_none() => Arc::clone(key),
            Some(given) => format!("{given}{}", &key.id[step.id.len()..]).into(),
            None => format!("{}:{}", self.origin(), key.id).into(),
        };
        let idempotency_key = match &self.recorded {
            // The other side has had the plan's own key already, in the run that was forked.
            Some(recorded) if recorded.renews_keys() && step.idempotency_key.is_some() => {
                format!("{idempotency_key}:{}", recorded.origin).into()
            }
            _ => idempotency_key,
        };
        let call = Call {
            step: key.id,
            attempt: number,
            input,
            model: step.model.clone(),
            idempotency_key,
            max_memory_mb: self.settings.limits.max_memory_mb,
            max_cpu_percent: self.settings.limits.max_cpu_percent,
            cancel: cancel.clone(),
            log: self.call_log(row, number),
            funds: self.funds(row),
        };
        let bounds = Bounds {
            limit: step.timeout.or(timeout),
            reserved,
            origin: self.origin,
            started,
        };
        let back = self.back.clone();
        self.under_way.insert(row, cancel);
        tokio::spawn(async move {
            let done = attempt(tool, call, bounds).await;
            // Nobody listens any more only when the run is over.
            let _ = back.send(Back::Done {
                row,
                done: Box::new(done),
                matters,
            });
        });
    }

    /// The run that idempotency keys are made of.
    fn origin(&self) -> &str {
        let recorded = self.recorded.as_ref();
        recorded.map_or(&self.run_id, |recorded| &recorded.origin)
    }

    fn funds(&self, row: StepIx) -> Funds {
        let back = self.back.clone();
        Funds::of(move |total| {
            let (answer, answered) = oneshot::channel();
            let asked = back.send(Back::Asked { row, total, answer });
            async move { asked.is_ok() && answered.await.unwrap_or(false) }.boxed()
        })
    }

    fn call_log(&self, row: StepIx, attempt: u32) -> CallLog {
        let log = self.log.clone();
        let dropped = Arc::clone(&self.log_dropped);
        let said = AtomicU64::new(0);
        Arc::new(move |stream, text| {
            let size = text.len() as u64 + 1;
            let before = said.fetch_add(size, Ordering::Relaxed);
            if before >= LOG_KEPT {
                return;
            }
            let is_last = before + size >= LOG_KEPT;
            let text = if is_last {
                format!("{text} [that makes 1 MB; what it says from here on is not kept]").into()
            } else {
                text.into()
            };
            let entry = LogEntry {
                row,
                attempt,
                stream,
                text,
            };
            if log.try_send(entry).is_err() {
                dropped.fetch_add(1, Ordering::Relaxed);
                // Another one will be the last that is kept.
                said.fetch_sub(size, Ordering::Relaxed);
            }
        })
    }

    fn logged(&mut self, entry: LogEntry) {
        // What is said after the attempt ended has no place any more.
        if !self.under_way.contains_key(&entry.row) {
            return;
        }
        let dropped = self.log_dropped.swap(0, Ordering::Relaxed);
        let text = match dropped {
            0 => entry.text,
            count => format!("{} [{count} log entries were dropped]", entry.text).into(),
        };
        let fact = Fact::AttemptLog {
            step: self.scheduler.key(entry.row),
            attempt: entry.attempt,
            stream: entry.stream,
            text,
        };
        self.tell(self.now(), fact);
    }

    fn drain_log(&mut self) {
        while let Ok(entry) = self.logged.try_recv() {
            self.logged(entry);
        }
    }

    fn came_back(&mut self, back: Back) {
        match back {
            Back::Done { row, done, matters } => {
                self.drain_log();
                self.settle_next |= matters;
                self.done(row, *done);
            }
            Back::Asked { row, total, answer } => {
                self.asking.insert(row, answer);
                self.input(Input::Asked(row, total));
            }
        }
    }

    fn done(&mut self, row: StepIx, done: AttemptDone) {
        self.under_way.remove(&row);
        self.ended(row, done.service, done.report, done.cancelled);
    }

    fn ended(&mut self, row: StepIx, service: Micros, report: CallReport, cancelled: bool) {
        let key = self.to_keep.remove(&row);
        if let (Some(cache), Some(key), Ok(output)) = (&mut self.cache, key, &report.output) {
            let made = Made {
                output: Arc::clone(output),
                cost: report.cost.unwrap_or_default(),
                service,
            };
            cache.put(key, made);
            self.is_fresh_now(row);
        }
        self.input(Input::Ended {
            step: row,
            service,
            report: Box::new(report),
            cancelled,
        });
    }

    fn timer(&mut self) {
        let now = self.now();
        while self
            .timers
            .peek()
            .is_some_and(|Reverse((at, _))| *at <= now)
        {
            if let Some(Reverse((_, timer))) = self.timers.pop() {
                self.input(Input::Timer(timer));
            }
        }
    }
}
