//! Records in any order give the figures of what they say last.

use super::*;
use crate::run::{ErrorKind, RunError};

fn step(status: StepStatus, millis: u64, cost: f64) -> StepFigures {
    StepFigures {
        status,
        attempts: u32::from(status.has_ended()),
        service: Micros(millis * 1000),
        cost: Some(Money::from_usd(cost)),
        output: 1,
    }
}

fn header(items: u64) -> BatchHeader {
    BatchHeader {
        batch: "b".into(),
        items: Some(items),
        steps: ["one".into(), "two".into()].into(),
        live: true,
        ..BatchHeader::default()
    }
}

fn record(index: u64, row: i64, status: RunWord) -> ItemRecord {
    let (second, error) = match status {
        RunWord::Running => (StepStatus::Running, None),
        RunWord::Failed => {
            let error = RunError {
                kind: ErrorKind::ToolExecutionError,
                step: Some("two".into()),
                tool_name: None,
                message: format!("HTTP 50{index}").into(),
                retryable: false,
                attempts: 1,
            };
            (StepStatus::Failed, Some(Box::new(error)))
        }
        _ => (StepStatus::Succeeded, None),
    };
    ItemRecord {
        run_id: format!("run {row}").into(),
        row,
        key: format!("k{index}").into(),
        index,
        status,
        cost: Some(Money::from_usd(0.5)),
        latency: Micros(1000 * (index + 1)),
        started: index as i64 * 1000,
        figures: ItemFigures {
            at: Micros(500_000),
            steps: vec![
                step(StepStatus::Succeeded, index + 1, 0.2),
                step(second, 10, 0.3),
            ],
            error,
        },
    }
}

/// The figures of a state without the order in which they came.
fn figures(state: &BatchState) -> String {
    let steps = state
        .steps
        .iter()
        .map(|step| format!("{:?} {} {}", step.counts, step.cost, step.attempts));
    let failures = state.failures().into_iter();
    let failures = failures.map(|(_, group)| (group.count, group.message.clone()));
    format!(
        "{:?} {} {:?} {:?} {:?}",
        state.counts,
        state.cost,
        steps.collect::<Vec<_>>(),
        failures.collect::<Vec<_>>(),
        state.pace
    )
}

#[test]
fn a_record_takes_the_place_of_the_one_before() {
    let mut direct = BatchState::default();
    direct.begin(header(10));
    let mut changed = direct.clone();
    for index in 0..5 {
        let status = [RunWord::Succeeded, RunWord::Failed][index as usize % 2];
        direct.apply(record(index, index as i64, status));
        for before in [RunWord::Running, RunWord::Failed, RunWord::Running] {
            changed.apply(record(index, index as i64, before));
        }
        changed.apply(record(index, index as i64, status));
    }
    assert_eq!(figures(&direct), figures(&changed));
    // Quantiles are exact to a percent.
    for (a, b) in [
        (direct.latency_ms(), changed.latency_ms()),
        (direct.steps[0].time_ms(), changed.steps[0].time_ms()),
        (direct.steps[1].cost_usd(), changed.steps[1].cost_usd()),
    ] {
        for (a, b) in [(a.p50, b.p50), (a.p99, b.p99), (a.max, b.max)] {
            assert!((a / b - 1.0_f64).abs() < 0.03, "{a} {b}");
        }
    }
    assert_eq!(
        (
            direct.counts.succeeded,
            direct.counts.failed,
            direct.total()
        ),
        (3, 2, 10)
    );
    let failures = direct.failures();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!((failures[0].1.count, &*failures[0].1.example), (2, "k1"));
    assert_eq!(direct.steps[1].wrong(), 2);
    assert_eq!(direct.cost, Money::from_usd(2.5));
    assert_eq!(direct.expected_cost(), Money::from_usd(5.0));
}

#[test]
fn an_item_stands_for_its_last_run_and_costs_what_all_cost() {
    let mut state = BatchState::default();
    state.begin(header(1));
    state.apply(record(0, 1, RunWord::Running));
    state.apply(record(0, 2, RunWord::Succeeded));
    assert_eq!(
        (state.counts.running, state.counts.succeeded),
        (0, 1),
        "{:?}",
        state.counts
    );
    let cost = Money::from_usd(1.0);
    assert_eq!((state.cost, state.items()[0].cost), (cost, Some(cost)));
    // Read in another order it is the same.
    let mut other = BatchState::default();
    other.begin(header(1));
    other.apply(record(0, 2, RunWord::Succeeded));
    other.apply(record(0, 1, RunWord::Running));
    assert_eq!(other.cost, cost);
    assert_eq!(other.counts, state.counts);
}

#[test]
fn a_place_beyond_everything_takes_no_memory() {
    let mut state = BatchState::default();
    state.begin(header(1));
    state.apply(ItemRecord {
        index: u64::MAX,
        ..record(0, 1, RunWord::Succeeded)
    });
    assert_eq!((state.items().len(), state.counts.ended()), (0, 0));
    assert_eq!(state.cells(7).len(), 0);
}

#[test]
fn the_pace_tells_the_time_left_and_a_batch_that_is_over_has_none() {
    let mut state = BatchState::default();
    state.begin(header(10));
    for index in 0..5 {
        state.apply(record(index, index as i64, RunWord::Succeeded));
    }
    let now = 5_000;
    assert!((state.per_second(now) - 1.0).abs() < 0.01);
    assert_eq!(state.time_left(now), Some(Micros(5_000_000)));
    state.begin(BatchHeader {
        live: false,
        ..header(10)
    });
    assert_eq!(state.time_left(now), None);
    assert_eq!(state.passed(now), Micros(4_500_000));
}
