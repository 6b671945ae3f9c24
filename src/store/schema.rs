//! The database file: opening it, its tables, and how older ones become the present ones.

use super::StoreError;
use etcetera::BaseStrategy;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file inside the folder.
const FILE: &str = "plandeck.db";
/// Statements that a connection keeps parsed.
const STATEMENTS: usize = 64;
/// How long to wait for another process that is writing.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Pages of the write-ahead log between two checkpoints: a checkpoint waits for the disk, and nobody should
/// meet one often.
const CHECKPOINT_PAGES: u32 = 4096;
/// Pages that a writing connection keeps in memory: the ends of tables and the tops of indices. Runs of a batch have one
/// connection each, and what all of them keep should not grow with the store.
const CACHE_PAGES: u32 = 64;

/// What brings a store from each format to the next; the first makes an empty one.
const MIGRATIONS: [&str; 8] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
    include_str!("schema/8.sql"),
];

/// The folder of the store: `PLANDECK_HOME`, else `plandeck` in the user's data folder.
pub fn home() -> Result<PathBuf, StoreError> {
    match std::env::var_os("PLANDECK_HOME") {
        Some(home) if !home.is_empty() => Ok(home.into()),
        _ => etcetera::choose_base_strategy()
            .map(|base| base.data_dir().join("plandeck"))
            .map_err(|_| StoreError::NoHome),
    }
}

/// The database file in this folder.
pub(super) fn file_in(home: &Path) -> PathBuf {
    home.join(FILE)
}

/// Opens the database for writing; makes folder and file where they are not there.
pub(super) fn open_to_write(home: &Path) -> Result<Connection, StoreError> {
    std::fs::create_dir_all(home).map_err(|error| StoreError::Folder {
        folder: home.to_path_buf(),
        error,
    })?;
    let file = file_in(home);
    let connect = || -> Result<Connection, StoreError> {
        let fault = |error| StoreError::of(&file, error);
        let mut connection = Connection::open(&file).map_err(fault)?;
        connection.busy_timeout(PATIENCE).map_err(fault)?;
        // Before the first table, or it needs a rewrite of the file to take hold; and never again, because it
        // asks for the right to write.
        if format_of(&connection).map_err(fault)? == 0 {
            connection
                .execute_batch("PRAGMA auto_vacuum = INCREMENTAL;")
                .map_err(fault)?;
        }
        connection
            .execute_batch("PRAGMA journal_mode = WAL;")
            .map_err(fault)?;
        connection
            .execute_batch(&format!(
                "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}; \
                 PRAGMA cache_size = {CACHE_PAGES};"
            ))
            .map_err(fault)?;
        migrate(&mut connection, &file)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    };
    connect()
}

/// Opens the database to remove something where the disk is full: without a write-ahead log, which would need room.
/// Pages are overwritten in place, and what they held is kept in memory until the change is complete; a process that is
/// killed in the middle of it leaves a damaged file. So [`open_to_write`] comes first.
///
/// # Errors
/// When another process uses the store.
pub(super) fn open_to_make_room(home: &Path) -> Result<Connection, StoreError> {
    let file = file_in(home);
    let fault = |error| StoreError::of(&file, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&file, flags).map_err(fault)?;
    connection.busy_timeout(PATIENCE).map_err(fault)?;
    // Alone, it keeps the index of the log in its own memory, and can do away with the log.
    connection
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY;")
        .map_err(fault)?;
    connection
        .execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")
        .map_err(fault)?;
    migrate(&mut connection, &file)?;
    // Readers are let in again after the next change.
    connection
        .execute_batch("PRAGMA locking_mode = NORMAL; SELECT count(*) FROM runs;")
        .map_err(fault)?;
    Ok(connection)
}

/// Opens the database to read: nothing in it changes. It is not made where it is not there, and a folder that may not
/// be written to will do.
///
/// Such a file may be of an older format than this version writes.
pub(super) fn open_to_read(home: &Path) -> Result<Connection, StoreError> {
    let file = file_in(home);
    if !file.exists() {
        return Err(StoreError::Empty(file));
    }
    match connect_to_read(&file, OpenFlags::SQLITE_OPEN_READ_ONLY) {
        // A process that was killed may have left something half done, which only who may write can undo.
        Err(StoreError::ReadOnly(_)) => {}
        // No room for the index of the write-ahead log.
        Err(StoreError::Full(_)) if !has_log(&file) => return read_as_it_stands(&file),
        other => return other,
    }
    match connect_to_read(&file, OpenFlags::SQLITE_OPEN_READ_WRITE) {
        // Without a write-ahead log the file is all there is, and can be read as it is.
        Err(StoreError::ReadOnly(_)) if !has_log(&file) => read_as_it_stands(&file),
        other => other,
    }
}

fn connect_to_read(file: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let fault = |error| StoreError::of(file, error);
    let connection = Connection::open_with_flags(file, flags).map_err(fault)?;
    connection.busy_timeout(PATIENCE).map_err(fault)?;
    connection
        .execute_batch("PRAGMA query_only = ON;")
        .map_err(fault)?;
    match known(format_of(&connection).map_err(fault)?, file)? {
        // Made by a process that ended before it wrote its tables.
        0 => Err(StoreError::Empty(file.to_path_buf())),
        _ => Ok(connection),
    }
}

fn has_log(file: &Path) -> bool {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(PathBuf::from(log)).is_ok_and(|log| log.len() > 0)
}

fn read_as_it_stands(file: &Path) -> Result<Connection, StoreError> {
    let fault = |error| StoreError::of(file, error);
    let path = file.to_string_lossy();
    let escaped = path
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection =
        Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags).map_err(fault)?;
    known(format_of(&connection).map_err(fault)?, file)?;
    Ok(connection)
}

/// The format of the file behind a connection.
pub(super) fn format_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn known(found: i64, file: &Path) -> Result<usize, StoreError> {
    let known = MIGRATIONS.len() as i64;
    match usize::try_from(found) {
        Ok(format) if found <= known => Ok(format),
        _ => Err(StoreError::Newer {
            file: file.to_path_buf(),
            found,
            known,
        }),
    }
}

fn migrate(connection: &mut Connection, file: &Path) -> Result<(), StoreError> {
    let fault = |error| StoreError::of(file, error);
    let found = format_of(connection).map_err(fault)?;
    if known(found, file)? == MIGRATIONS.len() {
        return Ok(());
    }
    // Two processes may get here at once: the second finds the work done.
    let change = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fault)?;
    let found = known(format_of(&change).map_err(fault)?, file)?;
    for migration in &MIGRATIONS[found..] {
        change.execute_batch(migration).map_err(fault)?;
    }
    change
        .pragma_update(None, "user_version", MIGRATIONS.len() as i64)
        .map_err(fault)?;
    change.commit().map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{PruneRules, Store};

    #[test]
    fn reading_changes_nothing_in_a_file_of_an_older_format() {
        let home = tempfile::tempdir().unwrap();
        let file = file_in(home.path());
        let older = Connection::open(&file).unwrap();
        older.execute_batch(MIGRATIONS[0]).unwrap();
        older
            .execute_batch(
                "PRAGMA user_version = 1;
                 INSERT INTO runs (run_id, plan, started_at, status, steps)
                 VALUES ('r', 'p', '2026-01-01T00:00:00Z', 'succeeded', 3);",
            )
            .unwrap();
        let before = std::fs::read(&file).unwrap();
        let mut store = Store::at(home.path()).unwrap();
        let run = store.find("last").unwrap();
        assert_eq!((&*run.run_id, run.steps, run.steps_failed), ("r", 3, 0));
        assert!(store.kept(false).unwrap().is_empty() && store.events(&run, 0).unwrap().is_empty());
        store.details(&run).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), before);
        assert_eq!(format_of(&older).unwrap(), 1);
        // A writer brings the file to the present format, and the reader continues.
        store.prune(&PruneRules::default()).unwrap();
        assert_eq!(format_of(&older).unwrap(), MIGRATIONS.len() as i64);
        assert_eq!(store.runs().unwrap().len(), 1);
    }

    #[test]
    fn a_file_that_a_killed_process_left_in_the_middle_of_a_change_is_read() {
        let [home, left] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let file = file_in(home.path());
        let writing = Connection::open(&file).unwrap();
        let made = MIGRATIONS
            .iter()
            .try_for_each(|one| writing.execute_batch(one));
        made.unwrap();
        writing
            .execute_batch(
                "PRAGMA user_version = 6; PRAGMA cache_size = 1; BEGIN;
                 INSERT INTO blobs (hash, codec, data) VALUES (x'00', 0, randomblob(1000000));",
            )
            .unwrap();
        for name in ["plandeck.db", "plandeck.db-journal"] {
            std::fs::copy(home.path().join(name), left.path().join(name)).unwrap();
        }
        let store = Store::at(left.path()).unwrap();
        assert!(store.runs().unwrap().is_empty());
    }

    #[test]
    fn a_file_without_tables_holds_no_run() {
        let home = tempfile::tempdir().unwrap();
        drop(Connection::open(file_in(home.path())).unwrap());
        std::fs::write(file_in(home.path()), "").unwrap();
        assert!(matches!(Store::at(home.path()), Err(StoreError::Empty(_))));
    }
}
