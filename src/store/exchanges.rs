//! What attempts sent to models and received: stored beside the events, and read only where it is asked for.

use super::StoreError;
use super::blobs::store_blob;
use super::codec::{Blobs, Hash};
use super::read::{Store, StoredBlobs};
use crate::engine::AttemptExchanges;
use crate::run::{Body, Exchange, RunSummary};
use rusqlite::{Row, Transaction, params};
use std::sync::Arc;

/// The first format of the file that has them.
const FORMAT: i64 = 5;

/// Stores what an attempt of a run sent and received.
pub(super) fn store_exchanges(
    transaction: &Transaction<'_>,
    run: i64,
    attempt: &AttemptExchanges,
) -> rusqlite::Result<()> {
    for (at, exchange) in attempt.exchanges.iter().enumerate() {
        let bodies = [&exchange.request, &exchange.response].map(|body| {
            let text = body.text().into_bytes();
            (*blake3::hash(&text).as_bytes(), text)
        });
        let hashes = [bodies[0].0, bodies[1].0];
        for (hash, text) in bodies {
            store_blob(transaction, run, &hash, text)?;
        }
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO exchanges (run, step, attempt, exchange, url, request, request_bytes,
                 request_left_out, status, response, response_bytes, response_left_out)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                run,
                &*attempt.step,
                attempt.attempt,
                at as i64 + 1,
                &*exchange.url,
                &hashes[0][..],
                exchange.request.bytes() as i64,
                exchange.request.left_out() as i64,
                exchange.status,
                &hashes[1][..],
                exchange.response.bytes() as i64,
                exchange.response.left_out() as i64,
            ])?;
    }
    Ok(())
}

/// An exchange whose bodies are still known by their hashes.
struct Found {
    exchange: Exchange,
    hashes: [Hash; 2],
}

impl Found {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let count = |at: usize| row.get::<_, i64>(at).map(|count| count.max(0) as u64);
        let body = |at: usize| -> rusqlite::Result<Body> {
            Ok(Body {
                bytes: count(at)?,
                left_out: count(at + 1)?,
                body: String::new(),
            })
        };
        Ok(Self {
            exchange: Exchange {
                step: row.get::<_, Arc<str>>(0)?,
                attempt: row.get(1)?,
                exchange: row.get(2)?,
                url: row.get(3)?,
                request: body(5)?,
                status: row.get(7)?,
                response: body(9)?,
            },
            hashes: [row.get(4)?, row.get(8)?],
        })
    }
}

impl Store {
    /// What the attempts of a step sent to models and received, in order; of the whole run where no step is named.
    /// Empty where nothing was, and for runs that an older version recorded.
    ///
    /// # Errors
    /// Where the file cannot be read, or a body in it is damaged.
    pub fn exchanges(
        &self,
        run: &RunSummary,
        step: Option<&str>,
    ) -> Result<Vec<Exchange>, StoreError> {
        if self.format() < FORMAT {
            return Ok(Vec::new());
        }
        let read = || {
            let mut statement = self.connection().prepare_cached(
                "SELECT step, attempt, exchange, url, request, request_bytes, request_left_out, status,
                 response, response_bytes, response_left_out
                 FROM exchanges WHERE run = ?1 AND (?2 IS NULL OR step = ?2) ORDER BY step, attempt, exchange",
            )?;
            let rows = statement.query_map(params![run.row, step], Found::of)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let found = read().map_err(|error| self.fault(error))?;
        let mut blobs = StoredBlobs(self.connection());
        let with_bodies = found.into_iter().map(
            |Found {
                 mut exchange,
                 hashes,
             }| {
                let bodies = [&mut exchange.request, &mut exchange.response];
                for (body, hash) in bodies.into_iter().zip(&hashes) {
                    let bytes = blobs.bytes(hash).map_err(|reason| StoreError::NoBody {
                        step: exchange.step.to_string(),
                        attempt: exchange.attempt,
                        reason,
                    })?;
                    body.body = String::from_utf8_lossy(&bytes).into_owned();
                }
                Ok(exchange)
            },
        );
        with_bodies.collect()
    }
}
