//! Looks up recorded runs, lists them, and folds their events to their last state.

use super::error::SessionError;
use crate::run::{Exchange, RunEvent, RunState, RunSummary, RunWord, StepStatus};
use crate::store::{BatchSummary, Recording, Store, StoreError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The longest interrupted run, in events, that is read to find the steps that were running.
const EVENTS: u64 = 100_000;

/// How often the journal is looked at for what a run has just done, and the pause between two looks.
const JOURNAL_ATTEMPTS: u32 = 100;
const JOURNAL_PAUSE: Duration = Duration::from_millis(10);

/// Events that are read in one piece.
const PIECE: usize = 20_000;

/// A recorded run, with warnings about its record.
pub(crate) struct FoundRun {
    /// The recorded events.
    pub recording: Recording,
    /// What is wrong with the record, one line each.
    pub warnings: Vec<String>,
}

/// Finds a run: by its id, the beginning of its id, or `last`.
pub(crate) fn find_run(name: &str) -> Result<FoundRun, SessionError> {
    let store = Store::open()?;
    let recording = store.load(&store.find(name)?);
    let mut warnings = Vec::new();
    if let Some(damage) = &recording.damage {
        warnings.push(crate::text::line(&damage.to_string()));
    }
    if recording.unrecorded {
        warnings.push("the journal failed during this run: its record is incomplete".to_owned());
    }
    Ok(FoundRun {
        recording,
        warnings,
    })
}

/// Every recorded run that is not of a batch, newest first; empty where there is no store yet.
pub(crate) fn all_runs() -> Result<Vec<RunSummary>, StoreError> {
    match Store::open() {
        Err(StoreError::Empty(_)) => Ok(Vec::new()),
        store => store?.single_runs(),
    }
}

/// Every recorded batch, newest first; empty where there is no store yet.
pub(crate) fn all_batches() -> Result<Vec<BatchSummary>, StoreError> {
    match Store::open() {
        Err(StoreError::Empty(_)) => Ok(Vec::new()),
        store => store?.batches(),
    }
}

/// The runs of a batch, by its id, the start of its id or `last`, in the order of its items.
pub(crate) fn runs_of_batch(name: &str) -> Result<Vec<RunSummary>, StoreError> {
    let store = Store::open()?;
    store.runs_of_batch(&store.find_batch(name)?.batch)
}

/// The runs of a plan except `run_id`, newest first.
pub(crate) fn other_runs_of(plan: &str, run_id: &str) -> Result<Vec<RunSummary>, StoreError> {
    let mut runs = all_runs()?;
    runs.retain(|run| &*run.plan == plan && &*run.run_id != run_id);
    Ok(runs)
}

/// The state of a run after its last recorded event.
pub(crate) fn state_of(run_id: &str) -> Result<RunState, StoreError> {
    let store = Store::open()?;
    let recording = store.load(&store.find(run_id)?);
    match recording.damage {
        Some(damage) if recording.events.is_empty() => Err(damage),
        _ => Ok(RunState::from_events(&recording.events)),
    }
}

/// Waits until the journal of a run that is running has so many events. It is a moment behind them, and no longer waited for
/// where it seems to have failed.
pub(crate) async fn until_recorded(run_id: &str, events: u64) {
    for _ in 0..JOURNAL_ATTEMPTS {
        let known = Store::open().and_then(|store| store.find(run_id));
        if known.is_ok_and(|run| run.events >= events) {
            return;
        }
        tokio::time::sleep(JOURNAL_PAUSE).await;
    }
}

/// Reads the events of a run that the journal has so far, and hands them over piece by piece.
pub(crate) fn each_recorded(
    run: &RunSummary,
    mut hand_over: impl FnMut(Vec<RunEvent>),
) -> Result<(), StoreError> {
    let store = Store::open()?;
    let mut cursor = store.cursor(run);
    loop {
        let mut events = Vec::new();
        let read = cursor.read_some(&store, &mut events, PIECE);
        let is_all = events.is_empty();
        hand_over(events);
        read?;
        if is_all {
            return Ok(());
        }
    }
}

/// What the attempts of a step of a recorded run sent to models and received; of the whole run where no step is named.
pub(crate) fn exchanges_of(run_id: &str, step: Option<&str>) -> Result<Vec<Exchange>, StoreError> {
    let store = Store::open()?;
    store.exchanges(&store.find(run_id)?, step)
}

/// The last run of a plan, which was interrupted or waits for an approval, and has not been resumed.
pub(crate) struct InterruptedRun {
    /// The run as the list of runs has it.
    pub summary: RunSummary,
    store: Store,
}

/// The last run of the plan in this file, if it was interrupted or waits for an approval, and no other run has resumed it.
pub(crate) fn interrupted_run_of(plan: &Path) -> Result<Option<InterruptedRun>, StoreError> {
    let plan = std::path::absolute(plan).unwrap_or_else(|_| plan.to_path_buf());
    let store = Store::open()?;
    let Some(summary) = store.last_of(&plan.to_string_lossy())? else {
        return Ok(None);
    };
    let can_go_on = matches!(summary.status, RunWord::Interrupted | RunWord::Waiting);
    let open = can_go_on && store.successor(&summary)?.is_none();
    Ok(open.then_some(InterruptedRun { summary, store }))
}

impl InterruptedRun {
    /// The ids of the steps that were running; empty where the run is too long to read.
    pub(crate) fn running(&self) -> Vec<Arc<str>> {
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
