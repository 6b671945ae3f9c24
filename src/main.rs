//! The `plandeck` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    plandeck::cli::main()
}
