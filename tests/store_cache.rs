//! Outputs used again from one run to the next.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod store_support;

use plandeck::engine::{Engine, OutputCache};
use plandeck::plan::Step;
use plandeck::run::{ExecutionResult, Money, RunState, StepSource};
use plandeck::store::{
    CacheOptions, Journal, JournalOptions, PruneRules, RunMeta, Store, StoredCache,
};
use plandeck::tools::{Recipe, Tool, Toolbox};
use serde_json::{Map, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store_support::{Echo, Only, plan, run, settings, step};

/// Every name is the same tool, by a recipe.
struct Known {
    tools: Only,
    recipe: Recipe,
}

impl Toolbox for Known {
    fn tool(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.tools.tool(name)
    }

    fn recipe(&self, _name: &str, _model: Option<&str>) -> Option<Recipe> {
        Some(self.recipe.clone())
    }
}

fn recipe(prompt: &str) -> Recipe {
    Recipe {
        parts: Map::from_iter([("prompt".to_owned(), json!(prompt))]),
        carrier: Map::new(),
        reusable: true,
    }
}

async fn cached(
    home: &Path,
    steps: Vec<Step>,
    echo: &Arc<Echo>,
    recipe: Recipe,
    options: CacheOptions,
) -> RunState {
    let toolbox = Arc::new(Known {
        tools: Only(Arc::clone(echo)),
        recipe,
    });
    let engine = Engine::new(plan(steps), Map::new(), toolbox, settings());
    let journal = Journal::begin(
        home,
        engine.run_id(),
        RunMeta::default(),
        JournalOptions::default(),
    )
    .unwrap();
    let cache = StoredCache::open(home, &journal, options).unwrap();
    run(engine.with_sink(journal).with_cache(cache)).await.0
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
            cache: Some(false),
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
    let first = cached(home.path(), steps(), &echo, recipe("p"), options).await;
    let second = cached(home.path(), steps(), &echo, recipe("p"), options).await;
    assert_eq!(
        (sources(&first), sources(&second)),
        (vec![Call; 3], vec![Cache, Cache, Call])
    );
    assert_eq!(second.spent, Money::from_pico(7));
    assert_eq!(first.result, second.result);
    // Another name is no other call; another input or recipe is.
    let renamed = vec![step(
        "other name",
        json!({"text": "x".repeat(5000), "n": 1}),
        &[],
    )];
    assert_eq!(
        sources(&cached(home.path(), renamed, &echo, recipe("p"), options).await),
        [Cache]
    );
    let changed = vec![step("a", json!({"n": 1, "text": "y"}), &[])];
    assert_eq!(
        sources(&cached(home.path(), changed, &echo, recipe("p"), options).await),
        [Call]
    );
    assert_eq!(
        sources(&cached(home.path(), steps(), &echo, recipe("q"), options).await),
        [Call; 3]
    );
    let fresh = CacheOptions {
        fresh: true,
        ..options
    };
    assert_eq!(
        sources(&cached(home.path(), steps(), &echo, recipe("p"), fresh).await),
        [Call; 3]
    );
    let short = CacheOptions {
        time_to_live: Some(Duration::ZERO),
        ..options
    };
    assert_eq!(
        sources(&cached(home.path(), steps(), &echo, recipe("p"), short).await),
        [Call; 3]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_not_kept_and_a_tool_says_whether_it_may_be() {
    let home = tempfile::tempdir().unwrap();
    let echo = paid();
    let options = CacheOptions::default();
    let bad = || vec![step("bad", json!({"fail": "no"}), &[])];
    cached(home.path(), bad(), &echo, recipe("p"), options).await;
    cached(home.path(), bad(), &echo, recipe("p"), options).await;
    assert_eq!(echo.calls_of("bad"), 2);
    let writes = Recipe {
        reusable: false,
        ..recipe("p")
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
            cache: Some(true),
            ..step("asked", json!({"asked": 1}), &[])
        };
        cached(home.path(), vec![asked], &echo, writes.clone(), options).await;
    }
    assert_eq!((echo.calls_of("w"), echo.calls_of("asked")), (2, 1));
}

/// Remembers the keys that it was asked for.
struct Asked(Arc<std::sync::Mutex<Vec<plandeck::engine::CacheKey>>>);

impl OutputCache for Asked {
    fn get(&mut self, key: &plandeck::engine::CacheKey) -> Option<Arc<serde_json::Value>> {
        self.0.lock().unwrap().push(key.clone());
        None
    }

    fn put(&mut self, _key: plandeck::engine::CacheKey, _made: plandeck::engine::Made) {}
}

async fn key_of(step: Step, recipe: Recipe) -> plandeck::engine::CacheKey {
    let asked = Arc::default();
    let toolbox = Arc::new(Known {
        tools: Only(paid()),
        recipe,
    });
    let engine = Engine::new(plan(vec![step]), Map::new(), toolbox, settings());
    run(engine.with_cache(Asked(Arc::clone(&asked)))).await;
    let key = asked.lock().unwrap().pop().unwrap();
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_call_was_made_again_can_be_said() {
    let home = tempfile::tempdir().unwrap();
    cached(
        home.path(),
        vec![step("a", json!({"n": 1}), &[])],
        &paid(),
        recipe("p"),
        CacheOptions::default(),
    )
    .await;
    let store = Store::at(home.path()).unwrap();
    let nearest = store
        .nearest(&key_of(step("a", json!({"n": 2}), &[]), recipe("q")).await)
        .unwrap()
        .unwrap();
    assert!(!nearest.exact);
    assert_eq!(
        (nearest.parts, &*nearest.input),
        (vec!["prompt".to_owned()], &json!({"n": 1}))
    );
    let exact = store
        .nearest(&key_of(step("a", json!({"n": 1}), &[]), recipe("p")).await)
        .unwrap()
        .unwrap();
    assert!(exact.exact && exact.parts.is_empty() && exact.cost == Money::from_pico(7));
    assert!(
        store
            .nearest(&key_of(step("z", json!({"n": 9}), &[]), recipe("p")).await)
            .unwrap()
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_takes_runs_and_what_only_they_needed() {
    let home = tempfile::tempdir().unwrap();
    let echo = paid();
    for n in 0..4 {
        let noise: String = std::iter::repeat_with(|| fastrand::alphanumeric())
            .take(200_000)
            .collect();
        let steps = vec![step("large", json!({"n": n, "text": noise}), &[])];
        store_support::run_journalled(home.path(), store_support::engine(steps, &echo)).await;
    }
    cached(
        home.path(),
        steps(),
        &echo,
        recipe("p"),
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
                older_than: Some(Duration::from_secs(3600)),
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
                recipe("p"),
                CacheOptions::default()
            )
            .await
        )[0],
        StepSource::Cache
    );
}
