//! The real driver on the real clock: no kind of work starves another, nothing blocks the engine's task, and what
//! is dropped leaves nothing behind.
//!
//! Times are compared with each other and never with a clock outside the run, so that a busy machine changes nothing.

use crate::engine::{
    CacheKey, CacheMiss, CachedOutput, Engine, EventSink, NewOutput, OutputCache, Settings,
};
use crate::plan::{Dialect, ExecutionPlan, RetryPolicy, Step, StepIx, Template};
use crate::run::{
    EventKind, ResourceLimits, RunCommand, RunEvent, RunOutcome, RunPhase, RunState, StepStatus,
};
use crate::tools::{Call, CallReport, Fingerprint, Tool, ToolError, ToolKind, Toolbox};
use crate::units::{Micros, ModelOptions};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

/// Counts what of a kind is there at the moment, and the most there was at once.
#[derive(Clone, Default)]
struct Gauge(Arc<(AtomicUsize, AtomicUsize)>);

struct Counted(Gauge);

impl Gauge {
    fn enter(&self) -> Counted {
        let now = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(now, Ordering::SeqCst);
        Counted(self.clone())
    }

    fn now(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Does what its input asks for: `spin_us` and `block_ms` in place, `sleep_ms` as a call that waits, `work_ms` as a call
/// that keeps its thread; `fail` makes the first attempts fail.
#[derive(Clone, Default)]
struct Busy {
    calls: Gauge,
    workers: Gauge,
    attempts: Arc<AtomicUsize>,
}

impl Tool for Busy {
    fn kind(&self) -> &'static ToolKind {
        static KIND: ToolKind = ToolKind {
            repeatable: true,
            ..ToolKind::new("busy")
        };
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let tool = self.clone();
        async move {
            let _counted = tool.calls.enter();
            let attempt = tool.attempts.fetch_add(1, Ordering::SeqCst) as u64;
            if let Some(sleep) = call.input["sleep_ms"].as_u64() {
                tokio::time::sleep(Duration::from_millis(sleep)).await;
            }
            if let Some(work) = call.input["work_ms"].as_u64() {
                let _counted = tool.workers.enter();
                std::thread::sleep(Duration::from_millis(work));
            }
            let fails = call.input["fail"].as_u64().unwrap_or(0);
            CallReport::free(if attempt < fails {
                Err(ToolError::transient("not yet"))
            } else {
                Ok(Value::Null)
            })
        }
        .boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        if let Some(spin) = input["spin_us"].as_u64() {
            let begin = std::time::Instant::now();
            while begin.elapsed() < Duration::from_micros(spin) {}
        } else if let Some(block) = input["block_ms"].as_u64() {
            std::thread::sleep(Duration::from_millis(block));
        } else {
            return None;
        }
        Some(CallReport::free(Ok(Value::Null)))
    }
}

struct Only(Busy);

impl Toolbox for Only {
    fn tool(&self, _name: &str) -> Option<Arc<dyn Tool>> {
        Some(Arc::new(self.0.clone()))
    }

    fn fingerprint(
        &self,
        _name: &str,
        _model: Option<&str>,
        _options: ModelOptions,
    ) -> Option<Fingerprint> {
        Some(Fingerprint::builtin("busy", None))
    }
}

#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<RunEvent>>>);

impl EventSink for Collected {
    fn accept(&mut self, events: &[RunEvent]) {
        self.0.lock().unwrap().extend_from_slice(events);
    }
}

fn step(id: &str, input: Value) -> Step {
    Step::new(id, "busy", Template::Literal(Arc::new(input)))
}

/// So many steps with one input.
fn many(count: usize, input: &Value) -> Vec<Step> {
    let input = Arc::new(input.clone());
    let step = |at: usize| {
        let id = format!("i{at}");
        Step::new(id, "busy", Template::Literal(Arc::clone(&input)))
    };
    (0..count).map(step).collect()
}

fn engine(steps: Vec<Step>, tool: &Busy, limits: ResourceLimits) -> Engine {
    let plan = ExecutionPlan {
        name: "fairness".into(),
        dialect: Dialect::Documented,
        steps: steps.into(),
        context_names: Vec::new(),
        context: Map::new(),
        catalog: None,
        warnings: Vec::new(),
    };
    let settings = Settings {
        limits,
        seed: 7,
        ..Settings::default()
    };
    Engine::new(
        Arc::new(plan),
        Map::new(),
        Arc::new(Only(tool.clone())),
        settings,
    )
}

fn slots(count: u32) -> ResourceLimits {
    ResourceLimits {
        max_concurrent: Some(count),
        ..ResourceLimits::none()
    }
}

async fn run(engine: Engine) -> (RunState, Vec<RunEvent>) {
    let collected = Collected::default();
    let (_sender, commands) = mpsc::channel(8);
    let engine = engine.with_sink(collected.clone());
    // As the command line does it: on a worker of the runtime.
    let state = tokio::spawn(engine.run(Instant::now(), commands))
        .await
        .unwrap();
    let events = std::mem::take(&mut *collected.0.lock().unwrap());
    (state, events)
}

/// The moments of a step's starts and ends, in order, and how many other steps had ended by the last end.
fn attempts(events: &[RunEvent], at: u32) -> (Vec<Micros>, Vec<Micros>, usize) {
    let (mut starts, mut ends, mut others, mut before) = (Vec::new(), Vec::new(), 0, 0);
    for event in events {
        match &event.kind {
            EventKind::AttemptStarted { step, .. } if step.ix == StepIx(at) => {
                starts.push(event.at);
            }
            EventKind::AttemptEnded(end) if end.step.ix == StepIx(at) => {
                ends.push(event.at);
                before = others;
            }
            EventKind::AttemptEnded(_) => others += 1,
            _ => {}
        }
    }
    (starts, ends, before)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_limit_holds_while_instant_steps_flow() {
    // At least 3 s of work that never waits, and a twelfth of that allowed.
    let steps = many(100_000, &json!({"spin_us": 30}));
    let limits = ResourceLimits {
        timeout_seconds: Some(0.25),
        ..slots(5)
    };
    let (state, _) = run(engine(steps, &Busy::default(), limits)).await;
    assert_eq!(state.phase, RunPhase::Ended(RunOutcome::LimitExceeded));
    let done = state.count(StepStatus::Succeeded);
    assert!(done < 50_000, "{done} steps ran");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_call_ends_when_it_ends_although_instant_steps_flow() {
    let mut steps = vec![step("slow", json!({"sleep_ms": 100}))];
    steps.extend(many(50_000, &json!({"spin_us": 30})));
    let (state, events) = run(engine(steps, &Busy::default(), slots(5))).await;
    let (starts, ends, before) = attempts(&events, 0);
    let (shown, service) = (ends[0] - starts[0], state.steps[0].service);
    assert!(before < 25_000, "{before} steps ended first");
    assert!(shown.0 < 3 * service.0, "{service:?} shown as {shown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backoff_ends_although_instant_steps_flow() {
    let mut flaky = step("flaky", json!({"sleep_ms": 1, "fail": 1}));
    flaky.settings_mut().retry = Some(RetryPolicy {
        attempts: 2,
        backoff: Duration::from_millis(20),
    });
    let mut steps = vec![flaky];
    steps.extend(many(50_000, &json!({"spin_us": 30})));
    let (_, events) = run(engine(steps, &Busy::default(), slots(5))).await;
    let (_, ends, before) = attempts(&events, 0);
    assert!(
        ends.len() == 2 && before < 25_000,
        "{before} steps ended first"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_the_run_within_two_seconds_although_steps_take_long_in_place() {
    let steps = many(1_000, &json!({"block_ms": 20}));
    let (sender, commands) = mpsc::channel(8);
    let engine = engine(steps, &Busy::default(), slots(5));
    let running = tokio::spawn(engine.run(Instant::now(), commands));
    tokio::time::sleep(Duration::from_millis(100)).await;
    sender.send(RunCommand::Stop).await.unwrap();
    let asked = Instant::now();
    let state = running.await.unwrap();
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(state.phase, RunPhase::Ended(RunOutcome::Cancelled));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_keep_their_thread_run_on_several() {
    let tool = Busy::default();
    let steps = many(5, &json!({"work_ms": 300}));
    run(engine(steps, &tool, slots(5))).await;
    assert_eq!(tool.workers.most(), 2, "one for each worker of the runtime");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_dropped_ends_its_calls() {
    let tool = Busy::default();
    let steps = many(4, &json!({"sleep_ms": 60_000}));
    let engine = engine(steps, &tool, slots(3));
    let (_sender, commands) = mpsc::channel(8);
    let mut running = Box::pin(engine.run(Instant::now(), commands));
    while tool.calls.now() < 3 {
        let ended = timeout(Duration::from_millis(10), &mut running).await;
        assert!(ended.is_err(), "the calls take a minute");
    }
    drop(running);
    let gone = timeout(Duration::from_secs(2), async {
        while tool.calls.now() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(
        gone.await.is_ok(),
        "{} calls are still running",
        tool.calls.now()
    );
    assert_eq!(tool.attempts.load(Ordering::SeqCst), 3, "and none is made");
}

/// Answers only once the runtime has done something else meanwhile, and counts how often it did not.
#[derive(Clone, Default)]
struct Blocking {
    ticks: Arc<AtomicUsize>,
    waited: Arc<AtomicUsize>,
    in_vain: Arc<AtomicUsize>,
}

impl Blocking {
    fn wait(&self) {
        let (begin, ticks) = (std::time::Instant::now(), self.ticks.load(Ordering::SeqCst));
        self.waited.fetch_add(1, Ordering::SeqCst);
        while self.ticks.load(Ordering::SeqCst) < ticks + 2 {
            if begin.elapsed() > Duration::from_secs(3) {
                self.in_vain.fetch_add(1, Ordering::SeqCst);
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl EventSink for Blocking {
    fn accept(&mut self, _events: &[RunEvent]) {
        self.wait();
    }

    fn sync(&mut self) -> Result<(), Arc<str>> {
        self.wait();
        Ok(())
    }
}

impl OutputCache for Blocking {
    fn get(&mut self, _key: &CacheKey) -> Result<CachedOutput, CacheMiss> {
        self.wait();
        Err(CacheMiss::Never)
    }

    fn put(&mut self, _key: CacheKey, _made: NewOutput) {
        self.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_blocks_in_a_sink_or_a_cache_blocks_no_other_task() {
    for with_cache in [false, true] {
        let blocking = Blocking::default();
        let engine = engine(
            vec![step("only", json!({"sleep_ms": 1}))],
            &Busy::default(),
            slots(1),
        );
        let engine = if with_cache {
            engine.with_cache(blocking.clone())
        } else {
            engine.with_sink(blocking.clone())
        };
        let ticks = Arc::clone(&blocking.ticks);
        let ticking = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                ticks.fetch_add(1, Ordering::SeqCst);
            }
        });
        let (_sender, commands) = mpsc::channel(8);
        tokio::spawn(engine.run(Instant::now(), commands))
            .await
            .unwrap();
        ticking.abort();
        let count = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        assert!(count(&blocking.waited) >= 2, "it was asked");
        assert_eq!(count(&blocking.in_vain), 0, "with a cache: {with_cache}");
    }
}

/// Takes its time over every batch, as a journal does that records a large header.
struct SlowToRecord;

impl EventSink for SlowToRecord {
    fn accept(&mut self, _events: &[RunEvent]) {
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recording_the_start_of_a_call_is_no_part_of_its_service_time() {
    let engine = engine(
        vec![step("only", json!({"sleep_ms": 1}))],
        &Busy::default(),
        slots(1),
    );
    let (_, events) = run(engine.with_sink(SlowToRecord)).await;
    let started = events.iter().find_map(|event| match &event.kind {
        EventKind::AttemptStarted { .. } => Some(event.at),
        _ => None,
    });
    let ended = events.iter().find_map(|event| match &event.kind {
        EventKind::AttemptEnded(end) => Some((event.at, end.service)),
        _ => None,
    });
    let (Some(started), Some((ended, service))) = (started, ended) else {
        panic!("the attempt starts and ends: {events:?}");
    };
    assert!(
        service.0 * 2 < (ended - started).0,
        "{service:?} of {:?}",
        ended - started
    );
}
