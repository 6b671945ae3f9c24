//! Reads a batch from the store for its view, on a thread of its own: first all of it, then what changes.

use super::batch_news::NewsQueue;
use super::batch_state::batch_state;
use super::failure::Failure;
use crate::report::BatchDiff;
use crate::run::BatchHeader;
use crate::store::{BatchCursor, BatchRecord, Store, StoreError};
use crate::tui::batch::{BatchNews, BatchSource};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

/// How often a batch is looked at while a process works on it, and else.
const LIVE: Duration = Duration::from_millis(100);
const REST: Duration = Duration::from_millis(500);
/// Runs that are read in one piece: few enough for a frame in between.
const PIECE: usize = 5_000;

/// What is read of a batch.
pub(super) struct BatchReader {
    news: NewsQueue,
    /// Stops the batch, where this process runs it.
    stop: Option<watch::Sender<bool>>,
    /// How a comparison is told.
    tell: UnboundedSender<BatchNews>,
    home: PathBuf,
    record: BatchRecord,
}

impl BatchReader {
    /// Starts reading; `stop` stops the batch, where this process runs it. The thread ends after the reader is dropped.
    pub(super) fn start(
        home: &Path,
        record: &BatchRecord,
        stop: Option<watch::Sender<bool>>,
    ) -> Self {
        let (send, news) = NewsQueue::new();
        let this = Self {
            news,
            stop,
            tell: send.clone(),
            home: home.to_path_buf(),
            record: record.clone(),
        };
        let (home, record) = (this.home.clone(), record.clone());
        std::thread::spawn(move || follow(&home, &record, &send));
        this
    }
}

impl BatchSource for BatchReader {
    fn take(&mut self) -> Option<BatchNews> {
        self.news.take()
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.news.changed().boxed()
    }

    fn stop(&mut self) {
        if let Some(stop) = &self.stop {
            stop.send_replace(true);
        }
    }

    fn compare(&mut self) {
        let (home, record, tell) = (self.home.clone(), self.record.clone(), self.tell.clone());
        std::thread::spawn(move || {
            let found = comparison(&home, &record).map_err(|failure| failure.message());
            // Nobody looks any more.
            let _ = tell.send(BatchNews::Compared(found));
        });
    }
}

/// How a batch differs from the one before it of the same plan, as text.
fn comparison(home: &Path, record: &BatchRecord) -> Result<String, Failure> {
    let store = Store::at(home)?;
    let Some(before) = store.batch_before(&record.batch)? else {
        return Err(Failure::usage("no earlier batch of this plan is on record"));
    };
    let states = [batch_state(&store, &before)?, batch_state(&store, record)?];
    Ok(BatchDiff::of([&states[0], &states[1]]).text())
}

fn follow(home: &Path, record: &BatchRecord, news: &UnboundedSender<BatchNews>) {
    let mut cursor = BatchCursor::new(&record.batch);
    let mut header = BatchHeader::default();
    let mut faulty = false;
    let mut store = None;
    while !news.is_closed() {
        let mut read = || -> Result<(), StoreError> {
            let store = match &mut store {
                Some(store) => store,
                none => none.insert(Store::at(home)?),
            };
            look(store, record, (&mut cursor, &mut header), news)
        };
        match read() {
            Ok(()) => faulty = false,
            // It may pass: it is read again, and told once.
            Err(error) => {
                if !faulty && news.send(BatchNews::Fault(error.to_string())).is_err() {
                    return;
                }
                faulty = true;
            }
        }
        std::thread::sleep(if header.live { LIVE } else { REST });
    }
}

/// Reads what has changed.
fn look(
    store: &Store,
    record: &BatchRecord,
    (cursor, known): (&mut BatchCursor, &mut BatchHeader),
    news: &UnboundedSender<BatchNews>,
) -> Result<(), StoreError> {
    // First whether it is live: what is read after it has ended is all there is.
    let header = store.batch_header(record)?;
    let is_first = known.batch.is_empty();
    let told = BatchHeader {
        // That it has ended is told once everything else has been told.
        live: header.live || known.live,
        ..header.clone()
    };
    if told != *known {
        *known = told.clone();
        if news.send(BatchNews::Header(told)).is_err() {
            return Ok(());
        }
    }
    let mut tells = is_first;
    loop {
        let records = match known.steps.len() {
            0 => Vec::new(),
            _ => cursor.read(store, PIECE)?,
        };
        let more = !records.is_empty();
        tells |= more;
        if tells && news.send(BatchNews::Records(records, more)).is_err() {
            return Ok(());
        }
        if !more {
            break;
        }
    }
    if header != *known {
        *known = header.clone();
        let _ = news.send(BatchNews::Header(header));
    }
    Ok(())
}
