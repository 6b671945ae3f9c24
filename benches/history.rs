//! How long it takes to show another event of a run with a million events.
//!
//! `cargo bench --bench history` prints a table. The state alone is what `run::History` gives; the dashboard's
//! time is that of the whole message, from the click on the scrubber to a model that shows another event.
//! Every measurement runs in a process of its own, so that the peak of its memory is its own.

// A bench ends by panicking when something is wrong.
#![allow(clippy::unwrap_used, clippy::panic)]

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use plandeck::plan::StepIx;
use plandeck::run::{
    AttemptEnd, EventKind, History, LogStream, RunEvent, RunHeader, RunState, StepInfo, StepKey,
    StepSource,
};
use plandeck::tui::{Message, Model, TerminalEvent, Theme, update};
use plandeck::units::{Micros, Money};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// In turn: a window of running steps moves over the plan. Scattered: the same, the steps in any order. Lines:
/// a hundred steps that say a lot.
const SHAPES: [&str; 3] = ["in turn", "scattered", "lines"];
const JUMPS: usize = 300;
/// Each jump is made this often, and its best time counts: what disturbs a measurement only ever adds to it.
const TIMES: usize = 3;
/// The dashboard's columns and rows, and the row of the scrubber.
const SCREEN: (u16, u16) = (200, 60);
const LINE: u16 = 58;

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
    println!(
        "            fold all   state: median   worst   back one   dashboard: median   worst   held"
    );
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
    let positions: Vec<usize> = (0..JUMPS).map(|_| random.usize(0..=count)).collect();
    let jumps = times(&positions, |to| state = history.state_at(*to));
    let steps: Vec<usize> = (1..JUMPS).map(|by| count - by).collect();
    let back = times(&steps, |to| state = history.state_at(*to));
    drop((history, state));

    let mut model = Model::new("bench", Theme::default(), false, SCREEN);
    let mut events = log(shape, count).into_iter();
    while events.len() > 0 {
        let batch = events.by_ref().take(20_000).collect();
        update(&mut model, Message::Events(batch));
    }
    let key = KeyEvent::new(KeyCode::Char('['), KeyModifiers::NONE);
    update(&mut model, Message::Terminal(TerminalEvent::Key(key)));
    assert!(model.is_past());
    // The last cell of the line is now: from there it would have to be opened again.
    let columns: Vec<u16> = (0..JUMPS).map(|_| random.u16(8..SCREEN.0 - 9)).collect();
    let clicks = times(&columns, |column| {
        update(
            &mut model,
            Message::Terminal(TerminalEvent::Mouse(click(*column))),
        );
        assert!(model.is_past());
    });
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{shape:<10} {:>7.0} ms    {:>7.1} ms {:>5.1} ms  {:>5.1} ms          {:>5.1} ms {:>5.1} ms {held:>4.0} MB",
        ms(fold),
        ms(jumps[jumps.len() / 2]),
        ms(jumps[jumps.len() - 1]),
        ms(back[back.len() - 1]),
        ms(clicks[clicks.len() / 2]),
        ms(clicks[clicks.len() - 1]),
    );
}

/// How long each takes at best, in order of time.
fn times<T>(to: &[T], mut go: impl FnMut(&T)) -> Vec<Duration> {
    let mut best = vec![Duration::MAX; to.len()];
    for _ in 0..TIMES {
        for (to, best) in to.iter().zip(&mut best) {
            let begin = Instant::now();
            go(to);
            *best = begin.elapsed().min(*best);
        }
    }
    best.sort_unstable();
    best
}

fn click(column: u16) -> MouseEvent {
    MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column,
        row: LINE,
        modifiers: KeyModifiers::NONE,
    }
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
    let mut kinds = vec![EventKind::RunStarted(Arc::new(header(&ids)))];
    if shape == "lines" {
        let nothing: Arc<Value> = Arc::default();
        kinds.extend((0..steps).map(|at| started(key(at), Arc::clone(&nothing))));
        let text: Arc<str> = "read another page".into();
        kinds.extend((0..events).map(|line| EventKind::AttemptLog {
            step: key(line % steps),
            attempt: 1,
            stream: LogStream::Stderr,
            text: Arc::clone(&text),
        }));
    } else {
        // A hundred running at any time.
        let window = 100.min(steps);
        for at in 0..steps + window {
            if let Some(at) = order.get(at) {
                let input = Arc::new(json!({"n": at}));
                kinds.push(EventKind::StepReady { step: key(*at) });
                kinds.push(started(key(*at), input));
            }
            if let Some(at) = at.checked_sub(window) {
                kinds.extend(ended(key(order[at])));
            }
        }
    }
    kinds.truncate(events);
    let events = kinds.into_iter().enumerate();
    let events = events.map(|(seq, kind)| RunEvent {
        seq: seq as u64,
        at: Micros(seq as u64 * 10),
        kind,
    });
    events.collect()
}

fn started(step: StepKey, input: Arc<Value>) -> EventKind {
    EventKind::AttemptStarted {
        step,
        attempt: 1,
        slot: 0,
        input: input.into(),
        reserved: Money::ZERO,
        why: None,
        prompt: None,
    }
}

fn ended(step: StepKey) -> [EventKind; 2] {
    let end = AttemptEnd {
        step: step.clone(),
        attempt: 1,
        service: Micros(1000),
        cost: Some(Money::from_usd(0.000_1)),
        details: None,
        cancelled: false,
    };
    let output = Arc::new(json!({"done": true}));
    let source = StepSource::Call;
    [
        EventKind::AttemptEnded(Arc::new(end)),
        EventKind::StepSucceeded {
            step,
            source,
            output,
            reused: None,
        },
    ]
}

fn header(ids: &[Arc<str>]) -> RunHeader {
    // What the measurement does not depend on is as a file of events has it by default.
    let step: StepInfo =
        serde_json::from_value(json!({"id": "", "tool": "tool", "kind": "jq"})).unwrap();
    let info = |at: usize| StepInfo {
        id: Arc::clone(&ids[at]),
        depends_on: at
            .checked_sub(100)
            .map(|at| StepIx(at as u32))
            .into_iter()
            .collect(),
        ..step.clone()
    };
    let header: RunHeader = serde_json::from_value(json!({
        "run_id": "run", "plan": "bench", "dialect": "documented", "worker": "none", "simulated": false,
        "started_at": "2026-11-26T10:00:00Z", "track_cost": true, "limits": {}, "steps": [],
    }))
    .unwrap();
    RunHeader {
        steps: (0..ids.len()).map(info).collect(),
        ..header
    }
}
