//! What a batch has on record: which items have ended, which go on, and what was spent.

use super::item::{BatchItem, BatchLine};
use crate::engine::StepDigest;
use crate::run::{ExecutionResult, RunEvent, RunState, RunSummary, RunWord};
use crate::session::{Continuation, JournalSettings, PriorRun, SessionError};
use crate::store::{
    BatchClaim, BatchRecord, SentTo, Store, begin_batch, home, resume_batch, stands,
};
use crate::units::Money;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The record of a batch, held as long as it runs.
pub(super) struct Account {
    home: PathBuf,
    batch: Arc<str>,
    started_at: Arc<str>,
    /// Open where a batch is resumed.
    store: Option<Store>,
    retry_failed: bool,
    /// Whether items are run elsewhere.
    elsewhere: bool,
    _claim: BatchClaim,
}

/// What an item begins with.
pub(super) enum Begin {
    /// Nothing.
    Fresh,
    /// Its run, which goes on.
    GoOn(Box<PriorRun>),
    /// It was sent elsewhere, or is sent there now to go on.
    Sent(Box<Sent>),
    /// It has ended, so.
    Ended(Box<BatchLine>),
}

/// What is on record of an item that is run elsewhere.
pub(super) struct Sent {
    pub run_id: Arc<str>,
    /// Where it was sent last; `None` where its run was one of this machine.
    pub to: Option<SentTo>,
    /// Whether it has not come back from there.
    pub is_awaited: bool,
    pub events: Vec<RunEvent>,
    /// What its steps were.
    pub steps: Vec<StepDigest>,
    /// Whether steps that failed run again.
    pub retry_failed: bool,
}

/// Whether a run has no end on record.
const fn is_open(status: RunWord) -> bool {
    matches!(status, RunWord::Running | RunWord::Interrupted)
}

impl Account {
    /// Begins the record of a batch.
    pub(super) fn begin(
        journal: &JournalSettings,
        batch: &Arc<str>,
        plan: &Arc<str>,
        settings: Value,
        items: Option<u64>,
    ) -> Result<Self, SessionError> {
        let home = journal.home.clone().map_or_else(home, Ok)?;
        let record = BatchRecord {
            batch: Arc::clone(batch),
            plan: Arc::clone(plan),
            started_at: jiff::Timestamp::now().to_string().into(),
            settings,
            items,
        };
        begin_batch(&home, &record)?;
        Ok(Self {
            _claim: BatchClaim::take(&home, batch)?,
            home,
            batch: Arc::clone(batch),
            started_at: record.started_at,
            store: None,
            retry_failed: false,
            elsewhere: false,
        })
    }

    /// Opens the record of a batch that is resumed.
    pub(super) fn resume(
        journal: &JournalSettings,
        batch: &Arc<str>,
        retry_failed: bool,
        items: Option<u64>,
    ) -> Result<Self, SessionError> {
        let home = journal.home.clone().map_or_else(home, Ok)?;
        let record = Store::at(&home)?.find_batch(batch)?;
        let batch = record.batch;
        let claim = BatchClaim::take(&home, &batch)?;
        resume_batch(&home, &batch, items)?;
        // Opened afterwards, since what is written brings a file of an older format to the present one.
        let store = Store::at(&home)?;
        Ok(Self {
            _claim: claim,
            home,
            batch,
            started_at: record.started_at,
            store: Some(store),
            retry_failed,
            elsewhere: false,
        })
    }

    /// The same for items that are run elsewhere.
    pub(super) fn elsewhere(self, elsewhere: bool) -> Self {
        Self { elsewhere, ..self }
    }

    /// What the runs of the batch have spent, with the most that calls can have cost which were cut off.
    pub(super) fn spent(&self) -> Result<Money, SessionError> {
        let Some(store) = &self.store else {
            return Ok(Money::ZERO);
        };
        let mut spent = store.cost_of_ended(&self.batch)?;
        for run in store.unended_runs_of(&self.batch)? {
            spent += RunState::from_events(&store.load(&run).events).ledger();
        }
        Ok(spent)
    }

    /// What an item of a batch that is resumed begins with.
    pub(super) fn find(&self, item: &BatchItem, index: u64) -> Result<Begin, SessionError> {
        let Some(store) = &self.store else {
            return Ok(Begin::Fresh);
        };
        let Some(run) = store.run_of_item(&self.batch, &item.key)? else {
            return Ok(Begin::Fresh);
        };
        let again = run.status == RunWord::Failed && self.retry_failed;
        if stands(run.status) && !again {
            let state = RunState::from_events(&store.load(&run).events);
            let line = BatchLine::of(&item.key, index, ExecutionResult::of(&state));
            return Ok(Begin::Ended(Box::new(line)));
        }
        let sent = store.sent_to(&run)?;
        if self.elsewhere {
            return Self::sent(store, &run, again).map(|sent| Begin::Sent(Box::new(sent)));
        }
        if let Some(to) = sent.filter(|to| !to.returned && is_open(run.status)) {
            return Err(SessionError::Elsewhere(format!(
                "it was sent to {} and has not come back: resume the batch with --on {0}",
                to.engine
            )));
        }
        if run.events == 0 {
            return Ok(Begin::Fresh);
        }
        Self::go_on(store, &run, again).map(|prior| Begin::GoOn(Box::new(prior)))
    }

    /// What is on record of the run of an item that is run elsewhere.
    fn sent(store: &Store, run: &RunSummary, retry_failed: bool) -> Result<Sent, SessionError> {
        let recording = store.load(run);
        if let Some(damage) = recording.damage {
            return Err(damage.into());
        }
        let to = store.sent_to(run)?;
        Ok(Sent {
            run_id: Arc::clone(&run.run_id),
            is_awaited: to.as_ref().is_some_and(|to| !to.returned) && is_open(run.status),
            to,
            steps: store.details(run)?.definitions,
            events: recording.events,
            retry_failed,
        })
    }

    /// What is on record of the last run of an item, which has failed and is sent again.
    pub(super) fn sent_in(
        home: &Path,
        batch: &str,
        item: &BatchItem,
    ) -> Result<Option<Sent>, SessionError> {
        let store = Store::at(home)?;
        let run = store.run_of_item(batch, &item.key)?;
        run.map(|run| Self::sent(&store, &run, true)).transpose()
    }

    fn go_on(
        store: &Store,
        run: &RunSummary,
        retry_failed: bool,
    ) -> Result<PriorRun, SessionError> {
        let continuation = Continuation {
            retry_failed,
            ..Continuation::default()
        };
        match PriorRun::go_on_in(store, &run.run_id, continuation) {
            // Its record has a gap, so that another run takes over what is known.
            Err(SessionError::Incomplete(_)) => PriorRun::resume_at(store.home(), &run.run_id),
            other => other,
        }
    }

    /// The run that failed, which goes on with the steps that failed.
    pub(super) fn retry(home: &Path, run_id: &str) -> Result<PriorRun, SessionError> {
        let store = Store::at(home)?;
        let run = store.find(run_id)?;
        Self::go_on(&store, &run, true)
    }

    /// The id of the batch.
    pub(super) fn batch(&self) -> Arc<str> {
        Arc::clone(&self.batch)
    }

    /// When it started, RFC 3339.
    pub(super) fn started_at(&self) -> Arc<str> {
        Arc::clone(&self.started_at)
    }

    /// The folder of the store.
    pub(super) fn home(&self) -> &PathBuf {
        &self.home
    }
}
