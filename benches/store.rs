//! What the journal costs, and how fast it answers.
//!
//! `cargo bench --bench store` prints a table; every figure is the best of a few rounds, because the machine
//! may be doing something else as well. Folders are made under `PLANDECK_BENCH_DIR`, else the system's own
//! place for temporary files.

use futures::FutureExt;
use futures::future::BoxFuture;
use plandeck::engine::{Engine, EventSink, Settings, definitions};
use plandeck::plan::{Dialect, ExecutionPlan, Step, StepIx, Template};
use plandeck::run::{
    AttemptEnd, EventKind, ResourceLimits, RunEvent, RunHeader, RunOutcome, RunState, StepInfo,
    StepKey, StepSource,
};
use plandeck::store::{Journal, JournalOptions, RunMeta, Store};
use plandeck::tools::{Call, CallReport, Tool, ToolKind, Toolbox};
use plandeck::units::{Micros, Money};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A plain function; `awaited` makes it a call that has to be on record before it is made.
#[derive(Clone, Copy)]
struct Trivial {
    awaited: bool,
}

impl Tool for Trivial {
    fn kind(&self) -> &'static ToolKind {
        static KIND: ToolKind = ToolKind::new("trivial");
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        async move { CallReport::free(Ok(Value::clone(&call.input))) }.boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        (!self.awaited).then(|| CallReport {
            charges: Vec::new(),
            reasoning: None,
            output: Ok(Arc::clone(input)),
            ..CallReport::free(Ok(Value::Null))
        })
    }
}

impl Toolbox for Trivial {
    fn tool(&self, _name: &str) -> Option<Arc<dyn Tool>> {
        Some(Arc::new(*self))
    }
}

fn plan(steps: u32) -> Arc<ExecutionPlan> {
    let steps = (0..steps).map(|n| Step {
        depends_on: (n >= 100).then(|| StepIx(n - 100)).into_iter().collect(),
        ..Step::new(
            n.to_string(),
            "trivial",
            Template::Literal(Arc::new(json!({"n": n}))),
        )
    });
    Arc::new(ExecutionPlan {
        name: "bench".into(),
        dialect: Dialect::Documented,
        steps: steps.collect(),
        context_names: Vec::new(),
        context: Map::new(),
        catalog: None,
        warnings: Vec::new(),
    })
}

/// The wall-clock time of a run, the closing of its journal included.
fn run(plan: &Arc<ExecutionPlan>, tool: Trivial, home: Option<(&Path, bool)>) -> Outcome<Duration> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let settings = Settings {
        limits: ResourceLimits {
            max_concurrent: Some(8),
            ..ResourceLimits::none()
        },
        ..Settings::default()
    };
    let start = Instant::now();
    let mut engine = Engine::new(Arc::clone(plan), Map::new(), Arc::new(tool), settings);
    if let Some((home, durable)) = home {
        let meta = RunMeta {
            definitions: definitions(plan, &tool).into(),
            ..RunMeta::default()
        };
        let options = JournalOptions {
            durable,
            ..JournalOptions::default()
        };
        engine = {
            let journal = Journal::begin(home, engine.run_id(), meta, options)?;
            engine.with_sink(journal)
        };
    }
    let (_send, commands) = mpsc::channel(1);
    let state = runtime.block_on(engine.run(tokio::time::Instant::now(), commands));
    let elapsed = start.elapsed();
    assert_eq!(
        state.count(plandeck::run::StepStatus::Succeeded),
        plan.steps.len()
    );
    Ok(elapsed)
}

fn best(rounds: usize, mut measure: impl FnMut() -> Outcome<Duration>) -> Outcome<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..rounds {
        best = best.min(measure()?);
    }
    Ok(best)
}

fn folder() -> Outcome<tempfile::TempDir> {
    Ok(match std::env::var_os("PLANDECK_BENCH_DIR") {
        Some(place) => tempfile::tempdir_in(place)?,
        None => tempfile::tempdir()?,
    })
}

fn line(what: &str, figure: &str, goal: &str) {
    println!("| {what:<58} | {figure:>12} | {goal:>10} |");
}

fn per_step() -> Outcome<()> {
    let plan = plan(100_000);
    let trivial = Trivial { awaited: false };
    let without = best(3, || run(&plan, trivial, None))?;
    let with = best(3, || {
        let home = folder()?;
        run(&plan, trivial, Some((home.path(), false)))
    })?;
    let each = |span: Duration| span.as_secs_f64() * 1e6 / 100_000.0;
    let added = each(with.saturating_sub(without));
    line(
        "100,000 trivial steps without a journal, a step",
        &format!("{:.2} µs", each(without)),
        "",
    );
    line(
        "what the journal adds, a step",
        &format!("{added:.2} µs"),
        "8 µs",
    );
    Ok(())
}

fn per_call() -> Outcome<()> {
    let plan = plan(2_000);
    let awaited = Trivial { awaited: true };
    let without = best(3, || run(&plan, awaited, None))?;
    for (durable, what) in [
        (false, "a call that is on record before and after, adds"),
        (true, "the same, and on the disk (--durable)"),
    ] {
        let with = best(2, || {
            let home = folder()?;
            run(&plan, awaited, Some((home.path(), durable)))
        })?;
        let added = with.saturating_sub(without).as_secs_f64() * 1e6 / 2_000.0;
        line(what, &format!("{added:.0} µs"), "");
    }
    Ok(())
}

fn header(id: &str, steps: u32) -> Arc<RunHeader> {
    let infos = (0..steps).map(|n| StepInfo {
        id: n.to_string().into(),
        tool: "trivial".into(),
        kind: "trivial".into(),
        depends_on: (n > 0).then(|| StepIx(n - 1)).into_iter().collect(),
        description: None,
        parent: None,
        parameters: None,
        not_reused: None,
        sequential: false,
        price: None,
        checks: None,
    });
    Arc::new(RunHeader {
        run_id: id.into(),
        plan: "bench".into(),
        dialect: Dialect::Documented,
        started_at: "2026-01-01T00:00:00Z".into(),
        worker: "offline".into(),
        simulated: false,
        track_cost: true,
        limits: ResourceLimits::none(),
        rates: plandeck::run::Rates::default(),
        priced: false,
        context: Arc::new(json!({})),
        steps: infos.collect(),
        forked_from: None,
        spent_before: Money::ZERO,
        pace: None,
    })
}

/// The events of a run of `steps` steps, four a step.
fn events(id: &str, steps: u32) -> Vec<RunEvent> {
    let mut events = Vec::new();
    let mut emit = |kind| {
        let seq = events.len() as u64;
        events.push(RunEvent {
            seq,
            at: Micros(seq * 3),
            kind,
        });
    };
    emit(EventKind::RunStarted(header(id, steps)));
    for n in 0..steps {
        let step = StepKey {
            ix: StepIx(n),
            id: n.to_string().into(),
        };
        let input = Arc::new(json!({"n": n, "text": "some words"}));
        emit(EventKind::StepReady { step: step.clone() });
        emit(EventKind::AttemptStarted {
            step: step.clone(),
            attempt: 1,
            slot: n % 8,
            input: Arc::clone(&input).into(),
            reserved: Money::ZERO,
            why: None,
            prompt: None,
        });
        emit(EventKind::AttemptEnded(Arc::new(AttemptEnd {
            step: step.clone(),
            attempt: 1,
            service: Micros(2),
            cost: Some(Money::from_pico(5)),
            details: None,
            cancelled: false,
        })));
        emit(EventKind::StepSucceeded {
            step,
            source: StepSource::Call,
            output: input,
            reused: None,
        });
    }
    emit(EventKind::RunEnded {
        status: RunOutcome::Succeeded,
        result: Arc::default(),
        error: None,
    });
    events
}

fn opening() -> Outcome<()> {
    let home = folder()?;
    let all = events("large", 250_000);
    let count = all.len();
    let start = Instant::now();
    let mut journal = Journal::begin(
        home.path(),
        "large",
        RunMeta::default(),
        JournalOptions::default(),
    )?;
    for part in all.chunks(2_000) {
        journal.accept(part);
    }
    drop(journal);
    let written = start.elapsed();
    drop(all);
    line(
        &format!("writing {count} events, an event"),
        &format!("{:.2} µs", written.as_secs_f64() * 1e6 / count as f64),
        "",
    );
    let size = std::fs::metadata(home.path().join("plandeck.db"))?.len();
    line(
        "their size on disk, an event",
        &format!("{:.1} B", size as f64 / count as f64),
        "",
    );
    let opened = best(3, || {
        let start = Instant::now();
        let store = Store::at(home.path())?;
        let recording = store.load(&store.find("large")?);
        let state = RunState::from_events(&recording.events);
        let elapsed = start.elapsed();
        assert!(state.has_ended() && recording.events.len() == count);
        Ok(elapsed)
    })?;
    line(
        "opening that run, to its end state",
        &format!("{} ms", opened.as_millis()),
        "1000 ms",
    );
    Ok(())
}

fn listing() -> Outcome<()> {
    let home = folder()?;
    let few = events("r", 3);
    drop(Journal::begin(
        home.path(),
        "first",
        RunMeta::default(),
        JournalOptions::default(),
    )?);
    let mut database = rusqlite::Connection::open(home.path().join("plandeck.db"))?;
    let change = database.transaction()?;
    for n in 0..10_000 {
        change.execute(
            "INSERT INTO runs (run_id, plan, started_at, status, cost_pico, steps_completed, steps, events)
             VALUES (?1, 'bench', '2026-01-01T00:00:00Z', ?2, 7, 3, 3, ?3)",
            rusqlite::params![format!("run-{n}"), if n % 10 == 0 { "running" } else { "succeeded" }, few.len() as i64],
        )?;
    }
    change.commit()?;
    let listed = best(5, || {
        let start = Instant::now();
        let runs = Store::at(home.path())?.runs()?;
        let text = serde_json::to_string(&runs)?;
        assert!(runs.len() == 10_000 && !text.is_empty());
        Ok(start.elapsed())
    })?;
    line(
        "a list of 10,000 runs, a tenth of them interrupted",
        &format!("{} ms", listed.as_millis()),
        "100 ms",
    );
    Ok(())
}

fn main() -> Outcome<()> {
    // `cargo test --benches` only wants to know that it builds and starts.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    println!("| {:<58} | {:>12} | {:>10} |", "", "measured", "at most");
    println!(
        "| {} | {}: | {}: |",
        "-".repeat(58),
        "-".repeat(11),
        "-".repeat(9)
    );
    per_step()?;
    per_call()?;
    opening()?;
    listing()
}
