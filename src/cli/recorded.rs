//! Finds a recorded run for the subcommands that print one, and prints warnings about its record.

use super::failure::Failure;
use super::output::note_line;
use crate::session::find_run;
use crate::store::Recording;

/// Finds a run by its id, the start of its id, or `last`.
pub(super) fn recording(name: &str) -> Result<Recording, Failure> {
    let found = find_run(name)?;
    for warning in &found.warnings {
        note_line(&format!("warning: {warning}"));
    }
    Ok(found.recording)
}
