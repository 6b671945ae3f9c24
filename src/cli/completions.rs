//! `plandeck completions`: what a shell needs to complete our command line.

use super::args::Cli;
use super::failure::Failure;
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints the script for `shell` on standard output.
pub fn completions(shell: Shell) -> Result<u8, Failure> {
    clap_complete::generate(
        shell,
        &mut Cli::command(),
        "plandeck",
        &mut std::io::stdout(),
    );
    Ok(0)
}
