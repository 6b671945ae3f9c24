//! `plandeck keys`: every action of the screens with its keys.

use super::failure::{Failure, NOTHING_RAN};
use super::output::{note_line, out};
use super::screen;
use crate::tui;

/// Prints the keys as a part of the settings, and what is wrong with the user's own.
pub(super) fn keys() -> Result<u8, Failure> {
    let (keymaps, faults) = screen::keymaps(&screen::settings_here()?);
    out(&tui::keys_as_settings(&keymaps))?;
    for fault in &faults {
        note_line(&fault.to_string());
    }
    Ok(if faults.is_empty() { 0 } else { NOTHING_RAN })
}
