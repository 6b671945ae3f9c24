//! What the subcommands ask of the terminal and of a run's end: whether there is a screen, colour, the exit code.

use super::args::{ColorWhen, RunArgs};
use crate::run::{RunOutcome, RunPhase, RunState};
use std::io::IsTerminal;
use std::path::Path;

/// Whether the user can see a screen and type: standard input and output are terminals.
pub fn is_interactive() -> bool {
    std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// Whether a run has no dashboard.
pub fn is_headless(args: &RunArgs) -> bool {
    let on_stdout = args.events.as_deref() == Some(Path::new("-"));
    args.headless || args.json || on_stdout || !is_interactive()
}

/// Whether standard output gets colour.
pub fn stdout_colour() -> bool {
    std::io::stdout().is_terminal() && !no_color()
}

/// Whether standard error gets colour.
pub fn stderr_colour(when: ColorWhen) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => std::io::stderr().is_terminal() && !no_color(),
    }
}

fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The exit code of a program that a signal ended.
pub fn signal_code(number: i32) -> u8 {
    128 + number as u8
}

/// The exit code of a run that ended, or of the signal that stopped it.
pub fn exit_code(state: &RunState, signalled: Option<u8>) -> u8 {
    match (state.phase, signalled) {
        (RunPhase::Ended(RunOutcome::Succeeded), _) => 0,
        (_, Some(code)) => code,
        (RunPhase::Ended(RunOutcome::Failed), None) => 1,
        (RunPhase::Ended(RunOutcome::LimitExceeded), None) => 3,
        _ => 130,
    }
}
