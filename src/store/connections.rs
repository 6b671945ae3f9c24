//! Connections to a store that the runs of a batch hand on to each other, with the threads that write.
//!
//! Opening a connection parses the whole schema and then every statement again, which costs a short run more than
//! everything else.

use super::StoreError;
use super::cache_reader::Reader;
use super::presence::Presence;
use super::schema::{PATIENCE, file_in, open_to_write};
use super::writer_thread::WriterThread;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The connections that runs of one store have in common. Clones share them.
#[derive(Clone, Debug)]
pub struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The folder of the store.
    home: PathBuf,
    /// Those of runs that have ended.
    free: Mutex<Vec<(Connection, Presence)>>,
    /// Threads of runs that have ended.
    threads: Mutex<Vec<WriterThread>>,
    /// That of all who look for cached outputs.
    reader: Mutex<Option<Arc<Mutex<Reader>>>>,
    disk: Mutex<Disk>,
}

/// What is known to be on the disk.
#[derive(Debug)]
struct Disk {
    synced_at: Instant,
    /// Whether a run has ended whose last commit nobody has waited for.
    is_behind: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connections {
    /// Of the store at `home`; none is open yet.
    pub fn to(home: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Shared {
            home: home.into(),
            free: Mutex::default(),
            threads: Mutex::default(),
            reader: Mutex::default(),
            disk: Mutex::new(Disk {
                synced_at: Instant::now(),
                is_behind: false,
            }),
        }))
    }

    /// Whether they are of the store at `home`.
    pub(super) fn is_of(&self, home: &Path) -> bool {
        self.0.home == home
    }

    /// One that a run has left, to the file that is there still.
    pub(super) fn take(&self) -> Option<Connection> {
        loop {
            let (connection, presence) = locked(&self.0.free).pop()?;
            if presence.holds() && connection.busy_timeout(PATIENCE).is_ok() {
                return Some(connection);
            }
        }
    }

    /// Leaves one for the next run. Its commits do not wait for the disk.
    pub(super) fn leave(&self, connection: Connection, presence: Presence) {
        locked(&self.0.free).push((connection, presence));
    }

    /// A thread that a run has left.
    pub(super) fn take_thread(&self) -> Option<WriterThread> {
        locked(&self.0.threads).pop()
    }

    /// Leaves a thread for the next run.
    pub(super) fn leave_thread(&self, thread: WriterThread) {
        locked(&self.0.threads).push(thread);
    }

    /// The one that looks for cached outputs.
    pub(super) fn reader(&self) -> Result<Arc<Mutex<Reader>>, StoreError> {
        let mut reader = locked(&self.0.reader);
        if let Some(reader) = &*reader {
            return Ok(Arc::clone(reader));
        }
        let opened = Arc::new(Mutex::new(Reader::open(&self.0.home)?));
        *reader = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Everything that was committed before is on the disk.
    pub(super) fn synced(&self) {
        let mut disk = locked(&self.0.disk);
        disk.synced_at = Instant::now();
        disk.is_behind = false;
    }

    /// Whether a run that ends may leave it to others to wait for the disk: someone has done so within this time.
    pub(super) fn leaves_sync(&self, within: Duration) -> bool {
        let mut disk = locked(&self.0.disk);
        let leaves = disk.synced_at.elapsed() < within;
        disk.is_behind |= leaves;
        leaves
    }

    /// Whether runs have ended since anyone has waited for the disk.
    pub fn is_behind(&self) -> bool {
        locked(&self.0.disk).is_behind
    }

    /// Waits until what runs have left behind is on the disk. It may take a while, and block.
    ///
    /// # Errors
    /// When the disk cannot be written.
    pub fn sync(&self) -> Result<(), StoreError> {
        if !self.is_behind() {
            return Ok(());
        }
        let connection = match self.take() {
            Some(connection) => connection,
            None => open_to_write(&self.0.home)?,
        };
        // Before it copies pages out of the log, the log is on the disk.
        let checkpoint = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        let file = file_in(&self.0.home);
        checkpoint.map_err(|error| StoreError::of(&file, error))?;
        self.synced();
        self.leave(connection, Presence::of(&file));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_handed_on_unless_its_file_is_gone() {
        let home = tempfile::tempdir().unwrap();
        let connections = Connections::to(home.path());
        assert!(connections.take().is_none());
        let file = file_in(home.path());
        let connection = open_to_write(home.path()).unwrap();
        connections.leave(connection, Presence::of(&file));
        let again = connections.clone().take().unwrap();
        assert!(connections.take().is_none(), "there is one");
        let presence = Presence::of(&file);
        std::fs::remove_file(&file).unwrap();
        connections.leave(again, presence);
        assert!(connections.take().is_none(), "it is of another file");
    }

    #[test]
    fn what_runs_leave_behind_is_waited_for_later() {
        let home = tempfile::tempdir().unwrap();
        let connections = Connections::to(home.path());
        connections.sync().unwrap();
        assert!(!connections.is_behind());
        assert!(!connections.leaves_sync(Duration::ZERO), "it is due");
        assert!(!connections.is_behind());
        assert!(connections.leaves_sync(Duration::from_mins(10)));
        assert!(connections.is_behind());
        connections.sync().unwrap();
        assert!(!connections.is_behind());
    }
}
