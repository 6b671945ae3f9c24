//! The read side: which runs there are, and their events.

use super::StoreError;
use super::codec::{Blobs, DecodeError, Decoder, Hash, Memory, decode_event};
use super::pack::{checksum, unpack};
use super::run_lock::{is_locked, went_on_unrecorded};
use super::schema::{file_in, format_of, home, open_to_make_room, open_to_read, open_to_write};
use crate::engine::StepDigest;
use crate::run::{RunEvent, RunSummary, RunWord};
use crate::units::{Micros, Money};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a run was started with.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// The plan's file.
    pub plan_path: Option<Arc<str>>,
    /// The plan as it was read.
    pub plan_text: Option<Arc<str>>,
    /// What the catalog was.
    pub catalog_digest: Option<Hash>,
    /// Its settings.
    pub settings: Value,
    /// What determined each step, in the plan's order.
    pub definitions: Vec<StepDigest>,
    /// The first run of the line, where it resumed another.
    pub origin: Option<Arc<str>>,
}

/// A run with all of its events.
#[derive(Debug)]
pub struct Recording {
    /// Its status.
    pub summary: RunSummary,
    /// Its events, in order; where some cannot be read, those before.
    pub events: Vec<RunEvent>,
    /// Why not all of them could be read.
    pub damage: Option<StoreError>,
    /// Whether the run continued after its journal broke, so that more may have happened.
    pub unrecorded: bool,
}

/// The store, to read from. Reading changes nothing: a file of an older format is read as it is, since a process of
/// an older version may be writing it. What changes something ([`Store::prune`], [`Store::pin`], [`Store::clear`])
/// opens the file for itself, and brings it to the present format.
#[derive(Debug)]
pub struct Store {
    home: PathBuf,
    file: PathBuf,
    connection: Connection,
    /// The format of the file, which may be older than the present one.
    format: i64,
}

const COLUMNS: &str = "id, run_id, plan, started_at, status, cost_pico, latency_us, steps_completed, steps, events, resumed_from";

impl Store {
    /// The store of this user.
    pub fn open() -> Result<Self, StoreError> {
        Self::at(&home()?)
    }

    /// The store in this folder.
    pub fn at(home: &Path) -> Result<Self, StoreError> {
        let connection = open_to_read(home)?;
        let file = file_in(home);
        let format = format_of(&connection).map_err(|error| StoreError::of(&file, error))?;
        Ok(Self {
            connection,
            format,
            file,
            home: home.to_path_buf(),
        })
    }

    /// The folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The format of the file.
    pub(super) fn format(&self) -> i64 {
        self.format
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Makes a change over a connection that may write: the store's own only reads. Where the disk is full, the change
    /// is made again without a write-ahead log, so that what it removes makes room.
    pub(super) fn change<T>(
        &mut self,
        change: impl Fn(&Self, &mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let changed = open_to_write(&self.home).and_then(|mut one| change(self, &mut one));
        let Err(full @ StoreError::Full(_)) = changed else {
            return changed;
        };
        // The store's own connection would be in the way of the other, and reads nothing meanwhile.
        self.connection = Connection::open_in_memory().map_err(|error| self.fault(error))?;
        let opened = open_to_make_room(&self.home);
        self.connection = open_to_read(&self.home)?;
        // Where another process uses the store, the full disk is still what the user has to know.
        let mut connection = opened.map_err(|_| full)?;
        change(self, &mut connection)
    }

    /// The expression for what an older format of the file has no column for: the column itself where the file is
    /// of `format` or newer, else `before`.
    pub(super) fn since(
        &self,
        format: i64,
        column: &'static str,
        before: &'static str,
    ) -> &'static str {
        if self.format < format { before } else { column }
    }

    pub(super) fn fault(&self, error: rusqlite::Error) -> StoreError {
        StoreError::of(&self.file, error)
    }

    /// Every run, newest first.
    pub fn runs(&self) -> Result<Vec<RunSummary>, StoreError> {
        self.select("ORDER BY id DESC", [])
    }

    /// The run whose id this is or uniquely begins with; `last` is the one that started last.
    pub fn find(&self, name: &str) -> Result<RunSummary, StoreError> {
        let mut found = if name == "last" {
            self.select("ORDER BY id DESC LIMIT 1", [])?
        } else if let Some(exact) = self.select("WHERE run_id = ?1", [name])?.pop() {
            // A batch may have very many runs.
            return Ok(exact);
        } else {
            self.select(
                "WHERE substr(run_id, 1, length(?1)) = ?1 ORDER BY id DESC",
                [name],
            )?
        };
        match found.len() {
            1 if !name.is_empty() => Ok(found.swap_remove(0)),
            0 => Err(StoreError::NoSuchRun(name.to_owned())),
            count => {
                let examples: Vec<&str> = found.iter().take(3).map(|run| &*run.run_id).collect();
                Err(StoreError::Ambiguous {
                    name: name.to_owned(),
                    count,
                    examples: examples.join(", "),
                })
            }
        }
    }

    pub(super) fn select<P: rusqlite::Params>(
        &self,
        rest: &str,
        given: P,
    ) -> Result<Vec<RunSummary>, StoreError> {
        let read = || {
            let forks = self.since(2, "forked_from", "NULL");
            let failed = self.since(3, "steps_failed", "0");
            let worker = self.since(3, "worker", "NULL");
            let mut statement = self.connection.prepare(&format!(
                "SELECT {COLUMNS}, {forks}, {failed}, {worker} FROM runs {rest}"
            ))?;
            let rows = statement.query_map(given, |row| self.summary(row))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.fault(error))
    }

    fn summary(&self, row: &Row<'_>) -> rusqlite::Result<RunSummary> {
        let run_id: Arc<str> = row.get(1)?;
        let word: String = row.get(4)?;
        let status = match &*word {
            "succeeded" => RunWord::Succeeded,
            "failed" => RunWord::Failed,
            "limit_exceeded" => RunWord::LimitExceeded,
            "cancelled" => RunWord::Cancelled,
            "waiting" => RunWord::Waiting,
            _ if is_locked(&self.home, &run_id) => RunWord::Running,
            _ => RunWord::Interrupted,
        };
        let count = |at: usize| row.get::<_, i64>(at).map(|count| count.max(0) as u64);
        Ok(RunSummary {
            plan: row.get(2)?,
            status,
            started_at: row.get(3)?,
            cost: row.get::<_, Option<i64>>(5)?.map(Money::from_pico),
            latency: Micros(count(6)?),
            steps_completed: count(7)?,
            steps: count(8)?,
            events: count(9)?,
            resumed_from: row.get(10)?,
            forked_from: row.get(11)?,
            steps_failed: count(12)?,
            worker: row.get(13)?,
            row: row.get(0)?,
            run_id,
        })
    }

    /// What a run was started with.
    pub fn details(&self, run: &RunSummary) -> Result<Details, StoreError> {
        let read = || {
            self.connection
                .query_row(
                    "SELECT plan_path, plan_text, catalog_digest, settings, definitions, origin
                     FROM run_details WHERE run = ?1",
                    [run.row],
                    |row| {
                        let settings: String = row.get(3)?;
                        let definitions: Option<Vec<u8>> = row.get(4)?;
                        let details = Details {
                            plan_path: row.get(0)?,
                            plan_text: None,
                            catalog_digest: row.get(2)?,
                            settings: serde_json::from_str(&settings).unwrap_or_default(),
                            definitions: definitions.unwrap_or_default().as_chunks().0.to_vec(),
                            origin: row.get(5)?,
                        };
                        Ok((details, row.get::<_, Option<Hash>>(1)?))
                    },
                )
                .optional()
        };
        let Some((mut details, text)) = read().map_err(|error| self.fault(error))? else {
            return Ok(Details::default());
        };
        if let Some(hash) = text {
            let bytes = self.blobs().bytes(&hash);
            details.plan_text = bytes
                .ok()
                .map(|bytes| String::from_utf8_lossy(&bytes).into());
        }
        Ok(details)
    }

    /// The text of the catalog with which a run called its tools; `None` where it is not on record.
    pub fn catalog(&self, run: &RunSummary) -> Result<Option<Arc<str>>, StoreError> {
        let column = self.since(6, "catalog", "NULL");
        let read = || {
            let query = format!("SELECT {column} FROM run_details WHERE run = ?1");
            let hash = |row: &Row<'_>| row.get::<_, Option<Hash>>(0);
            self.connection
                .query_row(&query, [run.row], hash)
                .optional()
        };
        let hash = read().map_err(|error| self.fault(error))?.flatten();
        let bytes = hash.and_then(|hash| self.blobs().bytes(&hash).ok());
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into()))
    }

    fn blobs(&self) -> StoredBlobs<'_> {
        StoredBlobs(&self.connection)
    }

    /// The run that resumed this one, where there is one.
    pub fn successor(&self, run: &RunSummary) -> Result<Option<RunSummary>, StoreError> {
        let found = self.select(
            "WHERE resumed_from = ?1 ORDER BY id DESC LIMIT 1",
            [&*run.run_id],
        )?;
        Ok(found.into_iter().next())
    }

    /// The run of the plan in this file that started last, where there is one.
    pub fn last_of(&self, plan_path: &str) -> Result<Option<RunSummary>, StoreError> {
        let found = self.select(
            "WHERE id = (SELECT max(run) FROM run_details WHERE plan_path = ?1)",
            [plan_path],
        )?;
        Ok(found.into_iter().next())
    }

    /// The events of a run from number `from` on.
    pub fn events(&self, run: &RunSummary, from: u64) -> Result<Vec<RunEvent>, StoreError> {
        let mut events = Vec::new();
        self.cursor(run).read(self, &mut events)?;
        let before = events.partition_point(|event| event.seq < from);
        events.drain(..before);
        Ok(events)
    }

    /// A run with all that can be read of it.
    pub fn load(&self, run: &RunSummary) -> Recording {
        let mut events = Vec::with_capacity(run.events.min(1 << 24) as usize);
        let damage = self.cursor(run).read(self, &mut events).err();
        Recording {
            unrecorded: went_on_unrecorded(&self.home, &run.run_id),
            summary: run.clone(),
            events,
            damage,
        }
    }

    /// A place in a run's events, from which to follow it.
    pub fn cursor(&self, run: &RunSummary) -> EventCursor {
        EventCursor {
            run: run.row,
            run_id: Arc::clone(&run.run_id),
            next: 0,
            memory: Memory::default(),
        }
    }
}

/// A place in a run's events.
#[derive(Debug)]
pub struct EventCursor {
    run: i64,
    run_id: Arc<str>,
    next: u64,
    memory: Memory,
}

impl EventCursor {
    /// Appends the events that have come since the last call.
    pub fn read(&mut self, store: &Store, into: &mut Vec<RunEvent>) -> Result<(), StoreError> {
        self.read_some(store, into, usize::MAX)
    }

    /// The same, but stops once there are `enough`: what one row of the journal holds is read as a whole.
    pub fn read_some(
        &mut self,
        store: &Store,
        into: &mut Vec<RunEvent>,
        enough: usize,
    ) -> Result<(), StoreError> {
        let fault = |error| store.fault(error);
        let mut statement = store
            .connection
            .prepare_cached(
                "SELECT seq, events, codec, mark, data FROM chunks
                 WHERE run = ?1 AND seq >= ?2 ORDER BY seq",
            )
            .map_err(fault)?;
        let mut rows = statement
            .query(params![self.run, self.next as i64])
            .map_err(fault)?;
        while into.len() < enough
            && let Some(row) = rows.next().map_err(fault)?
        {
            let chunk = Chunk::of(row).map_err(fault)?;
            chunk
                .read(self, &mut store.blobs(), into)
                .map_err(|reason| StoreError::Unreadable {
                    run: self.run_id.to_string(),
                    seq: self.next,
                    reason,
                })?;
        }
        Ok(())
    }
}

struct Chunk<'a> {
    seq: u64,
    events: u64,
    codec: i64,
    checksum: i64,
    data: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn of(row: &'a Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get::<_, i64>(0)? as u64,
            events: row.get::<_, i64>(1)? as u64,
            codec: row.get(2)?,
            checksum: row.get(3)?,
            data: row.get_ref(4)?.as_blob()?,
        })
    }

    fn read(
        &self,
        cursor: &mut EventCursor,
        blobs: &mut dyn Blobs,
        into: &mut Vec<RunEvent>,
    ) -> Result<(), DecodeError> {
        // A gap in the numbers means that a row is lost, and everything after it is incomplete.
        if checksum(self.data) != self.checksum || self.seq != cursor.next {
            return Err(DecodeError::Malformed);
        }
        let bytes = unpack(self.codec, self.data)?;
        let mut decoder = Decoder::new(&bytes, &mut cursor.memory, blobs);
        let mut before = Micros(0);
        for _ in 0..self.events {
            let event = decode_event(cursor.next, before, &mut decoder)?;
            before = event.at;
            cursor.next += 1;
            into.push(event);
        }
        if decoder.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Malformed)
        }
    }
}

/// Blobs as the database has them.
pub(super) struct StoredBlobs<'a>(pub &'a Connection);

impl Blobs for StoredBlobs<'_> {
    fn bytes(&mut self, hash: &Hash) -> Result<Arc<[u8]>, DecodeError> {
        let read = || {
            self.0
                .prepare_cached("SELECT codec, data FROM blobs WHERE hash = ?1")?
                .query_row([&hash[..]], |row| {
                    let codec: i64 = row.get(0)?;
                    Ok(unpack(codec, row.get_ref(1)?.as_blob()?))
                })
        };
        let bytes = read().map_err(|_| DecodeError::Missing)??;
        if blake3::hash(&bytes).as_bytes() != hash {
            return Err(DecodeError::Missing);
        }
        Ok(bytes.into())
    }
}
