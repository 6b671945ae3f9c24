//! `plandeck themes`: lists the themes.

use super::failure::{Failure, NOTHING_RAN};
use super::output::{note_line, out_line};
use crate::session::theme_folders;
use crate::text;
use crate::tui;

/// Prints the themes, one per line, with what each says of itself and the file of the user's own; then what is wrong
/// with files that cannot be used.
pub(super) fn themes() -> Result<u8, Failure> {
    let all = tui::themes(&theme_folders());
    let width = all.iter().map(|one| text::width(&one.name)).max();
    let mut faults = Vec::new();
    for one in &all {
        if let Err(error) = &one.theme {
            faults.push(error.to_string());
            continue;
        }
        let name = text::pad(&one.name, width.unwrap_or(0));
        let place = match &one.file {
            Some(file) => format!("  ({})", file.display()),
            None => String::new(),
        };
        let line = format!("{name}  {}{place}", one.description);
        out_line(line.trim_end())?;
    }
    for fault in &faults {
        note_line(fault);
    }
    Ok(if faults.is_empty() { 0 } else { NOTHING_RAN })
}
