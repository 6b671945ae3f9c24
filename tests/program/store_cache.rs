//! Outputs used again from one run to the next.

use crate::common::store::{Echo, Only, plan, run, settings, step};
use plandeck::engine::{
    CacheKey, CacheMiss, CachedOutput, Engine, NewOutput, OutputCache, Settings, event_channel,
};
use plandeck::plan::{Reference, Root, Step, StepIx, StepSettings, Template};
use plandeck::run::{
    EventKind, ExecutionResult, MissReason, NotReused, RunCommand, RunState, StepSource,
};
use plandeck::store::{
    CacheOptions, Journal, JournalOptions, PruneRules, RunMeta, Store, StoredCache,
};
use plandeck::tools::{Fingerprint, Tool, Toolbox};
use plandeck::units::{Micros, ModelOptions, Money};
use serde_json::{Map, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Every name is the same tool, by a fingerprint.
struct Known {
    tools: Only,
    fingerprint: Fingerprint,
}

impl Toolbox for Known {
    fn tool(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.tools.tool(name)
    }

    fn fingerprint(
        &self,
        _name: &str,
        _model: Option<&str>,
        _options: ModelOptions,
    ) -> Option<Fingerprint> {
        Some(self.fingerprint.clone())
    }
}

fn fingerprint(prompt: &str) -> Fingerprint {
    Fingerprint {
        parts: Map::from_iter([("prompt".to_owned(), json!(prompt))]),
        ..Fingerprint::builtin("echo", None)
    }
}

async fn cached(
    home: &Path,
    steps: Vec<Step>,
    echo: &Arc<Echo>,
    fingerprint: Fingerprint,
    options: CacheOptions,
) -> RunState {
    commanded(home, steps, echo, fingerprint, options, Vec::new()).await
}

/// A run that is given these commands, one after the other, each once the run has ended.
async fn commanded(
    home: &Path,
    steps: Vec<Step>,
    echo: &Arc<Echo>,
    fingerprint: Fingerprint,
    options: CacheOptions,
    commands: Vec<RunCommand>,
) -> RunState {
    let toolbox = Arc::new(Known {
        tools: Only(Arc::clone(echo)),
        fingerprint,
    });
    let settings = Settings {
        interactive: true,
        ..settings()
    };
    let engine = Engine::new(plan(steps), Map::new(), toolbox, settings);
    let journal = Journal::begin(
        home,
        engine.run_id(),
        RunMeta::default(),
        JournalOptions::default(),
    )
    .unwrap();
    let cache = StoredCache::open(home, &journal, options).unwrap();
    let (events_out, mut reader) = event_channel();
    let engine = engine
        .with_sink(journal)
        .with_cache(cache)
        .with_sink(events_out);
    let (send, received) = mpsc::channel(1);
    let running = tokio::spawn(engine.run(Instant::now(), received));
    for command in commands.into_iter().chain([RunCommand::Close]) {
        // A pin is the only one that comes to nothing but itself; the run has ended all the same.
        let mut seen = Vec::new();
        while !matches!(
            seen.last(),
            Some(EventKind::RunEnded { .. } | EventKind::StepPinned { .. })
        ) {
            reader.changed().await;
            let mut events = Vec::new();
            reader.take(&mut events, usize::MAX);
            seen.extend(events.into_iter().map(|event| event.kind));
        }
        send.send(command).await.unwrap();
    }
    running.await.unwrap()
}

fn sources(state: &RunState) -> Vec<StepSource> {
    ExecutionResult::of(state)
        .steps
        .iter()
        .map(|step| step.source.unwrap())
        .collect()
}

fn steps() -> Vec<Step> {
    vec![
        step("a", json!({"n": 1, "text": "x".repeat(5000)}), &[]),
        step("b", json!({"n": 2}), &[0]),
        Step {
            settings: Arc::new(StepSettings {
                cache: Some(false),
                ..StepSettings::default()
            }),
            ..step("never", json!({"n": 3}), &[])
        },
    ]
}

fn paid() -> Arc<Echo> {
    Arc::new(Echo {
        cost: Money::from_pico(7),
        ..Echo::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_call_is_made_once() {
    use StepSource::{Cache, Call};
    let home = tempfile::tempdir().unwrap();
    let echo = paid();
    let options = CacheOptions::default();
    let first = cached(home.path(), steps(), &echo, fingerprint("p"), options).await;
    let second = cached(home.path(), steps(), &echo, fingerprint("p"), options).await;
    assert_eq!(
        (sources(&first), sources(&second)),
        (vec![Call; 3], vec![Cache, Cache, Call])
    );
    assert_eq!(second.spent, Money::from_pico(7));
    assert_eq!(first.result, second.result);
    // Another name is not another call; another input or fingerprint is.
    let renamed = vec![step(
        "other name",
        json!({"text": "x".repeat(5000), "n": 1}),
        &[],
    )];
    assert_eq!(
        sources(&cached(home.path(), renamed, &echo, fingerprint("p"), options).await),
        [Cache]
    );
    let changed = vec![step("a", json!({"n": 1, "text": "y"}), &[])];
    assert_eq!(
        sources(&cached(home.path(), changed, &echo, fingerprint("p"), options).await),
        [Call]
    );
    assert_eq!(
        sources(&cached(home.path(), steps(), &echo, fingerprint("q"), options).await),
        [Call; 3]
    );
    let fresh = CacheOptions {
        fresh: true,
        ..options
    };
    assert_eq!(
        sources(&cached(home.path(), steps(), &echo, fingerprint("p"), fresh).await),
        [Call; 3]
    );
    let short = CacheOptions {
        time_to_live: Some(Duration::ZERO),
        ..options
    };
    assert_eq!(
        sources(&cached(home.path(), steps(), &echo, fingerprint("p"), short).await),
        [Call; 3]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_not_kept_and_a_tool_says_whether_it_may_be() {
    let home = tempfile::tempdir().unwrap();
    let echo = paid();
    let options = CacheOptions::default();
    let bad = || vec![step("bad", json!({"fail": "no"}), &[])];
    cached(home.path(), bad(), &echo, fingerprint("p"), options).await;
    cached(home.path(), bad(), &echo, fingerprint("p"), options).await;
    assert_eq!(echo.calls_of("bad"), 2);
    let writes = Fingerprint {
        not_reused: Some(NotReused::Effects),
        ..fingerprint("p")
    };
    for _ in 0..2 {
        cached(
            home.path(),
            vec![step("w", json!({}), &[])],
            &echo,
            writes.clone(),
            options,
        )
        .await;
        let asked = Step {
            settings: Arc::new(StepSettings {
                cache: Some(true),
                ..StepSettings::default()
            }),
            ..step("asked", json!({"asked": 1}), &[])
        };
        cached(home.path(), vec![asked], &echo, writes.clone(), options).await;
    }
    assert_eq!((echo.calls_of("w"), echo.calls_of("asked")), (2, 1));
}

/// Remembers the keys that it was asked for, made with the hash key of a store.
struct Asked(Arc<std::sync::Mutex<Vec<CacheKey>>>, [u8; 32]);

impl OutputCache for Asked {
    fn get(&mut self, key: &CacheKey) -> Result<CachedOutput, CacheMiss> {
        self.0.lock().unwrap().push(key.clone());
        Err(CacheMiss::Never)
    }

    fn put(&mut self, _key: CacheKey, _made: NewOutput) {}

    fn hash_key(&self) -> [u8; 32] {
        self.1
    }
}

async fn key_of(home: &Path, step: Step, fingerprint: Fingerprint) -> CacheKey {
    let hash_key = std::fs::read(home.join("hash.key")).unwrap();
    let hash_key = hash_key.try_into().unwrap();
    let asked = Arc::default();
    let toolbox = Arc::new(Known {
        tools: Only(paid()),
        fingerprint,
    });
    let engine = Engine::new(plan(vec![step]), Map::new(), toolbox, settings());
    run(engine.with_cache(Asked(Arc::clone(&asked), hash_key))).await;
    asked.lock().unwrap().pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_call_was_made_again_can_be_said() {
    let home = tempfile::tempdir().unwrap();
    cached(
        home.path(),
        vec![step("a", json!({"n": 1}), &[])],
        &paid(),
        fingerprint("p"),
        CacheOptions::default(),
    )
    .await;
    let store = Store::at(home.path()).unwrap();
    let nearest = store
        .nearest(
            &key_of(
                home.path(),
                step("a", json!({"n": 2}), &[]),
                fingerprint("q"),
            )
            .await,
        )
        .unwrap()
        .unwrap();
    assert!(!nearest.exact);
    assert_eq!(
        (nearest.parts, &*nearest.input),
        (vec!["prompt".to_owned()], &json!({"n": 1}))
    );
    let exact = store
        .nearest(
            &key_of(
                home.path(),
                step("a", json!({"n": 1}), &[]),
                fingerprint("p"),
            )
            .await,
        )
        .unwrap()
        .unwrap();
    assert!(exact.exact && exact.parts.is_empty() && exact.cost == Money::from_pico(7));
    assert!(
        store
            .nearest(
                &key_of(
                    home.path(),
                    step("z", json!({"n": 9}), &[]),
                    fingerprint("p")
                )
                .await
            )
            .unwrap()
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_takes_runs_and_what_only_they_needed() {
    let home = tempfile::tempdir().unwrap();
    let echo = paid();
    for n in 0..4 {
        let noise: String = std::iter::repeat_with(fastrand::alphanumeric)
            .take(200_000)
            .collect();
        let steps = vec![step("large", json!({"n": n, "text": noise}), &[])];
        crate::common::store::run_journalled(
            home.path(),
            crate::common::store::engine(steps, &echo),
        )
        .await;
    }
    cached(
        home.path(),
        steps(),
        &echo,
        fingerprint("p"),
        CacheOptions::default(),
    )
    .await;
    let mut store = Store::at(home.path()).unwrap();
    let ids = |store: &Store| {
        store
            .runs()
            .unwrap()
            .iter()
            .map(|run| run.run_id.clone())
            .collect::<Vec<_>>()
    };
    let all = ids(&store);
    assert!(
        store
            .prune(&PruneRules {
                older_than: Some(Duration::from_hours(1)),
                ..PruneRules::default()
            })
            .unwrap()
            .runs
            .is_empty()
    );
    let pruned = store
        .prune(&PruneRules {
            keep: Some(3),
            ..PruneRules::default()
        })
        .unwrap();
    assert_eq!(ids(&store), all[..3]);
    assert_eq!(
        pruned
            .runs
            .iter()
            .map(|run| run.run_id.clone())
            .collect::<Vec<_>>(),
        all[3..]
    );
    assert!(pruned.bytes_after + 300_000 < pruned.bytes_before);
    store
        .prune(&PruneRules {
            max_bytes: Some(400_000),
            ..PruneRules::default()
        })
        .unwrap();
    assert_eq!(ids(&store), all[..2]);
    assert!(store.bytes().unwrap() <= 400_000);
    store
        .prune(&PruneRules {
            keep: Some(0),
            ..PruneRules::default()
        })
        .unwrap();
    assert!(ids(&store).is_empty());
    // What is kept for later runs stays.
    assert_eq!(
        sources(
            &cached(
                home.path(),
                steps(),
                &echo,
                fingerprint("p"),
                CacheOptions::default()
            )
            .await
        )[0],
        StepSource::Cache
    );
}

fn miss(state: &RunState, at: usize) -> Option<MissReason> {
    state.steps[at].why().and_then(|why| why.miss.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_says_what_it_saved_and_a_call_why_it_was_made() {
    let home = tempfile::tempdir().unwrap();
    let echo = paid();
    let options = CacheOptions::default();
    let first = cached(home.path(), steps(), &echo, fingerprint("p"), options).await;
    let run_id = first.header.as_ref().unwrap().run_id.clone();
    assert_eq!(miss(&first, 0), Some(MissReason::Never));
    assert_eq!(
        (miss(&first, 2), first.steps[2].info.not_reused),
        (None, Some(NotReused::Step))
    );
    let second = cached(home.path(), steps(), &echo, fingerprint("p"), options).await;
    let reused = second.steps[0].reused.clone().unwrap();
    assert_eq!(
        (&reused.run_id, reused.cost),
        (&run_id, Money::from_pico(7))
    );
    assert_eq!(reused.service, first.steps[0].service);
    assert_eq!(reused.input, first.steps[0].attempts[0].input);
    assert!(reused.age < Micros(600_000_000) && !reused.pinned);
    assert_eq!(second.saved_cost, Money::from_pico(14));
    assert_eq!(
        second.saved_time,
        first.steps[0].service + first.steps[1].service
    );

    let fresh = CacheOptions {
        fresh: true,
        ..options
    };
    let third = cached(home.path(), steps(), &echo, fingerprint("p"), fresh).await;
    assert_eq!(miss(&third, 0), Some(MissReason::Fresh));
    let short = CacheOptions {
        time_to_live: Some(Duration::ZERO),
        ..options
    };
    let fourth = cached(home.path(), steps(), &echo, fingerprint("p"), short).await;
    let third_id = third.header.as_ref().unwrap().run_id.clone();
    assert!(
        matches!(miss(&fourth, 0), Some(MissReason::Expired { run_id, limit, .. })
            if run_id == third_id && limit == Micros(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_input_is_followed_to_the_step_it_comes_from() {
    let home = tempfile::tempdir().unwrap();
    let echo = paid();
    let options = CacheOptions::default();
    let chain = |text: &str| {
        let reference = Reference {
            root: Root::Step(StepIx(0)),
            path: Box::new([]),
            source: "{{first}}".into(),
        };
        let parameters = [
            ("of".into(), Template::Reference(Box::new(reference))),
            ("n".into(), Template::Literal(Arc::new(json!(1)))),
        ];
        vec![
            step("first", json!({"text": text}), &[]),
            Step {
                depends_on: [StepIx(0)].into_iter().collect(),
                ..Step::new("second", "echo", Template::Object(Box::new(parameters)))
            },
        ]
    };
    cached(home.path(), chain("a"), &echo, fingerprint("p"), options).await;
    let state = cached(home.path(), chain("b"), &echo, fingerprint("q"), options).await;
    let Some(MissReason::Differs { changes, parts, .. }) = miss(&state, 0) else {
        panic!("{:?}", miss(&state, 0))
    };
    assert_eq!(&*parts, ["prompt".into()]);
    let change = &changes[0];
    assert_eq!(
        (
            &*change.path,
            change.before.as_deref(),
            change.after.as_deref()
        ),
        ("text", Some("\"a\""), Some("\"b\""))
    );
    let Some(MissReason::Differs { changes, .. }) = miss(&state, 1) else {
        panic!("{:?}", miss(&state, 1))
    };
    assert_eq!((changes.len(), &*changes[0].path), (1, "of.echo.text"));
    assert_eq!(&*changes[0].steps, ["first".into()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_refreshed_replaces_what_is_kept_of_it_and_of_what_depends_on_it() {
    use StepSource::{Call, Recorded};
    let home = tempfile::tempdir().unwrap();
    let echo = paid();
    let options = CacheOptions::default();
    cached(home.path(), steps(), &echo, fingerprint("p"), options).await;
    let refresh = vec![RunCommand::Refresh(StepIx(0))];
    let state = commanded(
        home.path(),
        steps(),
        &echo,
        fingerprint("p"),
        options,
        refresh,
    )
    .await;
    assert_eq!(sources(&state), [Call, Call, Call]);
    assert_eq!((echo.calls_of("a"), echo.calls_of("b")), (2, 2));
    assert_eq!(
        (miss(&state, 0), miss(&state, 1)),
        (Some(MissReason::Refresh), Some(MissReason::Refresh))
    );
    assert_eq!(
        state.saved_cost,
        Money::ZERO,
        "what was thrown away saved nothing"
    );
    // Run again as it is: what was called just now is used for what depends on it.
    let retry = vec![RunCommand::Retry(StepIx(0))];
    let state = commanded(
        home.path(),
        steps(),
        &echo,
        fingerprint("p"),
        options,
        retry,
    )
    .await;
    assert_eq!(sources(&state), [Call, Recorded, Call]);
    assert_eq!((echo.calls_of("a"), echo.calls_of("b")), (3, 2));
    let run_id = &state.header.as_ref().unwrap().run_id;
    let next = cached(home.path(), steps(), &echo, fingerprint("p"), options).await;
    assert_eq!(&next.steps[0].reused.as_ref().unwrap().run_id, run_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_output_is_used_whatever_else_is_asked_for_until_it_is_unpinned() {
    use StepSource::{Cache, Call, Mock};
    let home = tempfile::tempdir().unwrap();
    let echo = paid();
    let fresh = CacheOptions {
        fresh: true,
        time_to_live: Some(Duration::ZERO),
    };
    // Its output may not be reused automatically: the user pins it.
    let writes = || Fingerprint {
        not_reused: Some(NotReused::Effects),
        ..fingerprint("p")
    };
    let pin = |at: u32, on: bool| RunCommand::Pin(StepIx(at), on);
    let commands = vec![pin(0, true), RunCommand::Retry(StepIx(0))];
    let state = commanded(home.path(), steps(), &echo, writes(), fresh, commands).await;
    assert_eq!((sources(&state)[0], state.steps[0].pinned), (Cache, true));
    assert_eq!(echo.calls_of("a"), 1);
    let commands = vec![RunCommand::Refresh(StepIx(0))];
    let state = commanded(home.path(), steps(), &echo, writes(), fresh, commands).await;
    assert_eq!(sources(&state), [Cache, Call, Call]);
    let reused = state.steps[0].reused.as_ref().unwrap();
    assert!(reused.pinned && reused.cost == Money::from_pico(7));

    let mut store = Store::at(home.path()).unwrap();
    store
        .prune(&PruneRules {
            keep: Some(0),
            ..PruneRules::default()
        })
        .unwrap();
    let kept = store.kept(true).unwrap();
    assert_eq!((kept.len(), &*kept[0].step, kept[0].pinned), (1, "a", true));
    // Another input is another call.
    let other = vec![step("a", json!({"n": 5}), &[])];
    assert_eq!(
        sources(&cached(home.path(), other, &echo, writes(), fresh).await),
        [Call]
    );
    let state = commanded(
        home.path(),
        steps(),
        &echo,
        writes(),
        fresh,
        vec![pin(0, false), RunCommand::Retry(StepIx(0))],
    )
    .await;
    assert_eq!((sources(&state)[0], state.steps[0].pinned), (Call, false));
    assert!(store.kept(true).unwrap().is_empty());

    // An output that the user supplied can be pinned too.
    let given = Arc::new(json!("given"));
    let commands = vec![
        RunCommand::SetOutput(StepIx(1), Arc::clone(&given)),
        pin(1, true),
    ];
    let state = commanded(home.path(), steps(), &echo, writes(), fresh, commands).await;
    assert_eq!(sources(&state)[1], Mock);
    let state = cached(home.path(), steps(), &echo, writes(), fresh).await;
    assert_eq!(
        (sources(&state)[1], state.steps[1].output.as_ref()),
        (Cache, Some(&given))
    );
    let key = store.kept(true).unwrap()[0].key;
    assert!(store.pin(&key, false).unwrap());
    assert_eq!(store.clear(None).unwrap(), 2, "what was pinned once, too");
    assert!(store.kept(false).unwrap().is_empty());
}
