//! The watch expressions of a plan, kept until its text changes.

use super::kept::{keep, kept};

/// The folder in `PLANDECK_HOME` where they are kept.
const FOLDER: &str = "watches";

/// Those that the plan whose text has this digest had when its dashboard was left.
pub(crate) fn kept_watches(digest: &str) -> Vec<String> {
    kept(FOLDER, digest)
}

/// Keeps them; none leaves nothing behind.
///
/// # Errors
/// Where the file cannot be written.
pub(crate) fn keep_watches(digest: &str, watches: &[String]) -> std::io::Result<()> {
    keep(FOLDER, digest, (!watches.is_empty()).then_some(watches))
}
