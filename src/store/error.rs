//! What can go wrong with the store, and what to do about it.

use super::codec::DecodeError;
use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use std::path::{Path, PathBuf};

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No folder is known to keep the store in.
    #[error(
        "no folder for the journal: neither PLANDECK_HOME nor a home folder is set; set PLANDECK_HOME"
    )]
    NoHome,
    /// The folder cannot be made.
    #[error("{}: {error}; set PLANDECK_HOME to a folder that can be written to", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// There is no store yet.
    #[error("{}: no run has been recorded here yet", .0.display())]
    Empty(PathBuf),
    /// The file or its folder may not be written to.
    #[error("{}: it is not writable; make it writable, or set PLANDECK_HOME to another folder", .0.display())]
    ReadOnly(PathBuf),
    /// No room is left.
    #[error("{}: the disk is full; free some room, or remove old runs with `plandeck runs prune`", .0.display())]
    Full(PathBuf),
    /// The file was removed or replaced while it was open.
    #[error("{}: it was removed or replaced while the run was being recorded; what is written to it is lost", .0.display())]
    Gone(PathBuf),
    /// Another process holds its lock.
    #[error("{}: another process has kept it locked for too long", .0.display())]
    Locked(PathBuf),
    /// The file is not a database, or is damaged.
    #[error("{}: it is damaged ({detail}); move the file away to have a new one made, or read what is left of it with `sqlite3 FILE .recover`", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A newer version made it.
    #[error("{}: it was made by a newer version of plandeck (format {found}, this one knows {known}); use that version, or set PLANDECK_HOME to another folder", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that is known here.
        known: i64,
    },
    /// A body that an attempt sent or received cannot be read.
    #[error("a body of step \"{step}\", attempt {attempt}, cannot be read: {reason}")]
    NoBody {
        /// The step.
        step: String,
        /// The attempt.
        attempt: u32,
        /// Why.
        reason: DecodeError,
    },
    /// Another fault of the database.
    #[error("{}: {error}", file.display())]
    Database {
        /// The file.
        file: PathBuf,
        /// The database's own error.
        error: rusqlite::Error,
    },
    /// A run's events cannot be read.
    #[error("run {run}: event {seq}: {reason}")]
    Unreadable {
        /// The run.
        run: String,
        /// The first event that cannot be read.
        seq: u64,
        /// Why.
        reason: DecodeError,
    },
    /// No run is called this.
    #[error("no run is called {0:?}; `plandeck runs` lists them")]
    NoSuchRun(String),
    /// There is no such batch.
    #[error("no batch {0:?}, or more than one begins so; `plandeck runs` lists the batches")]
    NoSuchBatch(String),
    /// Another process works on the batch.
    #[error("batch {0} is running in another process; wait for its end, or stop that process")]
    BatchRunning(String),
    /// More than one run begins with this.
    #[error("{name:?} is the beginning of {count} runs; give more of it: {examples}")]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// How many runs it fits.
        count: usize,
        /// Some of them.
        examples: String,
    },
    /// The run is still running, and cannot be resumed or forked yet.
    #[error("run {0} is still running: wait for its end, or stop it (`plandeck stop {0}`)")]
    Running(String),
    /// Another run has resumed it already.
    #[error(
        "run {run} was already resumed by run {by}; resume that one, or what {by} did would be done twice"
    )]
    Superseded {
        /// The run.
        run: String,
        /// The run that resumed it.
        by: String,
    },
    /// The journal's thread has ended.
    #[error("the journal has stopped")]
    Stopped,
}

impl StoreError {
    /// What `error` means for the store in `file`.
    pub(super) fn of(file: &Path, error: rusqlite::Error) -> Self {
        let file = file.to_path_buf();
        let Some(code) = error.sqlite_error_code() else {
            return Self::Database { file, error };
        };
        if error
            .sqlite_error()
            .is_some_and(|error| error.extended_code == SQLITE_IOERR_SHMSIZE)
        {
            return Self::Full(file);
        }
        match code {
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Self::ReadOnly(file),
            ErrorCode::CannotOpen => Self::ReadOnly(file),
            ErrorCode::DiskFull => Self::Full(file),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Locked(file),
            ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => Self::Damaged {
                file,
                detail: error.to_string(),
            },
            _ => Self::Database { file, error },
        }
    }
}
