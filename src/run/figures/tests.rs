//! The figures against their definitions, computed by trying every path.

use super::super::{
    AttemptEnd, EventKind, ResourceLimits, RunEvent, RunHeader, RunOutcome, RunState, StepInfo,
    StepKey, StepStatus,
};
use super::{Figures, UsualTimes, figures, time_left};
use crate::plan::{Dialect, StepInput, StepIx};
use crate::units::{Micros, Money};
use proptest::prelude::*;
use std::sync::Arc;

/// A run in which the steps have these attempts (start, length), one list for each step.
fn run(depends_on: &[Vec<u32>], attempts: &[Vec<(u64, u64)>], slots: u32) -> RunState {
    let info = |(at, before): (usize, &Vec<u32>)| StepInfo {
        id: format!("s{at}").into(),
        tool: "tool".into(),
        kind: "test".into(),
        depends_on: before.iter().copied().map(StepIx).collect(),
        description: None,
        parent: None,
        parameters: None,
        not_reused: None,
        sequential: false,
        price: None,
        checks: None,
    };
    let header = RunHeader {
        run_id: "run".into(),
        plan: "plan".into(),
        dialect: Dialect::Documented,
        started_at: "".into(),
        worker: "none".into(),
        simulated: false,
        track_cost: true,
        limits: ResourceLimits {
            max_concurrent: Some(slots),
            ..ResourceLimits::none()
        },
        rates: crate::run::Rates::default(),
        priced: false,
        context: Arc::default(),
        steps: depends_on.iter().enumerate().map(info).collect(),
        forked_from: None,
        spent_before: Money::ZERO,
        pace: None,
    };
    let mut kinds = vec![(0, 0, EventKind::RunStarted(Arc::new(header)))];
    for (at, attempts) in attempts.iter().enumerate() {
        let step = StepKey {
            ix: StepIx(at as u32),
            id: format!("s{at}").into(),
        };
        for (number, (start, length)) in attempts.iter().enumerate() {
            let started = EventKind::AttemptStarted {
                step: step.clone(),
                attempt: number as u32 + 1,
                slot: 0,
                input: StepInput::default(),
                reserved: Money::ZERO,
                why: None,
                prompt: None,
            };
            let ended = EventKind::AttemptEnded(Arc::new(AttemptEnd {
                step: step.clone(),
                attempt: number as u32 + 1,
                service: Micros(*length),
                cost: Some(Money::ZERO),
                details: None,
                cancelled: false,
            }));
            kinds.push((*start, 1, started));
            kinds.push((start + length, 2, ended));
        }
    }
    let end = kinds.iter().map(|(at, ..)| *at).max().unwrap_or(0);
    kinds.push((
        end,
        3,
        EventKind::RunEnded {
            status: RunOutcome::Succeeded,
            result: Arc::default(),
            error: None,
        },
    ));
    kinds.sort_by_key(|(at, order, _)| (*at, *order));
    let events = kinds
        .into_iter()
        .enumerate()
        .map(|(seq, (at, _, kind))| RunEvent {
            seq: seq as u64,
            at: Micros(at),
            kind,
        });
    RunState::from_events(&events.collect::<Vec<_>>())
}

/// One attempt for each step, all from the start on.
fn weighed(depends_on: &[Vec<u32>], weights: &[u64], slots: u32) -> RunState {
    let attempts: Vec<_> = weights.iter().map(|weight| vec![(0, *weight)]).collect();
    run(depends_on, &attempts, slots)
}

fn now(state: &RunState) -> Figures {
    figures(state, state.at)
}

/// The longest path that ends in `row`, by trying all of them.
fn longest(depends_on: &[Vec<u32>], weights: &[u64], row: usize) -> u64 {
    let before = depends_on[row].iter();
    let before = before.map(|from| longest(depends_on, weights, *from as usize));
    weights[row] + before.max().unwrap_or(0)
}

fn span(depends_on: &[Vec<u32>], weights: &[u64]) -> u64 {
    let rows = 0..weights.len();
    rows.map(|row| longest(depends_on, weights, row))
        .max()
        .unwrap_or(0)
}

fn plans() -> impl Strategy<Value = (Vec<Vec<u32>>, Vec<u64>, u32)> {
    let step = (any::<u16>(), prop_oneof![1 => Just(0u64), 4 => 1u64..6]);
    (prop::collection::vec(step, 1..11), 1u32..6).prop_map(|(steps, slots)| {
        let depends_on = steps.iter().enumerate().map(|(at, (mask, _))| {
            (0..at as u32)
                .filter(|from| (mask >> from) & 1 == 1)
                .collect()
        });
        let weights = steps.iter().map(|(_, weight)| *weight);
        (depends_on.collect(), weights.collect(), slots)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_figures_are_what_their_definitions_say((depends_on, weights, slots) in plans()) {
        let state = weighed(&depends_on, &weights, slots);
        let found = now(&state);
        let work: u64 = weights.iter().sum();
        let span = span(&depends_on, &weights);
        let wall = weights.iter().copied().max().unwrap_or(0);
        let slots = (slots as usize).min(weights.len());
        prop_assert_eq!((found.work.0, found.span.0, found.wall.0, found.slots), (work, span, wall, slots));
        let bound = (span as f64).max(work as f64 / slots as f64) / wall as f64;
        let wanted = (work > 0).then(|| [
            work as f64 / wall as f64,
            bound.min(1.0),
            (work as f64 / (slots as f64 * wall as f64)).min(1.0),
        ]);
        let ratios = [found.speedup, found.parallel_efficiency, found.slot_utilisation];
        for (at, ratio) in ratios.into_iter().enumerate() {
            let wanted = wanted.map(|wanted| wanted[at]);
            prop_assert_eq!(ratio.is_some(), wanted.is_some());
            prop_assert!((ratio.unwrap_or(0.0) - wanted.unwrap_or(0.0)).abs() < 1e-9, "{} {:?} {:?}", at, ratio, wanted);
        }
    }

    #[test]
    fn the_critical_path_is_a_longest_one((depends_on, weights, slots) in plans()) {
        let state = weighed(&depends_on, &weights, slots);
        let found = now(&state);
        let on_it: Vec<usize> = found.critical_path.iter().map(|row| row.at()).collect();
        prop_assert_eq!(on_it.iter().map(|row| weights[*row]).sum::<u64>(), found.span.0);
        // Each is below the one before it, with nothing but steps that took no time between them.
        for pair in on_it.windows(2) {
            let mut without: Vec<u64> = vec![0; weights.len()];
            (without[pair[0]], without[pair[1]]) = (1, 1);
            prop_assert_eq!(longest(&depends_on, &without, pair[1]), 2);
        }
    }

    #[test]
    fn the_potential_of_a_step_is_what_the_span_loses_without_its_time((depends_on, weights, slots) in plans()) {
        let state = weighed(&depends_on, &weights, slots);
        let found = now(&state);
        for row in 0..weights.len() {
            let mut without = weights.clone();
            without[row] = 0;
            let wanted = found.span.0 - span(&depends_on, &without);
            let at = found.critical_path.iter().position(|on_it| on_it.at() == row);
            let potential = at.map_or(0, |at| found.potential[at].0);
            prop_assert_eq!(potential, wanted, "row {}", row);
        }
    }
}

#[test]
fn the_check_of_the_contract() {
    let depends_on = [vec![], vec![0], vec![0], vec![1, 2]];
    let attempts = [
        vec![(0, 200_000)],
        vec![(200_000, 150_000)],
        vec![(200_000, 100_000)],
        vec![(350_000, 100_000)],
    ];
    let found = now(&run(&depends_on, &attempts, 2));
    let times = [found.work, found.span, found.wall];
    assert_eq!(times, [550_000, 450_000, 450_000].map(Micros));
    let rounded = |figure: Option<f64>| format!("{:.2}", figure.unwrap());
    let ratios = [
        found.speedup,
        found.parallel_efficiency,
        found.slot_utilisation,
    ];
    assert_eq!(ratios.map(rounded), ["1.22", "1.00", "0.61"]);
}

#[test]
fn every_attempt_counts_in_the_work_and_in_the_weight_of_its_step() {
    let depends_on = [vec![], vec![0]];
    let attempts = [vec![(0, 10), (50, 20)], vec![(70, 5)]];
    let found = now(&run(&depends_on, &attempts, 1));
    assert_eq!(
        (found.work, found.span, found.wall),
        (Micros(35), Micros(35), Micros(75))
    );
}

#[test]
fn with_nothing_called_there_are_no_ratios() {
    let found = now(&run(&[vec![], vec![0]], &[vec![], vec![]], 5));
    assert_eq!(found.work, Micros(0));
    assert_eq!(
        [
            found.speedup,
            found.parallel_efficiency,
            found.slot_utilisation
        ],
        [None; 3]
    );
    assert!(found.critical_path.is_empty());
}

#[test]
fn a_running_attempt_counts_up_to_now() {
    let mut state = run(&[vec![]], &[vec![(0, 10)]], 1);
    state.phase = super::super::RunPhase::Running;
    state.apply(&RunEvent {
        seq: state.events,
        at: Micros(10),
        kind: EventKind::AttemptStarted {
            step: StepKey {
                ix: StepIx(0),
                id: "s0".into(),
            },
            attempt: 2,
            slot: 0,
            input: StepInput::default(),
            reserved: Money::ZERO,
            why: None,
            prompt: None,
        },
    });
    assert_eq!(figures(&state, Micros(40)).work, Micros(40));
}

/// A run in which the first `ended` steps, of these weights, have succeeded, and the others wait.
fn halfway(depends_on: &[Vec<u32>], weights: &[u64], ended: usize, slots: u32) -> RunState {
    let mut state = weighed(depends_on, &weights[..ended], slots);
    state.phase = crate::run::RunPhase::Running;
    for row in state.steps.iter_mut().take(ended) {
        row.status = StepStatus::Succeeded;
    }
    state
}

#[test]
fn the_time_left_is_that_of_the_longest_path_or_of_the_slots() {
    let chain = [vec![], vec![0], vec![1], vec![2]];
    let usual = UsualTimes::default();
    let left = |state: &RunState, usual: &UsualTimes| time_left(state, usual, state.at);
    // Two steps of the same tool took 3 and 5: the median stands for the two that are left.
    let state = halfway(&chain, &[3, 5], 2, 4);
    assert_eq!(left(&state, &usual), Some(Micros(10)));
    let wide = [vec![], vec![], vec![], vec![], vec![], vec![]];
    let state = halfway(&wide, &[4, 4], 2, 2);
    assert_eq!(left(&state, &usual), Some(Micros(8)));
    // What an earlier run of the plan took comes first.
    let mut earlier = weighed(&chain, &[1, 1, 20, 30], 4);
    for row in earlier.steps.iter_mut() {
        row.status = StepStatus::Succeeded;
    }
    let state = halfway(&chain, &[3, 5], 2, 4);
    assert_eq!(left(&state, &UsualTimes::of(&earlier)), Some(Micros(50)));
}

#[test]
fn nothing_is_said_of_what_is_not_known() {
    let chain = [vec![], vec![0]];
    let usual = UsualTimes::default();
    let state = halfway(&chain, &[], 0, 2);
    assert_eq!(time_left(&state, &usual, state.at), None);
    let state = weighed(&chain, &[1, 2], 2);
    assert_eq!(time_left(&state, &usual, state.at), None);
}
