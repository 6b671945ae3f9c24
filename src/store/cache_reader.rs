//! Looks for cached outputs: by their key, and those that are nearest to one.

use super::StoreError;
use super::codec::{Blobs, Codec, Decoder, Memory, NoBlobs};
use super::hash_key::hash_key;
use super::message::now;
use super::pack::unpack;
use super::read::StoredBlobs;
use super::schema::{file_in, open_to_write};
use crate::engine::{CacheKey, CacheMiss, CachedOutput};
use crate::units::{Micros, Money};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Looks for cached outputs.
#[derive(Debug)]
pub(super) struct Reader {
    connection: Connection,
    pub(super) hash_key: [u8; 32],
}

impl Reader {
    /// In the store at `home`.
    pub(super) fn open(home: &Path) -> Result<Self, StoreError> {
        let connection = open_to_write(home)?;
        let file = file_in(home);
        // A look-up that would have to wait is a miss.
        connection
            .busy_timeout(Duration::from_millis(20))
            .map_err(|error| StoreError::of(&file, error))?;
        Ok(Self {
            connection,
            hash_key: hash_key(home)?,
        })
    }

    /// The keys of what is pinned.
    pub(super) fn pinned_keys(&self) -> rusqlite::Result<Vec<[u8; 32]>> {
        let mut statement =
            (self.connection).prepare_cached("SELECT key FROM cache WHERE pinned")?;
        let keys = statement.query_map([], |row| row.get(0))?;
        keys.collect()
    }
}

impl Reader {
    /// The cached output of a key.
    pub(super) fn of_key(&self, key: &CacheKey) -> rusqlite::Result<Option<CachedOutput>> {
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

    /// The cached output of a key that is good for as long as that, or why there is none.
    pub(super) fn look_up(
        &self,
        key: &CacheKey,
        time_to_live: Option<Duration>,
    ) -> rusqlite::Result<Result<CachedOutput, CacheMiss>> {
        if let Some(kept) = self.of_key(key)? {
            let limit: Micros = time_to_live.unwrap_or(key.time_to_live).into();
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
}

/// How old something is that was stored at this second.
pub(super) fn age_of(stored_at: i64) -> Micros {
    let seconds = now().saturating_sub(stored_at.max(0) as u64);
    Duration::from_secs(seconds).into()
}

/// A value as it is stored.
pub(super) fn value_of(codec: i64, stored: &[u8], blobs: &mut dyn Blobs) -> Option<Arc<Value>> {
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

/// The cached output that is nearest to a key.
pub(super) fn nearest(
    connection: &Connection,
    key: &CacheKey,
) -> rusqlite::Result<Option<Nearest>> {
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
