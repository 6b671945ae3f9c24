//! What looking up the price of a model costs: in the built-in table, and among prices of the user's own.
//!
//! `cargo bench --bench prices` prints a table; `-- ROWS` takes another number of own prices than 100,000.

// A bench ends by panicking when something is wrong.
#![allow(clippy::unwrap_used)]

use plandeck::models::{Price, Prices};
use std::hint::black_box;
use std::time::Instant;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: usize = 100_000;
const LOOKUPS: usize = 100_000;
/// Each cell is the best of this many: what disturbs a measurement only ever adds to it.
const TIMES: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let asked = arguments.iter().find_map(|argument| argument.parse().ok());
    // As a test it only shows that it runs.
    let (rows, lookups) = match asked {
        Some(rows) => (rows, LOOKUPS),
        None if is_bench => (ROWS, LOOKUPS),
        None => (100, 100),
    };
    let begin = Instant::now();
    let built_in = Prices::default();
    assert!(built_in.get("openai/gpt-4o-mini").is_some());
    println!(
        "reading the built-in table, once: {:.1} ms",
        begin.elapsed().as_secs_f64() * 1e3
    );
    let price = Price::per_million("0.15", Some("0.075"), "0.6").unwrap();
    let begin = Instant::now();
    let mut own = Prices::default();
    for row in 0..rows {
        own = own.with(&format!("house/model-{row}"), price);
    }
    println!(
        "taking in {rows} prices of the user's own: {:.1} ms",
        begin.elapsed().as_secs_f64() * 1e3
    );
    println!("\n{lookups} lookups, best of {TIMES}; nanoseconds per lookup");
    println!("prices                       name                                      ns");
    let last = format!("house/model-{}", rows - 1);
    for (words, prices) in [
        ("built in".to_owned(), &built_in),
        (format!("{rows} of the user's own"), &own),
    ] {
        for name in [
            "openai/gpt-4o-mini",
            "anthropic/claude-haiku-4-5-20251001",
            "openrouter/deepseek/deepseek-chat",
            "openai/a-model-without-a-price",
            &last,
        ] {
            let best = (0..TIMES).map(|_| measure(prices, name, lookups));
            let best = best.min_by(f64::total_cmp).unwrap();
            println!("{words:<28} {name:<36} {best:>7.0}");
        }
    }
}

/// The nanoseconds of one lookup.
fn measure(prices: &Prices, name: &str, lookups: usize) -> f64 {
    let begin = Instant::now();
    for _ in 0..lookups {
        black_box(prices.get(black_box(name)));
    }
    begin.elapsed().as_secs_f64() * 1e9 / lookups as f64
}
