//! `plandeck themes`: the themes by name.

use crate::tui;

/// Prints a name a line on standard output.
pub fn themes() {
    for name in tui::theme_names() {
        say_line!("{name}");
    }
}
