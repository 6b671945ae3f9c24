//! Outputs kept from one run to the next.
//!
//! Looked up through a connection of its own; what is to be kept goes through the thread of the run's journal,
//! so that one process does not wait for itself.

use super::blobs::remove_unneeded_blobs;
use super::codec::{Blobs, Codec, Decoder, Hash, Memory, NoBlobs};
use super::hash_key::hash_key;
use super::journal::Journal;
use super::message::{Entry, Message, now};
use super::read::{Store, StoredBlobs};
use super::schema::{file_in, open_to_write};
use super::{StoreError, pack::unpack};
use crate::engine::{CacheKey, CacheMiss, CachedOutput, NewOutput, OutputCache};
use crate::units::{Micros, Money};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
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
    connection: Connection,
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
        let connection = open_to_write(home)?;
        let file = file_in(home);
        let fault = |error| StoreError::of(&file, error);
        // A look-up that would have to wait is a miss.
        connection
            .busy_timeout(Duration::from_millis(20))
            .map_err(fault)?;
        let pins = pinned_keys(&connection).map_err(fault)?;
        Ok(Self {
            connection,
            messages,
            options,
            hash_key: hash_key(home)?,
            pins: pins.into_iter().map(|key| (key, None)).collect(),
        })
    }

    fn of_key(&self, key: &CacheKey) -> rusqlite::Result<Option<CachedOutput>> {
        self.connection
            .prepare_cached(
                "SELECT blobs.codec, blobs.data, cache.run_id, stored_at, cost_pico, service_us, pinned
                 FROM cache JOIN blobs ON blobs.hash = cache.output WHERE cache.key = ?1",
            )?
            .query_row([&key.digest[..]], |row| {
                let codec: i64 = row.get(0)?;
                let stored = row.get_ref(1)?.as_blob()?;
                let Some(output) = value_of(codec, stored, &mut NoBlobs) else {
                    return Ok(None);
                };
                Ok(Some(CachedOutput {
                    output,
                    run_id: row.get(2)?,
                    age: age_of(row.get(3)?),
                    cost: Money::from_pico(row.get(4)?),
                    service: Micros(row.get::<_, i64>(5)?.max(0) as u64),
                    pinned: row.get(6)?,
                }))
            })
            .optional()
            .map(Option::flatten)
    }

    fn look_up(&self, key: &CacheKey) -> rusqlite::Result<Result<CachedOutput, CacheMiss>> {
        if let Some(kept) = self.of_key(key)? {
            let limit = self.options.time_to_live;
            let limit: Micros = limit.unwrap_or(key.time_to_live).into();
            return Ok(if kept.age < limit {
                Ok(kept)
            } else {
                Err(CacheMiss::Expired {
                    run_id: kept.run_id,
                    age: kept.age,
                    limit,
                })
            });
        }
        let nearest = nearest(&self.connection, key)?;
        Ok(Err(nearest.map_or(CacheMiss::Never, |near| {
            CacheMiss::Differs {
                age: age_of(near.stored_at as i64),
                run_id: near.run_id,
                input: near.input,
                parts: near.parts,
            }
        })))
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
        self.look_up(key).unwrap_or(Err(CacheMiss::Off))
    }

    fn put(&mut self, key: CacheKey, made: NewOutput) {
        // A journal that has ended keeps nothing more.
        self.send(Entry::Keep(key, made));
    }

    fn pinned(&mut self, key: &CacheKey) -> Option<CachedOutput> {
        match self.pins.get(&key.digest)? {
            Some(kept) => Some(kept.clone()),
            None => self.of_key(key).ok().flatten().filter(|kept| kept.pinned),
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

fn pinned_keys(connection: &Connection) -> rusqlite::Result<Vec<[u8; 32]>> {
    let mut statement = connection.prepare("SELECT key FROM cache WHERE pinned")?;
    let keys = statement.query_map([], |row| row.get(0))?;
    keys.collect()
}

/// How old something is that was stored at this second.
fn age_of(stored_at: i64) -> Micros {
    let seconds = now().saturating_sub(stored_at.max(0) as u64);
    Duration::from_secs(seconds).into()
}

fn value_of(codec: i64, stored: &[u8], blobs: &mut dyn Blobs) -> Option<Arc<Value>> {
    let bytes = unpack(codec, stored).ok()?;
    Codec::take(&mut Decoder::new(&bytes, &mut Memory::default(), blobs)).ok()
}

/// A cached output that is nearest to a key, and how the key differs from its own.
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
    /// The parts of the tool's fingerprint that differ.
    pub parts: Vec<String>,
    /// The input that it was made for.
    pub input: Arc<Value>,
    /// Whether it was made for this very key.
    pub exact: bool,
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

fn nearest(connection: &Connection, key: &CacheKey) -> rusqlite::Result<Option<Nearest>> {
    let read = |condition: &str| {
        let sql = format!(
            "SELECT cache.run_id, stored_at, cost_pico, service_us, parts, blobs.codec, blobs.data, key = ?1
             FROM cache JOIN blobs ON blobs.hash = cache.input WHERE {condition}
             ORDER BY stored_at DESC LIMIT 1"
        );
        connection
            .prepare_cached(&sql)?
            .query_row(params![&key.digest[..], &*key.tool, &*key.step], |row| {
                let parts: String = row.get(4)?;
                let before: Map<String, Value> = serde_json::from_str(&parts).unwrap_or_default();
                let (codec, stored) = (row.get(5)?, row.get_ref(6)?.as_blob()?);
                Ok(Nearest {
                    run_id: row.get(0)?,
                    stored_at: row.get::<_, i64>(1)?.max(0) as u64,
                    cost: Money::from_pico(row.get(2)?),
                    service: Micros(row.get::<_, i64>(3)?.max(0) as u64),
                    parts: differing(&before, &key.parts),
                    input: value_of(codec, stored, &mut StoredBlobs(connection))
                        .unwrap_or_default(),
                    exact: row.get(7)?,
                })
            })
            .optional()
    };
    // Both by an index of their own.
    match read("key = ?1 AND ?2 IS NOT NULL AND ?3 IS NOT NULL")? {
        Some(exact) => Ok(Some(exact)),
        None => read("tool = ?2 AND step = ?3"),
    }
}

fn differing(before: &Map<String, Value>, now: &Map<String, Value>) -> Vec<String> {
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    let other = now
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value));
    other.map(|(name, _)| name).chain(gone).cloned().collect()
}
