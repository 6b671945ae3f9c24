//! Comparing a run event by event gives the same as comparing it at once.

use super::super::state::tests::{event_kind, events, header, info, started};
use super::super::{EventKind, RunEvent, RunState, StepInfo, StepKey, StepSource};
use super::{Comparison, Differences, Verdict, first_along};
use crate::plan::StepIx;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

/// Logs of steps that have ids of their own.
fn log() -> impl Strategy<Value = Vec<RunEvent>> {
    let kinds = prop::collection::vec((event_kind(), any::<u64>()), 0..60);
    (started(), kinds).prop_map(|(first, kinds)| {
        let mut all = vec![(first, 0)];
        all.extend(kinds);
        let mut rows = 0;
        for (kind, _) in &mut all {
            rename(kind, &mut rows);
        }
        events(all)
    })
}

fn rename(kind: &mut EventKind, rows: &mut usize) {
    let mut fresh = |infos: &Arc<[StepInfo]>| -> Arc<[StepInfo]> {
        let named = infos.iter().cloned().map(|info| {
            *rows += 1;
            StepInfo {
                id: rows.to_string().into(),
                ..info
            }
        });
        named.collect()
    };
    match kind {
        EventKind::RunStarted(header) => {
            let steps = fresh(&header.steps);
            Arc::make_mut(header).steps = steps;
        }
        EventKind::StepExpanded { elements, .. } => *elements = fresh(elements),
        EventKind::StepsAdded { steps } => *steps = fresh(steps),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn following_is_the_same_as_comparing_again(a in log(), b in log(), jumps in prop::collection::vec(any::<prop::sample::Index>(), 1..8)) {
        let other = RunState::from_events(&a);
        let mut comparison = Comparison::new(other.clone(), &RunState::default());
        for jump in jumps {
            let run = RunState::from_events(&b[..=jump.index(b.len())]);
            comparison.refresh(&run);
            let fresh = Comparison::new(other.clone(), &run);
            for at in 0..run.steps.len() as u32 {
                prop_assert_eq!(comparison.of(StepIx(at)), fresh.of(StepIx(at)));
            }
            prop_assert_eq!(comparison.first(), fresh.first());
            prop_assert_eq!(comparison.first().is_some(), comparison.differing().next().is_some());
        }
    }

    #[test]
    fn nothing_differs_from_itself(log in log()) {
        let run = RunState::from_events(&log);
        let comparison = Comparison::new(run.clone(), &run);
        prop_assert_eq!(comparison.differing().count(), 0);
        for row in &run.steps {
            prop_assert_eq!(Differences::between(row, row), Differences::default());
        }
    }
}

/// A diamond: 0 before 1 and 2, those before 3; the rows in an order that is not the DAG's.
fn diamond(outputs: [i32; 4]) -> RunState {
    let needs: [Vec<u32>; 4] = [vec![1, 2], vec![3], vec![3], vec![]];
    let rows = needs.into_iter().enumerate().map(|(at, needs)| StepInfo {
        id: format!("s{at}").into(),
        ..info(None, needs)
    });
    let mut kinds = vec![(EventKind::RunStarted(Arc::new(header(rows.collect()))), 0)];
    for (at, output) in outputs.into_iter().enumerate() {
        let step = StepKey {
            ix: StepIx(at as u32),
            id: format!("s{at}").into(),
        };
        kinds.push((
            EventKind::StepSucceeded {
                step,
                source: StepSource::Call,
                output: Arc::new(json!(output)),
                reused: None,
            },
            1,
        ));
    }
    RunState::from_events(&events(kinds))
}

#[test]
fn they_part_at_the_first_step_along_the_dag() {
    let before = diamond([1, 2, 3, 4]);
    let comparison = Comparison::new(before.clone(), &diamond([9, 2, 9, 4]));
    assert_eq!(comparison.first(), Some(StepIx(2)));
    let differs: Vec<u32> = comparison.differing().map(|ix| ix.0).collect();
    assert_eq!(differs, [0, 2]);
    let Verdict::Differs(how) = comparison.of(StepIx(2)) else {
        panic!("it differs");
    };
    assert_eq!(how.words(), ["output"]);
    assert_eq!(Comparison::new(before.clone(), &before).first(), None);
    assert_eq!(first_along(&before, |_| true), Some(StepIx(3)));
}

#[test]
fn a_step_that_only_one_run_has_differs() {
    let comparison = Comparison::new(RunState::default(), &diamond([1, 2, 3, 4]));
    assert_eq!(comparison.of(StepIx(0)), Verdict::Alone);
    assert_eq!(comparison.first(), Some(StepIx(3)));
}
