//! Earlier runs: looked up, listed, and the states in which they were left.

use super::error::SessionError;
use crate::run::{RunState, StepStatus};
use crate::store::{Recording, RunSummary, RunWord, Store, StoreError};
use std::path::Path;
use std::sync::Arc;

/// Events of an interrupted run that are read to say which steps were running; of a longer one that is not said.
const EVENTS: u64 = 100_000;

/// A run that was looked up, with what is wrong with its record.
pub struct FoundRun {
    /// What is on record of it.
    pub recording: Recording,
    /// Warnings about the record, each one line.
    pub warnings: Vec<String>,
}

/// The run of this name: an id, the beginning of one, or `last`.
pub fn find_run(name: &str) -> Result<FoundRun, SessionError> {
    let store = Store::open()?;
    let recording = store.load(&store.find(name)?);
    let mut warnings = Vec::new();
    if let Some(damage) = &recording.damage {
        warnings.push(crate::text::line(&damage.to_string()));
    }
    if recording.unrecorded {
        warnings.push(
            "the journal broke while this run went on: more happened than is on record".to_owned(),
        );
    }
    Ok(FoundRun {
        recording,
        warnings,
    })
}

/// Every run, the newest first; none where nothing has been recorded yet.
pub fn all_runs() -> Result<Vec<RunSummary>, StoreError> {
    match Store::open() {
        Err(StoreError::Empty(_)) => Ok(Vec::new()),
        store => store?.runs(),
    }
}

/// The other runs of a plan, the newest first.
pub fn other_runs_of(plan: &str, run_id: &str) -> Result<Vec<RunSummary>, StoreError> {
    let mut runs = all_runs()?;
    runs.retain(|run| &*run.plan == plan && &*run.run_id != run_id);
    Ok(runs)
}

/// The state in which a run was left.
pub fn state_of(run_id: &str) -> Result<RunState, StoreError> {
    let store = Store::open()?;
    let recording = store.load(&store.find(run_id)?);
    match recording.damage {
        Some(damage) if recording.events.is_empty() => Err(damage),
        _ => Ok(RunState::from_events(&recording.events)),
    }
}

/// The last run of a plan, which was interrupted and has not been resumed.
pub struct InterruptedRun {
    /// What a list of runs says of it.
    pub summary: RunSummary,
    store: Store,
}

/// The last run of the plan in this file, where it was interrupted and nobody has resumed it.
pub fn interrupted_run_of(plan: &Path) -> Result<Option<InterruptedRun>, StoreError> {
    let plan = std::path::absolute(plan).unwrap_or_else(|_| plan.to_path_buf());
    let store = Store::open()?;
    let Some(summary) = store.last_of(&plan.to_string_lossy())? else {
        return Ok(None);
    };
    let open = summary.status == RunWord::Interrupted && store.successor(&summary)?.is_none();
    Ok(open.then_some(InterruptedRun { summary, store }))
}

impl InterruptedRun {
    /// The ids of the steps that were running; none where the run is too long to be read for it.
    pub fn running(&self) -> Vec<Arc<str>> {
        if self.summary.events > EVENTS {
            return Vec::new();
        }
        let state = RunState::from_events(&self.store.load(&self.summary).events);
        let rows = state
            .steps
            .iter()
            .filter(|row| row.running_attempt().is_some() || row.status == StepStatus::Unknown);
        rows.map(|row| row.info.id.clone()).collect()
    }
}
