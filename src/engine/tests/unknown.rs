//! Steps that were running when an earlier run's process died, with a user there to ask.

use super::world::{Answer, End, Frame, Sketch, World, after};
use crate::plan::StepIx;
use crate::run::RunCommand::{Pause, Resume, Retry, RetryFailed, SetOutput, Skip, Stop};
use crate::run::StepStatus::{Pending, Running, Skipped, Succeeded, Unknown};
use crate::run::{RunOutcome, RunPhase, SkipReason, StepSource};
use crate::units::Micros;
use serde_json::json;
use std::sync::Arc;

/// Step 0 is unknown, 1 waits for it, and 2 is apart.
fn world(asks: bool) -> World {
    let unknown = Sketch {
        answer: Answer::Unknown,
        ..after(&[])
    };
    let frame = Frame {
        asks,
        ..Frame::default()
    };
    World::new(vec![unknown, after(&[0]), after(&[])], frame)
}

fn row(at: u32) -> StepIx {
    StepIx(at)
}

#[test]
fn the_run_waits_for_the_answer_and_its_clock_stands_still() {
    let mut world = world(true);
    assert_eq!(world.statuses(), [Unknown, Pending, Running]);
    assert!(!world.state.waits_for_user(), "something is running");
    world.wait(40);
    world.end(2, End::Well);
    assert_eq!(world.statuses(), [Unknown, Pending, Succeeded]);
    assert_eq!(world.state.phase, RunPhase::Running);
    assert!(world.state.waits_for_user());
    world.wait(60_000);
    world.command(SetOutput(row(0), Arc::new(json!("seen"))));
    assert_eq!(world.statuses(), [Succeeded, Running, Succeeded]);
    assert_eq!(world.state.steps[0].source, Some(StepSource::Mock));
    assert_eq!(
        world.state.steps[1].attempts[0].input,
        json!(["seen"]),
        "what depends on it sees the output"
    );
    world.wait(10);
    world.end(1, End::Well);
    assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Succeeded));
    assert_eq!(world.state.wall(world.now), Micros(50_000));
}

#[test]
fn it_runs_again_only_where_a_person_says_so_of_it() {
    let mut world = world(true);
    world.end(2, End::Well);
    world.command(RetryFailed);
    assert_eq!(world.status(0), Unknown);
    world.command(Retry(row(0)));
    assert_eq!(world.statuses(), [Running, Pending, Succeeded]);
    world.end(0, End::Well);
    world.end(1, End::Well);
    assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Succeeded));
}

#[test]
fn skipped_it_takes_along_what_depends_on_it() {
    let mut world = world(true);
    world.end(2, End::Well);
    world.command(Skip(row(0)));
    assert_eq!(world.statuses(), [Skipped, Skipped, Succeeded]);
    assert_eq!(world.state.steps[0].reason, Some(SkipReason::User));
    assert_eq!(world.state.steps[1].reason, Some(SkipReason::Upstream));
    assert!(world.state.steps[0].error.is_none());
    assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Succeeded));
}

#[test]
fn a_run_that_is_stopped_leaves_it_unknown_and_can_be_taken_up_again() {
    let answers = [
        (Skip(row(0)), Skipped),
        (SetOutput(row(0), Arc::new(json!(1))), Succeeded),
        (Retry(row(0)), Succeeded),
    ];
    for (answer, then) in answers {
        let mut world = world(true);
        world.end(2, End::Well);
        world.command(Stop);
        assert_eq!(world.statuses(), [Unknown, Skipped, Succeeded]);
        assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Cancelled));
        assert!(world.state.error.is_some(), "it says what is unknown");
        world.command(answer.clone());
        world.finish();
        assert_eq!(world.status(0), then, "{answer:?}");
        let rest = if then == Skipped { Skipped } else { Succeeded };
        assert_eq!(world.status(1), rest, "{answer:?}");
        assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Succeeded));
    }
}

#[test]
fn with_no_user_to_ask_it_ends_at_once() {
    let mut world = world(false);
    assert_eq!(world.statuses(), [Unknown, Skipped, Running]);
    world.end(2, End::Well);
    assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Failed));
}

#[test]
fn an_answer_counts_in_a_paused_run_too() {
    let mut world = world(true);
    world.command(Pause);
    world.end(2, End::Well);
    world.command(Retry(row(0)));
    assert_eq!(world.running(), Vec::<u32>::new());
    world.command(Resume);
    assert_eq!(world.running(), [0]);
    world.finish();
    assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Succeeded));
}

/// Step 0 is called, may be tried three times and turns out to be unknown; 1 waits for it.
fn lost_call(asks: bool) -> World {
    let called = Sketch {
        attempts: 3,
        bound: 4,
        ..after(&[])
    };
    let frame = Frame {
        asks,
        ..Frame::default()
    };
    let mut world = World::new(vec![called, after(&[0])], frame);
    world.wait(10);
    world.end(0, End::Unknown);
    world
}

#[test]
fn a_call_whose_end_nobody_knows_is_not_tried_again_by_itself() {
    let world = lost_call(false);
    assert_eq!(world.statuses(), [Unknown, Skipped]);
    assert_eq!(world.state.steps[0].attempts.len(), 1);
    assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Failed));
    assert_eq!(world.state.spent.pico(), 4, "it may have been billed");
}

#[test]
fn the_user_decides_about_a_call_whose_end_nobody_knows() {
    let answers = [
        (Retry(row(0)), 2, Succeeded),
        (SetOutput(row(0), Arc::new(json!("seen"))), 1, Succeeded),
        (Skip(row(0)), 1, Skipped),
    ];
    for (answer, attempts, then) in answers {
        let mut world = lost_call(true);
        assert_eq!(world.statuses(), [Unknown, Pending]);
        assert!(world.state.waits_for_user());
        world.command(answer.clone());
        world.finish();
        assert_eq!(world.statuses(), [then, then], "{answer:?}");
        assert_eq!(world.state.steps[0].attempts.len(), attempts, "{answer:?}");
        assert_eq!(world.state.phase, RunPhase::Ended(RunOutcome::Succeeded));
    }
}

#[test]
fn an_element_can_be_unknown() {
    for answer in [
        Retry(row(2)),
        Skip(row(2)),
        SetOutput(row(2), Arc::default()),
    ] {
        let list = Sketch {
            lists: vec![2],
            answer: Answer::Unknown,
            ..after(&[])
        };
        let frame = Frame {
            asks: true,
            ..Frame::default()
        };
        let mut world = World::new(vec![list, after(&[0])], frame);
        assert_eq!(world.statuses(), [Running, Pending, Unknown, Unknown]);
        assert!(!world.scheduler.has_ended());
        world.command(answer.clone());
        assert_eq!(world.status(3), Unknown, "{answer:?}");
        world.finish();
        assert_eq!(world.status(0), Succeeded, "{answer:?}");
    }
}
