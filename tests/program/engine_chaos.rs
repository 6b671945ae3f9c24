//! The real driver against tools that do whatever they like: they hang, flood the log, fail, panic, answer
//! garbage, charge nonsense and ignore that they are cancelled, while every key is pressed.
//!
//! Every run ends, within two seconds of its stop, and its events are consistent. It is tokio's paused clock
//! that passes. A failure prints its seed; `PLANDECK_CHAOS_SEED=n` runs that one alone.

// Tests fail by panicking.

use fastrand::Rng;
use futures::FutureExt;
use futures::future::BoxFuture;
use plandeck::engine::{Engine, Settings, event_channel};
use plandeck::plan::{
    Dialect, ExecutionPlan, Mode, RetryPolicy, Step, StepIx, StepSettings, Template, Trigger,
};
use plandeck::run::{
    AttemptLog, BreakWhen, Breakpoint, EventKind, ExecutionResult, LogStream, ResourceLimits,
    RunCommand, RunEvent, RunState,
};
use plandeck::tools::{Call, CallReport, Pricing, Quote, Tool, ToolError, ToolKind, Toolbox};
use plandeck::units::{Micros, Money};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

const RUNS: u64 = 250;
const BOUND: i64 = 10;

struct Unruly {
    seed: u64,
    calls: AtomicU64,
    running: Arc<Mutex<HashSet<Arc<str>>>>,
}

/// Removes the step from the set of running steps however its call ends, dropped or panicking.
struct InFlight(Arc<Mutex<HashSet<Arc<str>>>>, Arc<str>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut steps = match self.0.lock() {
            Ok(steps) => steps,
            Err(poisoned) => poisoned.into_inner(),
        };
        steps.remove(&self.1);
    }
}

impl Tool for Unruly {
    fn kind(&self) -> &'static ToolKind {
        static KIND: ToolKind = ToolKind {
            repeatable: true,
            ..ToolKind::new("unruly")
        };
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst);
        let random = Rng::with_seed(self.seed ^ nth.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let fresh = self.running.lock().unwrap().insert(call.step.clone());
        assert!(fresh, "{} is called twice at once", call.step);
        let guard = InFlight(Arc::clone(&self.running), call.step.clone());
        async move {
            let report = misbehave(random, &call).await;
            drop(guard);
            report
        }
        .boxed()
    }

    fn pricing(&self) -> Option<&dyn Pricing> {
        Some(self)
    }
}

impl Pricing for Unruly {
    fn quote(&self, _input: &Value, _model: Option<&str>) -> Quote {
        Quote {
            max: Some(Money::from_pico(BOUND)),
            min: Money::ZERO,
        }
    }
}

async fn misbehave(mut random: Rng, call: &Call) -> CallReport {
    let output = match random.u8(0..16) {
        0 => {
            // Hangs, and heeds nothing.
            std::future::pending::<()>().await;
            Ok(Value::Null)
        }
        1 => {
            call.cancel.cancelled().await;
            Err(ToolError::permanent("stopped"))
        }
        2 => {
            // Goes on for a while after it was cancelled, and then has an answer.
            call.cancel.cancelled().await;
            sleep(Duration::from_millis(random.u64(0..3000))).await;
            Ok(json!("late"))
        }
        3 => {
            for at in 0..3000 {
                (call.log)(LogStream::Stderr, &format!("\u{1b}[31m{at}\u{7}"));
                if at % 700 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Ok(Value::Null)
        }
        4 => panic!("chaos"),
        5 => {
            sleep(Duration::from_millis(random.u64(0..500))).await;
            panic!("chaos");
        }
        6 | 7 => Err(ToolError::transient("try again\n\u{0}\u{202e}")),
        8 => Err(ToolError {
            retry_after: Some(Duration::from_secs(random.u64(0..5))),
            ..ToolError::transient("come back later")
        }),
        9 => Err(ToolError::permanent("x".repeat(100_000))),
        10 => Ok(garbage(&mut random)),
        _ => {
            sleep(Duration::from_millis(random.u64(0..2000))).await;
            Ok(json!({"call": call.attempt}))
        }
    };
    CallReport {
        charges: Vec::new(),
        reasoning: None,
        cost: match random.u8(0..8) {
            0 => None,
            1 => Some(Money::from_pico(-1_000_000)),
            _ => Some(Money::from_pico(random.i64(0..=BOUND))),
        },
        ..CallReport::free(output)
    }
}

fn garbage(random: &mut Rng) -> Value {
    let mut value = json!("\u{1b}]0;title\u{7}");
    for _ in 0..random.usize(0..100) {
        value = if random.bool() {
            json!([value])
        } else {
            json!({"": value, "\n": null})
        };
    }
    value
}

struct Unrulies(Arc<Unruly>);

impl Toolbox for Unrulies {
    fn tool(&self, name: &str) -> Option<Arc<dyn Tool>> {
        (name != "missing").then(|| Arc::clone(&self.0) as Arc<dyn Tool>)
    }
}

fn plan(random: &mut Rng) -> ExecutionPlan {
    let count = random.usize(1..25);
    let steps = (0..count).map(|at| {
        let tool = match random.u8(0..20) {
            0 => "missing",
            _ => "unruly",
        };
        let literal = |value| Template::Literal(Arc::new(value));
        let depends_on = (0..at as u32).filter(|_| random.u8(0..5) == 0).map(StepIx);
        let depends_on = depends_on.collect();
        let triggers = [
            Trigger::AllSuccess,
            Trigger::AllDone,
            Trigger::OneSuccess,
            Trigger::NoneFailed,
        ];
        let trigger = triggers[random.usize(0..4)];
        let for_each = (random.u8(0..5) == 0).then(|| {
            let list = (0..random.usize(0..12)).map(Value::from).collect();
            Box::new(literal(list))
        });
        let settings = StepSettings {
            trigger,
            mode: match random.u8(0..8) {
                0 => Mode::Sequential,
                _ => Mode::Parallel,
            },
            timeout: random
                .bool()
                .then(|| Duration::from_millis(random.u64(0..4000))),
            retry: random.bool().then(|| RetryPolicy {
                attempts: random.u32(0..5),
                backoff: Duration::from_millis(random.u64(0..1000)),
            }),
            ..StepSettings::default()
        };
        Step {
            depends_on,
            for_each,
            settings: Arc::new(settings),
            ..Step::new(format!("s{at}"), tool, literal(json!({"at": at})))
        }
    });
    ExecutionPlan {
        name: "chaos".into(),
        dialect: Dialect::Documented,
        steps: steps.collect(),
        context_names: Vec::new(),
        context: Map::new(),
        catalog: None,
        warnings: Vec::new(),
    }
}

fn settings(random: &mut Rng, seed: u64) -> Settings {
    Settings {
        limits: ResourceLimits {
            max_concurrent: random.bool().then(|| random.u32(1..8)),
            max_total_cost_usd: random.bool().then(|| Money::from_pico(random.i64(0..400))),
            max_tool_calls: (random.u8(0..4) == 0).then(|| random.u64(0..60)),
            timeout_seconds: (random.u8(0..4) == 0).then(|| random.f64() * 30.0),
            ..ResourceLimits::none()
        },
        fail_fast: random.u8(0..6) == 0,
        paused: random.u8(0..6) == 0,
        interactive: true,
        seed,
        ..Settings::default()
    }
}

/// Presses keys for a while, then stops the run. Returns when that was.
async fn press_keys(mut random: Rng, send: mpsc::Sender<RunCommand>) -> Instant {
    for _ in 0..random.usize(0..40) {
        sleep(Duration::from_millis(random.u64(0..900))).await;
        let row = StepIx(random.u32(0..40));
        let command = match random.u8(0..13) {
            0 => RunCommand::Pause,
            1..=4 => RunCommand::Resume,
            5 => RunCommand::StepOnce(random.bool().then_some(row)),
            6 | 7 => RunCommand::Retry(row),
            8 => RunCommand::RetryFailed,
            9 => RunCommand::Skip(row),
            10 => RunCommand::SetOutput(row, Arc::new(json!("given"))),
            11 => {
                let breakpoint = Breakpoint {
                    step: format!("s{}", row.0).into(),
                    when: [BreakWhen::Before, BreakWhen::After, BreakWhen::Failure]
                        [random.usize(0..3)]
                    .clone(),
                };
                RunCommand::Breakpoint(breakpoint, random.bool())
            }
            _ => RunCommand::Stop,
        };
        if send.send(command).await.is_err() {
            return Instant::now();
        }
    }
    let stopped = Instant::now();
    for command in [RunCommand::Stop, RunCommand::Close] {
        // The reader leaves only when the run is over.
        let _ = send.send(command).await;
    }
    stopped
}

/// Says which seed it was when a run goes wrong.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("PLANDECK_CHAOS_SEED={}", self.0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_tools_do_every_run_ends_and_its_events_are_sound() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() != Some(&"chaos") {
            usual(info);
        }
    }));
    let chosen = std::env::var("PLANDECK_CHAOS_SEED").ok();
    let chosen = chosen.and_then(|seed| seed.parse::<u64>().ok());
    let seeds = chosen.map_or_else(|| (0..RUNS).collect(), |seed| vec![seed]);
    let mut calls = 0;
    for seed in seeds {
        let guard = Seed(seed);
        calls += chaos(seed).await;
        drop(guard);
    }
    // Enough happened for all of this to mean something.
    assert!(chosen.is_some() || calls > 10 * RUNS, "{calls} calls");
}

async fn chaos(seed: u64) -> u64 {
    let mut random = Rng::with_seed(seed);
    let steps = Arc::new(plan(&mut random));
    let chosen = settings(&mut random, seed);
    let limits = chosen.limits.clone();
    let running = Arc::<Mutex<HashSet<Arc<str>>>>::default();
    let tool = Arc::new(Unruly {
        seed,
        calls: AtomicU64::new(0),
        running: Arc::clone(&running),
    });
    let (events_out, mut reader) = event_channel();
    let engine = Engine::new(steps, Map::new(), Arc::new(Unrulies(tool)), chosen);
    let engine = engine.with_sink(events_out);
    let (keys_in, commands) = mpsc::channel(4);
    let keys = tokio::spawn(press_keys(random.fork(), keys_in));
    let end = engine.run(Instant::now(), commands).await;
    let pressed = keys.await.unwrap();
    let delay = pressed.elapsed();
    assert!(delay <= Duration::from_secs(2), "stopping took {delay:?}");
    assert!(running.lock().unwrap().is_empty(), "nothing is left behind");
    let mut events = Vec::new();
    reader.take(&mut events, usize::MAX);
    tell_a_sound_story(&events, &limits);
    let folded = RunState::from_events(&events);
    assert_eq!(ExecutionResult::of(&folded), ExecutionResult::of(&end));
    assert!(end.has_ended() && end.running == 0 && end.reserved.is_zero());
    let attempts = end.steps.iter().flat_map(|row| &row.attempts);
    assert!(
        attempts
            .clone()
            .all(|attempt| attempt.log.len() <= AttemptLog::KEPT)
    );
    end.calls
}

/// What a log of events has to be, whatever happened.
fn tell_a_sound_story(events: &[RunEvent], limits: &ResourceLimits) {
    let mut last = Micros(0);
    let mut running: HashMap<StepIx, u32> = HashMap::new();
    let mut ended: HashSet<StepIx> = HashSet::new();
    let mut stopping = false;
    let mut state = RunState::default();
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event.seq, at as u64);
        assert!(event.at >= last, "time never goes back");
        last = event.at;
        match &event.kind {
            EventKind::AttemptStarted {
                step,
                attempt,
                reserved,
                ..
            } => {
                assert!(
                    !stopping,
                    "{} starts while the run is being stopped",
                    step.id
                );
                assert!(
                    !ended.contains(&step.ix),
                    "{} starts after its end",
                    step.id
                );
                assert_eq!(running.insert(step.ix, *attempt), None);
                let slots = limits.max_concurrent.unwrap_or(u32::MAX) as usize;
                assert!(running.len() <= slots);
                let total = state.spent + state.reserved + *reserved;
                assert!(limits.max_total_cost_usd.is_none_or(|limit| total <= limit));
                assert!(limits.max_tool_calls.is_none_or(|max| state.calls < max));
            }
            EventKind::AttemptLog { step, attempt, .. } => {
                assert_eq!(
                    running.get(&step.ix),
                    Some(attempt),
                    "it speaks in its time"
                );
            }
            EventKind::AttemptEnded(end) => {
                assert_eq!(running.remove(&end.step.ix), Some(end.attempt));
                assert!(end.cost.is_none_or(|cost| cost >= Money::ZERO));
            }
            EventKind::StepSucceeded { step, .. }
            | EventKind::StepFailed { step, .. }
            | EventKind::StepSkipped { step, .. }
            | EventKind::StepCancelled { step } => {
                assert!(ended.insert(step.ix), "{} ends twice", step.id);
                assert!(!running.contains_key(&step.ix));
            }
            EventKind::StepReset { step } => {
                ended.remove(&step.ix);
                assert!(!running.contains_key(&step.ix));
            }
            EventKind::StopRequested | EventKind::LimitReached { .. } => stopping = true,
            EventKind::RunEnded { .. } => assert!(running.is_empty()),
            EventKind::RunReopened => stopping = false,
            _ => {}
        }
        state.apply(event);
        assert_eq!(state.running, running.len());
    }
    let open = state.steps.iter().filter(|row| row.info.parent.is_none());
    assert_eq!(open.filter(|row| !row.status.has_ended()).count(), 0);
}
