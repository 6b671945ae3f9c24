//! The plan of a recorded run with its tools, as it was or as it is now.

use super::bundle::Bundle;
use super::changes::Changes;
use super::error::SessionError;
use super::load::{Loaded, catalog_of_plan, load_to_check, load_with_catalog};
use super::options::SourceOptions;
use super::resume::PriorRun;
use super::settings::Settings;
use crate::plan::{StepIx, parse};
use crate::run::{ModelCall, RunState};
use crate::store::Store;
use crate::tools::{Catalog, CatalogRecord};
use std::path::PathBuf;

/// Which version of the plan and the tools of a recorded run is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// That of the run. What is not on record is as it is now.
    Recorded,
    /// That of the files.
    Now,
}

/// The plan of a recorded run with its tools. What `source` gives replaces what the run had; context values may be missing.
///
/// # Errors
/// Where the plan is neither on record nor in its file, or does not go with its tools.
pub(crate) async fn load_of_run(
    prior: &PriorRun,
    version: Version,
    mut source: SourceOptions,
    settings: &Settings,
) -> Result<Loaded, SessionError> {
    let has_tools = !source.tools.is_empty();
    let mut file = None;
    let completed = prior.complete(&mut file, &mut source);
    settings.complete(&mut source);
    if version == Version::Now {
        completed?;
        let file = file.unwrap_or_default();
        return load_to_check(&file, source, settings).await;
    }
    let store = Store::open()?;
    let run = store.find(prior.run_id())?;
    let text = store.details(&run)?.plan_text;
    // A plan from standard input has no file.
    let file = match (file, &text) {
        (Some(file), _) => file,
        (None, Some(_)) => {
            let mut none = Some(PathBuf::from("-"));
            prior.complete(&mut none, &mut source)?;
            none.unwrap_or_default()
        }
        (None, None) => return Err(SessionError::PlanNotOnFile(run.run_id)),
    };
    let name = file.display().to_string();
    let text = match text {
        Some(text) => text.as_bytes().to_vec(),
        None => std::fs::read(&file).map_err(|error| SessionError::file(name.clone(), error))?,
    };
    let draft = parse(&name, &text)?;
    let record = if has_tools {
        None
    } else {
        recorded_catalog_in(&store, prior.run_id())?
    };
    let Some(record) = record else {
        let loaded = load_with_catalog((draft, None), &file, source, settings, false).await?;
        return Ok(Loaded {
            lacks_record: !has_tools,
            ..loaded
        });
    };
    let now = if record.is_incomplete() {
        // Where the files are gone, what is on record has to do.
        catalog_of_plan(&file, &source, &draft).unwrap_or_default()
    } else {
        Catalog::default()
    };
    let catalog = Catalog::from_record(&record, &now)?;
    load_with_catalog((draft, Some(catalog)), &file, source, settings, false).await
}

/// The catalog with which a recorded run called its tools; `None` where an older version recorded the run.
///
/// # Errors
/// When there is no such run.
pub(crate) fn recorded_catalog_of(run: &str) -> Result<Option<CatalogRecord>, SessionError> {
    recorded_catalog_in(&Store::open()?, run)
}

/// The plan of a recorded run as it was, as text; `None` where it is not on record.
///
/// # Errors
/// When there is no such run.
pub(crate) fn recorded_plan_of(run: &str) -> Result<Option<String>, SessionError> {
    let store = Store::open()?;
    let details = store.details(&store.find(run)?)?;
    Ok(details.plan_text.map(|text| text.to_string()))
}

fn recorded_catalog_in(store: &Store, run: &str) -> Result<Option<CatalogRecord>, SessionError> {
    let text = store.catalog(&store.find(run)?)?;
    // One of a newer version is as good as none.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The bundle of a recorded run, in this state; with `step` of that step and all that it depends on.
///
/// # Errors
/// Where the plan is not on record, or has no such step.
pub(crate) async fn bundle_of(run: &RunState, step: Option<&str>) -> Result<Bundle, SessionError> {
    let run_id = run.header.as_deref().map_or("", |header| &header.run_id);
    let prior = PriorRun::fork(run_id, Changes::default())?;
    let settings = Settings::load(&std::env::current_dir().unwrap_or_default())?;
    let source = SourceOptions::default();
    let loaded = load_of_run(&prior, Version::Recorded, source, &settings).await?;
    Bundle::of(run, &loaded, step)
}

/// What the calls of a step of a run ask a model with by its plan; `None` where it asks none. The run may be running.
///
/// # Errors
/// Where the plan is neither on record nor in its file, or does not go with its tools.
pub(crate) async fn model_call_of(
    run: &RunState,
    step: StepIx,
) -> Result<Option<ModelCall>, SessionError> {
    let run_id = run.header.as_deref().map_or("", |header| &header.run_id);
    let prior = PriorRun::look_at(run_id)?;
    let settings = Settings::load(&std::env::current_dir().unwrap_or_default())?;
    let source = SourceOptions::default();
    let loaded = load_of_run(&prior, Version::Recorded, source, &settings).await?;
    Ok(loaded.previewer().model_call(run, step))
}
