//! Outputs kept from one run to the next.
//!
//! Looked up through a connection of its own; what is to be kept goes through the thread of the run's journal,
//! so that one process does not wait for itself.

use super::journal::Journal;
use super::read::Store;
use super::schema::{file_in, open_to_write};
use super::wire::{Blobs, Decoder, Encoder, Hash, Memory, Wire};
use super::writer::Message;
use super::{StoreError, pack::unpack};
use crate::engine::{CacheKey, Made, OutputCache};
use crate::run::{Micros, Money};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Kept outputs are removed after this, whatever their time to live.
pub(super) const LONGEST: Duration = Duration::from_hours(2160);

/// How long an output stays good where nothing else is said: what other machines answer changes, what a model
/// or code makes of the same input does not.
fn time_to_live(kind: &str) -> Duration {
    match kind {
        "http" | "mcp" | "process" | "agent" => Duration::from_hours(24),
        _ => Duration::from_hours(720),
    }
}

/// How the cache is used.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheOptions {
    /// Use nothing again; outputs are kept all the same.
    pub fresh: bool,
    /// How long an output stays good; by default a day for what comes from elsewhere, else 30 days.
    pub time_to_live: Option<Duration>,
}

/// The cache of a run that is on record.
pub struct StoredCache {
    connection: Connection,
    messages: SyncSender<Message>,
    options: CacheOptions,
}

/// An output on its way into the database.
pub struct Entry {
    key: CacheKey,
    made: Made,
}

impl StoredCache {
    /// The cache in the store at `home`, for the run that `journal` records.
    pub fn open(home: &Path, journal: &Journal, options: CacheOptions) -> Result<Self, StoreError> {
        let messages = journal.messages().ok_or(StoreError::Stopped)?;
        let connection = open_to_write(home)?;
        let file = file_in(home);
        // A look-up that would have to wait is a miss.
        let set = connection.busy_timeout(Duration::from_millis(20));
        set.map_err(|error| StoreError::of(&file, error))?;
        Ok(Self {
            connection,
            messages,
            options,
        })
    }

    fn look_up(&self, key: &CacheKey) -> rusqlite::Result<Option<Arc<Value>>> {
        let age = self
            .options
            .time_to_live
            .unwrap_or_else(|| time_to_live(key.kind));
        let oldest = now().saturating_sub(age.as_secs());
        self.connection
            .prepare_cached(
                "SELECT blobs.codec, blobs.data FROM cache JOIN blobs ON blobs.hash = cache.output
                 WHERE cache.key = ?1 AND cache.stored_at > ?2",
            )?
            .query_row(params![&key.digest[..], oldest as i64], |row| {
                let codec: i64 = row.get(0)?;
                Ok(value_of(codec, row.get_ref(1)?.as_blob()?))
            })
            .optional()
            .map(Option::flatten)
    }
}

impl OutputCache for StoredCache {
    fn get(&mut self, key: &CacheKey) -> Option<Arc<Value>> {
        if self.options.fresh {
            return None;
        }
        // What cannot be read is made anew.
        self.look_up(key).ok().flatten()
    }

    fn put(&mut self, key: CacheKey, made: Made) {
        // A journal that has ended keeps nothing more.
        let _ = self
            .messages
            .send(Message::Keep(Box::new(Entry { key, made })));
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// A value as one piece, whatever its size: a kept output needs no other blob.
fn bytes_of(value: &Arc<Value>) -> (Hash, Vec<u8>) {
    let mut encoder = Encoder::in_one_piece();
    value.put(&mut encoder);
    (*blake3::hash(&encoder.out).as_bytes(), encoder.out)
}

struct NoBlobs;

impl Blobs for NoBlobs {
    fn bytes(&mut self, _hash: &Hash) -> Result<Arc<[u8]>, super::Broken> {
        Err(super::Broken::Missing)
    }
}

fn value_of(codec: i64, stored: &[u8]) -> Option<Arc<Value>> {
    let bytes = unpack(codec, stored).ok()?;
    let (mut memory, mut blobs) = (Memory::default(), NoBlobs);
    Wire::take(&mut Decoder::new(&bytes, &mut memory, &mut blobs)).ok()
}

impl Entry {
    /// Writes the entry, in the place of an older one of the same key.
    pub(super) fn store(self, transaction: &Transaction<'_>, run_id: &str) -> rusqlite::Result<()> {
        let (input, input_bytes) = bytes_of(&self.key.input);
        let (output, output_bytes) = bytes_of(&self.made.output);
        for (hash, bytes) in [(input, input_bytes), (output, output_bytes)] {
            super::writer::store_bytes(transaction, &hash, bytes)?;
        }
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO cache
                 (key, tool, parts, input, output, cost_pico, service_us, stored_at, run_id, step)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                &self.key.digest[..],
                &*self.key.tool,
                serde_json::to_string(&*self.key.parts).unwrap_or_default(),
                &input[..],
                &output[..],
                self.made.cost.pico(),
                self.made.service.0 as i64,
                now() as i64,
                run_id,
                &*self.key.step,
            ])?;
        Ok(())
    }
}

/// A kept output that is nearest to a key, and how the key differs from its own.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// The run that made it.
    pub run_id: Arc<str>,
    /// When, in seconds since 1970.
    pub stored_at: u64,
    /// What the call cost.
    pub cost: Money,
    /// How long it took.
    pub service: Micros,
    /// The parts of the tool's recipe that differ.
    pub parts: Vec<String>,
    /// The input that it was made for.
    pub input: Arc<Value>,
    /// Whether it was made for this very key.
    pub exact: bool,
}

impl Store {
    /// The kept output that is nearest to `key`: of the same key, else the newest of the same step of the same
    /// tool. Answers why a call was not, or would not be, served from the cache.
    pub fn nearest(&self, key: &CacheKey) -> Result<Option<Nearest>, StoreError> {
        let read = || {
            self.connection()
                .prepare_cached(
                    "SELECT cache.run_id, stored_at, cost_pico, service_us, parts, blobs.codec, blobs.data, key = ?1
                     FROM cache JOIN blobs ON blobs.hash = cache.input
                     WHERE key = ?1 OR (tool = ?2 AND step = ?3)
                     ORDER BY key = ?1 DESC, stored_at DESC LIMIT 1",
                )?
                .query_row(params![&key.digest[..], &*key.tool, &*key.step], |row| {
                    let parts: String = row.get(4)?;
                    let before: Map<String, Value> = serde_json::from_str(&parts).unwrap_or_default();
                    let codec: i64 = row.get(5)?;
                    Ok(Nearest {
                        run_id: row.get(0)?,
                        stored_at: row.get::<_, i64>(1)?.max(0) as u64,
                        cost: Money::from_pico(row.get(2)?),
                        service: Micros(row.get::<_, i64>(3)?.max(0) as u64),
                        parts: differing(&before, &key.parts),
                        input: value_of(codec, row.get_ref(6)?.as_blob()?).unwrap_or_default(),
                        exact: row.get(7)?,
                    })
                })
                .optional()
        };
        read().map_err(|error| self.fault(error))
    }
}

fn differing(before: &Map<String, Value>, now: &Map<String, Value>) -> Vec<String> {
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    let other = now
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value));
    other.map(|(name, _)| name).chain(gone).cloned().collect()
}
