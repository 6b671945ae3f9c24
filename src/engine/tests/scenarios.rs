//! Small stories, each about one rule that a random script found broken, or that is easy to break.

use super::world::{Answer, End, Frame, Sketch, World, after, approve};
use crate::plan::{StepIx, Trigger};
use crate::run::RunCommand::{
    Pause, Resume, Retry, RetryFailed, SetInput, SetOutput, Skip, StepOnce, Stop,
};
use crate::run::StepStatus::{Cancelled, Failed, Pending, Ready, Running, Skipped, Succeeded};
use crate::run::{
    BreakWhen, Breakpoint, ErrorKind, EventKind, HeldAt, Limit, Rate, Rates, RunCommand,
    RunOutcome, RunPhase, SkipReason, WaitReason,
};
use crate::units::Micros;
use serde_json::json;
use std::sync::Arc;

fn open() -> Frame {
    Frame::default()
}

fn slots(slots: u32) -> Frame {
    Frame {
        slots: Some(slots),
        ..open()
    }
}

/// A run with a user.
fn asking() -> Frame {
    Frame {
        asks: true,
        ..open()
    }
}

fn break_at(at: u32, when: BreakWhen) -> RunCommand {
    let step = format!("s{at}").into();
    RunCommand::Breakpoint(Breakpoint { step, when }, true)
}

fn paused() -> Frame {
    Frame {
        paused: true,
        ..open()
    }
}

fn each(length: usize) -> Sketch {
    Sketch {
        lists: vec![length],
        ..after(&[])
    }
}

fn with(mut sketch: Sketch, change: impl FnOnce(&mut Sketch)) -> Sketch {
    change(&mut sketch);
    sketch
}

fn row(at: u32) -> StepIx {
    StepIx(at)
}

fn outcome(world: &World) -> RunOutcome {
    match world.state.phase {
        RunPhase::Ended(outcome) => outcome,
        other => panic!("the run is {other:?}"),
    }
}

// Pause, stepping, breakpoints

#[test]
fn stepping_to_what_is_not_ready_starts_nothing_else() {
    let mut world = World::new(vec![after(&[]), after(&[0])], paused());
    world.command(StepOnce(Some(row(1))));
    assert_eq!(world.statuses(), [Ready, Pending]);
    world.command(StepOnce(Some(row(9))));
    assert_eq!(world.statuses(), [Ready, Pending]);
}

#[test]
fn a_permit_that_no_slot_was_free_for_is_gone() {
    let mut world = World::new(vec![after(&[]), after(&[])], slots(1));
    world.command(Pause);
    world.command(StepOnce(None));
    world.end(0, End::Well);
    assert_eq!(world.statuses(), [Succeeded, Ready]);
}

#[test]
fn what_is_stepped_to_goes_before_a_step_that_waits_to_be_alone() {
    let alone = with(after(&[]), |sketch| sketch.sequential = true);
    let mut world = World::new(vec![after(&[]), alone, after(&[0])], open());
    world.command(Pause);
    world.end(0, End::Well);
    world.command(StepOnce(Some(row(2))));
    assert_eq!(world.running(), [2]);
    world.command(Resume);
    assert_eq!(world.running(), [2], "it waits to be alone");
    world.end(2, End::Well);
    assert_eq!(world.running(), [1]);
}

#[test]
fn a_pause_holds_what_is_still_being_prepared() {
    let mut world = World::unprepared(vec![after(&[])], open());
    world.send(Pause);
    world.work(usize::MAX);
    assert_eq!(world.statuses(), [Ready]);
    world.command(Resume);
    assert_eq!(world.running(), [0]);
}

#[test]
fn another_input_is_used_from_the_next_call_on_until_it_is_taken_back() {
    let given = || Some(Arc::new(json!("given")));
    let input = |world: &World, at: usize| {
        let attempt = world.state.steps[at].last_attempt().unwrap();
        attempt.input.clone()
    };
    let mut world = World::new(vec![after(&[]), after(&[0]), after(&[1])], open());
    world.command(SetInput(row(0), given()));
    assert_eq!(world.state.steps[0].given, None, "not under its call");
    world.command(SetInput(row(1), given()));
    world.end(0, End::Well);
    assert_eq!(input(&world, 1), json!("given"));
    world.end(1, End::Well);
    world.end(2, End::Well);
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
    // A step that has ended runs again, with what depends on it.
    world.command(SetInput(row(1), Some(Arc::new(json!("other")))));
    assert_eq!(world.statuses(), [Succeeded, Running, Pending]);
    assert_eq!(input(&world, 1), json!("other"));
    world.end(1, End::Well);
    world.end(2, End::Well);
    world.command(Retry(row(0)));
    world.end(0, End::Well);
    assert_eq!(input(&world, 1), json!("other"), "it stays");
    world.end(1, End::Well);
    world.end(2, End::Well);
    world.command(SetInput(row(1), None));
    assert_ne!(input(&world, 1), json!("other"), "it is as the plan has it");
    assert_eq!(world.state.steps[1].given, None);
}

#[test]
fn another_input_is_for_an_element_and_not_for_its_list() {
    let mut world = World::new(vec![each(2), after(&[0])], open());
    world.command(SetInput(row(0), Some(Arc::new(json!("given")))));
    assert!(world.state.steps.iter().all(|row| row.given.is_none()));
    world.end(2, End::Well);
    world.end(3, End::Well);
    world.end(1, End::Well);
    world.command(SetInput(row(0), Some(Arc::new(json!("given")))));
    assert_eq!(outcome(&world), RunOutcome::Succeeded, "it is as it was");
    world.command(SetInput(row(3), Some(Arc::new(json!("given")))));
    assert_eq!(world.running(), [3]);
    let attempt = world.state.steps[3].last_attempt().unwrap();
    assert_eq!(attempt.input, json!("given"));
    assert_eq!(world.state.steps[2].status, Succeeded);
}

#[test]
fn a_breakpoint_is_passed_once_and_kept() {
    let mut world = World::new(vec![after(&[]), after(&[0])], asking());
    world.command(break_at(1, BreakWhen::Before));
    world.end(0, End::Well);
    assert_eq!(world.state.phase, RunPhase::Paused);
    world.command(Resume);
    assert_eq!(world.running(), [1]);
    world.end(1, End::Well);
    world.command(Retry(row(1)));
    assert_eq!(world.state.phase, RunPhase::Paused, "it holds again");
    assert_eq!(world.statuses(), [Succeeded, Ready]);
    world.command(StepOnce(None));
    assert_eq!(world.running(), [1], "and is stepped over");
    world.end(1, End::Well);
}

#[test]
fn a_breakpoint_holds_the_next_try_too() {
    let flaky = with(after(&[]), |sketch| sketch.attempts = 3);
    let mut world = World::new(vec![flaky], asking());
    world.command(break_at(0, BreakWhen::Before));
    world.end(0, End::Passing);
    world.tick();
    world.work(usize::MAX);
    assert_eq!(world.state.phase, RunPhase::Paused);
    assert_eq!(world.statuses(), [Running], "between two attempts");
    world.finish();
}

#[test]
fn what_follows_from_a_failure_waits_at_its_breakpoint() {
    let mut world = World::new(vec![after(&[]), after(&[0]), after(&[])], asking());
    world.command(break_at(0, BreakWhen::Failure));
    world.end(0, End::Badly);
    assert_eq!(world.state.phase, RunPhase::Paused);
    assert_eq!(
        world.statuses(),
        [Failed, Pending, Running],
        "nothing is skipped yet"
    );
    let held = &world.state.held_steps;
    assert_eq!(
        (held.len(), held[0].step, held[0].at),
        (1, row(0), HeldAt::Failure)
    );
    // Run again it never failed for what depends on it.
    world.command(Retry(row(0)));
    assert!(world.state.held_steps.is_empty());
    world.command(Resume);
    world.end(0, End::Well);
    assert_eq!(world.running(), [1, 2]);
    world.finish();
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
}

#[test]
fn the_end_of_the_last_step_is_held_too() {
    let mut world = World::new(vec![after(&[])], asking());
    world.command(break_at(0, BreakWhen::After));
    world.end(0, End::Well);
    assert_eq!(world.state.phase, RunPhase::Paused);
    world.command(Resume);
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
}

#[test]
fn a_held_element_runs_again_before_its_step_knows_that_it_failed() {
    let mut world = World::new(vec![each(2), after(&[0])], asking());
    world.command(RunCommand::Breakpoint(
        Breakpoint {
            step: "s0[1]".into(),
            when: BreakWhen::Failure,
        },
        true,
    ));
    world.end(2, End::Well);
    world.end(3, End::Badly);
    assert_eq!(world.statuses(), [Running, Pending, Succeeded, Failed]);
    world.command(Retry(row(3)));
    world.command(Resume);
    world.end(3, End::Well);
    assert_eq!(world.statuses(), [Succeeded, Running, Succeeded, Succeeded]);
    world.finish();
}

#[test]
fn a_step_that_was_let_start_is_held_by_the_next_pause_once_the_run_was_resumed() {
    let mut world = World::new(vec![after(&[]), after(&[])], paused());
    world.send(StepOnce(None));
    world.send(Resume);
    world.send(Pause);
    world.work(usize::MAX);
    assert_eq!(world.running(), Vec::<u32>::new(), "it was not called yet");
    world.command(Resume);
    assert_eq!(world.running(), [0, 1]);
    world.finish();
}

fn run_to(id: &str) -> RunCommand {
    RunCommand::RunTo(id.into())
}

#[test]
fn the_run_goes_to_a_step_and_calls_only_what_that_needs() {
    let plan = vec![
        after(&[]),
        after(&[]),
        after(&[0]),
        after(&[1]),
        after(&[2]),
    ];
    let mut world = World::new(
        plan,
        Frame {
            paused: true,
            ..asking()
        },
    );
    world.command(run_to("s2"));
    assert_eq!(world.running(), [0], "the other branch stands aside");
    assert_eq!(world.state.target.as_deref(), Some("s2"));
    world.end(0, End::Well);
    assert_eq!(world.state.phase, RunPhase::Paused);
    assert_eq!(
        world.statuses(),
        [Succeeded, Ready, Ready, Pending, Pending]
    );
    let held = &world.state.held_steps[0];
    assert_eq!((held.step, held.at), (row(2), HeldAt::Target));
    assert_eq!(world.state.target, None);
    world.command(Resume);
    assert_eq!(world.running(), [1, 2], "what stood aside goes on too");
    world.finish();
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
}

#[test]
fn going_to_a_step_that_cannot_start_says_so() {
    let mut world = World::new(vec![after(&[]), after(&[]), after(&[0])], asking());
    world.command(RunCommand::Pause);
    world.end(0, End::Badly);
    world.end(1, End::Well);
    // What failed on the way runs again.
    world.command(run_to("s2"));
    assert_eq!(world.running(), [0]);
    world.end(0, End::Badly);
    assert!(world.state.has_ended(), "nothing is left");
    let mut world = World::new(vec![after(&[]), after(&[]), after(&[0])], asking());
    world.command(run_to("s2"));
    assert_eq!(world.running(), [0, 1], "what is running ends");
    world.command(RunCommand::Skip(row(2)));
    world.end(0, End::Well);
    world.end(1, End::Well);
    assert!(world.state.has_ended());
}

#[test]
fn an_end_is_taken_back_to_be_before_it_again() {
    let mut world = World::new(vec![after(&[]), after(&[0]), after(&[1])], asking());
    world.finish();
    world.command(run_to("s1"));
    assert_eq!(world.statuses(), [Succeeded, Ready, Pending]);
    assert_eq!(world.state.phase, RunPhase::Paused);
    assert!(world.running().is_empty(), "nothing is paid for");
    world.command(StepOnce(None));
    assert_eq!(world.running(), [1]);
    world.finish();
}

#[test]
fn one_element_of_a_list_is_gone_to_alone() {
    let mut world = World::new(
        vec![after(&[]), with(after(&[0]), |s| s.lists = vec![3])],
        asking(),
    );
    world.command(run_to("s1[1]"));
    world.end(0, End::Well);
    assert_eq!(world.state.phase, RunPhase::Paused);
    let held = &world.state.held_steps[0];
    assert_eq!((held.step, held.at), (row(3), HeldAt::Target));
    assert!(world.running().is_empty());
    world.command(StepOnce(Some(row(3))));
    assert_eq!(world.running(), [3], "the others wait");
    world.finish();
}

#[test]
fn an_element_that_the_list_does_not_have_is_missed() {
    let lists = vec![after(&[]), with(after(&[0]), |s| s.lists = vec![2])];
    let mut world = World::new(lists.clone(), asking());
    world.command(run_to("s1[7]"));
    world.end(0, End::Well);
    assert_eq!(world.state.phase, RunPhase::Paused);
    let held = &world.state.held_steps[0];
    assert_eq!((held.step, held.at), (row(1), HeldAt::Missed));
    let why = held.why(&world.state);
    assert_eq!(why.as_deref(), Some("nothing that it needs goes on"));
    world.finish();
}

#[test]
fn without_a_user_the_rest_goes_on_and_the_run_ends_as_waiting() {
    let mut world = World::new(vec![after(&[]), after(&[0]), after(&[])], open());
    world.command(break_at(1, BreakWhen::Before));
    world.end(0, End::Well);
    assert_eq!(world.state.phase, RunPhase::Running);
    assert_eq!(world.statuses(), [Succeeded, Ready, Running]);
    world.end(2, End::Well);
    assert_eq!(outcome(&world), RunOutcome::Waiting);
    assert_eq!(world.statuses(), [Succeeded, Ready, Succeeded]);
}

#[test]
fn a_run_without_a_user_ends_also_where_the_breakpoint_that_holds_a_step_is_removed() {
    let mut world = World::new(vec![after(&[]), after(&[0]), after(&[])], open());
    world.command(break_at(1, BreakWhen::Before));
    world.end(0, End::Well);
    let RunCommand::Breakpoint(breakpoint, _) = break_at(1, BreakWhen::Before) else {
        unreachable!()
    };
    world.command(RunCommand::Breakpoint(breakpoint, false));
    assert_eq!(
        world.statuses(),
        [Succeeded, Ready, Running],
        "it stays held"
    );
    world.end(2, End::Well);
    assert_eq!(outcome(&world), RunOutcome::Waiting);
}

#[test]
fn a_run_that_stops_at_its_first_failure_stops_after_the_breakpoint() {
    let frame = Frame {
        fail_fast: true,
        ..asking()
    };
    let mut world = World::new(vec![after(&[]), after(&[])], frame);
    world.command(break_at(0, BreakWhen::Failure));
    world.end(0, End::Badly);
    assert_eq!(world.statuses(), [Failed, Running]);
    world.command(Resume);
    assert_eq!(world.state.phase, RunPhase::Stopping);
    world.end(1, End::Badly);
    assert_eq!(outcome(&world), RunOutcome::Failed);
}

#[test]
fn a_call_is_approved_once_and_its_retries_with_it() {
    let asks = with(after(&[]), |sketch| {
        (sketch.approve, sketch.attempts) = (true, 2);
    });
    let mut world = World::new(vec![asks], asking());
    assert_eq!(world.statuses(), [Ready]);
    assert!(world.scheduler.waits_for_user());
    world.command(approve(row(0), true));
    assert_eq!(world.running(), [0]);
    world.end(0, End::Passing);
    world.tick();
    world.work(usize::MAX);
    assert_eq!(world.running(), [0], "the same call is made once more");
    world.end(0, End::Well);
    world.command(Retry(row(0)));
    assert!(world.running().is_empty(), "run again it asks again");
    world.command(approve(row(0), false));
    assert_eq!(world.statuses(), [Skipped]);
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
}

#[test]
fn a_run_that_ended_as_waiting_continues_with_an_answer() {
    let asks = with(after(&[]), |sketch| sketch.approve = true);
    let mut world = World::new(vec![asks, after(&[0])], open());
    assert_eq!(outcome(&world), RunOutcome::Waiting);
    world.command(approve(row(0), true));
    world.finish();
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
}

// Retrying, skipping, supplying

#[test]
fn what_is_being_prepared_is_not_called_when_a_dependency_runs_again() {
    let mut world = World::unprepared(vec![after(&[]), after(&[0])], open());
    world.work(usize::MAX);
    world.end_with(0, End::Well, 0);
    // The preparation of 1 is asked for and not answered.
    world.send(Retry(row(0)));
    world.work(usize::MAX);
    assert_eq!(world.statuses(), [Running, Pending]);
    world.finish();
}

#[test]
fn a_running_dependent_begins_again() {
    let one = with(after(&[0, 1]), |sketch| {
        sketch.trigger = Trigger::OneSuccess;
    });
    let mut world = World::new(vec![after(&[]), after(&[]), one], open());
    world.end(0, End::Well);
    world.command(Retry(row(0)));
    assert!(world.running[&row(2)].cancelled);
    world.end(2, End::Well);
    assert_eq!(world.statuses(), [Running, Running, Pending]);
    world.end(1, End::Well);
    assert_eq!(world.running(), [0, 2]);
}

#[test]
fn what_was_to_begin_again_is_cancelled_by_a_stop() {
    let one = with(after(&[0, 1]), |sketch| {
        sketch.trigger = Trigger::OneSuccess;
    });
    let mut world = World::new(vec![after(&[]), after(&[]), one], open());
    world.end(0, End::Well);
    world.command(Retry(row(0)));
    world.command(Stop);
    for at in 0..3 {
        world.end(at, End::Well);
    }
    // Its output was made from one that was taken back.
    assert_eq!(world.statuses(), [Succeeded, Succeeded, Cancelled]);
    assert_eq!(outcome(&world), RunOutcome::Cancelled);
}

#[test]
fn a_stop_ends_a_step_whose_next_try_is_being_prepared() {
    let flaky = with(after(&[]), |sketch| sketch.attempts = 2);
    let mut world = World::new(vec![flaky], open());
    world.end(0, End::Passing);
    world.tick();
    world.send(Stop);
    world.work(usize::MAX);
    assert_eq!(world.statuses(), [Cancelled]);
    assert!(world.scheduler.has_ended());
}

#[test]
fn what_a_person_decided_stays_when_something_above_runs_again() {
    let mut world = World::new(
        vec![after(&[]), after(&[0]), after(&[1]), after(&[0])],
        open(),
    );
    world.command(SetOutput(row(1), Arc::new(json!("given"))));
    world.command(Skip(row(3)));
    world.finish();
    world.command(Retry(row(0)));
    assert_eq!(world.statuses(), [Running, Succeeded, Succeeded, Skipped]);
    world.finish();
    world.command(Retry(row(1)));
    assert_eq!(
        world.statuses(),
        [Succeeded, Running, Pending, Skipped],
        "until it is retried itself"
    );
    world.finish();
}

#[test]
fn a_new_output_runs_again_what_was_made_from_the_old_one() {
    let mut world = World::new(vec![after(&[]), after(&[0]), after(&[])], open());
    world.finish();
    world.command(SetOutput(row(0), Arc::new(json!(7))));
    assert_eq!(world.running(), [1]);
    world.finish();
    assert_eq!(world.state.steps[2].attempts.len(), 1);
    assert_eq!(world.state.steps[1].attempts[1].input, json!([7]));
}

#[test]
fn a_run_of_which_a_part_stays_cancelled_did_not_succeed() {
    let mut world = World::new(vec![after(&[]), after(&[])], open());
    world.command(Stop);
    world.end(0, End::Badly);
    world.end(1, End::Badly);
    world.command(Retry(row(0)));
    world.end(0, End::Well);
    assert_eq!(world.statuses(), [Succeeded, Cancelled]);
    assert_eq!(outcome(&world), RunOutcome::Cancelled);
    world.command(RetryFailed);
    world.finish();
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
}

#[test]
fn a_step_skipped_because_of_a_failure_names_it_again_when_it_is_retried() {
    let mut world = World::new(vec![after(&[]), after(&[0])], open());
    world.end(0, End::Badly);
    world.command(Retry(row(1)));
    assert_eq!(world.statuses(), [Failed, Skipped]);
    assert_eq!(world.state.steps[1].because.as_deref(), Some("s0"));
}

#[test]
fn a_failure_above_is_seen_by_whatever_way_it_comes() {
    let none_failed = with(after(&[0, 3]), |sketch| {
        sketch.trigger = Trigger::NoneFailed;
    });
    let bad = with(after(&[]), |sketch| sketch.answer = Answer::Impossible);
    let sketches = vec![after(&[]), bad, after(&[1]), after(&[0, 2]), none_failed];
    let frame = Frame {
        fail_fast: true,
        ..open()
    };
    let mut world = World::new(sketches, frame);
    world.command(Retry(row(2)));
    assert_eq!(world.status(4), Skipped);
}

// for_each

#[test]
fn elements_fill_the_slots_of_a_plan_with_one_step() {
    let world = World::new(vec![each(10)], slots(5));
    assert_eq!(world.running().len(), 5);
    assert_eq!(world.state.slots(), 5);
    assert_eq!(&*world.state.steps[3].info.id, "s0[2]");
}

#[test]
fn a_running_list_step_begins_again_when_a_dependency_runs_again() {
    let list = Sketch {
        lists: vec![3, 2],
        ..after(&[0])
    };
    let mut world = World::new(vec![after(&[]), list], slots(2));
    world.end(0, End::Well);
    world.end(2, End::Well);
    world.command(Retry(row(0)));
    assert_eq!(world.status(1), Running, "until its calls have ended");
    world.end(3, End::Well);
    assert_eq!(world.running(), [0, 4]);
    world.end(4, End::Well);
    assert_eq!(world.statuses()[..2], [Running, Pending]);
    assert!(world.state.steps[1].elements().is_empty());
    world.finish();
    assert_eq!(world.state.steps[1].elements().len(), 2);
    let output = world.state.steps[1].output.as_deref().unwrap();
    assert_eq!(output.as_array().unwrap().len(), 2);
}

#[test]
fn an_element_is_retried_alone() {
    let mut world = World::new(vec![each(3), after(&[0])], open());
    world.end(2, End::Well);
    world.end(3, End::Badly);
    world.end(4, End::Well);
    assert_eq!(
        world.statuses(),
        [Failed, Skipped, Succeeded, Failed, Succeeded]
    );
    world.command(Retry(row(3)));
    assert_eq!(
        world.statuses(),
        [Running, Pending, Succeeded, Running, Succeeded]
    );
    assert_eq!(world.state.steps[0].elements().len(), 3);
    world.finish();
    assert_eq!(world.state.steps[2].attempts.len(), 1);
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
}

#[test]
fn an_element_left_over_from_before_cannot_be_retried() {
    let list = Sketch {
        lists: vec![2, 1],
        ..after(&[0])
    };
    let mut world = World::new(vec![after(&[]), list], open());
    world.finish();
    world.command(Retry(row(0)));
    world.command(Retry(row(2)));
    assert_eq!(world.running(), [0], "its list is not known yet");
    world.finish();
    world.command(Retry(row(3)));
    assert!(world.scheduler.has_ended(), "the list has one element now");
}

#[test]
fn a_list_step_above_which_something_failed_too_is_retried_as_a_whole() {
    let list = Sketch {
        trigger: Trigger::AllDone,
        ..with(each(2), |sketch| sketch.depends_on = vec![0])
    };
    let mut world = World::new(vec![after(&[]), list], open());
    world.end(0, End::Badly);
    world.end(2, End::Badly);
    world.end(3, End::Well);
    world.command(RetryFailed);
    assert_eq!(world.running(), [0]);
    assert_eq!(world.status(1), Pending);
    world.finish();
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
}

#[test]
fn a_list_step_whose_elements_all_ended_well_in_time_succeeds_in_a_stopped_run() {
    let mut world = World::new(vec![each(2), after(&[])], open());
    world.command(Stop);
    world.end(2, End::Well);
    world.end(3, End::Well);
    assert_eq!(world.status(0), Succeeded);
    world.end(1, End::Badly);
}

#[test]
fn a_stop_while_a_list_step_goes_back_leaves_nothing_pending() {
    let list = with(each(3), |sketch| sketch.depends_on = vec![0]);
    let mut world = World::new(vec![after(&[]), list], slots(1));
    world.end(0, End::Well);
    world.command(Retry(row(0)));
    world.command(Stop);
    world.end(2, End::Well);
    assert!(world.scheduler.has_ended());
    assert!(world.statuses().iter().all(|status| status.has_ended()));
}

#[test]
fn an_element_continues_by_itself_only_while_its_step_may_run() {
    let list = with(each(2), |sketch| sketch.depends_on = vec![0]);
    let stopped = || {
        let mut world = World::new(vec![after(&[]), list.clone()], open());
        world.end(0, End::Well);
        world.end(2, End::Badly);
        // What the list was made from is taken back, and then the run is stopped.
        world.command(Retry(row(0)));
        world.command(Stop);
        for at in world.running() {
            world.end(at, End::Badly);
        }
        assert_eq!(world.statuses()[..2], [Cancelled, Cancelled]);
        world
    };
    let mut world = stopped();
    world.command(SetOutput(row(3), Arc::new(json!(1))));
    assert!(world.scheduler.has_ended());
    world.command(Retry(row(2)));
    assert_eq!(world.statuses()[..2], [Cancelled, Skipped]);
    let mut world = stopped();
    world.command(RetryFailed);
    world.finish();
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
}

#[test]
fn an_empty_list_is_an_empty_output() {
    let mut world = World::new(vec![each(0), after(&[0])], open());
    world.end(1, End::Well);
    assert_eq!(world.state.steps[1].attempts[0].input, json!([[]]));
}

// Rates

/// A frame in which one name has this rate.
fn rated(rate: Rate) -> Frame {
    Frame {
        rates: Rates([("model".into(), rate)].into()),
        ..open()
    }
}

fn one_at_a_time() -> Rate {
    Rate {
        max_concurrent: Some(1),
        ..Rate::default()
    }
}

fn drawing(sketch: Sketch) -> Sketch {
    with(sketch, |sketch| sketch.draws = vec![0])
}

#[test]
fn a_step_that_was_let_go_and_then_skipped_does_not_keep_the_next_waiting() {
    let sketches = (0..3).map(|_| drawing(after(&[]))).collect();
    let mut world = World::new(sketches, rated(one_at_a_time()));
    assert_eq!(world.running(), [0]);
    world.command(Pause);
    // The place is free now, and step 1 is asked to try as soon as the run resumes.
    world.end(0, End::Well);
    world.command(Skip(row(1)));
    world.command(Resume);
    assert_eq!(world.running(), [2]);
}

#[test]
fn a_step_that_money_holds_leaves_its_place_in_the_line_to_the_next() {
    let costing = |bound| with(drawing(after(&[])), |sketch| sketch.bound = bound);
    let frame = Frame {
        budget: Some(10),
        ..rated(one_at_a_time())
    };
    let mut world = World::new(vec![costing(6), costing(9), costing(3)], frame);
    world.end(0, End::Well);
    assert_eq!(world.state.steps[1].waiting, Some(WaitReason::Budget));
    assert_eq!(world.running(), [2]);
    world.end(2, End::Well);
    assert_eq!(outcome(&world), RunOutcome::LimitExceeded);
}

#[test]
fn elements_wait_for_the_rate_of_their_step_and_say_for_which_until_when() {
    let two = Rate {
        requests_per_minute: Some(2),
        ..Rate::default()
    };
    let mut world = World::new(vec![drawing(each(3))], rated(two));
    assert_eq!(world.running(), [1, 2]);
    let wait = world.state.steps[3].rate.as_deref().unwrap();
    assert_eq!(
        (&*wait.name, wait.until),
        ("model", Some(Micros(60_000_000)))
    );
    world.end(1, End::Well);
    world.end(2, End::Badly);
    // Its own retry counts as a start as well.
    world.command(Retry(row(2)));
    assert_eq!(world.status(2), Ready);
    assert!(world.tick());
    world.work(usize::MAX);
    assert_eq!(world.running(), [2, 3]);
    world.finish();
}

#[test]
fn nobody_waits_behind_an_element_whose_list_is_being_taken_back() {
    let four = Rate {
        tokens_per_minute: Some(4),
        ..Rate::default()
    };
    let taking = |tokens, sketch| with(drawing(sketch), |sketch| sketch.tokens = tokens);
    let list = Sketch {
        lists: vec![2],
        ..after(&[0])
    };
    let sketches = vec![
        after(&[]),
        taking(5, after(&[0])),
        taking(1, after(&[0])),
        taking(1, list),
        after(&[]),
    ];
    let frame = Frame {
        slots: Some(3),
        ..rated(four)
    };
    let mut world = World::new(sketches, frame);
    world.end(0, End::Well);
    world.end(1, End::Well);
    assert!(world.tick());
    world.work(usize::MAX);
    assert_eq!(world.running(), [2, 4, 5], "the second element has no slot");
    world.command(Retry(row(0)));
    world.wait(1_000);
    world.end(2, End::Well);
    world.end(0, End::Well);
    assert_eq!(world.running(), [4, 5]);
    let until = |at: usize| world.state.steps[at].rate.as_ref().unwrap().until;
    assert_eq!(until(1), Some(Micros(120_000_000)));
    assert_eq!(
        world.status(2),
        Ready,
        "it would have the first wait for longer"
    );
    world.finish();
}

#[test]
fn what_waits_for_a_rate_again_says_so_again() {
    let one = Rate {
        requests_per_minute: Some(1),
        ..Rate::default()
    };
    let alone = with(drawing(after(&[])), |sketch| sketch.sequential = true);
    let mut world = World::new(vec![drawing(after(&[])), alone, after(&[])], rated(one));
    world.end(0, End::Well);
    world.end(2, End::Well);
    assert_eq!(world.state.steps[1].waiting, Some(WaitReason::Rate));
    world.command(Retry(row(2)));
    assert!(world.tick());
    world.work(usize::MAX);
    assert_eq!(world.state.steps[1].waiting, Some(WaitReason::Exclusive));
    world.end(2, End::Well);
    assert_eq!(world.running(), [1]);
}

#[test]
fn stepping_to_a_step_that_a_rate_holds_does_not_pass_the_rate() {
    let sketches = (0..3).map(|_| drawing(after(&[]))).collect();
    let mut world = World::new(sketches, rated(one_at_a_time()));
    world.command(Pause);
    world.command(StepOnce(Some(row(2))));
    assert_eq!(world.running(), [0]);
    world.end(0, End::Well);
    world.command(StepOnce(Some(row(2))));
    assert_eq!(world.running(), [2], "but its turn");
    world.finish();
}

// Limits

#[test]
fn money_that_was_promised_to_a_skipped_step_goes_to_the_next() {
    let costing = |bound| with(after(&[]), |sketch| sketch.bound = bound);
    let frame = Frame {
        budget: Some(10),
        ..open()
    };
    let mut world = World::new(vec![costing(10), costing(6), costing(7)], frame);
    world.command(Pause);
    world.end_with(0, End::Well, 0);
    world.work(usize::MAX);
    world.command(Skip(row(1)));
    world.command(Resume);
    assert_eq!(world.running(), [2]);
    world.finish();
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
}

#[test]
fn a_bound_below_nothing_frees_no_money() {
    let odd = with(after(&[]), |sketch| sketch.bound = -5);
    let dear = with(after(&[0]), |sketch| sketch.bound = 8);
    let frame = Frame {
        budget: Some(5),
        ..open()
    };
    let mut world = World::new(vec![odd, dear], frame);
    world.end_with(0, End::Well, -5);
    world.work(usize::MAX);
    assert_eq!(world.state.exceeded, [Limit::MaxTotalCostUsd]);
}

#[test]
fn a_stop_by_a_first_failure_shows_as_one_even_when_paused() {
    let frame = Frame {
        fail_fast: true,
        ..open()
    };
    let mut world = World::new(vec![after(&[]), after(&[0]), after(&[])], frame);
    world.command(Pause);
    world.end(0, End::Badly);
    assert_eq!(world.state.phase, RunPhase::Stopping);
    assert_eq!(world.state.steps[1].reason, Some(SkipReason::Upstream));
    world.end(2, End::Badly);
    assert_eq!(outcome(&world), RunOutcome::Failed);
}

#[test]
fn the_failure_that_stopped_a_run_does_not_stop_it_again() {
    let frame = Frame {
        fail_fast: true,
        slots: Some(1),
        ..open()
    };
    let mut world = World::new(vec![each(2), after(&[])], frame);
    world.end(1, End::Well);
    world.end(2, End::Badly);
    assert_eq!(outcome(&world), RunOutcome::Failed);
    world.command(Retry(row(1)));
    assert_eq!(world.running(), [1]);
    world.finish();
}

#[test]
fn a_run_continued_after_its_time_ran_out_has_as_much_again() {
    let frame = Frame {
        timeout_ms: Some(100),
        ..open()
    };
    let mut world = World::new(vec![after(&[])], frame);
    assert!(world.tick());
    world.work(usize::MAX);
    world.end(0, End::Badly);
    assert_eq!(outcome(&world), RunOutcome::LimitExceeded);
    world.wait(60_000);
    world.command(Retry(row(0)));
    world.wait(99);
    assert_eq!(world.running(), [0]);
    world.tick();
    world.work(usize::MAX);
    assert_eq!(world.now, Micros(60_200_000));
    assert_eq!(world.state.exceeded, [Limit::TimeoutSeconds]);
    world.finish();
}

#[test]
fn a_deadline_that_passed_while_the_run_was_being_stopped_comes_back() {
    let frame = Frame {
        timeout_ms: Some(100),
        ..open()
    };
    let mut world = World::new(vec![after(&[])], frame);
    world.wait(50);
    world.command(Stop);
    world.tick();
    world.work(usize::MAX);
    world.end(0, End::Badly);
    world.command(Retry(row(0)));
    assert!(world.tick(), "the deadline is set again");
    world.work(usize::MAX);
    assert_eq!(world.state.exceeded, [Limit::TimeoutSeconds]);
    world.finish();
}

#[test]
fn time_does_not_count_while_a_pause_holds_everything() {
    let frame = Frame {
        timeout_ms: Some(100),
        ..paused()
    };
    let mut world = World::new(vec![after(&[])], frame);
    world.wait(10_000);
    world.tick();
    world.command(Resume);
    world.wait(99);
    assert_eq!(world.running(), [0]);
    assert!(world.state.exceeded.is_empty());
    world.tick();
    world.work(usize::MAX);
    assert_eq!(world.now, Micros(10_100_000));
    assert_eq!(world.state.exceeded, [Limit::TimeoutSeconds]);
    world.finish();
}

// The contract, sentence by sentence

#[test]
fn backoffs_double_with_full_jitter_up_to_a_minute() {
    let flaky = with(after(&[]), |sketch| sketch.attempts = 20);
    let mut longest = [Micros(0); 20];
    for seed in 0..200 {
        let mut world = World::seeded(vec![flaky.clone()], open(), seed);
        for wait in &mut longest {
            world.end(0, End::Passing);
            let Some((_, end)) = &world.state.steps[0].attempts.last().unwrap().end else {
                panic!("it has ended");
            };
            *wait = end.retry_in.unwrap_or_default().max(*wait);
            world.tick();
            world.work(usize::MAX);
        }
        assert_eq!(world.status(0), Failed);
        assert_eq!(world.state.steps[0].error.as_ref().unwrap().attempts, 20);
    }
    for (at, wait) in longest[..19].iter().enumerate() {
        let bound = (100_000u64 << at).min(60_000_000);
        assert!(
            wait.0 <= bound && wait.0 > bound / 10 * 9,
            "{at}: {wait:?} of {bound}"
        );
    }
    assert_eq!(longest[19], Micros(0), "no try is left");
}

#[test]
fn retry_after_overrides_the_backoff() {
    let flaky = with(after(&[]), |sketch| sketch.attempts = 2);
    let mut world = World::new(vec![flaky], open());
    world.end(0, End::ComeBack(120_000));
    assert_eq!(world.timers.first().unwrap().0, Micros(120_000_000));
    assert_eq!(world.statuses(), [Running]);
    world.finish();
    assert_eq!(world.now, Micros(120_001_000));
}

#[test]
fn what_is_not_worth_retrying_is_not_retried() {
    let flaky = with(after(&[]), |sketch| sketch.attempts = 5);
    let mut world = World::new(vec![flaky], open());
    world.end(0, End::Badly);
    assert_eq!(world.statuses(), [Failed]);
}

#[test]
fn a_failed_call_that_was_billed_counts() {
    let flaky = |bound| {
        with(after(&[]), |sketch| {
            sketch.attempts = 9;
            sketch.bound = bound;
        })
    };
    let frame = Frame {
        budget: Some(10),
        ..open()
    };
    let mut world = World::new(vec![flaky(4)], frame);
    for _ in 0..2 {
        world.end(0, End::Passing);
        world.tick();
        world.work(usize::MAX);
    }
    assert_eq!(world.state.exceeded, [Limit::MaxTotalCostUsd]);
    assert_eq!((world.state.calls, world.state.spent.pico()), (2, 8));
    assert_eq!(world.statuses(), [Cancelled], "it was between two attempts");
}

#[test]
fn a_dear_step_waits_for_the_others_to_settle() {
    let costing = |bound| with(after(&[]), |sketch| sketch.bound = bound);
    let frame = Frame {
        budget: Some(10),
        ..open()
    };
    let mut world = World::new(vec![costing(6), costing(8), costing(3)], frame);
    assert_eq!(world.running(), [0, 2]);
    world.end_with(0, End::Well, 1);
    world.work(usize::MAX);
    assert_eq!(world.running(), [2], "3 are reserved and 1 is spent");
    world.end_with(2, End::Well, 0);
    world.work(usize::MAX);
    assert_eq!(world.running(), [1]);
    world.finish();
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
}

#[test]
fn what_a_condition_skips_fails_nothing() {
    let unwanted = with(after(&[]), |sketch| sketch.answer = Answer::Unwanted);
    let trigger = |trigger| with(after(&[0]), |sketch| sketch.trigger = trigger);
    let sketches = vec![
        unwanted,
        trigger(Trigger::AllSuccess),
        trigger(Trigger::AllDone),
        trigger(Trigger::OneSuccess),
        trigger(Trigger::NoneFailed),
        with(after(&[1]), |sketch| sketch.trigger = Trigger::NoneFailed),
    ];
    let mut world = World::new(sketches, open());
    world.finish();
    let reasons: Vec<_> = world.state.steps.iter().map(|row| row.reason).collect();
    let upstream = Some(SkipReason::Upstream);
    assert_eq!(
        reasons,
        [
            Some(SkipReason::Condition),
            upstream,
            None,
            upstream,
            None,
            None
        ]
    );
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
}

#[test]
fn an_empty_plan_ends_at_once() {
    for frame in [open(), paused()] {
        let world = World::new(Vec::new(), frame);
        assert_eq!(outcome(&world), RunOutcome::Succeeded);
    }
}

#[test]
fn the_result_is_of_the_sinks() {
    let mut world = World::new(vec![after(&[]), after(&[0]), after(&[0])], open());
    world.finish();
    let Some(EventKind::RunEnded { result, .. }) = world.events.last().map(|event| &event.kind)
    else {
        panic!("it has ended");
    };
    let outputs = |at: usize| world.state.steps[at].output.as_deref().unwrap().clone();
    assert_eq!(**result, json!({"s1": outputs(1), "s2": outputs(2)}));
}

#[test]
fn as_many_calls_as_allowed_are_not_too_many() {
    let known = with(after(&[]), |sketch| sketch.answer = Answer::Known);
    let frame = Frame {
        calls: Some(2),
        ..open()
    };
    let mut world = World::new(vec![after(&[]), after(&[0]), known], frame);
    world.finish();
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
    assert_eq!(world.state.calls, 2);
    world.command(Retry(row(1)));
    assert_eq!(outcome(&world), RunOutcome::LimitExceeded);
    assert_eq!(world.state.exceeded, [Limit::MaxToolCalls]);
    assert_eq!(world.state.steps[1].reason, Some(SkipReason::Limit));
}

#[test]
fn what_costs_nothing_runs_with_no_money_left() {
    let dear = with(after(&[]), |sketch| sketch.bound = 5);
    let frame = Frame {
        budget: Some(5),
        ..open()
    };
    let mut world = World::new(vec![dear, after(&[0])], frame);
    world.finish();
    assert_eq!(outcome(&world), RunOutcome::Succeeded);
    assert_eq!(world.state.spent.pico(), 5);
}

#[test]
fn a_call_dearer_than_its_bound_is_counted_as_it_is() {
    let costing = |bound| with(after(&[]), |sketch| sketch.bound = bound);
    let frame = Frame {
        budget: Some(10),
        slots: Some(1),
        ..open()
    };
    let mut world = World::new(vec![costing(4), costing(4)], frame);
    world.end_with(0, End::Well, 50);
    world.work(usize::MAX);
    assert_eq!(world.state.spent.pico(), 50);
    assert_eq!(world.state.exceeded, [Limit::MaxTotalCostUsd]);
}

/// A bill passes its bound by what no estimate foresees, a hidden prompt for instance, and so will the next one.
/// Calls that went out before it came back are not counted against each other.
#[test]
fn an_unforeseen_bill_adds_to_the_bounds_of_later_calls_once() {
    let costing = |bound| with(after(&[]), |sketch| sketch.bound = bound);
    let frame = Frame {
        budget: Some(100),
        slots: Some(2),
        ..open()
    };
    let mut world = World::unprepared(vec![costing(4), costing(4), costing(6)], frame);
    world.foreseen = false;
    world.work(usize::MAX);
    for row in [0, 1] {
        world.end_with(row, End::Well, 9);
        world.work(usize::MAX);
    }
    assert_eq!(world.running[&StepIx(2)].reserved.pico(), 6 + 5);
}

#[test]
fn estimates_hold_a_margin_back_until_a_call_has_been_billed() {
    let estimated = with(after(&[]), |sketch| {
        sketch.bound = 2;
        sketch.estimated = true;
    });
    let frame = Frame {
        budget: Some(50),
        ..open()
    };
    let mut world = World::new(vec![estimated; 6], frame);
    assert_eq!(world.running(), [0, 1], "2 + 18 fit twice into 50");
    world.end_with(0, End::Well, 2);
    world.work(usize::MAX);
    assert_eq!(world.running(), [1, 2, 3, 4, 5]);
    let mut world = World::new(
        world.sketches,
        Frame {
            budget: Some(7),
            ..open()
        },
    );
    assert_eq!(world.running(), [0], "alone it needs no margin");
    world.finish();
    assert_eq!(world.state.exceeded, [Limit::MaxTotalCostUsd]);
    assert_eq!(world.state.spent.pico(), 6);
}

#[test]
fn who_needs_a_margin_does_not_keep_the_money_from_others() {
    let costing = |bound| with(after(&[]), |sketch| sketch.bound = bound);
    let estimated = with(costing(1), |sketch| sketch.estimated = true);
    let frame = Frame {
        budget: Some(5),
        ..open()
    };
    let mut world = World::new(vec![costing(2), costing(2), estimated, costing(3)], frame);
    assert_eq!(
        world.running(),
        [0, 1],
        "1 with a margin of 9 waits, and so do 3"
    );
    world.end_with(0, End::Well, 0);
    world.work(usize::MAX);
    assert_eq!(world.running(), [1, 3]);
}

#[test]
fn a_call_that_may_not_cost_more_is_made_again_once_there_is_enough() {
    let costing = |bound| with(after(&[]), |sketch| sketch.bound = bound);
    let frame = Frame {
        budget: Some(10),
        ..open()
    };
    let mut world = World::new(vec![costing(3), costing(5)], frame.clone());
    assert!(world.ask(0, 4) && world.ask(0, 5));
    assert!(!world.ask(0, 6), "5 and 5 are reserved");
    world.end_with(0, End::Badly, 2);
    world.work(usize::MAX);
    assert_eq!(world.running(), [1], "6 do not fit beside 5 and 2");
    assert_eq!(world.status(0), Running);
    world.end_with(1, End::Well, 1);
    world.work(usize::MAX);
    assert_eq!(world.running[&StepIx(0)].reserved.pico(), 6);
    assert!(world.ask(0, 6), "it has what it asked for");
    world.finish();
    assert_eq!(outcome(&world), RunOutcome::Succeeded);

    let mut world = World::new(vec![costing(3)], frame);
    assert!(!world.ask(0, 11));
    world.end_with(0, End::Badly, 2);
    world.work(usize::MAX);
    assert_eq!(world.state.exceeded, [Limit::MaxTotalCostUsd]);
    assert_eq!(world.state.spent.pico(), 2);
}

/// A bill that no bound foresaw is the last thing that happens: the run does not pass for one that kept its limit.
#[test]
fn a_last_bill_above_the_limit_is_no_success() {
    let costing = |bound| with(after(&[]), |sketch| sketch.bound = bound);
    let frame = Frame {
        budget: Some(10),
        ..open()
    };
    let cached = with(after(&[0]), |sketch| sketch.answer = Answer::Known);
    let mut world = World::new(vec![costing(4), cached], frame.clone());
    world.end_with(0, End::Well, 12);
    world.work(usize::MAX);
    assert_eq!(outcome(&world), RunOutcome::LimitExceeded);
    assert_eq!(world.state.exceeded, [Limit::MaxTotalCostUsd]);
    assert_eq!(world.status(1), Succeeded);
    let error = world.state.error.as_ref().unwrap();
    assert_eq!(error.kind, ErrorKind::ResourceLimitError);
    assert_eq!(error.step.as_deref(), Some("s0"));

    // Exactly the limit is within it.
    let mut world = World::new(vec![costing(4)], frame.clone());
    world.end_with(0, End::Well, 10);
    world.work(usize::MAX);
    assert_eq!(outcome(&world), RunOutcome::Succeeded);

    // The limit says more than the failure.
    let mut world = World::new(vec![costing(4)], frame);
    world.end_with(0, End::Badly, 11);
    world.work(usize::MAX);
    assert_eq!(outcome(&world), RunOutcome::LimitExceeded);
}

#[test]
fn a_call_of_whose_bill_nothing_is_known_counts_with_all_that_is_reserved() {
    let costing = |bound| with(after(&[]), |sketch| sketch.bound = bound);
    let frame = Frame {
        budget: Some(20),
        ..open()
    };
    let mut world = World::new(vec![costing(3)], frame);
    assert!(world.ask(0, 7));
    world.end_unknown(0);
    world.work(usize::MAX);
    assert_eq!(world.state.spent.pico(), 7, "what it asked for included");
}

#[test]
fn what_earlier_runs_spent_counts_against_the_limit() {
    let costing = |bound| with(after(&[]), |sketch| sketch.bound = bound);
    let frame = Frame {
        budget: Some(10),
        spent_before: 7,
        ..open()
    };
    let mut world = World::new(vec![costing(2), costing(2)], frame);
    assert_eq!(world.running(), [0], "3 are left");
    world.end_with(0, End::Well, 2);
    world.work(usize::MAX);
    assert_eq!(world.state.exceeded, [Limit::MaxTotalCostUsd]);
    assert_eq!(world.state.spent.pico(), 2, "this run's own");
    assert_eq!(world.state.ledger().pico(), 9);
}
