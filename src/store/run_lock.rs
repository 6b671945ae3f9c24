//! Whether the process of a run is still there.
//!
//! A run holds a lock on a file of its own for as long as its process lives; the operating system gives the
//! lock back however the process ends. A process number could have been given to another process meanwhile.
//!
//! The file also records whether the journal is whole: when a run continues after its journal broke, what follows
//! is nowhere recorded, and a run that resumes it has to know. The sign overwrites bytes that are there
//! already, because a full disk is one of the ways in which a journal breaks.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const FOLDER: &str = "running";
const WHOLE: &[u8] = b"whole\n";
const BROKEN: &[u8] = b"broke\n";

/// The sign of life of a run.
#[derive(Debug)]
pub(super) struct RunLock {
    file: File,
    path: PathBuf,
    whole: bool,
}

impl RunLock {
    /// Gives the run with this id a sign of life.
    pub(super) fn begin(home: &Path, run_id: &str) -> io::Result<Self> {
        let path = path_of(home, run_id);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        file.lock()?;
        file.write_all(WHOLE)?;
        Ok(Self {
            file,
            path,
            whole: true,
        })
    }

    /// Notes that what follows is not in the journal.
    pub(super) fn journal_broke(&mut self) {
        self.whole = false;
        // Where even this fails, nothing more can be done, and the warning has been given.
        let _ = self
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.write_all(BROKEN))
            .and_then(|()| self.file.sync_data());
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        if self.whole {
            let _ = std::fs::remove_file(&self.path);
        }
        unlock(&self.file);
    }
}

/// Gives a lock back. Closing the file is not enough: a program that another thread is just starting has it open for a
/// moment too.
fn unlock(file: &File) {
    // Where it fails, the lock ends with the last one that has the file open.
    let _ = file.unlock();
}

/// Whether the process of this run is there.
pub(super) fn is_locked(home: &Path, run_id: &str) -> bool {
    let Ok(file) = File::open(path_of(home, run_id)) else {
        return false;
    };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Whether the run continued after its journal broke.
pub(super) fn went_on_unrecorded(home: &Path, run_id: &str) -> bool {
    std::fs::read(path_of(home, run_id)).is_ok_and(|said| said == BROKEN)
}

/// Forgets a run that is gone.
pub(super) fn forget(home: &Path, run_id: &str) {
    let _ = std::fs::remove_file(path_of(home, run_id));
    let _ = std::fs::remove_file(claim_of(home, run_id));
}

/// The right to resume a run, held by one process at a time.
#[derive(Debug)]
pub(crate) struct Claim {
    file: File,
}

impl Claim {
    /// Takes the right; `None` where another process has it.
    pub(crate) fn take(home: &Path, run_id: &str) -> io::Result<Option<Self>> {
        let path = claim_of(home, run_id);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        unlock(&self.file);
    }
}

fn claim_of(home: &Path, run_id: &str) -> PathBuf {
    home.join(FOLDER).join(format!("{run_id}.claim"))
}

fn path_of(home: &Path, run_id: &str) -> PathBuf {
    home.join(FOLDER).join(run_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_holder_though_another_has_the_file_open() {
        let home = tempfile::tempdir().unwrap();
        let claim = Claim::take(home.path(), "a").unwrap().unwrap();
        let inherited = claim.file.try_clone().unwrap();
        assert!(Claim::take(home.path(), "a").unwrap().is_none());
        drop(claim);
        assert!(Claim::take(home.path(), "a").unwrap().is_some());
        drop(inherited);

        let mut lock = RunLock::begin(home.path(), "a").unwrap();
        lock.journal_broke();
        let inherited = lock.file.try_clone().unwrap();
        assert!(is_locked(home.path(), "a"));
        drop(lock);
        assert!(!is_locked(home.path(), "a"));
        assert!(went_on_unrecorded(home.path(), "a"));
        drop(inherited);
    }
}
