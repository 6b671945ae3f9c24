//! Resuming an interrupted run, from any of its events on.

use crate::common::store::{Echo, Only, engine, plan, run, step};
use plandeck::engine::{EventSink, ResumeState, UnknownSteps, definitions};
use plandeck::plan::{Step, StepIx, StepSettings, Template, Trigger};
use plandeck::run::{
    EventKind, ExecutionResult, RunCommand, RunEvent, RunOutcome, RunState, SkipReason, StepSource,
    StepStatus,
};
use plandeck::store::{Journal, JournalOptions, RunMeta, Store, StoreError};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

fn meta(steps: &[Step]) -> RunMeta {
    let toolbox = Only(Arc::default());
    RunMeta {
        definitions: definitions(&plan(steps.to_vec()), &toolbox).into(),
        ..RunMeta::default()
    }
}

/// A run of `steps` that died after `until` events.
async fn died(home: &Path, steps: &[Step], until: impl Fn(&RunEvent) -> bool) -> Vec<RunEvent> {
    let (_, mut events) = run(engine(steps.to_vec(), &Arc::default())).await;
    let at = events.iter().position(until).unwrap();
    events.truncate(at + 1);
    record(home, steps, &events);
    events
}

fn record(home: &Path, steps: &[Step], events: &[RunEvent]) {
    let EventKind::RunStarted(header) = &events[0].kind else {
        panic!("a beginning")
    };
    let meta = meta(steps);
    let options = JournalOptions::default();
    Journal::begin(home, &header.run_id, meta, options)
        .unwrap()
        .accept(events);
}

fn resume_state(home: &Path, steps: &[Step], unknown: UnknownSteps) -> ResumeState {
    let store = Store::at(home).unwrap();
    let resumption = store.resume(&store.find("last").unwrap()).unwrap();
    let plan = plan(steps.to_vec());
    let definitions = definitions(&plan, &Only(Arc::default()));
    let mut resume_state = resumption.resume_state(&plan, &definitions).unwrap();
    resume_state.unknown = unknown;
    resume_state
}

async fn resume(home: &Path, steps: &[Step], echo: &Arc<Echo>, unknown: UnknownSteps) -> RunState {
    let resume_state = resume_state(home, steps, unknown);
    run(engine(steps.to_vec(), echo).with_resume_state(resume_state))
        .await
        .0
}

fn chain() -> Vec<Step> {
    (0..10u32)
        .map(|n| {
            step(
                &n.to_string(),
                json!({"n": n}),
                &(0..n).rev().take(1).collect::<Vec<_>>(),
            )
        })
        .collect()
}

fn started(id: &'static str) -> impl Fn(&RunEvent) -> bool {
    move |event| matches!(&event.kind, EventKind::AttemptStarted { step, .. } if &*step.id == id)
}

fn succeeded(id: &'static str) -> impl Fn(&RunEvent) -> bool {
    move |event| matches!(&event.kind, EventKind::StepSucceeded { step, .. } if &*step.id == id)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_had_ended_is_not_called_for_again() {
    let home = tempfile::tempdir().unwrap();
    died(home.path(), &chain(), succeeded("4")).await;
    let echo = Arc::new(Echo::default());
    let state = resume(home.path(), &chain(), &echo, UnknownSteps::Keep).await;
    assert_eq!(
        (0..10)
            .map(|n| echo.calls_of(&n.to_string()))
            .collect::<Vec<_>>(),
        [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    );
    let result = ExecutionResult::of(&state);
    assert_eq!(result.status, RunOutcome::Succeeded);
    assert_eq!(*result.result, json!({"echo": {"n": 9}}));
    let sources: Vec<_> = result
        .steps
        .iter()
        .map(|step| step.source.unwrap())
        .collect();
    assert_eq!(sources[..5], [StepSource::Recorded; 5]);
    assert_eq!(sources[5..], [StepSource::Call; 5]);
    assert!(
        result.steps[..5]
            .iter()
            .all(|step| step.attempts == 0 && step.cost == Some(plandeck::units::Money::ZERO))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn running_steps_are_repeated_only_where_that_is_safe_or_requested() {
    let home = tempfile::tempdir().unwrap();
    let mut steps = chain();
    steps.push(step("apart", json!({}), &[3]));
    died(home.path(), &steps, started("4")).await;

    let once = Arc::new(Echo::default());
    let kept = resume(home.path(), &steps, &once, UnknownSteps::Keep).await;
    assert_eq!(
        (once.total(), once.calls_of("apart")),
        (1, 1),
        "the rest of the run continues"
    );
    assert_eq!(kept.steps[4].status, StepStatus::Unknown);
    assert!(
        kept.steps
            .iter()
            .take(10)
            .skip(5)
            .all(|row| row.reason == Some(SkipReason::Upstream))
    );
    let result = ExecutionResult::of(&kept);
    assert_eq!(result.status, RunOutcome::Failed);
    let error = result.error.unwrap();
    assert_eq!(error.step.as_deref(), Some("4"));
    assert!(
        error.message.contains("--unknown rerun"),
        "{}",
        error.message
    );

    let rerun = Arc::new(Echo::default());
    let state = resume(home.path(), &steps, &rerun, UnknownSteps::Rerun).await;
    assert_eq!(ExecutionResult::of(&state).status, RunOutcome::Succeeded);
    assert_eq!(
        (
            rerun.calls_of("3"),
            rerun.calls_of("4"),
            rerun.calls_of("5")
        ),
        (0, 1, 1)
    );

    let skip = Arc::new(Echo::default());
    let state = resume(home.path(), &steps, &skip, UnknownSteps::Skip).await;
    assert_eq!(state.steps[4].reason, Some(SkipReason::User));
    assert_eq!(skip.total(), 1);

    let repeatable = Arc::new(Echo {
        repeatable: true,
        ..Echo::default()
    });
    let state = resume(home.path(), &steps, &repeatable, UnknownSteps::Keep).await;
    assert_eq!(ExecutionResult::of(&state).status, RunOutcome::Succeeded);
    assert_eq!(repeatable.calls_of("4"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_made_again_has_the_name_it_had() {
    let home = tempfile::tempdir().unwrap();
    let events = died(home.path(), &chain(), started("4")).await;
    let EventKind::RunStarted(first) = &events[0].kind else {
        panic!("a beginning")
    };
    let name = format!("{}/4/1", first.run_id);

    // The run that resumes it dies in the same call.
    let state = resume_state(home.path(), &chain(), UnknownSteps::Rerun);
    let echo = Arc::new(Echo::default());
    let (_, mut events) = run(engine(chain(), &echo).with_resume_state(state.clone())).await;
    assert_eq!(echo.keys.lock().unwrap()[0], name);
    let at = events.iter().position(started("4")).unwrap();
    events.truncate(at + 1);
    let EventKind::RunStarted(second) = &events[0].kind else {
        panic!("a beginning")
    };
    let meta = RunMeta {
        resumed_from: Some(Arc::clone(&first.run_id)),
        origin: Some(state.origin.clone()),
        ..meta(&chain())
    };
    Journal::begin(home.path(), &second.run_id, meta, JournalOptions::default())
        .unwrap()
        .accept(&events);

    let echo = Arc::new(Echo::default());
    resume(home.path(), &chain(), &echo, UnknownSteps::Rerun).await;
    let names = echo.keys.lock().unwrap();
    assert_eq!(names[0], name);
    assert!(names[1].ends_with("/5/1") && !names[1].starts_with(&*first.run_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_runs_again_with_all_that_depends_on_it() {
    let home = tempfile::tempdir().unwrap();
    died(home.path(), &chain(), succeeded("9")).await;
    let mut changed = chain();
    changed[6].parameters = Template::Literal(Arc::new(json!({"n": "six"})));
    let left = resume_state(home.path(), &changed, UnknownSteps::Keep);
    assert_eq!(left.changed(), ["6".into()]);
    assert_eq!(left.outputs(), 9);
    let echo = Arc::new(Echo::default());
    let state = resume(home.path(), &changed, &echo, UnknownSteps::Keep).await;
    let called: Vec<&str> = ["5", "6", "7", "8", "9"]
        .into_iter()
        .filter(|id| echo.calls_of(id) == 1)
        .collect();
    assert_eq!(called, ["6", "7", "8", "9"]);
    assert_eq!(state.calls, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn elements_are_taken_over_one_by_one() {
    let home = tempfile::tempdir().unwrap();
    let each = Step {
        for_each: Some(Box::new(Template::Literal(Arc::new(json!([10, 20, 30]))))),
        ..step("each", json!({}), &[])
    };
    let steps = vec![each, step("sum", json!({}), &[0])];
    died(home.path(), &steps, succeeded("each[0]")).await;
    let echo = Arc::new(Echo {
        repeatable: true,
        ..Echo::default()
    });
    let state = resume(home.path(), &steps, &echo, UnknownSteps::Keep).await;
    assert_eq!(echo.calls_of("each[0]"), 0);
    assert!(echo.calls_of("each[1]") <= 1 && echo.calls_of("sum") == 1);
    assert_eq!(ExecutionResult::of(&state).status, RunOutcome::Succeeded);
    assert_eq!(
        state.steps[0]
            .output
            .as_ref()
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_step_runs_again_and_so_does_what_saw_it_fail() {
    let home = tempfile::tempdir().unwrap();
    let steps = vec![
        step("bad", json!({"fail": "no"}), &[]),
        Step {
            settings: Arc::new(StepSettings {
                trigger: Trigger::AllDone,
                ..StepSettings::default()
            }),
            ..step("after", json!({}), &[0])
        },
        step("other", json!({}), &[]),
    ];
    died(home.path(), &steps, |event| {
        matches!(event.kind, EventKind::RunEnded { .. })
    })
    .await;
    let echo = Arc::new(Echo::default());
    resume(home.path(), &steps, &echo, UnknownSteps::Keep).await;
    assert_eq!(
        (
            echo.calls_of("bad"),
            echo.calls_of("after"),
            echo.calls_of("other")
        ),
        (1, 1, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_resumed_is_not_resumed_again() {
    let home = tempfile::tempdir().unwrap();
    let steps = chain();
    let first = died(home.path(), &steps, started("2")).await;
    let store = Store::at(home.path()).unwrap();
    let resumption = store.resume(&store.find("last").unwrap()).unwrap();
    assert!(matches!(
        store.resume(&store.find("last").unwrap()),
        Err(StoreError::Running(_))
    ));
    let toolbox = Only(Arc::default());
    let digests = definitions(&plan(steps.clone()), &toolbox);
    let mut resume_state = resumption
        .resume_state(&plan(steps.clone()), &digests)
        .unwrap();
    resume_state.unknown = UnknownSteps::Rerun;

    // The second run gets as far as step 5.
    let (_, mut events) =
        run(engine(steps.clone(), &Arc::default()).with_resume_state(resume_state.clone())).await;
    let at = events.iter().position(succeeded("5")).unwrap();
    events.truncate(at + 1);
    let EventKind::RunStarted(header) = &events[0].kind else {
        panic!("a beginning")
    };
    let meta = RunMeta {
        resumed_from: Some(resume_state.run_id.clone()),
        origin: Some(resume_state.origin.clone()),
        ..meta(&steps)
    };
    Journal::begin(home.path(), &header.run_id, meta, JournalOptions::default())
        .unwrap()
        .accept(&events);
    drop(resumption);

    let EventKind::RunStarted(before) = &first[0].kind else {
        panic!("a beginning")
    };
    let again = store.resume(&store.find(&before.run_id).unwrap());
    assert!(
        matches!(again, Err(StoreError::Superseded { .. })),
        "{again:?}"
    );

    // The third takes over what either of them did and knows the inputs of both. What neither has called is a call of
    // its own.
    let mut changed = steps.clone();
    changed[9].parameters = Template::Literal(Arc::new(json!({"n": "nine"})));
    let echo = Arc::new(Echo::default());
    let state = resume(home.path(), &changed, &echo, UnknownSteps::Keep).await;
    assert_eq!(state.calls, 4);
    assert_eq!(
        echo.keys.lock().unwrap()[0],
        format!("{}/6/1", state.header.as_ref().unwrap().run_id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_resumed_run_did_not_get_to_is_as_the_run_before_left_it() {
    let home = tempfile::tempdir().unwrap();
    let each = Step {
        for_each: Some(Box::new(Template::Literal(Arc::new(json!([10, 20]))))),
        ..step("each", json!({}), &[])
    };
    let mut steps = chain();
    steps.push(each);
    let first = died(home.path(), &steps, started("4")).await;
    let EventKind::RunStarted(first) = &first[0].kind else {
        panic!("a beginning")
    };
    // Two runs that resume it die before they look at anything.
    let mut before = Arc::clone(&first.run_id);
    for _ in 0..2 {
        let state = resume_state(home.path(), &steps, UnknownSteps::Keep);
        let origin = state.origin.clone();
        let (_, mut events) =
            run(engine(steps.clone(), &Arc::default()).with_resume_state(state)).await;
        events.truncate(1);
        let EventKind::RunStarted(header) = &events[0].kind else {
            panic!("a beginning")
        };
        let meta = RunMeta {
            resumed_from: Some(before),
            origin: Some(origin),
            ..meta(&steps)
        };
        before = Arc::clone(&header.run_id);
        Journal::begin(home.path(), &before, meta, JournalOptions::default())
            .unwrap()
            .accept(&events);
    }

    let left = resume_state(home.path(), &steps, UnknownSteps::Keep);
    let interrupted = left.interrupted();
    assert!(interrupted.contains(&"4".into()), "{interrupted:?}");
    let echo = Arc::new(Echo::default());
    let state = resume(home.path(), &steps, &echo, UnknownSteps::Keep).await;
    assert_eq!(state.steps[4].status, StepStatus::Unknown);
    assert_eq!(state.steps[3].source, Some(StepSource::Recorded));
    let done = |id: &str| !interrupted.contains(&id.into());
    assert!((0..5).all(|n| echo.calls_of(&n.to_string()) == 0));
    assert!(done("each[0]") || echo.calls_of("each[0]") == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_about_what_is_unknown() {
    let home = tempfile::tempdir().unwrap();
    let steps = chain();
    died(home.path(), &steps, started("4")).await;
    for command in [
        RunCommand::Retry(StepIx(4)),
        RunCommand::SetOutput(StepIx(4), Arc::new(json!("seen"))),
        RunCommand::Skip(StepIx(4)),
    ] {
        let echo = Arc::new(Echo::default());
        let resume_state = resume_state(home.path(), &steps, UnknownSteps::Keep);
        let mut settings = crate::common::store::settings();
        settings.interactive = true;
        let toolbox = Arc::new(Only(Arc::clone(&echo)));
        let engine = plandeck::engine::Engine::new(
            plan(steps.clone()),
            serde_json::Map::new(),
            toolbox,
            settings,
        );
        let (send, commands) = tokio::sync::mpsc::channel(4);
        let (events_out, mut reader) = plandeck::engine::event_channel();
        let running = tokio::spawn(
            engine
                .with_sink(events_out)
                .with_resume_state(resume_state)
                .run(tokio::time::Instant::now(), commands),
        );
        let mut events = Vec::new();
        while !events
            .iter()
            .any(|event: &RunEvent| matches!(event.kind, EventKind::StepUnknown { .. }))
        {
            reader.changed().await;
            reader.take(&mut events, usize::MAX);
        }
        let ended = |event: &RunEvent| matches!(event.kind, EventKind::RunEnded { .. });
        assert!(!events.iter().any(ended), "the run waits for the answer");
        let retried = matches!(command, RunCommand::Retry(_));
        let skipped = matches!(command, RunCommand::Skip(_));
        send.send(command).await.unwrap();
        send.send(RunCommand::Close).await.unwrap();
        let state = running.await.unwrap();
        assert_eq!(ExecutionResult::of(&state).status, RunOutcome::Succeeded);
        assert_eq!(echo.calls_of("4"), u32::from(retried));
        assert_eq!(
            (echo.calls_of("3"), echo.calls_of("5")),
            (0, u32::from(!skipped))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_journal_broke_nothing_is_taken_for_not_having_happened() {
    let home = tempfile::tempdir().unwrap();
    let steps = chain();
    let events = died(home.path(), &steps, succeeded("4")).await;
    let EventKind::RunStarted(header) = &events[0].kind else {
        panic!("a beginning")
    };
    std::fs::write(home.path().join("running").join(&*header.run_id), "broke\n").unwrap();
    let echo = Arc::new(Echo::default());
    let state = resume(home.path(), &steps, &echo, UnknownSteps::Keep).await;
    assert_eq!(
        (state.steps[5].status, echo.total()),
        (StepStatus::Unknown, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_anyone_to_answer_ends_and_can_be_resumed_again() {
    let home = tempfile::tempdir().unwrap();
    let steps = chain();
    died(home.path(), &steps, started("4")).await;
    let resume_state = resume_state(home.path(), &steps, UnknownSteps::Keep);
    let mut settings = crate::common::store::settings();
    settings.interactive = true;
    let toolbox = Arc::new(Only(Arc::default()));
    let engine = plandeck::engine::Engine::new(
        plan(steps.clone()),
        serde_json::Map::new(),
        toolbox,
        settings,
    );
    let (send, commands) = tokio::sync::mpsc::channel(4);
    drop(send);
    let origin = tokio::time::Instant::now();
    let state = engine
        .with_resume_state(resume_state)
        .run(origin, commands)
        .await;
    assert_eq!(state.steps[4].status, StepStatus::Unknown);
    let result = ExecutionResult::of(&state);
    assert_eq!(result.status, RunOutcome::Cancelled);
    assert_eq!(result.error.unwrap().step.as_deref(), Some("4"));
}
