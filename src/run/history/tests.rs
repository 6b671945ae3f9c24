//! The state at any position, reached any way, is the fold of the events before it.

use super::super::state::tests::{event_kind, events, header, info, started};
use super::super::{EventKind, RunEvent, RunState, StepInfo, StepKey};
use super::History;
use crate::plan::StepIx;
use proptest::prelude::*;
use std::sync::Arc;

fn log() -> impl Strategy<Value = Vec<RunEvent>> {
    (
        started(),
        prop::collection::vec((event_kind(), any::<u64>()), 0..120),
    )
        .prop_map(|(first, kinds)| {
            let mut all = vec![(first, 0)];
            all.extend(kinds);
            events(all)
        })
}

fn history(log: &[RunEvent], distance: usize, most: usize) -> History {
    let mut history = History::with(distance, most);
    let mut state = RunState::default();
    for event in log {
        state.apply(event);
        history.push(event.clone(), &state);
    }
    history
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_position_is_the_fold_of_the_events_before(
        log in log(),
        distance in 1usize..20,
        most in 1usize..9,
        jumps in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
    ) {
        let history = history(&log, distance, most);
        prop_assert!(history.marks.len() <= most);
        // One state goes about as the dashboard's does: on from where it is, or from a mark.
        let mut shown = RunState::default();
        let mut at = 0;
        for jump in jumps {
            let to = jump.index(log.len() + 1);
            if history.is_near(at, to) {
                for event in &history.events()[at..to] {
                    shown.apply(event);
                }
            } else {
                shown = history.state_at(to);
            }
            at = to;
            let fold = RunState::from_events(&log[..to]);
            prop_assert_eq!(&shown, &fold, "at {}", to);
        }
    }

    #[test]
    fn ends_and_times_are_found(log in log(), distance in 1usize..20) {
        let history = history(&log, distance, 64);
        let ended = |position: &usize| {
            let kind = serde_json::to_value(&log[position - 1]).unwrap();
            let ends = ["succeeded", "failed", "skipped", "cancelled", "unknown"];
            let name = kind["type"].as_str().unwrap().strip_prefix("step_").map(str::to_owned);
            name.is_some_and(|name| ends.contains(&&*name))
        };
        let ends: Vec<usize> = (1..=log.len()).filter(ended).collect();
        for position in 0..=log.len() {
            prop_assert_eq!(history.next_end(position), ends.iter().copied().find(|end| *end > position));
            prop_assert_eq!(history.previous_end(position), ends.iter().rev().copied().find(|end| *end < position));
            let time = history.time_at(position);
            let found = history.position_at(time);
            prop_assert!(found >= position && history.time_at(found) == time);
            prop_assert!(found == log.len() || history.time_at(found + 1) > time);
        }
    }
}

#[test]
fn what_marks_hold_is_bounded() {
    let (rows, rounds) = (4_000, 60);
    let log = busy(rows, rounds);
    let history = history(&log, 64, usize::MAX);
    let held: usize = history.marks.iter().skip(1).map(|mark| mark.own).sum();
    assert!(history.marks.len() > 4, "{}", history.marks.len());
    assert!(held <= super::COPIED.max(super::COPIES * rows), "{held}");
    assert!(history.distance > 64);
    let middle = log.len() / 2 + 17;
    assert_eq!(
        history.state_at(middle),
        RunState::from_events(&log[..middle])
    );
}

/// Rows that all change over and over, far from each other each time.
fn busy(rows: usize, rounds: usize) -> Vec<RunEvent> {
    let info = |at: usize| StepInfo {
        id: at.to_string().into(),
        ..info(None, Vec::new())
    };
    let header = header((0..rows).map(info).collect());
    let mut kinds = vec![(EventKind::RunStarted(Arc::new(header)), 0)];
    for round in 0..rounds {
        for at in 0..rows {
            let at = (at * 1_009 + round) % rows;
            let step = StepKey {
                ix: StepIx(at as u32),
                id: at.to_string().into(),
            };
            let kind = if round % 2 == 0 {
                EventKind::StepReady { step }
            } else {
                EventKind::StepReset { step }
            };
            kinds.push((kind, round as u64));
        }
    }
    events(kinds)
}
