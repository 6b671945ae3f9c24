//! A question before something is paid for.

use super::failure::Failure;
use super::output::note;
use std::io::{BufRead, IsTerminal};

/// Whether the user agrees. Without a terminal nobody can be asked.
///
/// # Errors
/// Where there is no terminal: `--yes` is then the answer.
pub(super) fn confirmed(question: &str) -> Result<bool, Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::usage(
            "nobody can be asked whether to go on: with --yes it goes on, with --dry-run it only says what that costs",
        ));
    }
    note(&format!("{question} [y/N] "));
    let mut answer = String::new();
    let read = input.lock().read_line(&mut answer);
    read.map_err(|error| Failure::usage(format!("standard input: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
