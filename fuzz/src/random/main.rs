//! Runs the targets on a stable compiler, with inputs from the corpus that are changed at random.
//!
//! ```text
//! random [TARGET…] [--seconds N] [--seed N] [--jobs N]      some targets, or all of them
//! random --file FILE TARGET                                 one input again
//! ```
//!
//! Each target runs in a process of its own: an input that overflows the stack or takes all memory ends that process
//! alone. A failing input is kept in `fuzz/failures/` and named.

mod child;
mod mutate;
mod options;
mod parent;

use options::Options;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The sandbox and the launcher are this program too.
    if let Some(code) = plandeck::cli::as_child() {
        return code;
    }
    let done = Options::read().and_then(|options| match &options.file {
        Some(_) => child::once(&options),
        None if options.child.is_some() => child::run(&options),
        None => parent::run(&options),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}
