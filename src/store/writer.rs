//! The thread that writes a journal.
//!
//! It takes what has gathered, makes one transaction of it, and continues. A commit is with the operating
//! system, and so survives the death of the process; twice a second one is also waited for until it is on the
//! disk, so that a power failure takes no more than the last second.

use super::StoreError;
use super::blobs::store_blob;
use super::codec::{Encoder, Hash, encode_event, encode_figures, learn_event};
use super::exchanges::store_exchanges;
use super::message::{Entry, Message};
use super::options::{Health, JournalOptions, RunMeta};
use super::pack::{checksum, pack};
use super::presence::Presence;
use super::run_lock::RunLock;
use super::run_totals::RunTotals;
use super::sent_runs::begin_sent;
use crate::engine::AttemptExchanges;
use crate::run::{EventKind, ItemFold, RunEvent, RunHeader, RunSummary, RunWord};
use crate::units::{Micros, Money};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::iter::Peekable;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// The time between two waits for the disk.
const SYNC_EVERY: Duration = Duration::from_millis(400);
/// Events in one transaction, more or less.
const MOST_EVENTS: usize = 32 * 1024;
/// Events and bytes of one row.
const CHUNK_EVENTS: u64 = 4096;
const CHUNK_BYTES: usize = 256 * 1024;
/// Bytes of large contents after which a transaction takes no more events.
const MOST_BLOBS: usize = 4 << 20;

/// Events as the engine gave them.
type Batch = Arc<Vec<RunEvent>>;

/// Events that are ready to be stored as one row.
struct Chunk {
    seq: u64,
    events: u64,
    data: Vec<u8>,
}

/// The state of the thread.
#[allow(clippy::struct_excessive_bools, reason = "each is a matter of its own")]
pub(super) struct Writer {
    connection: Connection,
    file: PathBuf,
    presence: Presence,
    lock: RunLock,
    meta: RunMeta,
    options: JournalOptions,
    health: Arc<Health>,
    /// The run's row, once it is there.
    run: Option<i64>,
    encoder: Encoder,
    totals: RunTotals,
    /// The steps of a run of a batch.
    item: Option<(Arc<str>, ItemFold)>,
    /// Events stored so far.
    events: u64,
    /// Whether commits wait for the disk now.
    full: bool,
    unsynced: bool,
    synced_at: Instant,
    /// What attempts sent and received, to be kept with the next transaction.
    exchanges: Vec<Arc<AttemptExchanges>>,
    /// Outputs to be kept with the next transaction.
    kept: Vec<Entry>,
    run_id: Arc<str>,
    /// Whether what the run goes on with has still to be written.
    renews: bool,
    closed: bool,
}

impl Writer {
    /// A writer for one run, whose first event brings its row.
    pub(super) fn new(
        connection: Connection,
        file: PathBuf,
        lock: RunLock,
        meta: RunMeta,
        options: JournalOptions,
        health: Arc<Health>,
    ) -> Self {
        let mark = meta.batch.as_ref();
        let item = mark.map(|mark| (Arc::clone(&mark.batch), ItemFold::default()));
        Self {
            connection,
            item,
            presence: Presence::of(&file),
            file,
            lock,
            meta,
            options,
            health,
            run: None,
            encoder: Encoder::default(),
            totals: RunTotals::default(),
            events: 0,
            full: false,
            unsynced: false,
            synced_at: Instant::now(),
            exchanges: Vec::new(),
            kept: Vec::new(),
            run_id: "".into(),
            renews: false,
            closed: false,
        }
    }

    /// Goes on after the `events` of a recorded run, which may be of a batch.
    pub(super) fn go_on(&mut self, run: &RunSummary, batch: Option<Arc<str>>, events: &[RunEvent]) {
        self.item = batch.map(|batch| (batch, ItemFold::default()));
        for event in events {
            learn_event(event, &mut self.encoder);
            self.totals.apply(event);
            if let Some((_, item)) = &mut self.item {
                item.apply(event);
            }
        }
        self.run = Some(run.row);
        self.run_id = Arc::clone(&run.run_id);
        self.events = events.len() as u64;
        self.renews = true;
    }

    /// Writes until the journal is closed.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        // Here, while the run is set up on another thread, and before the database is held for it.
        self.meta.definitions.all();
        while !self.closed {
            let message = if self.unsynced {
                let due = SYNC_EVERY.saturating_sub(self.synced_at.elapsed());
                messages.recv_timeout(due)
            } else {
                messages.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match message {
                Ok(message) => self.round(message, messages),
                Err(RecvTimeoutError::Timeout) => self.sync(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.leave();
    }

    /// Waits for the disk, or leaves that and the connection to the runs that come next.
    fn leave(mut self) {
        let Some(connections) = self.options.connections.clone() else {
            return self.sync();
        };
        if !self.unsynced || !connections.leaves_sync(SYNC_EVERY) {
            self.sync();
        }
        let is_usable = !self.health.is_broken() && self.set_full(false).is_ok();
        if is_usable {
            connections.leave(self.connection, self.presence);
        }
    }

    /// Whether commits wait for the disk from now on.
    fn set_full(&mut self, full: bool) -> rusqlite::Result<()> {
        if full != self.full {
            let word = if full { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", word)?;
            self.full = full;
        }
        Ok(())
    }

    /// Takes what has gathered and makes one transaction of it.
    fn round(&mut self, first: Message, messages: &Receiver<Message>) {
        let mut events: Vec<Batch> = Vec::new();
        let mut count = 0;
        let mut waiting = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Events(more) => {
                    count += more.len();
                    events.push(more);
                }
                Message::Exchanges(attempt) => self.exchanges.push(attempt),
                Message::Sync(answer) => waiting.push(answer),
                Message::Keep(entry) => self.kept.push(*entry),
                Message::Close => {
                    self.closed = true;
                    break;
                }
            }
            next = match count {
                0..MOST_EVENTS => messages.try_recv().ok(),
                _ => None,
            };
        }
        let something = count > 0 || !self.kept.is_empty() || !self.exchanges.is_empty();
        if something && !self.health.is_broken() {
            let due = self.synced_at.elapsed() >= SYNC_EVERY;
            let full = self.options.durable || due;
            if let Err(error) = self.write(&events, full) {
                self.break_down(&StoreError::of(&self.file, error));
            }
        }
        // Afterwards: what was written counts only where it can be found again.
        let counts = something || !waiting.is_empty();
        if counts && !self.health.is_broken() && !self.presence.holds() {
            self.break_down(&StoreError::Gone(self.file.clone()));
        }
        for answer in waiting {
            // The journal may have stopped waiting.
            let _ = answer.send(());
        }
    }

    /// Waits until everything is on the disk.
    fn sync(&mut self) {
        if !self.unsynced || self.health.is_broken() {
            return;
        }
        // Only a commit that changes something waits for the disk.
        if let Err(error) = self.write(&[], true) {
            self.break_down(&StoreError::of(&self.file, error));
        }
    }

    fn break_down(&mut self, error: &StoreError) {
        self.lock.journal_broke();
        self.health.break_down(error, &self.options);
    }

    fn write(&mut self, batches: &[Batch], full: bool) -> rusqlite::Result<()> {
        self.set_full(full)?;
        let mut events = batches.iter().flat_map(|batch| batch.iter()).peekable();
        loop {
            self.write_some(&mut events, full)?;
            if events.peek().is_none() {
                return Ok(());
            }
        }
    }

    /// Writes events in one transaction: all of them, unless their contents are large.
    fn write_some<'a>(
        &mut self,
        events: &mut Peekable<impl Iterator<Item = &'a RunEvent>>,
        full: bool,
    ) -> rusqlite::Result<()> {
        let first = events.peek().map(|event| &event.kind);
        let chunks = self.encode(events);
        let blobs = std::mem::take(&mut self.encoder.blobs);
        self.encoder.blob_bytes = 0;
        let kept = match events.peek() {
            None => std::mem::take(&mut self.kept),
            Some(_) => Vec::new(),
        };
        let exchanges = std::mem::take(&mut self.exchanges);
        if let Some(EventKind::RunStarted(header)) = first {
            self.run_id = Arc::clone(&header.run_id);
        }
        let count = self.events + chunks.iter().map(|chunk| chunk.events).sum::<u64>();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let run = match (self.run, first) {
            (Some(run), _) => run,
            (None, Some(EventKind::RunStarted(header))) => begin(&transaction, header, &self.meta)?,
            // Not the beginning of a run: there is nothing that this could belong to.
            (None, _) => return Ok(()),
        };
        if self.renews {
            renew(&transaction, run, &self.meta)?;
        }
        for (hash, bytes) in blobs {
            store_blob(&transaction, run, &hash, bytes)?;
        }
        for chunk in chunks {
            store_chunk(&transaction, run, chunk)?;
        }
        for attempt in exchanges {
            store_exchanges(&transaction, run, &attempt)?;
        }
        for entry in kept {
            entry.store(&transaction, &self.run_id)?;
        }
        summarise(&transaction, run, &self.totals, count)?;
        if let Some((batch, item)) = &self.item {
            keep_figures(&transaction, run, batch, item)?;
        }
        transaction.commit()?;
        self.run = Some(run);
        self.renews = false;
        self.events = count;
        self.unsynced = !full;
        if full {
            self.synced_at = Instant::now();
            if let Some(connections) = &self.options.connections {
                connections.synced();
            }
        }
        Ok(())
    }

    fn encode<'a>(
        &mut self,
        events: &mut Peekable<impl Iterator<Item = &'a RunEvent>>,
    ) -> Vec<Chunk> {
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut before = Micros(0);
        while self.encoder.blob_bytes < MOST_BLOBS
            && let Some(event) = events.next()
        {
            let fits = chunks.last().is_some_and(|chunk| {
                chunk.events < CHUNK_EVENTS && self.encoder.out.len() < CHUNK_BYTES
            });
            if !fits {
                self.cut(&mut chunks);
                before = Micros(0);
                chunks.push(Chunk {
                    seq: event.seq,
                    events: 0,
                    data: Vec::new(),
                });
            }
            encode_event(event, before, &mut self.encoder);
            self.totals.apply(event);
            if let Some((_, item)) = &mut self.item {
                item.apply(event);
            }
            before = event.at;
            if let Some(chunk) = chunks.last_mut() {
                chunk.events += 1;
            }
        }
        self.cut(&mut chunks);
        chunks
    }

    fn cut(&mut self, chunks: &mut [Chunk]) {
        if let Some(chunk) = chunks.last_mut() {
            chunk.data = std::mem::take(&mut self.encoder.out);
        }
    }
}

fn begin(
    transaction: &Transaction<'_>,
    header: &RunHeader,
    meta: &RunMeta,
) -> rusqlite::Result<i64> {
    let mark = meta.batch.as_ref();
    if meta.was_sent
        && let Some(run) = begin_sent(transaction, header)?
    {
        renew(transaction, run, meta)?;
        return Ok(run);
    }
    let mut insert = transaction.prepare_cached(
        "INSERT INTO runs (run_id, plan, started_at, status, steps, resumed_from, forked_from, worker,
         batch, batch_key, batch_index)
         VALUES (?1, ?2, ?3, 'running', ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    insert.execute(params![
        &*header.run_id,
        &*header.plan,
        &*header.started_at,
        header.steps.len() as i64,
        meta.resumed_from.as_deref(),
        meta.forked_from.as_deref(),
        &*header.worker,
        mark.map(|mark| &*mark.batch),
        mark.map(|mark| &*mark.key),
        mark.map(|mark| i64::try_from(mark.index).unwrap_or(i64::MAX)),
    ])?;
    let run = transaction.last_insert_rowid();
    let text = blob_of(meta.plan_text.as_ref());
    let catalog = blob_of(meta.catalog.as_ref());
    let mut insert = transaction.prepare_cached(
        "INSERT INTO run_details (run, plan_path, plan_text, catalog_digest, settings, definitions,
         origin, catalog) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    insert.execute(params![
        run,
        meta.plan_path.as_deref(),
        text.as_ref().map(|(hash, _)| &hash[..]),
        meta.catalog_digest.as_ref().map(|digest| &digest[..]),
        meta.settings.to_string(),
        meta.definitions.all().as_flattened(),
        meta.origin.as_deref(),
        catalog.as_ref().map(|(hash, _)| &hash[..]),
    ])?;
    for (hash, bytes) in text.into_iter().chain(catalog) {
        store_blob(transaction, run, &hash, bytes)?;
    }
    Ok(run)
}

/// A text with its hash.
fn blob_of(text: Option<&Arc<str>>) -> Option<(Hash, Vec<u8>)> {
    let bytes = text?.as_bytes();
    Some((*blake3::hash(bytes).as_bytes(), bytes.to_vec()))
}

/// A run goes on with this plan and these settings.
fn renew(transaction: &Transaction<'_>, run: i64, meta: &RunMeta) -> rusqlite::Result<()> {
    let text = blob_of(meta.plan_text.as_ref());
    let catalog = blob_of(meta.catalog.as_ref());
    transaction.execute(
        "UPDATE run_details SET plan_path = coalesce(?2, plan_path), plan_text = coalesce(?3, plan_text),
         catalog_digest = ?4, settings = ?5, definitions = ?6, catalog = ?7 WHERE run = ?1",
        params![
            run,
            meta.plan_path.as_deref(),
            text.as_ref().map(|(hash, _)| &hash[..]),
            meta.catalog_digest.as_ref().map(|digest| &digest[..]),
            meta.settings.to_string(),
            meta.definitions.all().as_flattened(),
            catalog.as_ref().map(|(hash, _)| &hash[..]),
        ],
    )?;
    for (hash, bytes) in text.into_iter().chain(catalog) {
        store_blob(transaction, run, &hash, bytes)?;
    }
    Ok(())
}

fn store_chunk(transaction: &Transaction<'_>, run: i64, chunk: Chunk) -> rusqlite::Result<()> {
    let (codec, data) = pack(chunk.data);
    transaction
        .prepare_cached(
            "INSERT INTO chunks (run, seq, events, codec, mark, data)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            run,
            chunk.seq as i64,
            chunk.events as i64,
            codec,
            checksum(&data),
            data
        ])?;
    Ok(())
}

fn summarise(
    transaction: &Transaction<'_>,
    run: i64,
    totals: &RunTotals,
    events: u64,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE runs SET status = ?2, cost_pico = ?3, latency_us = ?4, steps_completed = ?5,
             events = ?6, steps_failed = ?7 WHERE id = ?1",
        )?
        .execute(params![
            run,
            totals
                .outcome()
                .map_or(RunWord::Running, RunWord::from)
                .word(),
            totals.cost().map(Money::pico),
            i64::try_from(totals.latency().0).unwrap_or(i64::MAX),
            totals.steps_completed() as i64,
            events as i64,
            totals.steps_failed() as i64,
        ])?;
    Ok(())
}

/// What the view of a batch reads of a run.
fn keep_figures(
    transaction: &Transaction<'_>,
    run: i64,
    batch: &str,
    item: &ItemFold,
) -> rusqlite::Result<()> {
    // Those who write take turns, so that the numbers grow in the order in which changes can be read.
    transaction
        .prepare_cached(
            "UPDATE runs SET step_figures = ?3,
             change = (SELECT coalesce(max(change), 0) + 1 FROM runs WHERE batch = ?2) WHERE id = ?1",
        )?
        .execute(params![run, batch, encode_figures(&item.figures)])?;
    Ok(())
}
