//! Removing old runs.

use super::StoreError;
use super::blobs::remove_unneeded_blobs;
use super::cache::LONGEST;
use super::read::Store;
use super::run_lock::forget;
use crate::run::{RunSummary, RunWord};
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use std::time::Duration;

/// Which runs are removed. A run is removed when any of the rules applies; a running one never is.
#[derive(Clone, Copy, Debug, Default)]
pub struct PruneRules {
    /// What started longer ago than this.
    pub older_than: Option<Duration>,
    /// All but this many, the newest.
    pub keep: Option<usize>,
    /// The oldest, until the store takes no more bytes than this.
    pub max_bytes: Option<u64>,
}

/// What was removed, or would be.
#[derive(Debug, Default)]
pub struct Pruned {
    /// The runs, newest first.
    pub runs: Vec<RunSummary>,
    /// How many files were removed that only outputs of removed runs named.
    pub files: usize,
    /// Bytes that the store took before.
    pub bytes_before: u64,
    /// Bytes that it takes now.
    pub bytes_after: u64,
}

impl Store {
    /// Removes runs, and what only they needed.
    pub fn prune(&mut self, rules: &PruneRules) -> Result<Pruned, StoreError> {
        let bytes_before = self.bytes()?;
        let mut gone = self.change(|store, connection| store.prune_over(connection, rules))?;
        gone.sort_by_key(|run| std::cmp::Reverse(run.row));
        Ok(Pruned {
            files: self.prune_files()?,
            runs: gone,
            bytes_before,
            bytes_after: self.bytes()?,
        })
    }

    fn prune_over(
        &self,
        connection: &mut Connection,
        rules: &PruneRules,
    ) -> Result<Vec<RunSummary>, StoreError> {
        self.expire(connection)?;
        let mut rest = Vec::new();
        let mut gone = Vec::new();
        for (at, run) in self.runs()?.into_iter().enumerate() {
            if run.status == RunWord::Running {
                continue;
            }
            let surplus = rules.keep.is_some_and(|keep| at >= keep);
            let old = rules.older_than.is_some_and(|age| is_older(&run, age));
            if surplus || old {
                self.remove(connection, &run)?;
                gone.push(run);
            } else {
                rest.push(run);
            }
        }
        while rules
            .max_bytes
            .is_some_and(|most| self.bytes().is_ok_and(|bytes| bytes > most))
        {
            let Some(oldest) = rest.pop() else { break };
            self.remove(connection, &oldest)?;
            gone.push(oldest);
        }
        if !gone.is_empty() {
            self.shrink(connection)?;
        }
        Ok(gone)
    }

    /// Bytes that the store takes, without what is free for later use.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        let pages = |name: &str| -> Result<u64, StoreError> {
            let read = self
                .connection()
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            read.map(|pages| pages.max(0) as u64)
                .map_err(|error| self.fault(error))
        };
        let used = pages("page_count")?.saturating_sub(pages("freelist_count")?);
        Ok(used * pages("page_size")?)
    }

    fn remove(&self, connection: &mut Connection, run: &RunSummary) -> Result<(), StoreError> {
        let row = run.row;
        let remove = |connection: &mut Connection| {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            change.execute(
                "DELETE FROM blobs WHERE hash IN (SELECT hash FROM run_blobs WHERE run = ?1)
                 AND NOT EXISTS (SELECT 1 FROM run_blobs other WHERE other.hash = blobs.hash AND other.run <> ?1)
                 AND NOT EXISTS (SELECT 1 FROM cache WHERE cache.input = blobs.hash OR cache.output = blobs.hash)
                 AND NOT EXISTS (SELECT 1 FROM cache_blobs WHERE cache_blobs.hash = blobs.hash)",
                [row],
            )?;
            change.execute("DELETE FROM runs WHERE id = ?1", [row])?;
            change.commit()
        };
        remove(connection).map_err(|error| self.fault(error))?;
        forget(self.home(), &run.run_id);
        Ok(())
    }

    /// Removes outputs that were kept too long, and every blob that is not needed any more.
    fn expire(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let oldest = Timestamp::now().as_second() - LONGEST.as_secs() as i64;
        let expire = |connection: &mut Connection| {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let gone = change.execute(
                "DELETE FROM cache WHERE stored_at < ?1 AND NOT pinned",
                [oldest],
            )?;
            if gone > 0 {
                remove_unneeded_blobs(&change)?;
            }
            change.commit()
        };
        expire(connection).map_err(|error| self.fault(error))
    }

    /// Gives the room of what was removed back to the file system.
    fn shrink(&self, connection: &Connection) -> Result<(), StoreError> {
        let shrink = |connection: &Connection| {
            connection.execute_batch("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")
        };
        shrink(connection).map_err(|error| self.fault(error))
    }
}

fn is_older(run: &RunSummary, age: Duration) -> bool {
    let started: Result<Timestamp, _> = run.started_at.parse();
    started.is_ok_and(|started| {
        let span = Timestamp::now().duration_since(started);
        u64::try_from(span.as_secs()).is_ok_and(|seconds| seconds >= age.as_secs())
    })
}
