//! Files beside the journal that outputs name: images, sounds, documents.

use super::StoreError;
use super::read::Store;
use std::collections::HashSet;
use std::fs::{self, DirEntry};
use std::io;
use std::time::{Duration, SystemTime};

/// The folder in `PLANDECK_HOME` for files that outputs name.
pub const FILES: &str = "files";

/// A newer file stays: the output that names it may not be on record yet.
const NEW: Duration = Duration::from_hours(1);

impl Store {
    /// Removes the files that no run and no cached output names any more. Returns how many.
    pub(super) fn prune_files(&self) -> Result<usize, StoreError> {
        let mut candidates = old_files(&self.home().join(FILES));
        if candidates.is_empty() {
            return Ok(0);
        }
        for run in self.runs()? {
            for event in self.events(&run, 0)? {
                let text = serde_json::to_string(&event).unwrap_or_default();
                forget_named(&text, &mut candidates);
            }
        }
        for output in self.cached_outputs()? {
            let Some(text) = output else {
                // What it names is not known.
                return Ok(0);
            };
            forget_named(&text, &mut candidates);
        }
        let folder = self.home().join(FILES);
        let gone = candidates
            .iter()
            .map(|name| fs::remove_file(folder.join(name)));
        Ok(gone.flatten().count())
    }
}

/// The names of the files that are not new.
fn old_files(folder: &std::path::Path) -> HashSet<String> {
    let is_old = |entry: &DirEntry| -> io::Result<bool> {
        let about = entry.metadata()?;
        let age = SystemTime::now().duration_since(about.modified()?);
        Ok(about.is_file() && age.is_ok_and(|age| age >= NEW))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| is_old(entry).unwrap_or(false))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

fn forget_named(text: &str, names: &mut HashSet<String>) {
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')) {
        names.remove(word);
    }
}
