//! What it takes to work out a preview: what a retry of a step would run, keep and cost.
//!
//! `cargo bench --bench previews` prints a table. The first step of the plan is retried, on which everything depends; one
//! in the middle; and the last one, on which nothing does. Each cell is the best of several: what disturbs a measurement
//! only ever adds to it.

// A bench ends by panicking when something is wrong.
#![allow(clippy::unwrap_used)]

use plandeck::plan::StepIx;
use plandeck::run::{RunCommand, RunEvent, RunState};
use plandeck::session::Liveness;
use plandeck::{Execution, ExecutionPlan, ResourceLimits};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TIMES: usize = 7;

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    // As a test it only shows that it runs.
    let counts: &[usize] = if full { &[10_000, 100_000] } else { &[500] };
    println!("   steps      first     middle       last");
    for &count in counts {
        let plan = ExecutionPlan::from_value(plan(count)).unwrap();
        let state = run(&plan);
        let previewer = Execution::new(&plan).prepare().unwrap().previewer();
        let cells = [0, count / 2, count - 1].map(|at| {
            let step = StepIx(u32::try_from(at).unwrap());
            let command = [RunCommand::Retry(step)];
            let once = |_| {
                let begin = Instant::now();
                let preview =
                    previewer.preview(&state, Liveness::Stored, "retry", Some(step), &command);
                let took = begin.elapsed();
                assert!(!preview.reruns.is_empty());
                took
            };
            (0..TIMES).map(once).min().unwrap()
        });
        print!("{count:>8}");
        for cell in cells {
            print!("  {:>6.1} ms", cell.as_secs_f64() * 1e3);
        }
        println!();
    }
}

/// Layers of a hundred steps, each of which waits for two of the layer before; all of them wait for the first step.
fn plan(count: usize) -> Value {
    let steps = (0..count).map(|at| {
        let mut before = vec!["s0".to_owned()];
        if at > 100 {
            let layer = (at / 100 - 1) * 100;
            before.extend([at, at * 7].map(|one| format!("s{}", layer + one % 100)));
        }
        before.sort();
        before.dedup();
        if at == 0 {
            before.clear();
        }
        json!({"id": format!("s{at}"), "tool": "add", "parameters": {"n": at}, "depends_on": before})
    });
    let steps: Vec<Value> = steps.collect();
    json!({"name": "previews", "tools": {"add": {"type": "jq", "filter": ".n + 1"}}, "steps": steps})
}

fn run(plan: &ExecutionPlan) -> RunState {
    let events: Arc<Mutex<Vec<RunEvent>>> = Arc::default();
    let kept = Arc::clone(&events);
    let execution = Execution::new(plan)
        .limits(ResourceLimits::none())
        .on_event(move |event| kept.lock().unwrap().push(event.clone()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(execution.run()).unwrap();
    let events = std::mem::take(&mut *events.lock().unwrap());
    RunState::from_events(&events)
}
