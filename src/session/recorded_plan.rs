//! The plan of a recorded run.

use super::bundle::Bundle;
use super::changes::Changes;
use super::error::SessionError;
use super::load::{Loaded, load_draft};
use super::options::SourceOptions;
use super::resume::PriorRun;
use super::settings::Settings;
use crate::plan::parse;
use crate::run::RunState;
use crate::store::Store;
use std::path::PathBuf;

/// The plan of an earlier run as it was then, with its tools as they are now. Context values may be missing.
///
/// # Errors
/// Where the plan is not on record, or does not go with its tools any more.
pub(crate) async fn load_recorded(
    prior: &PriorRun,
    mut source: SourceOptions,
    settings: &Settings,
) -> Result<Loaded, SessionError> {
    let store = Store::open()?;
    let details = store.details(&store.find(prior.run_id())?)?;
    let file = details.plan_path.map(|path| PathBuf::from(&*path));
    let mut file = Some(file.unwrap_or_else(|| PathBuf::from("-")));
    prior.complete(&mut file, &mut source)?;
    settings.complete(&mut source);
    let file = file.unwrap_or_default();
    let text = match details.plan_text {
        Some(text) => text.as_bytes().to_vec(),
        None => std::fs::read(&file)
            .map_err(|error| SessionError::file(file.display().to_string(), error))?,
    };
    let draft = parse(&file.display().to_string(), &text)?;
    load_draft(draft, &file, source, settings, false).await
}

/// The bundle of a recorded run, in this state; with `step` of that step and all that it depends on.
///
/// # Errors
/// Where the plan is not on record, or has no such step.
pub(crate) async fn bundle_of(run: &RunState, step: Option<&str>) -> Result<Bundle, SessionError> {
    let run_id = run.header.as_deref().map_or("", |header| &header.run_id);
    let prior = PriorRun::fork(run_id, Changes::default())?;
    let settings = Settings::load(&std::env::current_dir().unwrap_or_default())?;
    let loaded = load_recorded(&prior, SourceOptions::default(), &settings).await?;
    Bundle::of(run, &loaded, step)
}
