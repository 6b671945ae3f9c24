//! `__sandbox`, `__launch` and `__start`: hidden subcommands with which the program starts itself as a child.

use super::output::note_line;
use crate::tools::launch::Launch;
use crate::tools::sandbox;
use std::ffi::OsString;
use std::process::ExitCode;

/// Memory of a sandbox in MiB, where the command line does not set it.
const MEMORY_MB: u64 = 512;

/// `__sandbox --memory-mb N`: runs code that it reads from standard input, until the input ends.
///
/// It must be called on the main thread, whose stack it makes larger.
pub(super) fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    if let [_, _, flag, setup] = arguments.as_slice()
        && flag == "--cpython"
    {
        let Some(setup) = setup.to_str().and_then(sandbox::Setup::parse) else {
            note_line("__sandbox is internal to plandeck");
            return ExitCode::from(2);
        };
        let error = sandbox::become_cpython(&setup);
        note_line(&format!("CPython cannot be started: {error}"));
        return ExitCode::FAILURE;
    }
    let memory_mb = match arguments.as_slice() {
        [] => Some(MEMORY_MB),
        [flag, value] if flag == "--memory-mb" => {
            value.to_str().and_then(|value| value.parse().ok())
        }
        _ => None,
    };
    let Some(memory_mb) = memory_mb else {
        note_line("__sandbox is internal to plandeck");
        return ExitCode::from(2);
    };
    match sandbox::serve(memory_mb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note_line(&format!("the sandbox failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// `__launch [--parent ID] [--memory-mb N] [--cpu-percent P] -- PROGRAM [ARGUMENT…]`: runs the program under these
/// limits and ends with everything that it started.
pub(super) fn launch(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    if let Some(launch) = Launch::parse(arguments) {
        launch.run()
    } else {
        note_line("__launch is internal to plandeck");
        ExitCode::from(2)
    }
}

/// `__start` with the same arguments: the second stage of `__launch`, which becomes the program.
pub(super) fn start(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    if let Some(launch) = Launch::parse(arguments) {
        launch.start().run()
    } else {
        note_line("__start is internal to plandeck");
        ExitCode::from(2)
    }
}
