//! Whether there is a screen and colour, and the exit code of a run.

use super::args::run::{ColorWhen, RunArgs};
use crate::run::{RunOutcome, RunPhase, RunState};
use crate::tui::Outcome;
use std::io::IsTerminal;
use std::path::Path;

/// Whether standard input and output are terminals that a screen can be drawn on.
pub(super) fn is_interactive() -> bool {
    std::io::stdout().is_terminal() && std::io::stdin().is_terminal() && !is_dumb()
}

/// Whether the terminal understands no escape sequences.
pub(super) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Whether a run with these arguments has no dashboard.
pub(super) fn is_headless(args: &RunArgs) -> bool {
    let on_stdout = args.events.as_deref() == Some(Path::new("-"));
    args.shown.headless || args.json || on_stdout || !is_interactive()
}

/// Whether to use colour on standard output.
pub(super) fn stdout_colour() -> bool {
    std::io::stdout().is_terminal() && !no_color() && !is_dumb()
}

/// Whether to use colour on standard error.
pub(super) fn stderr_colour(when: ColorWhen) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => std::io::stderr().is_terminal() && !no_color() && !is_dumb(),
    }
}

fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Exit codes from here on say which signal ended the program.
pub(super) const SIGNALLED: u8 = 128;

/// The exit code of a program ended by a signal: 128 and the number of the signal.
pub(super) fn signal_code(number: i32) -> u8 {
    SIGNALLED + number as u8
}

/// The exit code where a signal, or the loss of the terminal, ended a screen; `None` where the user left it.
pub(super) fn ended_by(outcome: Outcome) -> Option<u8> {
    match outcome {
        Outcome::Signal(number) => Some(signal_code(number)),
        Outcome::TerminalLost => Some(signal_code(signal_hook::consts::SIGHUP)),
        Outcome::Quit
        | Outcome::Fork(_)
        | Outcome::RunChanged
        | Outcome::Restructured
        | Outcome::HandedOver => None,
    }
}

/// The exit code of a run; `signalled` is the code of the signal that stopped it, if any.
pub(super) fn exit_code(state: &RunState, signalled: Option<u8>) -> u8 {
    match (state.phase, signalled) {
        (RunPhase::Ended(RunOutcome::Succeeded), _) => 0,
        (_, Some(code)) => code,
        (RunPhase::Ended(RunOutcome::Failed), None) => 1,
        (RunPhase::Ended(RunOutcome::LimitExceeded), None) => 3,
        (RunPhase::Ended(RunOutcome::Waiting), None) => 4,
        _ => 130,
    }
}
