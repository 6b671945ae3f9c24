//! What the engine itself costs per step: plans of trivial steps (a tool that is a plain function of its input),
//! in memory, from the first event to the last.
//!
//! `cargo bench --bench engine` prints a table; `-- --json` prints one JSON object a line for `peers.py`. Every
//! measurement runs in a process of its own, so that the peak of its memory is its own.

// A bench ends by panicking when something is wrong.
#![allow(clippy::unwrap_used, clippy::panic)]

use futures::FutureExt;
use futures::future::BoxFuture;
use plandeck::engine::{Engine, Settings};
use plandeck::plan::{Dialect, ExecutionPlan, Step, StepIx, Template};
use plandeck::run::{ResourceLimits, RunState, StepStatus};
use plandeck::tools::{Call, CallReport, FUNCTION, Tool, ToolKind, Toolbox};
use serde_json::{Map, Value};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SHAPES: [&str; 3] = ["wide", "deep", "random"];
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Each cell is the best of this many: what disturbs a measurement only ever adds to it.
const TIMES: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if let Some(at) = arguments.iter().position(|argument| argument == "--one") {
        let steps = arguments[at + 2].parse().unwrap();
        println!("{}", measure(&arguments[at + 1], steps).line());
        return;
    }
    // As a test it only shows that it runs.
    let sizes = if has("--bench") {
        &SIZES[..]
    } else {
        &SIZES[..1]
    };
    if !has("--json") {
        println!("shape        steps   µs/step   µs/step of CPU   seconds   peak MB");
    }
    for shape in SHAPES {
        for steps in sizes {
            let best = (0..TIMES).map(|_| in_a_process(shape, *steps));
            let best = best.min_by(|a, b| a.seconds.total_cmp(&b.seconds)).unwrap();
            let per_step = |seconds: f64| seconds * 1e6 / *steps as f64;
            if has("--json") {
                println!(
                    "{{\"shape\": \"{shape}\", \"steps\": {steps}, \"us\": {:.3}, \"mb\": {:.0}}}",
                    per_step(best.seconds),
                    best.peak_mb
                );
            } else {
                println!(
                    "{shape:<8} {steps:>9}   {:>7.2}   {:>14.2}   {:>7.3}   {:>7.0}",
                    per_step(best.seconds),
                    per_step(best.cpu_seconds),
                    best.seconds,
                    best.peak_mb
                );
            }
        }
    }
}

/// What one run took.
struct Measured {
    seconds: f64,
    cpu_seconds: f64,
    peak_mb: f64,
}

impl Measured {
    fn line(&self) -> String {
        format!("{} {} {}", self.seconds, self.cpu_seconds, self.peak_mb)
    }

    fn read(line: &str) -> Self {
        let numbers: Vec<f64> = line.split(' ').map(|n| n.trim().parse().unwrap()).collect();
        Self {
            seconds: numbers[0],
            cpu_seconds: numbers[1],
            peak_mb: numbers[2],
        }
    }
}

fn in_a_process(shape: &str, steps: usize) -> Measured {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["--one", shape, &steps.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    Measured::read(&String::from_utf8(output.stdout).unwrap())
}

fn measure(shape: &str, steps: usize) -> Measured {
    let plan = Arc::new(plan(shape, steps));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let settings = Settings {
        limits: ResourceLimits::command_line(),
        seed: 1,
        ..Settings::default()
    };
    let (_sender, commands) = tokio::sync::mpsc::channel(1);
    let (begin, cpu_begin) = (Instant::now(), cpu_seconds());
    let engine = Engine::new(plan, Map::new(), Arc::new(OneTool), settings);
    let state = runtime.block_on(engine.run(tokio::time::Instant::now(), commands));
    let measured = Measured {
        seconds: begin.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds() - cpu_begin,
        peak_mb: peak_mb(),
    };
    check(&state, steps);
    measured
}

fn check(state: &RunState, steps: usize) {
    assert_eq!(state.count(StepStatus::Succeeded), steps);
    assert_eq!(state.calls, steps as u64);
}

/// The time that this thread had a processor, in seconds.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos: Option<f64> = text.split(' ').next().and_then(|n| n.parse().ok());
    nanos.unwrap_or(0.0) / 1e9
}

/// The most memory that this process had, in megabytes.
fn peak_mb() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kb.unwrap_or(0.0) / 1024.0
}

/// A plain function: it gives its input back.
struct Same;

impl Tool for Same {
    fn kind(&self) -> &'static ToolKind {
        &FUNCTION
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let report = self.call_now(&call.input);
        async move { report.unwrap() }.boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        Some(CallReport {
            charges: Vec::new(),
            reasoning: None,
            output: Ok(Arc::clone(input)),
            ..CallReport::free(Ok(Value::Null))
        })
    }
}

struct OneTool;

impl Toolbox for OneTool {
    fn tool(&self, _name: &str) -> Option<Arc<dyn Tool>> {
        Some(Arc::new(Same))
    }
}

fn plan(shape: &str, steps: usize) -> ExecutionPlan {
    let mut random = fastrand::Rng::with_seed(7);
    let tool: Arc<str> = "same".into();
    let nothing = Arc::new(Value::Null);
    let steps = (0..steps).map(|at| {
        let depends_on = dependencies(shape, at, steps, &mut random);
        let parameters = Template::Literal(Arc::clone(&nothing));
        Step {
            depends_on: depends_on
                .into_iter()
                .map(|from| StepIx(from as u32))
                .collect(),
            ..Step::new(at.to_string(), Arc::clone(&tool), parameters)
        }
    });
    ExecutionPlan {
        name: shape.into(),
        dialect: Dialect::Documented,
        steps: steps.collect(),
        context_names: Vec::new(),
        context: Map::new(),
        catalog: None,
        warnings: Vec::new(),
    }
}

/// What step `at` of `steps` waits for. `peers.py` makes the same shapes.
fn dependencies(shape: &str, at: usize, steps: usize, random: &mut fastrand::Rng) -> Vec<usize> {
    match shape {
        // One first, one last, all others between them.
        "wide" if at == 0 => Vec::new(),
        "wide" if at == steps - 1 => (1..at).collect(),
        "wide" => vec![0],
        "deep" => at.checked_sub(1).into_iter().collect(),
        // Up to three of the hundred before.
        _ => {
            let count = random.usize(0..=3.min(at));
            let mut from: Vec<usize> = (0..count)
                .map(|_| random.usize(at.saturating_sub(100)..at))
                .collect();
            from.sort_unstable();
            from.dedup();
            from
        }
    }
}
