//! Slow motion changes when the user sees something, and no figure.

use super::driver::{Trial, after, ms, sleeping, statuses};
use crate::run::StepStatus::{Skipped, Succeeded};
use crate::run::{Limit, RunCommand, RunState, figures};
use std::sync::atomic::Ordering;
use std::time::Duration;

const PACE: Duration = Duration::from_millis(100);

fn paced(steps: Vec<crate::plan::Step>) -> Trial {
    let mut trial = Trial::new(steps).slots(4);
    trial.settings.pace = Some(PACE);
    // What may be called again is not recorded before it is held.
    trial.tool.repeatable.store(true, Ordering::SeqCst);
    trial
}

fn moments(state: &RunState) -> Vec<(u64, u64)> {
    let rows = state.steps.iter();
    rows.map(|row| (ms(row.started_at().unwrap()), ms(row.ended_at().unwrap())))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn steps_are_held_and_figures_are_those_of_full_speed() {
    let steps = || {
        vec![
            sleeping("a", 30, &[]),
            sleeping("b", 150, &[0]),
            sleeping("c", 0, &[1]),
            sleeping("d", 80, &[]),
        ]
    };
    let slow = paced(steps()).run().await;
    assert_eq!(moments(&slow), [(0, 100), (100, 250), (250, 350), (0, 100)]);
    let fast = Trial::new(steps()).slots(4).run().await;
    let figures_of = |state: &RunState| {
        let f = figures(state, state.at);
        (ms(f.work), ms(f.span), f.critical_path)
    };
    assert_eq!(figures_of(&slow), figures_of(&fast));
    // At full speed d runs beside a and b; in slow motion it runs beside a alone, and 50 ms later b begins.
    assert_eq!(ms(fast.wall(fast.at)), 180);
    assert_eq!(ms(slow.wall(slow.at)), 80 + 150);
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_does_not_count_what_slow_motion_holds() {
    let chain = (0..20).map(|at| {
        let before: Vec<u32> = (at > 0).then(|| at - 1).into_iter().collect();
        sleeping(&format!("s{at}"), 1, &before)
    });
    let mut trial = paced(chain.collect());
    trial.settings.limits.timeout_seconds = Some(0.5);
    let state = trial.run().await;
    assert_eq!(state.exceeded, Vec::<Limit>::new());
    assert!(statuses(&state).iter().all(|status| *status == Succeeded));
    assert_eq!(ms(state.at), 2_000);
    assert_eq!(ms(state.wall(state.at)), 20);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_not_be_repeated_is_on_record_when_it_has_ended() {
    let trial = paced(vec![sleeping("a", 10, &[])]);
    trial.tool.repeatable.store(false, Ordering::SeqCst);
    assert_eq!(moments(&trial.run().await), [(0, 10)]);
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_nothing_that_has_ended() {
    let mut trial = paced(vec![sleeping("a", 10, &[]), sleeping("b", 10, &[0])]);
    let state = trial
        .run_with(|send| async move {
            after(50).await;
            send.send(RunCommand::Stop).await.unwrap();
        })
        .await;
    assert_eq!(statuses(&state), [Succeeded, Skipped]);
    assert_eq!(ms(state.at), 50);
}

#[tokio::test(start_paused = true)]
async fn a_pause_takes_hold_before_the_next_step() {
    let mut trial = paced(vec![sleeping("a", 10, &[]), sleeping("b", 10, &[0])]);
    let state = trial
        .run_with(|send| async move {
            after(50).await;
            send.send(RunCommand::Pause).await.unwrap();
            after(1_000).await;
            send.send(RunCommand::Resume).await.unwrap();
            send.send(RunCommand::Close).await.unwrap();
        })
        .await;
    assert_eq!(moments(&state), [(0, 100), (1_050, 1_150)]);
    assert_eq!(ms(state.wall(state.at)), 20);
}
