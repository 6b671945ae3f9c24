//! Runs of items that were sent elsewhere: what is known of them here before their events come back.

use super::StoreError;
use super::batches::BatchMark;
use super::connections::Connections;
use super::presence::Presence;
use super::read::Store;
use super::schema::{file_in, open_to_write};
use crate::run::{RunHeader, RunSummary};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// The setting on record of a run that was sent elsewhere.
pub(crate) const REMOTE: &str = "remote";

/// Where a run was sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SentTo {
    /// The engine.
    pub engine: Arc<str>,
    /// By what it is known there.
    pub handle: Arc<str>,
    /// How many times the item was sent, this time included.
    pub time: u32,
    /// Whether it has come back without an end: it is sent again to go on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub returned: bool,
}

/// A run that is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct SendingRun<'a> {
    /// Its id.
    pub run_id: &'a str,
    /// The plan's name.
    pub plan: &'a str,
    /// The item that it stands for.
    pub mark: &'a BatchMark,
    /// Where it goes.
    pub to: &'a SentTo,
}

/// Records a run that is about to be sent, so that whoever resumes the batch asks for it there. A run that is on record
/// already is running again.
///
/// # Errors
/// Where nothing can be written there.
pub fn record_sent(
    home: &Path,
    connections: Option<&Connections>,
    run: SendingRun<'_>,
) -> Result<(), StoreError> {
    let file = file_in(home);
    let left = connections.and_then(Connections::take);
    let mut connection = match left {
        Some(connection) => connection,
        None => open_to_write(home)?,
    };
    let mut write = || {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        store(&transaction, run)?;
        transaction.commit()
    };
    write().map_err(|error| StoreError::of(&file, error))?;
    if let Some(connections) = connections {
        connections.leave(connection, Presence::of(&file));
    }
    Ok(())
}

fn store(transaction: &Transaction<'_>, run: SendingRun<'_>) -> rusqlite::Result<()> {
    let SendingRun {
        run_id,
        plan,
        mark,
        to,
    } = run;
    transaction
        .prepare_cached(
            "INSERT INTO runs (run_id, plan, started_at, status, worker, batch, batch_key, batch_index, change)
             VALUES (?1, ?2, ?3, 'running', '', ?4, ?5, ?6,
             (SELECT coalesce(max(change), 0) + 1 FROM runs WHERE batch = ?4))
             ON CONFLICT (run_id) DO UPDATE SET status = 'running', change = excluded.change",
        )?
        .execute(params![
            run_id,
            plan,
            jiff::Timestamp::now().to_string(),
            &*mark.batch,
            &*mark.key,
            i64::try_from(mark.index).unwrap_or(i64::MAX),
        ])?;
    let sent = json!({REMOTE: to}).to_string();
    transaction
        .prepare_cached(
            "INSERT INTO run_details (run, settings)
             SELECT id, ?2 FROM runs WHERE run_id = ?1
             ON CONFLICT (run) DO UPDATE SET settings = json_patch(settings, excluded.settings)",
        )?
        .execute(params![run_id, sent])?;
    Ok(())
}

/// The events of a run that was sent come in: its row, with what they begin with; `None` where it has none.
pub(super) fn begin_sent(
    transaction: &Transaction<'_>,
    header: &RunHeader,
) -> rusqlite::Result<Option<i64>> {
    transaction
        .prepare_cached(
            "UPDATE runs SET plan = ?2, started_at = ?3, steps = ?4, worker = ?5
             WHERE run_id = ?1 AND events = 0 AND batch IS NOT NULL RETURNING id",
        )?
        .query_row(
            params![
                &*header.run_id,
                &*header.plan,
                &*header.started_at,
                header.steps.len() as i64,
                &*header.worker,
            ],
            |row| row.get(0),
        )
        .optional()
}

impl Store {
    /// Where a run was sent; `None` for a run of this machine.
    ///
    /// # Errors
    /// Where its row cannot be read.
    pub fn sent_to(&self, run: &RunSummary) -> Result<Option<SentTo>, StoreError> {
        let settings = self.details(run)?.settings;
        Ok(serde_json::from_value(settings[REMOTE].clone()).ok())
    }
}
