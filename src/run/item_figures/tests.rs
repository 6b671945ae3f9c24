//! The figures agree with the fold of a run, and a wrong log changes nothing.

use super::*;
use crate::plan::StepInput;
use crate::run::state::tests::{header, info};
use crate::run::{AttemptEnd, ErrorKind, RunOutcome, RunState, StepInfo, StepKey, StepSource};
use serde_json::json;
use std::sync::Arc;

fn key(ix: u32) -> StepKey {
    StepKey {
        ix: StepIx(ix),
        id: "s".into(),
    }
}

fn events(kinds: Vec<EventKind>) -> Vec<RunEvent> {
    let kinds = (0..).zip(kinds);
    kinds
        .map(|(seq, kind)| RunEvent {
            seq,
            at: Micros(seq * 1000),
            kind,
        })
        .collect()
}

fn started(ix: u32) -> EventKind {
    EventKind::AttemptStarted {
        step: key(ix),
        attempt: 1,
        slot: 0,
        input: StepInput::default(),
        reserved: Money::ZERO,
        why: None,
        prompt: None,
    }
}

fn ended(ix: u32, millis: u64, cost: Option<f64>) -> EventKind {
    EventKind::AttemptEnded(Arc::new(AttemptEnd {
        step: key(ix),
        attempt: 1,
        service: Micros(millis * 1000),
        cost: cost.map(Money::from_usd),
        details: None,
        cancelled: false,
    }))
}

fn succeeded(ix: u32, output: serde_json::Value) -> EventKind {
    EventKind::StepSucceeded {
        step: key(ix),
        source: StepSource::Call,
        output: Arc::new(output),
        reused: None,
    }
}

fn error(message: &str) -> RunError {
    RunError {
        kind: ErrorKind::ToolExecutionError,
        step: Some("s".into()),
        tool_name: None,
        message: message.into(),
        retryable: false,
        attempts: 1,
    }
}

#[test]
fn elements_count_with_their_step_and_statuses_are_those_of_the_fold() {
    let elements: Arc<[StepInfo]> = (0..2).map(|_| info(Some(1), Vec::new())).collect();
    let log = events(vec![
        EventKind::RunStarted(Arc::new(header(vec![
            info(None, Vec::new()),
            info(None, vec![0]),
            info(None, vec![1]),
        ]))),
        started(0),
        ended(0, 5, Some(0.25)),
        succeeded(0, json!({"n": 1})),
        EventKind::StepExpanded {
            step: key(1),
            count: 2,
            elements,
        },
        started(3),
        started(4),
        ended(3, 10, Some(0.5)),
        succeeded(3, json!(1)),
        ended(4, 20, None),
        succeeded(4, json!(2)),
        succeeded(1, json!([1, 2])),
        started(2),
        EventKind::StepFailed {
            step: key(2),
            error: Box::new(error("no")),
            output: None,
        },
        EventKind::RunEnded {
            status: RunOutcome::Failed,
            result: Arc::default(),
            error: Some(Box::new(error(&"ä".repeat(MESSAGE)))),
        },
    ]);
    let figures = ItemFold::of(&log);
    let [first, each, last] = &figures.steps[..] else {
        panic!("{figures:?}");
    };
    assert_eq!(
        (first.attempts, first.service, first.cost),
        (1, Micros(5_000), Some(Money::from_usd(0.25)))
    );
    assert_eq!(
        (each.attempts, each.service, each.cost),
        (2, Micros(30_000), None)
    );
    assert!(first.output != 0 && each.output != 0 && first.output != each.output);
    assert_eq!((last.attempts, last.output), (1, 0));
    assert_eq!(figures.at, Micros(14_000));
    assert!(figures.error.unwrap().message.len() <= MESSAGE);
    for end in 1..log.len() {
        let state = RunState::from_events(&log[..end]);
        let known = ItemFold::of(&log[..end]);
        for (row, step) in state.steps.iter().zip(&known.steps) {
            assert_eq!(row.status, step.status, "after {end}");
        }
    }
}

#[test]
fn rows_that_are_nowhere_change_nothing() {
    let mut circle = ItemFold {
        parents: vec![StepIx(1), StepIx(0)],
        ..ItemFold::default()
    };
    for event in events(vec![started(0), ended(9, 5, None), succeeded(7, json!(1))]) {
        circle.apply(&event);
    }
    assert!(circle.figures.steps.is_empty());
}
