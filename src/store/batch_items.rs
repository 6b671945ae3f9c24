//! The runs of a batch as its view reads them: what has changed since it read last.

use super::StoreError;
use super::batches::BatchRecord;
use super::codec::decode_figures;
use super::read::Store;
use super::run_lock::is_locked;
use crate::run::{BatchHeader, EventKind, ItemFigures, ItemFold, ItemRecord, RunWord};
use crate::units::{Micros, Money};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use std::sync::Arc;

/// The format from which on rows have the figures of their steps.
const SINCE: i64 = 8;
/// Runs of an older format whose journals are read at once.
const JOURNALS: usize = 100;

const COLUMNS: &str =
    "id, run_id, batch_key, batch_index, status, cost_pico, latency_us, started_at";

/// A place in the changes of a batch, from which to follow it.
#[derive(Clone, Debug)]
pub struct BatchCursor {
    batch: Arc<str>,
    change: i64,
    /// The last row of an older format that was read.
    row: i64,
}

impl BatchCursor {
    /// The beginning of a batch.
    pub fn new(batch: &Arc<str>) -> Self {
        Self {
            batch: Arc::clone(batch),
            change: 0,
            row: 0,
        }
    }

    /// The runs that have changed since the last call, at most `most` of them; none where nothing has. What an older
    /// version recorded comes a few runs at a time, since their journals have to be read.
    pub fn read(&mut self, store: &Store, most: usize) -> Result<Vec<ItemRecord>, StoreError> {
        if store.format() < SINCE {
            return self.read_older(store, most, "");
        }
        let read = || {
            let query = format!(
                "SELECT {COLUMNS}, step_figures, change FROM runs
                 WHERE batch = ?1 AND change > ?2 ORDER BY change LIMIT ?3"
            );
            let mut statement = store.connection().prepare_cached(&query)?;
            let given = params![&*self.batch, self.change, most as i64];
            let rows = statement.query_map(given, |row| {
                let mut record = record(row)?;
                let figures = row.get_ref(8)?.as_blob_or_null()?;
                let figures = figures.and_then(|bytes| decode_figures(bytes).ok());
                record.figures = figures.unwrap_or_default();
                Ok((record, row.get::<_, i64>(9)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let found = read().map_err(|error| store.fault(error))?;
        if let Some((_, change)) = found.last() {
            self.change = *change;
            return Ok(found.into_iter().map(|(record, _)| record).collect());
        }
        self.read_older(store, most, "AND change IS NULL")
    }

    fn read_older(
        &mut self,
        store: &Store,
        most: usize,
        and: &str,
    ) -> Result<Vec<ItemRecord>, StoreError> {
        let read = || {
            let query = format!(
                "SELECT {COLUMNS} FROM runs WHERE batch = ?1 AND id > ?2 {and} ORDER BY id LIMIT ?3"
            );
            let mut statement = store.connection().prepare_cached(&query)?;
            let given = params![&*self.batch, self.row, most.min(JOURNALS) as i64];
            statement
                .query_map(given, record)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut found = read().map_err(|error| store.fault(error))?;
        for record in &mut found {
            self.row = record.row;
            let run = store.find(&record.run_id)?;
            record.figures = ItemFold::of(&store.load(&run).events);
        }
        Ok(found)
    }
}

/// Finds the first run of a batch. It is asked for whenever the batch is looked at, so that it must not sort the runs.
fn first_run(order: &str) -> String {
    format!("WHERE batch = ?1 AND events > 0 ORDER BY {order} LIMIT 1")
}

fn record(row: &Row<'_>) -> rusqlite::Result<ItemRecord> {
    let status: String = row.get(4)?;
    let started: String = row.get(7)?;
    Ok(ItemRecord {
        row: row.get(0)?,
        run_id: row.get(1)?,
        key: row.get::<_, Option<Arc<str>>>(2)?.unwrap_or_default(),
        index: row.get::<_, Option<i64>>(3)?.unwrap_or(0).max(0) as u64,
        status: match &*status {
            "succeeded" => RunWord::Succeeded,
            "failed" => RunWord::Failed,
            "limit_exceeded" => RunWord::LimitExceeded,
            "cancelled" => RunWord::Cancelled,
            "waiting" => RunWord::Waiting,
            _ => RunWord::Running,
        },
        cost: row.get::<_, Option<i64>>(5)?.map(Money::from_pico),
        latency: Micros(row.get::<_, i64>(6)?.max(0) as u64),
        started: milliseconds(&started),
        figures: ItemFigures::default(),
    })
}

/// An RFC 3339 time in milliseconds since 1970; 0 where it is none.
fn milliseconds(time: &str) -> i64 {
    time.parse::<Timestamp>()
        .map_or(0, Timestamp::as_millisecond)
}

impl Store {
    /// What is known of a batch as a whole, at present.
    pub fn batch_header(&self, record: &BatchRecord) -> Result<BatchHeader, StoreError> {
        let batch = &record.batch;
        let (items, resumed) = (
            self.since(SINCE, "items", "NULL"),
            self.since(SINCE, "resumed_at", "NULL"),
        );
        let read = || {
            let query = format!("SELECT {items}, {resumed} FROM batches WHERE batch = ?1");
            self.connection()
                .query_row(&query, [&**batch], |row| {
                    let items = row.get::<_, Option<i64>>(0)?;
                    Ok((items, row.get::<_, Option<String>>(1)?))
                })
                .optional()
        };
        let (items, resumed) = read()
            .map_err(|error| self.fault(error))?
            .unwrap_or_default();
        let started = milliseconds(&record.started_at);
        Ok(BatchHeader {
            batch: Arc::clone(batch),
            plan: Arc::clone(&record.plan),
            started,
            resumed: resumed.map_or(started, |at| milliseconds(&at)),
            items: items.map(|items| items.max(0) as u64),
            steps: self.steps_of_batch(batch)?,
            live: is_locked(self.home(), batch),
        })
    }

    /// The ids of the plan's steps, as the first run of the batch has them.
    fn steps_of_batch(&self, batch: &str) -> Result<Arc<[Arc<str>]>, StoreError> {
        let rest = first_run(self.since(SINCE, "change", "id"));
        let Some(run) = self.select(&rest, [batch])?.pop() else {
            return Ok(Arc::default());
        };
        let mut events = Vec::new();
        self.cursor(&run).read_some(self, &mut events, 1)?;
        Ok(match events.first().map(|event| &event.kind) {
            Some(EventKind::RunStarted(header)) => {
                header.steps.iter().map(|step| step.id.clone()).collect()
            }
            _ => Arc::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::batches::begin_batch;

    #[test]
    fn the_first_run_of_a_large_batch_is_found_without_sorting_its_runs() {
        let home = tempfile::tempdir().unwrap();
        let record = BatchRecord {
            batch: "b".into(),
            plan: "p".into(),
            started_at: "2026-11-30T00:00:00Z".into(),
            settings: serde_json::Value::Null,
            items: None,
        };
        begin_batch(home.path(), &record).unwrap();
        let store = Store::at(home.path()).unwrap();
        let rest = first_run(store.since(SINCE, "change", "id"));
        let query = format!("EXPLAIN QUERY PLAN SELECT id FROM runs {rest}");
        let mut statement = store.connection().prepare(&query).unwrap();
        let lines = statement.query_map(["b"], |row| row.get::<_, String>(3));
        let lines: Vec<String> = lines.unwrap().map(Result::unwrap).collect();
        assert!(lines[0].contains("runs_by_change"), "{lines:?}");
        assert_eq!(lines.len(), 1, "{lines:?}");
    }
}
