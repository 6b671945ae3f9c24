//! Slow filters run on as many cores as there are.

use plandeck::{Execution, ExecutionPlan, ResourceLimits};
use serde_json::{Value, json};

/// The beginning and the end of each attempt at five steps of this filter in five slots, in microseconds.
async fn attempts(filter: &str, list: &[u32]) -> Vec<(u64, u64)> {
    let steps: Vec<Value> = (1..=5)
        .map(|id| json!({"id": id, "tool": "slow", "parameters": {"list": "{{list}}"}}))
        .collect();
    let plan = ExecutionPlan::from_value(json!({
        "tools": {"slow": {"type": "jq", "filter": filter}},
        "context": {"list": list},
        "steps": steps,
    }));
    let limits = ResourceLimits {
        max_concurrent: Some(5),
        ..ResourceLimits::none()
    };
    let run = Execution::new(&plan.unwrap())
        .program(env!("CARGO_BIN_EXE_plandeck"))
        .limits(limits);
    let (state, note) = run.prepare().unwrap().run().await;
    assert!(note.is_none(), "{note:?}");
    let attempts = state.steps.iter().flat_map(|step| step.attempts.iter());
    let spans = attempts.map(|attempt| {
        let (ended, end) = attempt.end.as_ref().unwrap();
        assert!(end.error.is_none(), "{:?}", end.error);
        (attempt.started.0, ended.0)
    });
    spans.collect()
}

/// How much of the shorter one of two spans overlaps the other, from 0 to 1.
fn overlap(a: (u64, u64), b: (u64, u64)) -> f64 {
    let both = a.1.min(b.1).saturating_sub(a.0.max(b.0));
    both as f64 / (a.1 - a.0).min(b.1 - b.0).max(1) as f64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_slow_filters_in_five_slots_use_two_cores() {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        println!("skipped: there is only one core");
        return;
    }
    let list: Vec<u32> = (0..100_000).collect();
    for (place, filter, list) in [
        ("sandbox", "[range(400000)] | map(. * 2) | add", &[][..]),
        ("thread", ".list | map(. * 2)", &list),
    ] {
        let spans = attempts(filter, list).await;
        assert_eq!(spans.len(), 5, "{place}");
        let pairs = spans.iter().enumerate().flat_map(|(at, a)| {
            let later = &spans[at + 1..];
            later.iter().map(|b| overlap(*a, *b))
        });
        let most = pairs.fold(0.0, f64::max);
        assert!(most > 0.5, "{place}: {spans:?}");
        let began = spans.iter().map(|span| span.0).min().unwrap();
        let ended = spans.iter().map(|span| span.1).max().unwrap();
        let service: u64 = spans.iter().map(|span| span.1 - span.0).sum();
        assert!(
            ((ended - began) as f64) < 0.8 * service as f64,
            "{place}: {spans:?}"
        );
    }
}
