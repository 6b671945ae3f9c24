//! Batches: which there are, and the runs of their items.

use super::StoreError;
use super::read::Store;
use super::run_lock::{Claim, RunLock, is_locked};
use super::schema::{file_in, open_to_write};
use crate::run::{RunSummary, RunWord};
use crate::units::Money;
use rusqlite::params;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// The format from which on there are batches.
const SINCE: i64 = 7;

/// Which item of which batch a run stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchMark {
    /// The batch.
    pub batch: Arc<str>,
    /// The key of the item.
    pub key: Arc<str>,
    /// Its place in the input, from 0.
    pub index: u64,
}

/// A recorded batch.
#[derive(Clone, Debug)]
pub struct BatchRecord {
    /// Its id.
    pub batch: Arc<str>,
    /// The plan's name.
    pub plan: Arc<str>,
    /// When it started, RFC 3339.
    pub started_at: Arc<str>,
    /// What it is resumed with.
    pub settings: Value,
    /// How many items it has; `None` where that is not known.
    pub items: Option<u64>,
}

/// A batch in a list of batches.
#[derive(Clone, Debug)]
pub struct BatchSummary {
    /// The batch.
    pub record: BatchRecord,
    /// How many items have which status in their last run.
    pub counts: Vec<(Arc<str>, u64)>,
    /// What all its runs cost; `None` where that is not tracked.
    pub cost: Option<Money>,
    /// Whether a process works on it.
    pub is_live: bool,
}

/// The right to work on a batch, held by one process at a time, and its sign of life for others.
#[derive(Debug)]
pub struct BatchClaim {
    _life: RunLock,
    _claim: Claim,
}

impl BatchClaim {
    /// Takes the right.
    ///
    /// # Errors
    /// Where another process has it, or the folder cannot be written to.
    pub fn take(home: &Path, batch: &str) -> Result<Self, StoreError> {
        let fault = |error| StoreError::Folder {
            folder: home.to_path_buf(),
            error,
        };
        let claim = Claim::take(home, batch).map_err(fault)?;
        let claim = claim.ok_or_else(|| StoreError::BatchRunning(batch.to_owned()))?;
        Ok(Self {
            // Whoever looks whether it is there holds it for a moment, which must not keep a batch from beginning.
            _life: RunLock::begin(home, batch).map_err(fault)?,
            _claim: claim,
        })
    }
}

/// Records a batch that begins.
///
/// # Errors
/// Where nothing can be written there.
pub fn begin_batch(home: &Path, record: &BatchRecord) -> Result<(), StoreError> {
    let connection = open_to_write(home)?;
    let inserted = connection.execute(
        "INSERT INTO batches (batch, plan, started_at, settings, items) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            &*record.batch,
            &*record.plan,
            &*record.started_at,
            record.settings.to_string(),
            record.items.map(|items| i64::try_from(items).unwrap_or(i64::MAX)),
        ],
    );
    inserted
        .map(|_| ())
        .map_err(|error| StoreError::of(&file_in(home), error))
}

/// Records that a batch is resumed now, with so many items where that is known.
///
/// # Errors
/// Where nothing can be written there.
pub fn resume_batch(home: &Path, batch: &str, items: Option<u64>) -> Result<(), StoreError> {
    let connection = open_to_write(home)?;
    let changed = connection.execute(
        "UPDATE batches SET resumed_at = ?2, items = coalesce(?3, items) WHERE batch = ?1",
        params![
            batch,
            jiff::Timestamp::now().to_string(),
            items.map(|items| i64::try_from(items).unwrap_or(i64::MAX))
        ],
    );
    changed
        .map(|_| ())
        .map_err(|error| StoreError::of(&file_in(home), error))
}

impl Store {
    /// The batch whose id this is or uniquely begins with; `last` is the one that started last.
    pub fn find_batch(&self, name: &str) -> Result<BatchRecord, StoreError> {
        let mut found = match name {
            "last" => self.batches_where("ORDER BY id DESC LIMIT 1", "")?,
            name => self.batches_where(
                "WHERE substr(batch, 1, length(?1)) = ?1 ORDER BY batch = ?1 DESC LIMIT 2",
                name,
            )?,
        };
        let none = || StoreError::NoSuchBatch(name.to_owned());
        match found.len() {
            0 => Err(none()),
            2 if &*found[0].batch != name => Err(none()),
            _ => Ok(found.swap_remove(0)),
        }
    }

    fn batches_where(&self, rest: &str, name: &str) -> Result<Vec<BatchRecord>, StoreError> {
        if self.format() < SINCE {
            return Ok(Vec::new());
        }
        let read = || {
            let items = self.since(8, "items", "NULL");
            let query =
                format!("SELECT batch, plan, started_at, settings, {items} FROM batches {rest}");
            let mut statement = self.connection().prepare(&query)?;
            let given: &[&dyn rusqlite::ToSql] = if rest.contains("?1") { &[&name] } else { &[] };
            let rows = statement.query_map(given, |row| {
                let settings: String = row.get(3)?;
                Ok(BatchRecord {
                    batch: row.get(0)?,
                    plan: row.get(1)?,
                    started_at: row.get(2)?,
                    settings: serde_json::from_str(&settings).unwrap_or_default(),
                    items: row
                        .get::<_, Option<i64>>(4)?
                        .map(|items| items.max(0) as u64),
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.fault(error))
    }

    /// The batch of the same plan that started last before this one; `None` where there is none.
    pub fn batch_before(&self, batch: &str) -> Result<Option<BatchRecord>, StoreError> {
        let found = self.batches_where(
            "WHERE plan = (SELECT plan FROM batches WHERE batch = ?1)
             AND id < (SELECT id FROM batches WHERE batch = ?1) ORDER BY id DESC LIMIT 1",
            batch,
        )?;
        Ok(found.into_iter().next())
    }

    /// Every batch, newest first.
    pub fn batches(&self) -> Result<Vec<BatchSummary>, StoreError> {
        let records = self.batches_where("ORDER BY id DESC", "")?;
        let summary = |record: BatchRecord| {
            let read = || {
                let mut statement = self.connection().prepare(
                    "SELECT status, count(*) FROM runs WHERE id IN
                     (SELECT max(id) FROM runs WHERE batch = ?1 GROUP BY batch_key)
                     GROUP BY status ORDER BY status",
                )?;
                let rows = statement.query_map([&*record.batch], |row| {
                    Ok((row.get(0)?, row.get::<_, i64>(1)?.max(0) as u64))
                })?;
                let counts = rows.collect::<rusqlite::Result<Vec<_>>>()?;
                Ok((counts, self.cost_of(&record.batch, "")?))
            };
            let (counts, cost) = read().map_err(|error| self.fault(error))?;
            Ok(BatchSummary {
                is_live: is_locked(self.home(), &record.batch),
                record,
                counts,
                cost,
            })
        };
        records.into_iter().map(summary).collect()
    }

    fn cost_of(&self, batch: &str, and: &str) -> rusqlite::Result<Option<Money>> {
        let query = format!("SELECT sum(cost_pico) FROM runs WHERE batch = ?1 {and}");
        let sum = |row: &rusqlite::Row<'_>| row.get::<_, Option<i64>>(0);
        let sum = self.connection().query_row(&query, [batch], sum)?;
        Ok(sum.map(Money::from_pico))
    }

    /// What the runs of a batch that have ended have cost.
    pub fn cost_of_ended(&self, batch: &str) -> Result<Money, StoreError> {
        let sum = self.cost_of(batch, "AND status <> 'running'");
        Ok(sum.map_err(|error| self.fault(error))?.unwrap_or_default())
    }

    /// The runs of a batch that have not ended.
    pub fn unended_runs_of(&self, batch: &str) -> Result<Vec<RunSummary>, StoreError> {
        self.select("WHERE batch = ?1 AND status = 'running'", [batch])
    }

    /// The runs of a batch, in the order of its items.
    pub fn runs_of_batch(&self, batch: &str) -> Result<Vec<RunSummary>, StoreError> {
        if self.format() < SINCE {
            return Ok(Vec::new());
        }
        self.select("WHERE batch = ?1 ORDER BY batch_index, id", [batch])
    }

    /// The batch that a run belongs to.
    pub(crate) fn batch_of(&self, run: &RunSummary) -> Result<Option<Arc<str>>, StoreError> {
        if self.format() < SINCE {
            return Ok(None);
        }
        let query = "SELECT batch FROM runs WHERE id = ?1";
        let batch = |row: &rusqlite::Row<'_>| row.get(0);
        let found = self.connection().query_row(query, [run.row], batch);
        found.map_err(|error| self.fault(error))
    }

    /// The last run of an item of a batch; `None` where it has not begun.
    pub fn run_of_item(&self, batch: &str, key: &str) -> Result<Option<RunSummary>, StoreError> {
        let found = self.select(
            "WHERE batch = ?1 AND batch_key = ?2 ORDER BY id DESC LIMIT 1",
            [batch, key],
        )?;
        Ok(found.into_iter().next())
    }

    /// The runs that stand for themselves, newest first: those of batches are left out.
    pub fn single_runs(&self) -> Result<Vec<RunSummary>, StoreError> {
        if self.format() < SINCE {
            return self.runs();
        }
        self.select("WHERE batch IS NULL ORDER BY id DESC", [])
    }
}

/// Whether the last run of an item has come to an end that stands.
pub fn stands(status: RunWord) -> bool {
    matches!(status, RunWord::Succeeded | RunWord::Failed)
}
