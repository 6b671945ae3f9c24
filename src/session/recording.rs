//! Puts a run on record: its journal, its cache, and what it was started with.

use super::error::SessionError;
use super::note::Note;
use super::options::JournalSettings;
use crate::engine::{Engine, definitions};
use crate::plan::ExecutionPlan;
use crate::store::{
    CacheOptions, Claim, Journal, JournalOptions, OnFailure, RunMeta, StoreError, StoredCache, home,
};
use crate::tools::Toolbox;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Where a plan came from, for the record; none of it is secret.
#[derive(Clone, Debug, Default)]
pub(super) struct Provenance {
    /// The plan's file, as an absolute path.
    pub plan_path: Option<Arc<str>>,
    /// The plan's text without the credentials in it.
    pub plan_text: Option<Arc<str>>,
    /// The options under which a resumed run finds its plan, tools and context again.
    pub settings: Value,
}

/// What has to be held while a recorded run is running.
#[derive(Default)]
pub(super) struct RecordGuard {
    /// The right to resume the earlier run.
    pub claim: Option<Claim>,
    /// Why the journal broke, where nobody is told at once.
    broken: Arc<Mutex<Option<String>>>,
}

impl RecordGuard {
    /// Lets go, and says that the journal broke, where it did and nobody was told at once.
    pub fn release(self) -> Option<Note> {
        drop(self.claim);
        let mut broken = self.broken.lock().ok()?;
        broken.take().map(Note::JournalBroke)
    }
}

/// The first entry of the journal of a run of `plan`.
pub(super) fn meta(plan: &ExecutionPlan, toolbox: &dyn Toolbox, provenance: Provenance) -> RunMeta {
    RunMeta {
        plan_path: provenance.plan_path,
        plan_text: provenance.plan_text,
        catalog_digest: Some(catalog_digest(plan, toolbox)),
        settings: provenance.settings,
        definitions: definitions(plan, toolbox),
        ..RunMeta::default()
    }
}

/// Puts a run on record. The journal becomes the first of the engine's sinks: nobody hears of an end that is not
/// on record. Where it cannot be begun and is not required, the run goes without, and a note says so.
pub(super) fn record(
    engine: Engine,
    settings: JournalSettings,
    cache: Option<CacheOptions>,
    meta: RunMeta,
    guard: &RecordGuard,
) -> Result<(Engine, Option<Note>), SessionError> {
    let broken = Arc::clone(&guard.broken);
    let on_broken = settings.on_broken;
    let options = JournalOptions {
        durable: settings.durable,
        on_failure: if settings.required {
            OnFailure::Stop
        } else {
            OnFailure::GoOn
        },
        patience: None,
        warn: Some(Arc::new(move |error: &StoreError| {
            tracing::error!(%error, "the journal broke");
            match &on_broken {
                Some(on_broken) => on_broken(error),
                None => {
                    if let Ok(mut broken) = broken.lock() {
                        *broken = Some(error.to_string());
                    }
                }
            }
        })),
    };
    let folder = settings.home.map_or_else(home, Ok);
    let begun = folder.and_then(|home| {
        let journal = Journal::begin(&home, engine.run_id(), meta, options)?;
        let cache = cache.map(|cache| StoredCache::open(&home, &journal, cache));
        Ok((journal, cache.transpose()?))
    });
    match begun {
        Ok((journal, cache)) => {
            let engine = engine.with_sink(journal);
            let engine = match cache {
                Some(cache) => engine.with_cache(cache),
                None => engine,
            };
            Ok((engine, None))
        }
        Err(error) if settings.required => Err(error.into()),
        Err(error) => {
            tracing::error!(%error, "the journal cannot be begun");
            Ok((engine, Some(Note::NotRecorded(error.to_string()))))
        }
    }
}

/// What the tools of the plan are, as a digest.
fn catalog_digest(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> [u8; 32] {
    let names: BTreeSet<&str> = plan.steps.iter().map(|step| &*step.tool).collect();
    let fingerprints: Map<String, Value> = names
        .into_iter()
        .filter_map(|name| {
            Some((
                name.to_owned(),
                Value::Object(toolbox.fingerprint(name, None)?.parts),
            ))
        })
        .collect();
    *blake3::hash(Value::Object(fingerprints).to_string().as_bytes()).as_bytes()
}
