//! `plandeck themes`: the themes by name.

use super::failure::Failure;
use super::output::out_line;
use crate::tui;

/// Prints a name a line on standard output.
pub fn themes() -> Result<u8, Failure> {
    for name in tui::theme_names() {
        out_line(name)?;
    }
    Ok(0)
}
