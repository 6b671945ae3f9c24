//! A run that hands over to another one, which goes on with an edited plan.

use super::world::{End, Frame, World, after};
use crate::plan::StepIx;
use crate::run::RunCommand::{self, Pause, Resume, Stop};
use crate::run::StepStatus::{Pending, Ready, Running, Skipped, Succeeded};
use crate::run::{HandOver, RunOutcome, RunPhase, WaitReason};

/// Leaves this step to the other run.
fn leave(step: u32) -> RunCommand {
    RunCommand::HandOver(Some(Box::new(HandOver {
        run_id: "next".into(),
        verb: "insert".into(),
        step: "new".into(),
        held: vec![format!("s{step}").into()],
    })))
}

/// Step 1 waits for 0, 2 for 1, and 4 for 3.
fn world() -> World {
    let steps = vec![
        after(&[]),
        after(&[0]),
        after(&[1]),
        after(&[]),
        after(&[3]),
    ];
    let frame = Frame {
        asks: true,
        ..Frame::default()
    };
    World::new(steps, frame)
}

#[test]
fn what_the_edit_is_about_is_held_and_the_rest_goes_on() {
    let mut world = world();
    world.command(leave(1));
    assert_eq!(
        world.statuses(),
        [Running, Pending, Pending, Running, Pending]
    );
    world.end(0, End::Well);
    assert_eq!(world.status(1), Ready);
    let waiting = world.state.steps[1].waiting;
    assert_eq!(waiting, Some(WaitReason::HandOver));
    world.end(3, End::Well);
    assert_eq!(
        world.running(),
        [4],
        "what has nothing to do with it starts"
    );
    assert_eq!(world.state.phase, RunPhase::Running);
    world.end(4, End::Well);
    assert_eq!(
        world.statuses(),
        [Succeeded, Skipped, Skipped, Succeeded, Succeeded]
    );
    assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Cancelled));
    let to = world.state.hand_over.as_ref();
    assert_eq!(to.map(|to| &*to.run_id), Some("next"));
}

#[test]
fn a_paused_run_hands_over_as_soon_as_nothing_is_running() {
    let mut world = world();
    world.command(leave(1));
    world.command(Pause);
    world.end(0, End::Well);
    world.command(RunCommand::StepOnce(Some(StepIx(1))));
    assert_eq!(world.running(), [3], "it is left to the other run");
    world.end(3, End::Well);
    assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Cancelled));
    assert!(world.state.was_paused && world.state.hand_over.is_some());
}

#[test]
fn taken_back_it_holds_nothing() {
    let mut world = world();
    world.command(leave(1));
    world.end(0, End::Well);
    world.command(RunCommand::HandOver(None));
    assert_eq!(world.running(), [1, 3]);
    assert_eq!(world.state.hand_over, None);
}

#[test]
fn a_run_that_ends_for_another_reason_hands_nothing_over() {
    let mut world = world();
    world.command(leave(1));
    world.command(Resume);
    world.command(Stop);
    world.end(0, End::Well);
    world.end(3, End::Well);
    assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Cancelled));
    assert_eq!(world.state.hand_over, None);
}

#[test]
fn what_is_running_of_it_ends_first() {
    let mut world = world();
    world.command(leave(0));
    assert_eq!(world.running(), [0, 3]);
    world.end(3, End::Well);
    world.end(4, End::Well);
    assert_eq!(world.state.phase, RunPhase::Running);
    world.end(0, End::Passing);
    let ended = RunPhase::Ended(RunOutcome::Cancelled);
    assert_eq!(world.state.phase, ended, "it is not tried again");
}
