//! A run on record, for the subcommands that print one: what is wrong with its record is said on the way.

use super::failure::Failure;
use super::output::note_line;
use crate::session::find_run;
use crate::store::Recording;

/// The run of this name.
pub fn recording(name: &str) -> Result<Recording, Failure> {
    let found = find_run(name)?;
    for warning in &found.warnings {
        note_line(&format!("warning: {warning}"));
    }
    Ok(found.recording)
}
