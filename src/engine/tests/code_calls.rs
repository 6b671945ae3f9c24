//! Calls that code makes: the small stories that went wrong once.

use super::world::{End, Frame, Sketch, World, after};
use crate::plan::StepIx;
use crate::run::StepStatus::{Cancelled, Pending, Ready, Skipped, Succeeded};
use crate::run::{BreakWhen, Breakpoint, RunCommand, RunOutcome, RunPhase, RunSetting, WaitReason};
use crate::units::{Micros, Money};

fn alone() -> Sketch {
    Sketch {
        sequential: true,
        ..Sketch::default()
    }
}

/// The code of the first row calls a tool; its row.
fn called(world: &mut World) -> u32 {
    let row = world.state.steps.len() as u32;
    world.call(0, 0);
    world.work(usize::MAX);
    row
}

fn waits(world: &mut World) {
    world.wait_for_calls(0, false);
    world.work(usize::MAX);
}

#[test]
fn a_call_that_fails_after_its_code_has_ended_is_not_tried_again() {
    let code = Sketch {
        attempts: 2,
        ..alone()
    };
    let mut world = World::new(vec![code, Sketch::default()], Frame::default());
    let call = called(&mut world);
    // The call has failed before it was told to stop.
    world.end_with(0, End::Well, 0);
    world.end(call, End::Passing);
    assert_eq!(world.status(call), Cancelled);
    assert_eq!(world.running(), [1], "what waited to start has started");
}

#[test]
fn a_call_that_waits_for_money_comes_before_what_waits_to_be_alone() {
    let priced = Sketch {
        bound: 1,
        ..Sketch::default()
    };
    let frame = Frame {
        budget: Some(1),
        ..Frame::default()
    };
    let mut world = World::new(vec![priced, alone()], frame);
    let call = called(&mut world);
    assert_eq!(
        world.state.steps[call as usize].waiting,
        Some(WaitReason::Budget)
    );
    world.command(RunCommand::Set(RunSetting::MaxTotalCostUsd {
        value: Some(Money::from_pico(2)),
    }));
    assert_eq!(world.running(), [0, call]);
}

#[test]
fn what_code_that_waits_may_cost_leaves_room_for_an_estimate() {
    let estimated = Sketch {
        bound: 2,
        estimated: true,
        ..Sketch::default()
    };
    let frame = Frame {
        budget: Some(4),
        ..Frame::default()
    };
    let mut world = World::new(vec![estimated], frame);
    let call = called(&mut world);
    assert_eq!(world.running(), [0]);
    waits(&mut world);
    assert_eq!(world.running(), [0, call], "nothing else spends money now");
}

#[test]
fn without_a_user_code_that_waits_for_a_held_call_is_stopped_and_begins_again() {
    let mut world = World::new(vec![alone(), after(&[0])], Frame::default());
    let held = Breakpoint {
        step: "s0/t[0]".into(),
        when: BreakWhen::Before,
    };
    world.command(RunCommand::Breakpoint(held.clone(), true));
    let call = called(&mut world);
    assert_eq!(
        world.state.steps[call as usize].waiting,
        Some(WaitReason::Breakpoint)
    );
    waits(&mut world);
    world.end(0, End::Well);
    assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Waiting));
    assert_eq!(world.statuses(), [Cancelled, Pending, Ready]);
    let at: Vec<StepIx> = world
        .state
        .held_steps
        .iter()
        .map(|held| held.step)
        .collect();
    assert_eq!(at, [StepIx(call)], "it still says where it is held");
    world.command(RunCommand::Breakpoint(held, false));
    world.command(RunCommand::Retry(StepIx(0)));
    assert_eq!(world.status(call), Skipped, "its code begins again");
    assert_eq!(called(&mut world), 3, "it has its row again");
    assert_eq!(world.running(), [0, call]);
    world.finish();
    assert_eq!(world.statuses()[..2], [Succeeded, Succeeded]);
}

#[test]
fn the_clock_stands_while_code_is_stopped_because_only_answers_are_missing() {
    let asks = Sketch {
        approve: true,
        ..Sketch::default()
    };
    let mut world = World::new(vec![Sketch::default(), asks], Frame::default());
    let held = Breakpoint {
        step: "s0/t[0]".into(),
        when: BreakWhen::After,
    };
    world.command(RunCommand::Breakpoint(held, true));
    let call = called(&mut world);
    world.end(call, End::Well);
    world.wait(1_000);
    waits(&mut world);
    assert_eq!(world.running(), [0], "its code is being stopped");
    world.wait(5_000);
    world.end(0, End::Well);
    assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Waiting));
    assert_eq!(world.state.wall(world.now), Micros(1_000_000));
}
