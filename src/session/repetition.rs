//! Repeated calls of a step of a run, ready to be made.

use super::error::SessionError;
use super::execution::Execution;
use super::options::{JournalSettings, SourceOptions};
use super::recorded_plan::{Version, load_of_run};
use super::resume::PriorRun;
use super::settings::Settings;
use super::trials::Trials;
use super::trust::TrustedOnce;
use crate::run::{GivenCall, RepeatPrice, RunState};

/// Repeated calls that are ready to be made.
pub(crate) struct Repetition {
    /// The run that makes them.
    pub execution: Execution,
    /// What they cost in all.
    pub price: RepeatPrice,
}

/// Calls of a step of `run` on the input that it had there, by the run's own plan and tools. The run may be running.
/// `trust` says whether the caller vouches for its tools, and what was answered in this process.
///
/// # Errors
/// Where the call cannot be repeated, or the run is not on record, or its tools are not trusted.
pub(crate) async fn repetition(
    run: &RunState,
    step: &str,
    call: GivenCall,
    times: u32,
    trust: (bool, &TrustedOnce),
) -> Result<Repetition, SessionError> {
    let trials = Trials::of(run, step, call)?;
    let run_id = run.header.as_deref().map_or("", |header| &header.run_id);
    let prior = PriorRun::look_at(run_id)?;
    let settings = Settings::load(&std::env::current_dir().unwrap_or_default())?;
    let source = SourceOptions {
        trust: trust.0,
        ..SourceOptions::default()
    };
    let loaded = load_of_run(&prior, Version::Recorded, source, &settings).await?;
    let consent = loaded.judge(trust.1)?.or_refused();
    let consent = consent.map_err(SessionError::NotTrusted)?;
    let loaded = Box::pin(loaded.with_listed_tools(&consent)).await?;
    let loaded = loaded.repeating(&trials, times, false)?;
    let price = trials.price(&loaded, times);
    let execution = loaded
        .into_execution(consent)
        .limits(settings.limits()?)
        .rates(settings.rates.clone())
        .journal(JournalSettings::default());
    Ok(Repetition { execution, price })
}
