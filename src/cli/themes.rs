//! `plandeck themes`: the themes by name.

use super::failure::Failure;
use crate::tui;

/// Prints a name a line on standard output.
pub fn themes() -> Result<u8, Failure> {
    for name in tui::theme_names() {
        println!("{name}");
    }
    Ok(0)
}
