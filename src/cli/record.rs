//! A run on record: its journal, and the earlier run that it goes on with.

use super::args::{JournalWhen, RecordArgs, RunArgs, UnknownWhen};
use super::failure::Failure;
use super::fork::Changes;
use super::load::Loaded;
use crate::engine::{Engine, Recorded, UnknownSteps, definitions};
use crate::plan::ExecutionPlan;
use crate::store::{
    CacheOptions, Claim, Journal, JournalOptions, OnFailure, Resumption, RunMeta, Store,
    StoreError, StoredCache, home,
};
use crate::tools::Toolbox;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// An earlier run that is to be gone on with, before the plan is loaded.
pub struct Earlier {
    run_id: Arc<str>,
    resumption: Resumption,
    plan: Option<PathBuf>,
    settings: Value,
    /// What is changed, where the run is forked and not gone on with.
    changes: Option<Changes>,
}

impl Earlier {
    /// The run that `--resume` names, where it names one.
    pub fn find(args: &RecordArgs) -> Result<Option<Self>, Failure> {
        let Some(name) = &args.resume else {
            return Ok(None);
        };
        let find = || {
            let store = Store::open()?;
            let run = store.find(name)?;
            let details = store.details(&run)?;
            Ok(Self {
                resumption: store.resume(&run)?,
                run_id: run.run_id,
                plan: details.plan_path.map(|path| PathBuf::from(&*path)),
                settings: details.settings,
                changes: None,
            })
        };
        find().map(Some).map_err(fault)
    }

    /// The run of this name, to be forked.
    pub fn fork(name: &str, changes: Changes) -> Result<Self, Failure> {
        let find = || {
            let store = Store::open()?;
            let run = store.find(name)?;
            let details = store.details(&run)?;
            Ok(Self {
                resumption: store.fork(&run)?,
                run_id: run.run_id,
                plan: details.plan_path.map(|path| PathBuf::from(&*path)),
                settings: details.settings,
                changes: Some(changes),
            })
        };
        find().map_err(fault)
    }

    /// Fills in what the command line leaves out: the plan, its catalogs, and the context it was given.
    pub fn complete(&self, args: &mut RunArgs) -> Result<(), Failure> {
        if args.plan.is_none() {
            let Some(plan) = &self.plan else {
                let id = &self.run_id;
                return Err(Failure::usage(format!(
                    "run {id} did not read its plan from a file: give the plan as well"
                )));
            };
            args.plan = Some(plan.clone());
        }
        let paths = |name: &str| -> Vec<PathBuf> {
            let list = self.settings[name].as_array().into_iter().flatten();
            list.filter_map(Value::as_str).map(PathBuf::from).collect()
        };
        if args.source.tools.is_empty() {
            args.source.tools = paths("tools");
        }
        if args.source.mcp_config.is_empty() {
            args.source.mcp_config = paths("mcp_config");
        }
        let text = |name: &str| self.settings[name].as_str().map(str::to_owned);
        // A step that another worker carries out is called with another key, and may answer otherwise.
        args.source.worker = args.source.worker.take().or_else(|| text("worker"));
        args.source.base_url = args.source.base_url.take().or_else(|| text("base_url"));
        args.source.seed = args.source.seed.or_else(|| self.settings["seed"].as_u64());
        let header = self.resumption.state().header.as_deref();
        let recorded = header.and_then(|header| header.context.as_object());
        let given = self.settings["context"].as_array().into_iter().flatten();
        for name in given.filter_map(Value::as_str) {
            if let Some(value) = recorded.and_then(|context| context.get(name)) {
                args.source.recorded.insert(name.to_owned(), value.clone());
            }
        }
        Ok(())
    }

    /// What the run of `plan` takes over, with a word about it for the user.
    fn recorded(
        &self,
        plan: &ExecutionPlan,
        toolbox: &dyn Toolbox,
        unknown: UnknownSteps,
    ) -> Option<Recorded> {
        let definitions = definitions(plan, toolbox);
        let mut recorded = self.resumption.recorded(plan, &definitions)?;
        recorded.unknown = unknown;
        Some(recorded)
    }
}

/// Says what is taken over, and what is not and why.
fn tell(recorded: &Recorded, is_fork: bool) {
    let outputs = recorded.outputs();
    let what = if is_fork {
        "a fork of"
    } else {
        "going on with"
    };
    let mut line = format!(
        "plandeck: {what} run {}: {outputs} recorded outputs",
        recorded.run_id
    );
    let names = |ids: &[Arc<str>]| {
        ids.iter()
            .map(|id| crate::text::line(id))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if !recorded.asked().is_empty() {
        line += "; run again, with what depends on them: ";
        line += &names(recorded.asked());
    }
    if !recorded.changed().is_empty() {
        line += "; defined otherwise than then, so run again: ";
        line += &names(recorded.changed());
    }
    let under_way = recorded.under_way();
    if !under_way.is_empty() {
        line += "; under way when it was cut short: ";
        line += &names(&under_way);
    }
    note_line!("{line}");
}

/// What has to be kept while a recorded run goes on.
#[derive(Default)]
pub struct Keep {
    claim: Option<Claim>,
    broke: Arc<Mutex<Option<String>>>,
}

impl Keep {
    /// Says that the journal broke, where it did and nobody could be told at once.
    pub fn tell(self) {
        drop(self.claim);
        let broke = self.broke.lock().ok().and_then(|mut broke| broke.take());
        if let Some(message) = broke {
            note_line!(
                "plandeck: the journal of this run is not whole: {}",
                crate::text::line(&message)
            );
        }
    }
}

/// Puts the run on record, and has it go on with `earlier`. `at_once` is whether a failure of the journal may
/// be told on standard error while the run goes on.
pub fn on_record(
    engine: Engine,
    loaded: &Loaded,
    args: &RunArgs,
    earlier: Option<Earlier>,
    at_once: bool,
) -> Result<(Engine, Keep), Failure> {
    let mut keep = Keep::default();
    let mut meta = meta(loaded, args);
    let mut engine = engine;
    if let Some(earlier) = earlier {
        let unknown = match args.record.unknown.unwrap_or_default() {
            UnknownWhen::Keep => UnknownSteps::Keep,
            UnknownWhen::Rerun => UnknownSteps::Rerun,
            UnknownWhen::Skip => UnknownSteps::Skip,
        };
        if let Some(mut recorded) = earlier.recorded(&loaded.plan, &*loaded.toolbox, unknown) {
            let is_fork = earlier.changes.is_some();
            if let Some(changes) = earlier.changes {
                recorded.fork(engine.run_id());
                changes.apply(&mut recorded, &loaded.plan)?;
            } else {
                meta.origin = Some(Arc::clone(&recorded.origin));
            }
            tell(&recorded, is_fork);
            meta.forked_from = recorded.forked_from().cloned();
            engine = engine.with_recorded(recorded);
        }
        if meta.forked_from.is_none() {
            meta.resumed_from = Some(earlier.run_id);
            meta.forked_from = earlier.resumption.forked_from().cloned();
        }
        keep.claim = earlier.resumption.into_claim();
    }
    if args.record.journal == JournalWhen::Off {
        return Ok((engine, keep));
    }
    let broke = Arc::clone(&keep.broke);
    let options = JournalOptions {
        durable: args.record.durable,
        on_failure: match args.record.journal {
            JournalWhen::Required => OnFailure::Stop,
            JournalWhen::On | JournalWhen::Off => OnFailure::GoOn,
        },
        patience: None,
        warn: Some(Arc::new(move |error: &StoreError| {
            if at_once {
                warn(&error.to_string());
            } else if let Ok(mut broke) = broke.lock() {
                *broke = Some(error.to_string());
            }
        })),
    };
    let cache = CacheOptions {
        fresh: args.record.fresh,
        time_to_live: args.record.cache_ttl,
    };
    let begun = home().and_then(|home| {
        let journal = Journal::begin(&home, engine.run_id(), meta, options)?;
        let cache = StoredCache::open(&home, &journal, cache)?;
        Ok((journal, cache))
    });
    match begun {
        Ok((journal, cache)) => Ok((engine.with_sink(journal).with_cache(cache), keep)),
        Err(error) if args.record.journal == JournalWhen::Required => Err(fault(error)),
        Err(error) => {
            warn(&error.to_string());
            Ok((engine, keep))
        }
    }
}

fn warn(message: &str) {
    note_line!(
        "plandeck: warning: this run is not recorded any further: {}",
        crate::text::line(message)
    );
}

/// A fault of the store, for people.
#[allow(clippy::needless_pass_by_value, reason = "errors are mapped with it")]
pub fn fault(error: StoreError) -> Failure {
    Failure::usage(error.to_string())
}

fn meta(loaded: &Loaded, args: &RunArgs) -> RunMeta {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let all = |paths: &[PathBuf]| {
        paths
            .iter()
            .map(|path| text(&absolute(path)))
            .collect::<Vec<_>>()
    };
    let file = args.plan.as_deref().filter(|plan| *plan != Path::new("-"));
    let given: Vec<&String> = loaded.context.keys().collect();
    RunMeta {
        plan_path: file.map(|file| text(&absolute(file)).into()),
        plan_text: Some(without_secrets(loaded)),
        catalog_digest: Some(catalog_digest(&loaded.plan, &*loaded.toolbox)),
        settings: json!({
            "tools": all(&args.source.tools),
            "mcp_config": all(&args.source.mcp_config),
            "context": given,
            "worker": args.source.worker,
            "seed": args.source.seed,
            // With a name and a password in it, it is none of the record's business.
            "base_url": args.source.base_url.as_ref().filter(|url| !url.contains('@')),
        }),
        definitions: definitions(&loaded.plan, &*loaded.toolbox),
        ..RunMeta::default()
    }
}

/// What the tools of the plan are, as a digest.
fn catalog_digest(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> [u8; 32] {
    let names: BTreeSet<&str> = plan.steps.iter().map(|step| &*step.tool).collect();
    let recipes: Map<String, Value> = names
        .into_iter()
        .filter_map(|name| {
            Some((
                name.to_owned(),
                Value::Object(toolbox.recipe(name, None)?.parts),
            ))
        })
        .collect();
    *blake3::hash(Value::Object(recipes).to_string().as_bytes()).as_bytes()
}

/// The plan's text; what stands in the headers and the environments of a catalog inside it is left out,
/// because people put credentials there.
fn without_secrets(loaded: &Loaded) -> Arc<str> {
    let text = &loaded.source().text;
    let Some(catalog) = &loaded.plan.catalog else {
        return Arc::clone(text);
    };
    let mut text = text.to_string();
    let mut open = vec![(catalog, false)];
    while let Some((value, secret)) = open.pop() {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let secret = secret || matches!(&**name, "headers" | "env");
                    open.push((value, secret));
                }
            }
            Value::Array(items) => open.extend(items.iter().map(|item| (item, secret))),
            // What is read from the environment when it is needed stands there by its name alone.
            Value::String(value) if secret && value.len() > 3 && !value.contains("${") => {
                text = text.replace(&**value, "[redacted]");
            }
            _ => {}
        }
    }
    text.into()
}
