//! Outputs kept from one run to the next.
//!
//! Looked up through a connection that only reads, which the runs of a batch share; what is to be kept goes through the
//! thread of the run's journal, so that one process does not wait for itself.

use super::StoreError;
use super::blobs::remove_unneeded_blobs;
use super::cache_reader::{Nearest, Reader, age_of, nearest, value_of};
use super::codec::Hash;
use super::journal::Journal;
use super::message::{Entry, Message, now};
use super::read::{Store, StoredBlobs};
use super::schema::file_in;
use crate::engine::{CacheKey, CacheMiss, CachedOutput, NewOutput, OutputCache};
use crate::units::{Micros, Money};
use rusqlite::{Connection, TransactionBehavior, params};
use serde::{Serialize, Serializer};
use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Cached outputs are removed after this, whatever their time to live.
pub(super) const LONGEST: Duration = Duration::from_hours(2160);

/// How the cache is used.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheOptions {
    /// Use nothing again but what is pinned; outputs are kept all the same.
    pub fresh: bool,
    /// How long an output stays good; by default a day for what comes from elsewhere, else 30 days.
    pub time_to_live: Option<Duration>,
}

/// The cache of a run that is on record.
pub struct StoredCache {
    /// Shared with the other runs of a batch.
    reader: Arc<Mutex<Reader>>,
    messages: SyncSender<Message>,
    options: CacheOptions,
    hash_key: [u8; 32],
    /// What is pinned; with its output where that was done by this run.
    pins: HashMap<[u8; 32], Option<CachedOutput>>,
}

impl StoredCache {
    /// The cache in the store at `home`, for the run that `journal` records.
    pub fn open(home: &Path, journal: &Journal, options: CacheOptions) -> Result<Self, StoreError> {
        let messages = journal.messages().ok_or(StoreError::Stopped)?;
        let shared = journal.connections().filter(|all| all.is_of(home));
        let reader = match shared {
            Some(connections) => connections.reader()?,
            None => Arc::new(Mutex::new(Reader::open(home)?)),
        };
        let (pins, hash_key) = {
            let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let pins = reader.pinned_keys();
            let pins = pins.map_err(|error| StoreError::of(&file_in(home), error))?;
            (pins, reader.hash_key)
        };
        Ok(Self {
            reader,
            messages,
            options,
            hash_key,
            pins: pins.into_iter().map(|key| (key, None)).collect(),
        })
    }

    fn reader(&self) -> MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, entry: Entry) -> bool {
        self.messages.send(Message::Keep(Box::new(entry))).is_ok()
    }
}

impl OutputCache for StoredCache {
    fn get(&mut self, key: &CacheKey) -> Result<CachedOutput, CacheMiss> {
        if self.options.fresh {
            return Err(CacheMiss::Fresh);
        }
        // An output that cannot be read is made again by a call.
        let found = self.reader().look_up(key, self.options.time_to_live);
        found.unwrap_or(Err(CacheMiss::Off))
    }

    fn put(&mut self, key: CacheKey, made: NewOutput) {
        // A journal that has ended keeps nothing more.
        self.send(Entry::Keep(key, made));
    }

    fn pinned(&mut self, key: &CacheKey) -> Option<CachedOutput> {
        match self.pins.get(&key.digest)? {
            Some(kept) => Some(kept.clone()),
            None => self
                .reader()
                .of_key(key)
                .ok()
                .flatten()
                .filter(|kept| kept.pinned),
        }
    }

    fn hash_key(&self) -> [u8; 32] {
        self.hash_key
    }

    fn has_pins(&self) -> bool {
        !self.pins.is_empty()
    }

    fn pin(&mut self, key: CacheKey, output: Option<CachedOutput>) -> bool {
        let Some(kept) = output else {
            self.pins.remove(&key.digest);
            return self.send(Entry::Unpin(key.digest));
        };
        self.pins.insert(key.digest, Some(kept.clone()));
        self.send(Entry::Pin(key, kept))
    }
}

/// A cached output in a list.
#[derive(Clone, Debug, Serialize)]
pub struct KeptSummary {
    /// The digest of what determines it.
    #[serde(serialize_with = "hexadecimal")]
    pub key: Hash,
    /// The step that it was made for.
    pub step: Arc<str>,
    /// The tool.
    pub tool: Arc<str>,
    /// The run that made it.
    pub run_id: Arc<str>,
    /// How old it is.
    #[serde(rename = "age_ms")]
    pub age: Micros,
    /// What the call cost.
    pub cost: Money,
    /// How long it took.
    #[serde(rename = "service_ms")]
    pub service: Micros,
    /// Whether it is pinned.
    pub pinned: bool,
}

/// A key as people write it.
pub(crate) fn key_text(key: &Hash) -> String {
    blake3::Hash::from(*key).to_hex().to_string()
}

fn hexadecimal<S: Serializer>(key: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&key_text(key))
}

impl Store {
    /// What is kept, the pinned ones first and then the newest; or only what is pinned.
    pub fn kept(&self, only_pinned: bool) -> Result<Vec<KeptSummary>, StoreError> {
        let read = || {
            let pinned = self.since(2, "pinned", "0");
            let mut statement = self.connection().prepare(
                &format!("SELECT key, step, tool, run_id, stored_at, cost_pico, service_us, {pinned} AS pin FROM cache
                 WHERE pin OR NOT ?1 ORDER BY pin DESC, stored_at DESC, key"),
            )?;
            let rows = statement.query_map([only_pinned], |row| {
                Ok(KeptSummary {
                    key: row.get(0)?,
                    step: row.get(1)?,
                    tool: row.get(2)?,
                    run_id: row.get(3)?,
                    age: age_of(row.get(4)?),
                    cost: Money::from_pico(row.get(5)?),
                    service: Micros(row.get::<_, i64>(6)?.max(0) as u64),
                    pinned: row.get(7)?,
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.fault(error))
    }

    /// The cached outputs as JSON; `None` where one cannot be read.
    pub(super) fn cached_outputs(&self) -> Result<Vec<Option<String>>, StoreError> {
        let read = || {
            let connection = self.connection();
            let mut statement = connection.prepare(
                "SELECT blobs.codec, blobs.data FROM cache JOIN blobs ON blobs.hash = cache.output",
            )?;
            let rows = statement.query_map([], |row| {
                let stored = row.get_ref(1)?.as_blob()?;
                let output = value_of(row.get(0)?, stored, &mut StoredBlobs(connection));
                Ok(output.map(|output| output.to_string()))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.fault(error))
    }

    /// Pins a cached output, or unpins it; whether there is one of this key.
    pub fn pin(&mut self, key: &Hash, pinned: bool) -> Result<bool, StoreError> {
        self.change(|store, connection| {
            let set = connection.execute(
                "UPDATE cache SET pinned = ?2 WHERE key = ?1",
                params![&key[..], pinned],
            );
            set.map(|rows| rows > 0).map_err(|error| store.fault(error))
        })
    }

    /// Removes cached outputs that are not pinned: those older than this, or all; gives how many.
    pub fn clear(&mut self, older_than: Option<Duration>) -> Result<usize, StoreError> {
        let age = older_than.map_or(0, |age| age.as_secs());
        let newest = now().saturating_sub(age) as i64;
        let clear = |connection: &mut Connection| {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let gone = change.execute(
                "DELETE FROM cache WHERE stored_at <= ?1 AND NOT pinned",
                [newest],
            )?;
            remove_unneeded_blobs(&change)?;
            change.commit()?;
            Ok(gone)
        };
        self.change(|store, connection| clear(connection).map_err(|error| store.fault(error)))
    }

    /// The cached output that is nearest to `key`: of the same key, else the newest of the same step of the same
    /// tool. Answers why a call was not, or would not be, served from the cache.
    pub fn nearest(&self, key: &CacheKey) -> Result<Option<Nearest>, StoreError> {
        nearest(self.connection(), key).map_err(|error| self.fault(error))
    }
}
