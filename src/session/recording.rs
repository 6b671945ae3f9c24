//! Records a run: its journal, its cache, and how it was started.

use super::error::SessionError;
use super::note::Note;
use super::options::JournalSettings;
use crate::engine::{Definitions, Engine};
use crate::plan::ExecutionPlan;
use crate::store::{
    CacheOptions, Claim, Connections, Journal, JournalOptions, OnFailure, RunMeta, StoreError,
    StoredCache, home,
};
use crate::tools::{Catalog, SharedSecrets, Toolbox};
use crate::units::ModelOptions;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex};

/// Where a plan came from, as the journal stores it; without secrets.
#[derive(Clone, Debug, Default)]
pub(super) struct Provenance {
    /// The plan's file, as an absolute path.
    pub plan_path: Option<Arc<str>>,
    /// The plan's text, with credentials redacted.
    pub plan_text: Option<Arc<str>>,
    /// The catalog, without secrets.
    pub catalog: Option<Arc<str>>,
    /// The options with which a resumed run finds its tools, context and worker.
    pub settings: Value,
}

/// A catalog as it is recorded with a run of `plan`.
pub(super) fn recorded_catalog(
    catalog: &Catalog,
    plan: &ExecutionPlan,
    secrets: &SharedSecrets,
) -> Option<Arc<str>> {
    let used = || -> HashSet<&str> { plan.steps.iter().map(|step| &*step.tool).collect() };
    let record = serde_json::to_value(catalog.record(used)?).ok()?;
    let redacted = secrets.now().redacted(&record);
    Some(redacted.unwrap_or(record).to_string().into())
}

/// What is held while a recorded run is running.
#[derive(Default)]
pub(super) struct RecordGuard {
    /// The claim on the earlier run, so that no other process resumes it.
    pub claim: Option<Claim>,
    /// Why the journal failed, where that is reported only at the end.
    broken: Arc<Mutex<Option<String>>>,
}

impl RecordGuard {
    /// Releases the claim. Returns a note if the journal failed and that was not reported at once.
    pub(super) fn release(self) -> Option<Note> {
        drop(self.claim);
        let mut broken = self.broken.lock().ok()?;
        broken.take().map(Note::JournalBroke)
    }
}

/// The first entry of the journal of a run of `plan`.
pub(super) fn meta(
    plan: &Arc<ExecutionPlan>,
    toolbox: &dyn Toolbox,
    provenance: Provenance,
) -> RunMeta {
    RunMeta {
        plan_path: provenance.plan_path,
        plan_text: provenance.plan_text,
        catalog_digest: Some(catalog_digest(plan, toolbox)),
        catalog: provenance.catalog,
        settings: provenance.settings,
        definitions: Definitions::of(plan, toolbox),
        ..RunMeta::default()
    }
}

/// Adds the journal and the cache to the engine. The journal is the first sink, so no listener sees an event before
/// it is recorded. If the journal cannot be opened and is not required, the run is not recorded, and a note reports it.
/// The journal of a run that `goes_on` under its own id is continued.
pub(super) fn record(
    engine: Engine,
    settings: JournalSettings,
    cache: Option<CacheOptions>,
    (meta, goes_on, connections): (RunMeta, bool, Option<Connections>),
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
        connections,
        warn: Some(Arc::new(move |error: &StoreError| {
            tracing::error!(%error, "the journal failed");
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
        let begin = if goes_on {
            Journal::go_on
        } else {
            Journal::begin
        };
        let journal = begin(&home, engine.run_id(), meta, options)?;
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
        // What it does would be missing in the middle of its record.
        Err(error) if settings.required || goes_on => Err(error.into()),
        Err(error) => {
            tracing::error!(%error, "the journal cannot be opened");
            Ok((engine, Some(Note::NotRecorded(error.to_string()))))
        }
    }
}

/// A hash over the definitions of the tools that the plan uses.
fn catalog_digest(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> [u8; 32] {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut last: Option<&Arc<str>> = None;
    for step in plan.steps.iter() {
        // Steps in a row often call the same tool.
        if last
            .replace(&step.tool)
            .is_none_or(|last| !Arc::ptr_eq(last, &step.tool))
        {
            names.insert(&step.tool);
        }
    }
    let fingerprints: Map<String, Value> = names
        .into_iter()
        .filter_map(|name| {
            Some((
                name.to_owned(),
                Value::Object(
                    toolbox
                        .fingerprint(name, None, ModelOptions::default())?
                        .parts,
                ),
            ))
        })
        .collect();
    *blake3::hash(Value::Object(fingerprints).to_string().as_bytes()).as_bytes()
}
