//! Prints to standard output and standard error; nothing else in `cli` does.

use super::args::run::ColorWhen;
use super::failure::Failure;
use super::terminal::stderr_colour;
use crate::report::{DiagnosticStyle, render, render_faults};
use crate::session::{Note, SessionError};
use crate::text::{escape_json, for_terminal};
use serde::Serialize;
use std::io::{BufWriter, IsTerminal, Write};

/// Prints text on standard output: what a pipe or a file gets is the text itself, what a terminal gets is safe.
///
/// # Errors
/// When standard output is closed or cannot be written.
pub fn out(text: &str) -> Result<(), Failure> {
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
pub fn out_data(text: &str) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() {
        out(&escape_json(text))
    } else {
        out(text)
    }
}

/// Prints a text and a line break.
pub fn out_line(text: &str) -> Result<(), Failure> {
    out(&format!("{text}\n"))
}

/// Prints a value as one line of JSON, with control characters escaped.
pub fn out_json(value: &impl Serialize) -> Result<(), Failure> {
    // A result may be large: it is written as it is made, and is never in memory as a whole text.
    let mut out = BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    write_json(value, &mut out).map_err(Failure::Output)
}

fn write_json(value: &impl Serialize, out: &mut impl Write) -> std::io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, SafeJson);
    value.serialize(&mut serializer)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// JSON on one line in which no character steers a terminal.
struct SafeJson;

impl serde_json::ser::Formatter for SafeJson {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        out.write_all(escape_json(fragment).as_bytes())
    }
}

/// Prints on standard error, safe for a terminal. Failures are ignored: there is no other place to report them.
pub fn note(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = err
        .write_all(for_terminal(text).as_bytes())
        .and_then(|()| err.flush());
}

/// Prints a message on standard error after the program's name, made safe for a terminal.
pub fn note_line(text: &str) {
    say(&format!("plandeck: {text}"));
}

/// Prints a message on standard error without the program's name, made safe for a terminal.
pub fn say(text: &str) {
    let lines = text.lines().map(crate::text::line);
    note(&(lines.collect::<Vec<_>>().join("\n") + "\n"));
}

/// Prints the notes of the application layer.
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

/// Prints why a command failed.
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn json_is_one_line_that_reads_as_the_value_and_steers_no_terminal() {
        let value = json!({
            "a\u{202e}b": ["\u{1b}[2J", "\u{1}\u{fe0f}", "\u{feff}\n\"\\", 1.5, null],
            "large": "word \u{9b}".repeat(40_000),
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
