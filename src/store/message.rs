//! Messages to the thread of a journal: events, and changes of the cache, which it writes as well.

use super::blobs::store_bytes;
use super::codec::{Encoder, Hash};
use crate::engine::{AttemptExchanges, CacheKey, CachedOutput, NewOutput};
use crate::run::RunEvent;
use crate::units::Micros;
use rusqlite::{Transaction, params};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{SystemTime, UNIX_EPOCH};

/// A message to the writer.
pub(super) enum Message {
    /// Write these events.
    Events(Arc<Vec<RunEvent>>),
    /// Answer once everything before this survives the death of the process.
    Sync(SyncSender<()>),
    /// Keep what an attempt sent and received.
    Exchanges(Arc<AttemptExchanges>),
    /// Cache this output for later runs.
    Keep(Box<Entry>),
    /// No more messages will come.
    Close,
}

/// A change on its way into the database.
pub(super) enum Entry {
    /// An output is cached.
    Keep(CacheKey, NewOutput),
    /// An output is pinned.
    Pin(CacheKey, CachedOutput),
    /// What has this key is not pinned any more.
    Unpin([u8; 32]),
}

impl Entry {
    /// Writes the change.
    pub(super) fn store(self, transaction: &Transaction<'_>, run_id: &str) -> rusqlite::Result<()> {
        match self {
            Self::Keep(key, made) => {
                let kept = CachedOutput {
                    output: made.output,
                    run_id: run_id.into(),
                    age: Micros(0),
                    cost: made.cost,
                    service: made.service,
                    pinned: false,
                };
                put(transaction, &key, &kept)
            }
            Self::Pin(key, kept) => put(transaction, &key, &kept),
            Self::Unpin(key) => transaction
                .prepare_cached("UPDATE cache SET pinned = 0 WHERE key = ?1")?
                .execute([&key[..]])
                .map(drop),
        }
    }
}

/// Stores an output, replacing an older one of the same key, unless that one is pinned and this is not.
fn put(transaction: &Transaction<'_>, key: &CacheKey, kept: &CachedOutput) -> rusqlite::Result<()> {
    // An output is one piece, whatever its size: to use it takes one look-up. An input is only read to explain a
    // difference, and its large parts are mostly the outputs of other steps.
    let mut input = Encoder::default();
    input.input(&key.input);
    let parts: Vec<Hash> = input.blobs.iter().map(|(hash, _)| *hash).collect();
    let input_hash = *blake3::hash(&input.out).as_bytes();
    for (hash, bytes) in input.blobs.into_iter().chain([(input_hash, input.out)]) {
        store_bytes(transaction, &hash, bytes)?;
    }
    let mut output = Encoder::in_one_piece();
    output.value(&kept.output);
    let output_hash = *blake3::hash(&output.out).as_bytes();
    store_bytes(transaction, &output_hash, output.out)?;
    let made_at = now().saturating_sub(kept.age.0 / 1_000_000);
    let stored = transaction
        .prepare_cached(
            "INSERT INTO cache
             (key, tool, parts, input, output, cost_pico, service_us, stored_at, run_id, step, pinned)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (key) DO UPDATE SET tool = excluded.tool, parts = excluded.parts,
             input = excluded.input, output = excluded.output, cost_pico = excluded.cost_pico,
             service_us = excluded.service_us, stored_at = excluded.stored_at,
             run_id = excluded.run_id, step = excluded.step, pinned = excluded.pinned
             WHERE excluded.pinned OR NOT cache.pinned",
        )?
        .execute(params![
            &key.digest[..],
            &*key.tool,
            serde_json::to_string(&*key.parts).unwrap_or_default(),
            &input_hash[..],
            &output_hash[..],
            kept.cost.pico(),
            kept.service.0 as i64,
            made_at as i64,
            &*kept.run_id,
            &*key.step,
            kept.pinned,
        ])?;
    if stored > 0 {
        name_parts(transaction, &key.digest, &parts)?;
    }
    Ok(())
}

/// Says which blobs the input of a cached output needs.
fn name_parts(transaction: &Transaction<'_>, key: &Hash, parts: &[Hash]) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM cache_blobs WHERE key = ?1")?
        .execute([&key[..]])?;
    for part in parts {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO cache_blobs (key, hash) VALUES (?1, ?2)")?
            .execute([&key[..], &part[..]])?;
    }
    Ok(())
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
