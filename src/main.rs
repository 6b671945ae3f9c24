//! The `plandeck` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(word) if word == "__sandbox" => plandeck::cli::sandbox::main(arguments),
        Some(word) if word == "__launch" => plandeck::cli::sandbox::launch(arguments),
        _ => ExitCode::SUCCESS,
    }
}
