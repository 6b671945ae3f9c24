//! Prints to standard output and standard error; nothing else in `cli` does.

use super::args::run::ColorWhen;
use super::failure::Failure;
use super::terminal::stderr_colour;
use crate::report::{DiagnosticStyle, render, render_faults};
use crate::session::{Note, SessionError};
use crate::text::{escape_json, for_terminal};
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Prints text on standard output: what a pipe or a file gets is the text itself, what a terminal gets is safe.
///
/// # Errors
/// When standard output is closed or cannot be written.
pub(super) fn out(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let text = if out.is_terminal() {
        for_terminal(text)
    } else {
        text.into()
    };
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(Failure::Output)
}

/// Prints exported data: with control characters escaped on a terminal, otherwise as it is.
pub(super) fn out_data(text: &str) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() {
        out(&escape_json(text))
    } else {
        out(text)
    }
}

/// Prints a text and a line break.
pub(super) fn out_line(text: &str) -> Result<(), Failure> {
    out(&format!("{text}\n"))
}

/// Prints a value as one line of JSON, with control characters escaped.
pub(super) fn out_json(value: &impl Serialize) -> Result<(), Failure> {
    write_json(value, &mut std::io::stdout().lock()).map_err(Failure::Output)
}

/// Writes a value as one line of JSON, with control characters escaped.
pub(super) fn write_json(value: &impl Serialize, out: &mut impl Write) -> std::io::Result<()> {
    let mut json = SafeJson {
        pending: Vec::with_capacity(2 * PIECE),
        out,
    };
    serde_json::to_writer(&mut json, value)?;
    json.write_all(b"\n")?;
    json.flush()
}

/// The bytes of JSON that are made safe and written together, or more.
const PIECE: usize = 64 << 10;

/// Writes JSON as it is made, so that a large result is never in memory as a whole text, and lets no character through
/// that steers a terminal.
struct SafeJson<'a, W> {
    pending: Vec<u8>,
    out: &'a mut W,
}

impl<W: Write> SafeJson<'_, W> {
    /// Writes what is pending, which is whole characters.
    fn pass_on(&mut self) -> std::io::Result<()> {
        let text = str::from_utf8(&self.pending).map_err(std::io::Error::other)?;
        self.out.write_all(escape_json(text).as_bytes())?;
        self.pending.clear();
        Ok(())
    }
}

impl<W: Write> Write for SafeJson<'_, W> {
    #[inline]
    fn write(&mut self, json: &[u8]) -> std::io::Result<usize> {
        self.pending.extend_from_slice(json);
        // Whether a character is safe depends on its neighbours, but not next to the quotation mark of a string.
        if self.pending.len() >= PIECE && json == b"\"" {
            self.pass_on()?;
        }
        Ok(json.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.pass_on()?;
        self.out.flush()
    }
}

/// Whether the last line of standard error is one that the next output replaces.
static PASSING: AtomicBool = AtomicBool::new(false);

/// What makes a terminal begin the line again.
const LINE_AGAIN: &[u8] = b"\r\x1b[2K";

/// The columns of a line where the terminal does not say how many it has.
const COLUMNS: u16 = 80;

/// Prints a line on standard error that the next output there replaces. It is printed on a terminal only.
pub(super) fn passing_line(text: &str) {
    let mut err = std::io::stderr().lock();
    if !err.is_terminal() || super::terminal::is_dumb() {
        return;
    }
    let columns = crossterm::terminal::size().map_or(COLUMNS, |(columns, _)| columns);
    let line = crate::text::fit(text, usize::from(columns).saturating_sub(1));
    PASSING.store(true, Ordering::Relaxed);
    let _ = err
        .write_all(LINE_AGAIN)
        .and_then(|()| err.write_all(for_terminal(&line).as_bytes()))
        .and_then(|()| err.flush());
}

/// Removes the line that the next output would replace.
pub(super) fn end_passing_line() {
    remove_passing_line(&mut std::io::stderr().lock());
}

fn remove_passing_line(err: &mut impl Write) {
    if PASSING.swap(false, Ordering::Relaxed) {
        let _ = err.write_all(LINE_AGAIN).and_then(|()| err.flush());
    }
}

/// Prints on standard error, safe for a terminal. Failures are ignored: there is no other place to report them.
pub(super) fn note(text: &str) {
    let mut err = std::io::stderr().lock();
    remove_passing_line(&mut err);
    let _ = err
        .write_all(for_terminal(text).as_bytes())
        .and_then(|()| err.flush());
}

/// Prints a message on standard error after the program's name, made safe for a terminal.
pub(super) fn note_line(text: &str) {
    print_message(&format!("plandeck: {text}"));
}

/// Prints a message on standard error without the program's name, made safe for a terminal.
pub(super) fn print_message(text: &str) {
    let lines = text.lines().map(crate::text::line);
    note(&(lines.collect::<Vec<_>>().join("\n") + "\n"));
}

/// Prints the notes of the application layer.
pub(super) fn notes(notes: &[Note], color: ColorWhen) {
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

/// Prints why a command failed.
pub(super) fn failure(failure: &Failure, color: ColorWhen) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn json_is_one_line_that_reads_as_the_value_and_steers_no_terminal() {
        let value = json!({
            "a\u{202e}b": ["\u{1b}[2J", "\u{1}\u{fe0f}", "\u{feff}\n\"\\", 1.5, null],
            "large": "word \u{9b}".repeat(40_000),
            "many": vec!["é\u{200d}"; 40_000],
            "plain": "é ✅ 👩‍👩‍👧 ❤️",
        });
        let mut out = Vec::new();
        write_json(&value, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let line = text.strip_suffix('\n').unwrap();
        assert_eq!(crate::text::find_unsafe(line), None);
        assert!(line.contains("é ✅ 👩‍👩‍👧 ❤️"));
        assert_eq!(serde_json::from_str::<Value>(line).unwrap(), value);
    }

    #[test]
    fn json_that_cannot_be_written_is_an_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let error = write_json(&json!({"a": 1}), &mut Full).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    }
}
