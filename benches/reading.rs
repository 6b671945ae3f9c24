//! What reading and checking a plan costs per step: from the bytes of a file to the plan that can run.
//!
//! `cargo bench --bench reading` prints a table for JSON and YAML; `-- STEPS` takes another size than 100,000.

// A bench ends by panicking when something is wrong.
#![allow(clippy::unwrap_used, clippy::panic)]

use plandeck::plan::parse;
use std::fmt::Write as _;
use std::time::Instant;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SHAPES: [&str; 3] = ["wide", "deep", "random"];
const STEPS: usize = 100_000;
/// Each cell is the best of this many: what disturbs a measurement only ever adds to it.
const TIMES: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let asked = arguments.iter().find_map(|argument| argument.parse().ok());
    // As a test it only shows that it runs.
    let steps = asked.unwrap_or(if is_bench { STEPS } else { 100 });
    println!("{steps} steps, best of {TIMES}; microseconds per step");
    println!("form  shape    reading  checking   both   bytes per step");
    for (form, write) in [("JSON", json as fn(&str, usize) -> String), ("YAML", yaml)] {
        for shape in SHAPES {
            let text = write(shape, steps);
            let best = (0..TIMES).map(|_| measure(&text, steps));
            let (read, checked) = best
                .min_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1)))
                .unwrap();
            println!(
                "{form:<5} {shape:<7} {read:>8.2} {checked:>9.2} {:>6.2} {:>16}",
                read + checked,
                text.len() / steps
            );
        }
    }
}

/// The microseconds per step of reading and of checking.
fn measure(text: &str, steps: usize) -> (f64, f64) {
    let per_step = |from: Instant| from.elapsed().as_secs_f64() * 1e6 / steps as f64;
    let begin = Instant::now();
    let draft = parse("plan", text.as_bytes()).unwrap();
    let read = per_step(begin);
    let begin = Instant::now();
    let plan = draft.check(None, None).unwrap();
    let checked = per_step(begin);
    assert_eq!(plan.steps.len(), steps);
    (read, checked)
}

/// What each step waits for, as in `program.py`: the shapes of `engine.rs` without the step that waits for all.
fn dependencies(shape: &str, steps: usize) -> Vec<Vec<usize>> {
    let mut drawn = fastrand::Rng::with_seed(7);
    (0..steps)
        .map(|at| match shape {
            _ if at == 0 => Vec::new(),
            "wide" => vec![0],
            "deep" => vec![at - 1],
            _ => {
                let count = drawn.usize(0..=at.min(3));
                let mut all: Vec<usize> = (0..count)
                    .map(|_| drawn.usize(at.saturating_sub(100)..at))
                    .collect();
                all.sort_unstable();
                all.dedup();
                all
            }
        })
        .collect()
}

fn json(shape: &str, steps: usize) -> String {
    let mut text = r#"{"name": "bench", "steps": ["#.to_owned();
    for (at, before) in dependencies(shape, steps).iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let parameter = before.last().map_or_else(
            || at.to_string(),
            |before| format!("\"{{{{s{before}.n}}}}\""),
        );
        let ids: Vec<String> = before
            .iter()
            .map(|before| format!("\"s{before}\""))
            .collect();
        let _ = write!(
            text,
            r#"{comma}{{"id": "s{at}", "tool": "next", "parameters": {{"n": {parameter}}}, "depends_on": [{}]}}"#,
            ids.join(", ")
        );
    }
    text + "]}"
}

fn yaml(shape: &str, steps: usize) -> String {
    let mut text = "name: bench\nsteps:\n".to_owned();
    for (at, before) in dependencies(shape, steps).iter().enumerate() {
        let parameter = before.last().map_or_else(
            || at.to_string(),
            |before| format!("\"{{{{s{before}.n}}}}\""),
        );
        let ids: Vec<String> = before.iter().map(|before| format!("s{before}")).collect();
        let _ = write!(
            text,
            "- id: s{at}\n  tool: next\n  parameters:\n    n: {parameter}\n  depends_on: [{}]\n",
            ids.join(", ")
        );
    }
    text
}
