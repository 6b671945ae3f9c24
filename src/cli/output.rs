//! Everything that the program prints. Nothing else in the command line writes to standard output or standard error.

use super::args::ColorWhen;
use super::failure::Failure;
use super::terminal::stderr_colour;
use crate::report::{DiagnosticStyle, render, render_faults};
use crate::session::{Note, SessionError};
use crate::text::escape_json;
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// Prints what was asked for on standard output. What it quotes of plans and outputs has been made safe.
///
/// # Errors
/// Where standard output is closed, or takes no more.
pub fn out(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(Failure::Output)
}

/// Prints data in a format of its own: to a terminal without characters that it could obey, else as it is.
pub fn out_data(text: &str) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() {
        out(&escape_json(text))
    } else {
        out(text)
    }
}

/// Prints a text and the end of a line.
pub fn out_line(text: &str) -> Result<(), Failure> {
    out(&format!("{text}\n"))
}

/// Prints a value as one line of JSON that no terminal can obey.
pub fn out_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::Output(error.into()))?;
    out_line(&escape_json(&text))
}

/// Says something on standard error, to whoever still listens: what cannot be written there can be said nowhere.
pub fn note(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Says plain sentences with the program's name before them, made safe line by line.
pub fn note_line(text: &str) {
    say(&format!("plandeck: {text}"));
}

/// The same without the program's name.
pub fn say(text: &str) {
    let lines = text.lines().map(crate::text::line);
    note(&(lines.collect::<Vec<_>>().join("\n") + "\n"));
}

/// What the application layer has to tell.
pub fn notes(notes: &[Note], color: ColorWhen) {
    for one in notes {
        match one {
            Note::PlanWarnings { source, warnings } => {
                let style = DiagnosticStyle::for_stderr(stderr_colour(color));
                note(&render(source, warnings, style));
            }
            one => note_line(&one.to_string()),
        }
    }
}

/// Why a command did not do its work.
pub fn failure(failure: &Failure, color: ColorWhen) {
    if let Failure::Session(SessionError::Faults(faults)) = failure {
        let style = DiagnosticStyle::for_stderr(stderr_colour(color));
        let all = faults.iter().map(|one| render_faults(one, style));
        note(&all.collect::<Vec<_>>().join("\n"));
        return;
    }
    let message = failure.message();
    if !message.is_empty() {
        note_line(&message);
    }
}
