//! Large contents in the database, each once by its hash.

use super::codec::Hash;
use super::pack::pack;
use rusqlite::{Transaction, params};

/// Stores a blob that a run needs.
pub(super) fn store_blob(
    transaction: &Transaction<'_>,
    run: i64,
    hash: &Hash,
    bytes: Vec<u8>,
) -> rusqlite::Result<()> {
    let needed = transaction
        .prepare_cached("INSERT OR IGNORE INTO run_blobs (run, hash) VALUES (?1, ?2)")?
        .execute(params![run, &hash[..]])?;
    if needed == 0 {
        return Ok(());
    }
    store_bytes(transaction, hash, bytes)
}

/// Stores a blob that is not there yet.
pub(super) fn store_bytes(
    transaction: &Transaction<'_>,
    hash: &Hash,
    bytes: Vec<u8>,
) -> rusqlite::Result<()> {
    let known = transaction
        .prepare_cached("SELECT 1 FROM blobs WHERE hash = ?1")?
        .exists(params![&hash[..]])?;
    if !known {
        let (codec, data) = pack(bytes);
        transaction
            .prepare_cached("INSERT INTO blobs (hash, codec, data) VALUES (?1, ?2, ?3)")?
            .execute(params![&hash[..], codec, data])?;
    }
    Ok(())
}

/// Removes every blob that neither a run nor a cached output needs.
pub(super) fn remove_unneeded_blobs(change: &Transaction<'_>) -> rusqlite::Result<usize> {
    change.execute(
        "DELETE FROM blobs
         WHERE NOT EXISTS (SELECT 1 FROM run_blobs WHERE run_blobs.hash = blobs.hash)
         AND NOT EXISTS (SELECT 1 FROM cache WHERE cache.input = blobs.hash OR cache.output = blobs.hash)
         AND NOT EXISTS (SELECT 1 FROM cache_blobs WHERE cache_blobs.hash = blobs.hash)",
        [],
    )
}
