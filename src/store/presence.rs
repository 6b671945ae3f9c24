//! Whether an open file is still the one at its path.
//!
//! The system lets a process write to a file that was removed, and tells it nothing: the bytes are gone when it closes
//! the file.

use std::path::{Path, PathBuf};

/// The file that was at a path when it was opened.
#[derive(Debug)]
pub(super) struct Presence {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl Presence {
    /// The file that is at this path now.
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            identity: identity(path),
        }
    }

    /// Whether that file is still there. On systems that cannot tell files apart, whether there is one.
    pub(super) fn holds(&self) -> bool {
        let now = identity(&self.path);
        now.is_some() && now == self.identity
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<(u64, u64)> {
    path.exists().then_some((0, 0))
}
