//! The journal of a running run.

use super::StoreError;
use super::connections::Connections;
use super::message::Message;
use super::options::{Health, JournalOptions, OnFailure, RunMeta};
use super::read::Store;
use super::run_lock::RunLock;
use super::schema::{file_in, open_to_write};
use super::writer::Writer;
use super::writer_thread::WriterThread;
use crate::engine::{AttemptExchanges, EventSink};
use crate::run::{EventKind, RunEvent};
use rusqlite::TransactionBehavior;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

/// Messages that may wait for the writer. When it falls that far behind, the engine waits for it.
const QUEUE: usize = 64;

/// Writes a run's events into the store, on a thread of its own.
///
/// It has to be the first of an engine's sinks: it is then synced before any other sink receives the events.
pub struct Journal {
    messages: Option<SyncSender<Message>>,
    thread: Option<WriterThread>,
    health: Arc<Health>,
    on_failure: OnFailure,
    connections: Option<Connections>,
}

impl Journal {
    /// A journal for the run `run_id` in the store at `home`. Fails where nothing can be written there.
    pub fn begin(
        home: &Path,
        run_id: &str,
        meta: RunMeta,
        options: JournalOptions,
    ) -> Result<Self, StoreError> {
        Self::open(home, run_id, meta, options, false)
    }

    /// A journal for the recorded run `run_id` that goes on under its own id: what comes follows what is there. `meta` says
    /// with which plan and settings it goes on.
    pub fn go_on(
        home: &Path,
        run_id: &str,
        meta: RunMeta,
        options: JournalOptions,
    ) -> Result<Self, StoreError> {
        Self::open(home, run_id, meta, options, true)
    }

    fn open(
        home: &Path,
        run_id: &str,
        meta: RunMeta,
        options: JournalOptions,
        goes_on: bool,
    ) -> Result<Self, StoreError> {
        let file = file_in(home);
        let connections = options.connections.as_ref();
        let left = connections.filter(|all| all.is_of(home));
        let left = left.and_then(Connections::take);
        let is_new = left.is_none();
        let mut connection = match left {
            Some(connection) => connection,
            None => open_to_write(home)?,
        };
        if let Some(patience) = options.patience {
            let set = connection.busy_timeout(patience);
            set.map_err(|error| StoreError::of(&file, error))?;
        }
        if is_new {
            // A folder or a file that may only be read is found here and not in the middle of the run.
            connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(|error| StoreError::of(&file, error))?;
        }
        let lock = RunLock::begin(home, run_id).map_err(|error| StoreError::Folder {
            folder: home.to_path_buf(),
            error,
        })?;
        let health = Arc::new(Health::default());
        let on_failure = options.on_failure;
        let connections = options.connections.clone();
        let mut writer = Writer::new(connection, file, lock, meta, options, Arc::clone(&health));
        if goes_on {
            let store = Store::at(home)?;
            let run = store.find(run_id)?;
            writer.go_on(&run, store.batch_of(&run)?, &store.events(&run, 0)?);
        }
        let (messages, inbox) = sync_channel(QUEUE);
        let thread = match connections.as_ref().and_then(Connections::take_thread) {
            Some(thread) => thread,
            None => WriterThread::start().map_err(|error| StoreError::Folder {
                folder: home.to_path_buf(),
                error,
            })?,
        };
        thread.begin(move || writer.run(&inbox));
        Ok(Self {
            messages: Some(messages),
            thread: Some(thread),
            health,
            on_failure,
            connections,
        })
    }

    /// Whether everything could be written so far; may be kept beyond the journal's own life.
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// The connections of the store that its run shares with others.
    pub(super) fn connections(&self) -> Option<&Connections> {
        self.connections.as_ref()
    }

    pub(super) fn messages(&self) -> Option<SyncSender<Message>> {
        self.messages.clone()
    }

    fn send(&self, message: Message) -> bool {
        self.messages
            .as_ref()
            .is_some_and(|messages| messages.send(message).is_ok())
    }
}

impl EventSink for Journal {
    fn accept(&mut self, events: &[RunEvent]) {
        self.accept_shared(&Arc::new(events.to_vec()));
    }

    fn accept_shared(&mut self, events: &Arc<Vec<RunEvent>>) {
        if self.health.is_broken() {
            return;
        }
        self.send(Message::Events(Arc::clone(events)));
        if matches!(
            events.last().map(|event| &event.kind),
            Some(EventKind::RunEnded { .. })
        ) {
            // The end of the run is on disk before it is reported.
            let _ = self.sync();
        }
    }

    fn keeps_exchanges(&self) -> bool {
        true
    }

    fn keep(&mut self, attempt: &Arc<AttemptExchanges>) {
        if !self.health.is_broken() {
            self.send(Message::Exchanges(Arc::clone(attempt)));
        }
    }

    fn sync(&mut self) -> Result<(), Arc<str>> {
        let (answer, answered) = sync_channel(1);
        let synced = self.send(Message::Sync(answer)) && answered.recv().is_ok();
        match (self.on_failure, self.health.failure()) {
            (OnFailure::GoOn, _) => Ok(()),
            (OnFailure::Stop, Some(failure)) => Err(failure),
            (OnFailure::Stop, None) if synced => Ok(()),
            (OnFailure::Stop, None) => Err(StoreError::Stopped.to_string().into()),
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // An explicit message: a cache may hold another sender for longer.
        self.send(Message::Close);
        self.messages = None;
        if let Some(thread) = self.thread.take()
            && thread.wait()
            && let Some(connections) = &self.connections
        {
            connections.leave_thread(thread);
        }
    }
}
