//! How long it takes to look at another moment of a run with a million events.
//!
//! `cargo bench --bench history` prints a table. The state alone is what `run::History` gives; the dashboard's
//! time is that of the whole message, from the click on the line of moments to a model that shows another one.
//! Every measurement runs in a process of its own, so that the peak of its memory is its own.

// A bench ends by panicking when something is wrong.
#![allow(clippy::unwrap_used, clippy::panic)]

use plandeck::plan::{Dialect, StepIx};
use plandeck::run::{
    AttemptEnd, Fact, History, LogStream, Micros, Money, ResourceLimits, RunEvent, RunHeader,
    RunState, StepInfo, StepKey, StepSource,
};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// In turn: a window of steps under way moves over the plan. Scattered: the same, the steps in any order. Lines:
/// a hundred steps that say a lot.
const SHAPES: [&str; 3] = ["in turn", "scattered", "lines"];
const JUMPS: usize = 300;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--one") {
        measure(&arguments[at + 1], arguments[at + 2].parse().unwrap());
        return;
    }
    // As a test it only shows that it runs.
    let full = arguments.iter().any(|argument| argument == "--bench");
    let events: usize = if full { 1_000_000 } else { 5_000 };
    println!("{events} events");
    println!("shape       fold all    jump: median    worst    back one: worst    held MB");
    for shape in SHAPES {
        let program = std::env::current_exe().unwrap();
        let done = Command::new(program)
            .args(["--one", shape, &events.to_string()])
            .status()
            .unwrap();
        assert!(done.success());
    }
}

fn measure(shape: &str, events: usize) {
    let events = log(shape, events);
    let count = events.len();
    let before = memory_mb();
    let begin = Instant::now();
    let last = RunState::from_events(&events);
    let fold = begin.elapsed();
    drop(last);

    let mut history = History::default();
    let mut state = RunState::default();
    for event in events {
        state.apply(&event);
        history.push(event, &state);
    }
    let held = memory_mb() - before;
    let mut random = fastrand::Rng::with_seed(7);
    let mut jumps: Vec<Duration> = (0..JUMPS)
        .map(|_| {
            let to = random.usize(0..=count);
            timed(&mut state, || history.state_at(to))
        })
        .collect();
    jumps.sort_unstable();
    let back = (0..JUMPS / 3).map(|at| timed(&mut state, || history.state_at(count - 1 - at)));
    let back = back.max().unwrap();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{shape:<10} {:>7.0} ms    {:>9.1} ms {:>6.1} ms          {:>6.1} ms      {held:>7.0}",
        ms(fold),
        ms(jumps[JUMPS / 2]),
        ms(jumps[JUMPS - 1]),
        ms(back),
    );
}

/// The time to have another state in the place of this one.
fn timed(state: &mut RunState, jump: impl FnOnce() -> RunState) -> Duration {
    let begin = Instant::now();
    *state = jump();
    begin.elapsed()
}

/// The memory that this process has now, in megabytes.
fn memory_mb() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kb.unwrap_or(0.0) / 1024.0
}

fn log(shape: &str, events: usize) -> Vec<RunEvent> {
    let steps = match shape {
        "lines" => 100,
        _ => events / 4,
    };
    let mut order: Vec<usize> = (0..steps).collect();
    if shape == "scattered" {
        fastrand::Rng::with_seed(3).shuffle(&mut order);
    }
    let ids: Vec<Arc<str>> = (0..steps).map(|at| at.to_string().into()).collect();
    let key = |at: usize| StepKey {
        ix: StepIx(at as u32),
        id: Arc::clone(&ids[at]),
    };
    let mut facts = vec![Fact::RunStarted(Arc::new(header(&ids)))];
    if shape == "lines" {
        let nothing: Arc<Value> = Arc::default();
        facts.extend((0..steps).map(|at| started(key(at), Arc::clone(&nothing))));
        let text: Arc<str> = "read another page".into();
        facts.extend((0..events).map(|line| Fact::AttemptLog {
            step: key(line % steps),
            attempt: 1,
            stream: LogStream::Stderr,
            text: Arc::clone(&text),
        }));
    } else {
        // A hundred under way at any time.
        let window = 100.min(steps);
        for at in 0..steps + window {
            if let Some(at) = order.get(at) {
                let input = Arc::new(json!({"n": at}));
                facts.push(Fact::StepReady { step: key(*at) });
                facts.push(started(key(*at), input));
            }
            if let Some(at) = at.checked_sub(window) {
                facts.extend(ended(key(order[at])));
            }
        }
    }
    facts.truncate(events);
    let events = facts.into_iter().enumerate();
    let events = events.map(|(seq, fact)| RunEvent {
        seq: seq as u64,
        at: Micros(seq as u64 * 10),
        fact,
    });
    events.collect()
}

fn started(step: StepKey, input: Arc<Value>) -> Fact {
    Fact::AttemptStarted {
        step,
        attempt: 1,
        slot: 0,
        input,
        reserved: Money::ZERO,
        why: None,
    }
}

fn ended(step: StepKey) -> [Fact; 2] {
    let end = AttemptEnd {
        step: step.clone(),
        attempt: 1,
        service: Micros(1000),
        cost: Some(Money::from_usd(0.000_1)),
        tokens: None,
        model: None,
        prompt: None,
        answer: None,
        error: None,
        retry_in: None,
        cancelled: false,
    };
    let output = Arc::new(json!({"done": true}));
    let source = StepSource::Call;
    [
        Fact::AttemptEnded(Arc::new(end)),
        Fact::StepSucceeded {
            step,
            source,
            output,
            reused: None,
        },
    ]
}

fn header(ids: &[Arc<str>]) -> RunHeader {
    let (tool, kind): (Arc<str>, Arc<str>) = ("tool".into(), "jq".into());
    let info = |at: usize| StepInfo {
        id: Arc::clone(&ids[at]),
        tool: Arc::clone(&tool),
        kind: Arc::clone(&kind),
        depends_on: at
            .checked_sub(100)
            .map(|at| StepIx(at as u32))
            .into_iter()
            .collect(),
        description: None,
        parent: None,
        parameters: None,
        not_reused: None,
        sequential: false,
        price: None,
    };
    RunHeader {
        run_id: "run".into(),
        plan: "bench".into(),
        dialect: Dialect::Documented,
        started_at: "2026-11-26T10:00:00Z".into(),
        worker: "none".into(),
        simulated: false,
        track_cost: true,
        limits: ResourceLimits::none(),
        context: Arc::default(),
        forked_from: None,
        rates: plandeck::run::Rates::default(),
        priced: false,
        steps: (0..ids.len()).map(info).collect(),
    }
}
