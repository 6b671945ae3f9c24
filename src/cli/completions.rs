//! `plandeck completions`: what a shell needs to complete our command line.

use super::args::Cli;
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints the script for `shell` on standard output.
pub fn completions(shell: Shell) {
    clap_complete::generate(
        shell,
        &mut Cli::command(),
        "plandeck",
        &mut std::io::stdout(),
    );
}
