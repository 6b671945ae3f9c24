//! `plandeck completions`: prints a completion script for a shell.

use super::args::Cli;
use super::failure::Failure;
use super::output::out;
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints the script for `shell` on standard output.
pub(super) fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "plandeck", &mut script);
    out(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
