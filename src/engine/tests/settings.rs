//! Settings that change while the run goes on: small stories about single rules.

use super::world::{End, Frame, Sketch, World, after};
use crate::plan::StepIx;
use crate::run::RunCommand::{ContinueAfterLimit, Retry, Set};
use crate::run::StepStatus::{Cancelled, Running, Skipped, Succeeded};
use crate::run::{
    EventKind, Limit, Rate, Rates, RunOutcome, RunPhase, RunSetting, RunState, figures, slot_time,
};
use crate::units::{Micros, Money};

fn slots(value: u32) -> RunSetting {
    RunSetting::MaxConcurrent { value: Some(value) }
}

fn budget(pico: i64) -> RunSetting {
    RunSetting::MaxTotalCostUsd {
        value: Some(Money::from_pico(pico)),
    }
}

fn calls(value: u64) -> RunSetting {
    RunSetting::MaxToolCalls { value: Some(value) }
}

fn seconds(value: f64) -> RunSetting {
    RunSetting::TimeoutSeconds { value: Some(value) }
}

/// A step of a call that costs so much at most.
fn costing(bound: i64) -> Sketch {
    Sketch {
        bound,
        ..after(&[])
    }
}

fn frame() -> Frame {
    Frame {
        slots: Some(2),
        ..Frame::default()
    }
}

fn ended(world: &World) -> RunOutcome {
    match world.state.phase {
        RunPhase::Ended(outcome) => outcome,
        other => panic!("the run is {other:?}"),
    }
}

fn changes(world: &World) -> usize {
    let is_change = |kind: &EventKind| matches!(kind, EventKind::SettingChanged { .. });
    world
        .events
        .iter()
        .filter(|event| is_change(&event.kind))
        .count()
}

#[test]
fn more_slots_are_used_at_once_and_fewer_as_calls_end() {
    let mut world = World::new(vec![after(&[]); 8], frame());
    assert_eq!(world.running().len(), 2);
    world.command(Set(slots(5)));
    assert_eq!(world.running().len(), 5);
    world.command(Set(slots(1)));
    assert_eq!(world.running().len(), 5, "nothing is cut off");
    for left in (1..5).rev() {
        let row = world.running()[0];
        world.end(row, End::Well);
        assert_eq!(world.running().len(), left, "nothing starts before it fits");
    }
    let row = world.running()[0];
    world.end(row, End::Well);
    assert_eq!(world.running().len(), 1);
    world.finish();
    assert_eq!((ended(&world), changes(&world)), (RunOutcome::Succeeded, 2));
}

#[test]
fn what_changes_nothing_or_cannot_be_kept_is_no_event() {
    let sketches = vec![after(&[]), after(&[0])];
    let timed = Frame {
        timeout_ms: Some(60_000),
        ..frame()
    };
    let mut world = World::new(sketches, timed);
    world.wait(9_000);
    world.command(Set(slots(2)));
    world.command(Set(slots(0)));
    world.command(Set(budget(-1)));
    world.command(Set(seconds(9.0)));
    world.command(Set(seconds(f64::NAN)));
    assert_eq!(changes(&world), 0);
    world.command(Set(seconds(9.5)));
    assert_eq!(changes(&world), 1);
    world.tick();
    world.wait(1_000);
    while world.running().is_empty() && world.tick() {}
    world.finish();
    assert_eq!(ended(&world), RunOutcome::LimitExceeded);
}

#[test]
fn a_budget_that_is_raised_lets_the_run_continue_with_what_it_skipped() {
    let limited = Frame {
        budget: Some(10),
        ..frame()
    };
    let mut world = World::new(vec![costing(8), costing(8), costing(0)], limited);
    world.finish();
    assert_eq!(ended(&world), RunOutcome::LimitExceeded);
    assert_eq!(world.statuses(), [Succeeded, Skipped, Succeeded]);
    // Not enough, and then the limit is the next one.
    world.command(Set(budget(15)));
    world.command(ContinueAfterLimit(Vec::new()));
    world.finish();
    assert_eq!(world.state.exceeded, [Limit::MaxTotalCostUsd]);
    world.command(Set(budget(16)));
    world.command(ContinueAfterLimit(Vec::new()));
    world.finish();
    assert_eq!(ended(&world), RunOutcome::Succeeded);
    assert_eq!(world.state.spent, Money::from_pico(16));
    let attempts: Vec<usize> = world
        .state
        .steps
        .iter()
        .map(|row| row.attempts.len())
        .collect();
    assert_eq!(attempts, [1, 1, 1], "what had succeeded stays");
}

#[test]
fn a_failed_step_stays_failed_when_a_raised_limit_lets_the_run_continue() {
    let limited = Frame {
        calls: Some(1),
        ..frame()
    };
    let mut world = World::new(vec![after(&[]), after(&[])], limited);
    world.end(0, End::Badly);
    world.finish();
    assert_eq!(ended(&world), RunOutcome::LimitExceeded);
    world.command(Set(calls(9)));
    world.command(ContinueAfterLimit(Vec::new()));
    assert_eq!(world.running(), [1]);
    world.finish();
    assert_eq!(ended(&world), RunOutcome::Failed);
    world.command(ContinueAfterLimit(Vec::new()));
    assert!(world.running().is_empty(), "no limit stopped it");
    world.command(Retry(StepIx(0)));
    world.finish();
    assert_eq!(ended(&world), RunOutcome::Succeeded);
}

#[test]
fn a_smaller_budget_is_no_fault_of_what_was_spent_before() {
    let limited = Frame {
        budget: Some(100),
        ..frame()
    };
    let mut world = World::new(vec![costing(40), costing(40), costing(0)], limited);
    world.command(Set(budget(50)));
    world.finish();
    assert_eq!(ended(&world), RunOutcome::Succeeded);
    assert_eq!(world.state.spent, Money::from_pico(80));
}

#[test]
fn calls_that_are_waited_for_start_when_more_may_be_made() {
    let limited = Frame {
        calls: Some(1),
        ..frame()
    };
    let mut world = World::new(vec![after(&[]); 3], limited);
    assert_eq!(world.running().len(), 1);
    world.command(Set(calls(3)));
    assert_eq!(world.running().len(), 2, "as many as there are slots");
    world.finish();
    assert_eq!(ended(&world), RunOutcome::Succeeded);
}

#[test]
fn a_longer_time_counts_in_all_and_cut_off_calls_run_again() {
    let timed = Frame {
        timeout_ms: Some(1_000),
        ..frame()
    };
    let mut world = World::new(vec![after(&[]), after(&[0])], timed);
    world.tick();
    world.work(usize::MAX);
    world.end(0, End::Badly);
    assert_eq!(world.statuses(), [Cancelled, Skipped]);
    world.command(Set(seconds(3.0)));
    world.command(ContinueAfterLimit(Vec::new()));
    assert_eq!(world.statuses()[0], Running);
    let is_deadline = |timer: &crate::engine::Timer| *timer == crate::engine::Timer::Deadline;
    let mut deadlines = world.timers.iter().filter(|(_, timer)| is_deadline(timer));
    let due = deadlines.next().expect("a deadline").0;
    assert_eq!(due, world.now + Micros(2_000_000), "a second is gone");
    world.finish();
    assert_eq!(ended(&world), RunOutcome::Succeeded);
}

#[test]
fn a_higher_rate_lets_the_next_call_start_at_once() {
    let rated = Sketch {
        draws: vec![0],
        ..after(&[])
    };
    let rate = |calls| Rate {
        requests_per_minute: Some(calls),
        ..Rate::default()
    };
    let limited = Frame {
        rates: Rates([("model".into(), rate(1))].into()),
        slots: Some(4),
        ..Frame::default()
    };
    let mut world = World::new(vec![rated; 4], limited);
    assert_eq!(world.running().len(), 1);
    let set = |rate| {
        Set(RunSetting::Rate {
            name: "model".into(),
            rate,
        })
    };
    world.command(set(Some(rate(3))));
    assert_eq!(world.running().len(), 3);
    world.command(set(Some(rate(1))));
    assert_eq!(world.running().len(), 3);
    world.command(set(None));
    assert_eq!(world.running().len(), 4);
    assert!(world.state.rates.is_empty());
    world.finish();
}

#[test]
fn slots_of_the_figures_are_the_mean_over_the_time() {
    // Four steps of a second each: two in the first second with two slots, two in the next with one, which is over for
    // the one that started before.
    let mut world = World::new(vec![after(&[]); 4], frame());
    world.wait(500);
    world.command(Set(slots(1)));
    world.wait(500);
    world.end(0, End::Well);
    world.end(1, End::Well);
    world.wait(1_000);
    world.end(2, End::Well);
    world.wait(1_000);
    world.end(3, End::Well);
    let state: &RunState = &world.state;
    let figures = figures(state, state.at);
    // Both slots for a second, as the second one was kept to the end of its call; then one for two.
    assert_eq!(state.slot_capacity(state.at), Micros(4_000_000));
    assert_eq!(figures.work, Micros(4_000_000));
    assert_eq!(figures.slot_utilisation, Some(1.0));
    assert_eq!(figures.parallel_efficiency, Some(1.0));
    assert_eq!(figures.slots, 1);
    assert_eq!(slot_time(state, state.at).total(), Micros(4_000_000));
}
