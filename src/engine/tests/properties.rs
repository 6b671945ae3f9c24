//! Random plans and random scripts, compared with the oracle after every input.

use super::slot_time::is_accounted_for;
use super::transitions::Transitions;
use super::world::{Answer, End, Frame, NAMES, Sketch, World, approve};
use crate::plan::{StepIx, Trigger};
use crate::run::{BreakWhen, Breakpoint, HandOver, Rate, Rates, RunCommand, RunSetting};
use crate::units::Money;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// One move of a script, and how many actions the world runs after it.
#[derive(Clone, Debug)]
struct Move {
    op: Op,
    patience: usize,
}

#[derive(Clone, Debug)]
enum Op {
    /// The n-th running attempt ends, with this share of its bound as its cost.
    End(usize, End, i64),
    /// The n-th running attempt asks whether it may cost so much.
    Ask(usize, i64),
    /// The code of the n-th running attempt makes a call of this number.
    Call(usize, u32),
    /// The code of the n-th running attempt waits, perhaps before it has seen the last answer.
    WaitForCalls(usize, bool),
    /// The next timer fires.
    Tick,
    Wait(u64),
    Pause,
    Resume,
    StepOnce(Option<usize>),
    /// The run goes to the n-th row, or to an element of that number of its list, which may not exist.
    RunTo(usize, Option<usize>),
    Retry(usize),
    RetryFailed,
    Skip(usize),
    SetOutput(usize),
    SetInput(usize, bool),
    /// A breakpoint before, after or at the failure of the n-th row is set or removed.
    Breakpoint(usize, BreakWhen, bool),
    /// The n-th row is approved or refused.
    Approve(usize, bool),
    Set(RunSetting),
    ContinueAfterLimit,
    /// The run hands over, and leaves the n-th step to the other run, or takes that back.
    HandOver(usize, bool),
    Stop,
    /// Everything ends well until the run has ended.
    Finish,
}

fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
    let trigger = prop_oneof![
        4 => Just(Trigger::AllSuccess),
        1 => Just(Trigger::AllDone),
        1 => Just(Trigger::OneSuccess),
        1 => Just(Trigger::NoneFailed),
    ];
    let answer = prop_oneof![
        12 => Just(Answer::Call),
        1 => Just(Answer::Unwanted),
        1 => Just(Answer::Known),
        1 => Just(Answer::Impossible),
        1 => Just(Answer::Unknown),
        1 => Just(Answer::Skip),
    ];
    let lists = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec(0usize..4, 1..3),
    ];
    let sketch = (
        any::<u16>(),
        trigger,
        prop::bool::weighted(0.1),
        1u32..4,
        lists,
        (0i64..4, prop::bool::weighted(0.3)),
        answer,
        (
            prop::sample::subsequence(vec![0, 1], 0..=2),
            0u64..6,
            prop::bool::weighted(0.12),
        ),
    );
    prop::collection::vec(sketch, 1..13).prop_map(|steps| {
        let steps = steps.into_iter().enumerate();
        steps
            .map(
                |(
                    at,
                    (
                        mask,
                        trigger,
                        sequential,
                        attempts,
                        lists,
                        (bound, estimated),
                        answer,
                        (draws, tokens, approve),
                    ),
                )| {
                    Sketch {
                        // Every third pair is left out, so that plans are not too dense.
                        depends_on: (0..at as u32)
                            .filter(|from| {
                                mask >> from & 1 == 1 && !(u32::from(mask) + from).is_multiple_of(3)
                            })
                            .collect(),
                        trigger,
                        sequential,
                        attempts,
                        lists,
                        bound,
                        estimated,
                        answer,
                        draws,
                        tokens,
                        approve,
                    }
                },
            )
            .collect()
    })
}

/// What earlier runs have spent of each budget.
const SPENT_BEFORE: i64 = 5;

fn frames() -> impl Strategy<Value = Frame> {
    let rarely = || prop::bool::weighted(0.15);
    (
        prop::option::weighted(0.8, 1u32..5),
        prop::option::weighted(0.4, 0i64..30),
        prop::option::weighted(0.2, 0u64..20),
        prop::option::weighted(0.3, 0u64..400),
        rarely(),
        rarely(),
        rates(),
        any::<bool>(),
        prop::option::weighted(0.5, 1u64..300),
    )
        .prop_map(
            |(slots, budget, calls, timeout_ms, fail_fast, paused, rates, asks, approval_ms)| {
                Frame {
                    slots,
                    budget: budget.map(|left| left + SPENT_BEFORE),
                    calls,
                    timeout_ms,
                    fail_fast,
                    paused,
                    rates,
                    asks,
                    spent_before: SPENT_BEFORE,
                    approval_ms,
                }
            },
        )
}

fn settings() -> impl Strategy<Value = RunSetting> {
    let calls = prop::option::weighted(0.7, 0u64..40);
    let budget = prop::option::weighted(0.8, 0i64..60);
    let timeout = prop::option::weighted(0.7, 1u32..600);
    prop_oneof![
        4 => prop::option::weighted(0.9, 0u32..7)
            .prop_map(|value| RunSetting::MaxConcurrent { value }),
        4 => budget.prop_map(|value| RunSetting::MaxTotalCostUsd {
            value: value.map(Money::from_pico),
        }),
        2 => calls.prop_map(|value| RunSetting::MaxToolCalls { value }),
        1 => timeout.prop_map(|value| RunSetting::TimeoutSeconds {
            value: value.map(|ms| f64::from(ms) / 1e3),
        }),
        4 => (0..NAMES.len(), prop::option::weighted(0.8, rate()))
            .prop_map(|(at, rate)| RunSetting::Rate { name: NAMES[at].into(), rate }),
    ]
}

fn rate() -> impl Strategy<Value = Rate> {
    let rate = (
        prop::option::of(1u64..5),
        prop::option::of(1u64..15),
        prop::option::of(1u64..3),
    );
    rate.prop_map(|(requests, tokens, concurrent)| Rate {
        requests_per_minute: requests,
        tokens_per_minute: tokens,
        max_concurrent: concurrent,
    })
}

/// No rates, or one for each name.
fn rates() -> impl Strategy<Value = Rates> {
    let both = prop::collection::vec(rate(), NAMES.len()).prop_map(|rates| {
        let names = NAMES.into_iter().map(Into::into);
        Rates(names.zip(rates).collect())
    });
    prop_oneof![3 => Just(Rates::default()), 2 => both]
}

/// A script; where `changes` is set, one in which settings change and limits are raised.
fn moves(changes: bool) -> impl Strategy<Value = Vec<Move>> {
    let end = prop_oneof![
        5 => Just(End::Well),
        2 => Just(End::Passing),
        1 => (1u64..4).prop_map(|s| End::ComeBack(s * 1000)),
        2 => Just(End::Badly),
        1 => Just(End::Unknown),
    ];
    let row = || 0usize..16;
    let when = prop_oneof![
        2 => Just(BreakWhen::Before),
        1 => Just(BreakWhen::After),
        1 => Just(BreakWhen::Failure),
    ];
    let op = prop_oneof![
        20 => (0usize..8, end, 0i64..4).prop_map(|(at, end, cost)| Op::End(at, end, cost)),
        4 => (0usize..8, 0i64..12).prop_map(|(at, total)| Op::Ask(at, total)),
        5 => (0usize..8, 0u32..3).prop_map(|(at, number)| Op::Call(at, number)),
        5 => (0usize..8, prop::bool::weighted(0.1))
            .prop_map(|(at, late)| Op::WaitForCalls(at, late)),
        6 => Just(Op::Tick),
        2 => (0u64..200).prop_map(Op::Wait),
        1 => (0u64..70_000).prop_map(Op::Wait),
        2 => Just(Op::Pause),
        3 => Just(Op::Resume),
        3 => prop::option::of(row()).prop_map(Op::StepOnce),
        1 => (row(), prop::option::weighted(0.2, 0usize..3)).prop_map(|(row, at)| Op::RunTo(row, at)),
        3 => row().prop_map(Op::Retry),
        1 => Just(Op::RetryFailed),
        1 => row().prop_map(Op::Skip),
        1 => row().prop_map(Op::SetOutput),
        1 => (row(), any::<bool>()).prop_map(|(row, given)| Op::SetInput(row, given)),
        2 => (row(), when, any::<bool>()).prop_map(|(row, when, on)| Op::Breakpoint(row, when, on)),
        3 => (row(), prop::bool::weighted(0.7)).prop_map(|(row, granted)| Op::Approve(row, granted)),
        1 => (row(), prop::bool::weighted(0.8)).prop_map(|(row, on)| Op::HandOver(row, on)),
        1 => Just(Op::Stop),
        1 => Just(Op::Finish),
    ];
    let settings = prop_oneof![
        6 => settings().prop_map(Op::Set),
        1 => Just(Op::ContinueAfterLimit),
    ];
    let op = if changes {
        prop_oneof![4 => op, 1 => settings].boxed()
    } else {
        op.boxed()
    };
    let patience = prop_oneof![3 => Just(usize::MAX), 1 => 0usize..4];
    let step = (op, patience).prop_map(|(op, patience)| Move { op, patience });
    prop::collection::vec(step, 0..60)
}

fn play(world: &mut World, step: &Move) {
    let row = |at: usize| StepIx(at as u32);
    match step.op.clone() {
        Op::End(at, end, cost) => {
            let rows: Vec<StepIx> = world.running.keys().copied().collect();
            if rows.is_empty() {
                return;
            }
            let row = rows[at % rows.len()];
            world.wait(1);
            let bound = world.running[&row].reserved.pico();
            world.end_with(row.0, end, cost.min(bound));
        }
        Op::Ask(at, total) => {
            let rows: Vec<StepIx> = world.running.keys().copied().collect();
            if !rows.is_empty() {
                world.ask(rows[at % rows.len()].0, total);
            }
        }
        Op::Call(at, number) => {
            let rows: Vec<StepIx> = world.running.keys().copied().collect();
            if !rows.is_empty() {
                world.call(rows[at % rows.len()].0, number);
            }
        }
        Op::WaitForCalls(at, late) => {
            let rows: Vec<StepIx> = world.running.keys().copied().collect();
            if !rows.is_empty() {
                world.wait_for_calls(rows[at % rows.len()].0, late);
            }
        }
        Op::Tick => {
            world.tick();
        }
        Op::Wait(ms) => {
            // At times slow motion holds a call that has ended.
            let rows: Vec<StepIx> = world.running.keys().copied().collect();
            if ms % 4 == 0 && !rows.is_empty() {
                world.pace(rows[ms as usize / 4 % rows.len()].0);
            }
            world.wait(ms);
        }
        Op::Pause => world.send(RunCommand::Pause),
        Op::Resume => world.send(RunCommand::Resume),
        Op::StepOnce(at) => world.send(RunCommand::StepOnce(at.map(row))),
        Op::RunTo(at, element) => {
            let id = world.scheduler.key(row(at)).id;
            let id = element.map_or_else(|| Arc::clone(&id), |at| format!("{id}[{at}]").into());
            world.send(RunCommand::RunTo(id));
        }
        Op::Retry(at) => world.send(RunCommand::Retry(row(at))),
        Op::RetryFailed => world.send(RunCommand::RetryFailed),
        Op::Skip(at) => world.send(RunCommand::Skip(row(at))),
        Op::SetOutput(at) => {
            let output = Arc::new(json!(["given", world.events.len()]));
            world.send(RunCommand::SetOutput(row(at), output));
        }
        Op::SetInput(at, given) => {
            let input = given.then(|| Arc::new(json!(["edited", world.events.len()])));
            world.send(RunCommand::SetInput(row(at), input));
        }
        Op::Approve(at, granted) => {
            // Most rows are not asked about.
            let asked: Vec<StepIx> = (0..world.state.steps.len() as u32)
                .map(StepIx)
                .filter(|row| world.state.steps[row.at()].asked_approval().is_some())
                .collect();
            let row = asked.get(at % asked.len().max(1)).copied();
            world.send(approve(row.unwrap_or(StepIx(at as u32)), granted));
        }
        Op::Breakpoint(at, when, on) => {
            let step = world.scheduler.key(row(at)).id;
            let breakpoint = Breakpoint { step, when };
            world.send(RunCommand::Breakpoint(breakpoint, on));
        }
        Op::Set(setting) => world.send(RunCommand::Set(setting)),
        Op::ContinueAfterLimit => world.send(RunCommand::ContinueAfterLimit(Vec::new())),
        Op::HandOver(at, on) => {
            let held = vec![world.scheduler.key(row(at)).id];
            let to = HandOver {
                run_id: "next".into(),
                verb: "insert".into(),
                step: "new".into(),
                held,
            };
            world.send(RunCommand::HandOver(on.then(|| Box::new(to))));
        }
        Op::Stop => world.send(RunCommand::Stop),
        Op::Finish => world.finish(),
    }
    world.work(step.patience);
}

/// A whole case, printed a line for each step and each move.
struct Story {
    sketches: Vec<Sketch>,
    frame: Frame,
    script: Vec<Move>,
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.frame)?;
        for (at, sketch) in self.sketches.iter().enumerate() {
            writeln!(f, "s{at}: {sketch:?}")?;
        }
        for step in &self.script {
            match step.patience {
                usize::MAX => writeln!(f, "- {:?}", step.op)?,
                most => writeln!(f, "- {:?}, then {most} actions", step.op)?,
            }
        }
        Ok(())
    }
}

fn stories(changes: bool) -> impl Strategy<Value = Story> {
    (sketches(), frames(), moves(changes)).prop_map(|(sketches, frame, script)| Story {
        sketches,
        frame,
        script,
    })
}

proptest! {
    // As many as `PROPTEST_CASES` says, else enough to meet every rule a few hundred times.
    #![proptest_config(ProptestConfig {
        cases: match std::env::var_os("PROPTEST_CASES") {
            Some(_) => ProptestConfig::default().cases,
            None => 3_000,
        },
        // The same stories each time, unless many are asked for: those are new ones.
        rng_seed: match std::env::var_os("PROPTEST_CASES") {
            Some(_) => ProptestConfig::default().rng_seed,
            None => RngSeed::Fixed(1),
        },
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    })]

    fn the_rules_hold_and_the_run_ends(story in stories(false)) {
        let transitions = tell(story);
        VISITED.with_borrow_mut(|visited| visited.add(&transitions));
    }

    #[test]
    fn the_rules_hold_whatever_settings_change_in_the_run(story in stories(true)) {
        tell(story).agree_with_the_table(false);
    }
}

/// Plays a story to the end of its run.
fn tell(story: Story) -> Transitions {
    let mut world = World::unprepared(story.sketches, story.frame);
    for step in &story.script {
        play(&mut world, step);
    }
    world.finish();
    is_accounted_for(&world);
    world.transitions
}

thread_local! {
    /// The transitions of all stories that this thread has played.
    static VISITED: RefCell<Transitions> = RefCell::default();
}

#[test]
fn whatever_happens_the_rules_hold_and_the_run_ends() {
    the_rules_hold_and_the_run_ends();
    let cases = std::env::var("PROPTEST_CASES").map_or(Some(3_000), |cases| cases.parse().ok());
    let many = cases.is_none_or(|cases: u32| cases >= 3_000);
    VISITED.with_borrow(|visited| visited.agree_with_the_table(many));
}
