//! The program's own log: a file under `PLANDECK_HOME`, off by default.
//!
//! It records requests, attempts, cache hits, commands and journal errors, with their times, for debugging. Values of
//! provider keys and of every variable that a catalog reads are removed before a line is written.

use super::error::SessionError;
use crate::models::{Environment, PROVIDERS, process_environment};
use crate::store::home;
use crate::tools::Secrets;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

/// Size in bytes at which the file is rotated; one old file is kept.
const LARGEST: u64 = 8 << 20;

/// Whether a log is written; without one no secrets need to be collected.
static IS_ON: AtomicBool = AtomicBool::new(false);
/// Values that must not reach the log.
static SECRETS: LazyLock<RwLock<Secrets>> = LazyLock::new(RwLock::default);

/// Starts to write `log/plandeck.log` under `PLANDECK_HOME`, with events of this level and above. A second call has
/// no effect.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn start_log(level: Level) -> Result<(), SessionError> {
    let folder = home()?.join("log");
    let place = |path: &Path| path.display().to_string();
    std::fs::create_dir_all(&folder).map_err(|error| SessionError::file(place(&folder), error))?;
    let path = folder.join("plandeck.log");
    let log = LogFile::open(path.clone(), LARGEST)
        .map_err(|error| SessionError::file(place(&path), error))?;
    IS_ON.store(true, Ordering::Relaxed);
    let environment = process_environment();
    for key in PROVIDERS.iter().flat_map(|provider| provider.keys) {
        if let Some(value) = environment(key) {
            hide(&value);
        }
    }
    let log = Arc::new(Mutex::new(log));
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        // A log that cannot be written, on a full disk for instance, must not print across the screen.
        .log_internal_errors(false)
        .with_writer(move || LogWriter(Arc::clone(&log)))
        // Other crates trace too, and may trace headers.
        .with_filter(Targets::new().with_target("plandeck", level));
    // It fails where a subscriber is already set, as on a second call.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
    Ok(())
}

/// The same environment; every value that is read from it is kept out of the log.
pub(super) fn watched(environment: Environment) -> Environment {
    if !IS_ON.load(Ordering::Relaxed) {
        return environment;
    }
    Arc::new(move |name| {
        let value = environment(name);
        if let Some(value) = &value {
            hide(value);
        }
        value
    })
}

fn hide(value: &str) {
    SECRETS
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .add(value);
}

/// Writes one log event at a time, with secrets removed.
struct LogWriter(Arc<Mutex<LogFile>>);

impl Write for LogWriter {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let secrets = SECRETS.read().unwrap_or_else(PoisonError::into_inner);
        let text = secrets.redact(&text);
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.append(text.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A log file that is rotated when it reaches its size limit.
struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    largest: u64,
}

impl LogFile {
    fn open(path: PathBuf, largest: u64) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            bytes,
            largest,
        })
    }

    /// Makes one write per event, because several processes may append to the same file.
    fn append(&mut self, event: &[u8]) -> std::io::Result<()> {
        if self.bytes > 0 && self.bytes + event.len() as u64 > self.largest {
            std::fs::rename(&self.path, self.path.with_extension("old.log"))?;
            *self = Self::open(std::mem::take(&mut self.path), self.largest)?;
        }
        self.bytes += event.len() as u64;
        self.file.write_all(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_bounded_and_one_old_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plandeck.log");
        let mut log = LogFile::open(path.clone(), 100).unwrap();
        for line in 0..50 {
            log.append(format!("line {line:>4}\n").as_bytes()).unwrap();
        }
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let (now, old) = (read(&path), read(&path.with_extension("old.log")));
        assert!(now.len() <= 100 && old.len() <= 100);
        assert!((old + &now).ends_with("line   48\nline   49\n"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
