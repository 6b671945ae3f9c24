//! A run's journal, read in the same process during the run and after it.

use crate::common::store::{Echo, engine, journal, run, run_journalled, step};
use plandeck::engine::EventSink;
use plandeck::run::{ExecutionResult, RunCommand, RunEvent, RunState, RunWord, StepStatus};
use plandeck::store::{Journal, JournalOptions, OnFailure, RunMeta, Store, StoreError};
use serde_json::json;
use std::sync::Arc;
use std::sync::mpsc::channel;
use tokio::sync::mpsc;
use tokio::time::Instant;

fn few_steps() -> Vec<plandeck::plan::Step> {
    vec![
        step("a", json!({"text": "x".repeat(10_000)}), &[]),
        step("b", json!({"n": 0.1}), &[0]),
        step("bad", json!({"fail": "out of paper"}), &[0]),
        step("below", json!({}), &[2]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_is_what_happened() {
    let home = tempfile::tempdir().unwrap();
    let echo = Arc::new(Echo {
        cost: plandeck::units::Money::from_pico(3),
        ..Echo::default()
    });
    let (state, events) = run_journalled(home.path(), engine(few_steps(), &echo)).await;

    let store = Store::at(home.path()).unwrap();
    let [summary] = &store.runs().unwrap()[..] else {
        panic!("one run")
    };
    let recording = store.load(summary);
    assert!(recording.damage.is_none() && !recording.unrecorded);
    assert_eq!(recording.events, events);
    let folded = RunState::from_events(&recording.events);
    assert_eq!(ExecutionResult::of(&folded), ExecutionResult::of(&state));

    let result = ExecutionResult::of(&state);
    let as_json = serde_json::to_value(summary).unwrap();
    assert_eq!(
        as_json,
        json!({
            "run_id": result.run_id, "plan": "trial", "status": "failed",
            "started_at": state.header.as_ref().unwrap().started_at, "cost": result.cost,
            "latency_ms": result.latency_ms, "steps_completed": 2, "steps": 4,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_run_can_be_read_and_its_end_differs_from_its_death() {
    let home = tempfile::tempdir().unwrap();
    let echo = Arc::new(Echo::default());
    let steps = vec![
        step("quick", json!({}), &[]),
        step("slow", json!({"hang": true}), &[0]),
    ];
    let engine = engine(steps, &echo);
    let engine = {
        let journal = journal(home.path(), &engine);
        engine.with_sink(journal)
    };
    let (send, commands) = mpsc::channel(1);
    let running = tokio::spawn(engine.run(Instant::now(), commands));

    let store = loop {
        if let Ok(store) = Store::at(home.path())
            && store.find("last").is_ok()
        {
            break store;
        }
        tokio::task::yield_now().await;
    };
    let mut cursor = store.cursor(&store.find("last").unwrap());
    let (mut events, mut state) = (Vec::new(), RunState::default());
    while state
        .steps
        .get(1)
        .is_none_or(|row| row.status != StepStatus::Running)
    {
        events.clear();
        cursor.read(&store, &mut events).unwrap();
        for event in &events {
            state.apply(event);
        }
        tokio::task::yield_now().await;
    }
    let summary = store.find("last").unwrap();
    assert_eq!(
        (summary.status, summary.steps_completed),
        (RunWord::Running, 1)
    );

    send.send(RunCommand::Stop).await.unwrap();
    let ended = running.await.unwrap();
    events.clear();
    cursor.read(&store, &mut events).unwrap();
    for event in &events {
        state.apply(event);
    }
    assert_eq!(ExecutionResult::of(&state), ExecutionResult::of(&ended));
    assert_eq!(store.find("last").unwrap().status, RunWord::Cancelled);
}

/// Everything a journal is given up to some event, as if the process had died then.
fn interrupted(home: &std::path::Path, events: &[RunEvent], until: usize) -> Arc<str> {
    let id: Arc<str> = format!("cut-{until}").into();
    let meta = RunMeta::default();
    let mut journal = Journal::begin(home, &id, meta, JournalOptions::default()).unwrap();
    let mut events = events[..until].to_vec();
    if let plandeck::run::EventKind::RunStarted(header) = &mut events[0].kind {
        Arc::make_mut(header).run_id = Arc::clone(&id);
    }
    journal.accept(&events);
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_says_of_a_run_cut_anywhere_what_its_events_say() {
    let home = tempfile::tempdir().unwrap();
    let echo = Arc::new(Echo::default());
    let (_, events) = run(engine(few_steps(), &echo)).await;
    for until in 1..events.len() {
        let id = interrupted(home.path(), &events, until);
        let store = Store::at(home.path()).unwrap();
        let summary = store.find(&id).unwrap();
        let state = RunState::from_events(&events[..until]);
        assert_eq!(summary.status, RunWord::Interrupted);
        assert_eq!(summary.events, until as u64);
        let result = ExecutionResult::of(&state);
        assert_eq!(summary.steps_completed as usize, result.steps_completed);
        assert_eq!(summary.cost, result.cost);
        assert!((summary.latency.ms() - result.latency_ms).abs() < 1e-9);
        let tail = store.events(&summary, 3).unwrap();
        assert_eq!(
            tail,
            events[3.min(until)..until]
                .iter()
                .cloned()
                .map(|mut event| {
                    if let plandeck::run::EventKind::RunStarted(header) = &mut event.kind {
                        Arc::make_mut(header).run_id = Arc::clone(&id);
                    }
                    event
                })
                .collect::<Vec<_>>()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_found_by_what_only_its_id_begins_with() {
    let home = tempfile::tempdir().unwrap();
    assert!(matches!(Store::at(home.path()), Err(StoreError::Empty(_))));
    let (_, events) = run(engine(few_steps(), &Arc::default())).await;
    for until in [11, 12, 2] {
        interrupted(home.path(), &events, until);
    }
    let store = Store::at(home.path()).unwrap();
    let found = |name: &str| store.find(name).map(|run| run.run_id.to_string());
    assert_eq!(found("cut-2").unwrap(), "cut-2");
    assert_eq!(found("cut-11").unwrap(), "cut-11");
    assert!(matches!(
        found("cut-1"),
        Err(StoreError::Ambiguous { count: 2, .. })
    ));
    assert!(matches!(found("cut-%"), Err(StoreError::NoSuchRun(_))));
    assert!(matches!(
        found(""),
        Err(StoreError::Ambiguous { count: 3, .. })
    ));
    assert_eq!(found("last").unwrap(), "cut-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_in_one_store_at_once_do_not_disturb_one_another() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_path_buf();
    let runs = (0..8).map(|_| {
        let path = path.clone();
        tokio::spawn(async move {
            let steps = (0..40)
                .map(|n| step(&n.to_string(), json!({"n": n}), &[]))
                .collect();
            run_journalled(&path, engine(steps, &Arc::default())).await
        })
    });
    let mut expected = Vec::new();
    for running in runs.collect::<Vec<_>>() {
        let (state, events) = running.await.unwrap();
        expected.push((state.header.unwrap().run_id.clone(), events));
    }
    let store = Store::at(home.path()).unwrap();
    for (id, events) in expected {
        assert_eq!(store.load(&store.find(&id).unwrap()).events, events);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_runs_share_is_stored_once() {
    let home = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        run_journalled(home.path(), engine(few_steps(), &Arc::default())).await;
    }
    let database = rusqlite::Connection::open(home.path().join("plandeck.db")).unwrap();
    let count = |sql: &str| {
        database
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(
        count("SELECT count(*) FROM blobs"),
        1,
        "the one large text, in input and output"
    );
    assert_eq!(count("SELECT count(*) FROM run_blobs"), 2);
    assert!(count("SELECT length(data) FROM blobs") < 200, "compressed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_breaks_is_reported_once_and_the_run_continues_or_stops_as_chosen() {
    for on_failure in [OnFailure::GoOn, OnFailure::Stop] {
        let home = tempfile::tempdir().unwrap();
        let echo = Arc::new(Echo::default());
        let steps = vec![
            step("a", json!({"ms": 300}), &[]),
            step("b", json!({}), &[0]),
        ];
        let engine = engine(steps, &echo);
        let (report, reports) = channel();
        let options = JournalOptions {
            on_failure,
            warn: Some(Arc::new(move |error: &StoreError| {
                report.send(error.to_string()).unwrap();
            })),
            ..JournalOptions::default()
        };
        let id = Arc::clone(engine.run_id());
        let journal = Journal::begin(home.path(), &id, RunMeta::default(), options).unwrap();
        let sabotage = {
            let (home, echo) = (home.path().to_path_buf(), Arc::clone(&echo));
            std::thread::spawn(move || {
                while echo.total() == 0 {
                    std::thread::yield_now();
                }
                let database = rusqlite::Connection::open(home.join("plandeck.db")).unwrap();
                // The next write finds no table.
                database
                    .execute_batch("ALTER TABLE chunks RENAME TO gone")
                    .unwrap();
            })
        };
        let (state, _) = run(engine.with_sink(journal)).await;
        sabotage.join().unwrap();
        assert_eq!(reports.iter().count(), 1, "reported once");
        let both = echo.calls_of("b") == 1;
        let expected = match on_failure {
            OnFailure::GoOn => StepStatus::Succeeded,
            OnFailure::Stop => StepStatus::Failed,
        };
        assert_eq!(
            (state.steps[1].status, both),
            (expected, on_failure == OnFailure::GoOn)
        );
        let database = rusqlite::Connection::open(home.path().join("plandeck.db")).unwrap();
        database
            .execute_batch("ALTER TABLE gone RENAME TO chunks")
            .unwrap();
        let store = Store::at(home.path()).unwrap();
        let recording = store.load(&store.find(&id).unwrap());
        assert!(recording.unrecorded, "a run that resumes it has to know");
        assert_eq!(recording.summary.status, RunWord::Interrupted);
    }
}
