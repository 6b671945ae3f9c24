//! `plandeck themes`: lists the themes.

use super::failure::Failure;
use super::output::out_line;
use crate::tui;

/// Prints the names of the themes, one per line.
pub(super) fn themes() -> Result<u8, Failure> {
    for name in tui::theme_names() {
        out_line(name)?;
    }
    Ok(0)
}
