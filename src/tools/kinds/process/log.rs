//! What a program prints, line by line, without secrets, into the log of its call.

use crate::run::LogStream;
use crate::text::message::{clean, clean_styled};
use crate::tools::launch::STARTED;
use crate::tools::secrets::{Redactor, Secrets};
use crate::tools::{Call, CallLog};
use std::sync::Arc;

/// How much of standard error an error message quotes, in bytes.
pub(super) const MAX_TAIL_BYTES: usize = 4 << 10;

/// A longer line is logged in pieces.
const MAX_LINE_BYTES: usize = 8 << 10;

/// How much of standard output is logged, in bytes: the output has it too.
const MAX_PRINTED_BYTES: usize = 256 << 10;

/// Splits text into lines, after secrets are out of it.
struct Lines {
    redactor: Redactor,
    line: String,
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With a line feed, or with the text.
    Line,
    /// With a carriage return: what comes next stands in its place.
    Overwritten,
    /// It goes on: it is longer than is logged at once.
    Piece,
}

impl Lines {
    fn new(secrets: Arc<Secrets>) -> Self {
        Self {
            redactor: Redactor::new(secrets),
            line: String::new(),
        }
    }

    fn push(&mut self, bytes: &[u8], each: impl FnMut(&str, End)) {
        let text = self.redactor.push(bytes);
        self.take(&text, each);
    }

    fn finish(mut self, mut each: impl FnMut(&str, End)) {
        let text = self.redactor.finish();
        self.take(&text, &mut each);
        if !self.line.is_empty() {
            each(&self.line, End::Line);
        }
    }

    fn take(&mut self, text: &str, mut each: impl FnMut(&str, End)) {
        let mut pieces = text.split_inclusive(['\n', '\r']).peekable();
        while let Some(piece) = pieces.next() {
            self.line.push_str(piece);
            if piece.ends_with('\r') && pieces.peek() == Some(&"\n") {
                self.line.pop();
                continue;
            }
            while self.line.len() > MAX_LINE_BYTES {
                let end = self.line.floor_char_boundary(MAX_LINE_BYTES);
                let rest = self.line.split_off(end);
                each(&self.line, End::Piece);
                self.line = rest;
            }
            let end = match piece.as_bytes().last() {
                Some(b'\n') => End::Line,
                Some(b'\r') => End::Overwritten,
                _ => continue,
            };
            self.line.pop();
            each(&self.line, end);
            self.line.clear();
        }
    }
}

/// Writes lines of a stream to the log.
struct Writer<'a> {
    log: &'a CallLog,
    stream: LogStream,
    secrets: Arc<Secrets>,
    /// Whether the last line ended with a carriage return.
    is_open: bool,
}

impl Writer<'_> {
    fn write(&mut self, line: &str, end: End) {
        if line.is_empty() {
            // A line feed behind a carriage return: the line stays.
            if end == End::Line && std::mem::take(&mut self.is_open) {
                (self.log)(self.stream, "");
            }
            return;
        }
        let mut text = clean_styled(line, MAX_LINE_BYTES);
        let plain = clean(&text, MAX_LINE_BYTES);
        let hidden = self.secrets.redact(&plain);
        if hidden != plain {
            // Colours stood within a secret.
            text = hidden.into_owned();
        }
        self.is_open = end == End::Overwritten;
        if self.is_open {
            text.push('\r');
        }
        (self.log)(self.stream, &text);
    }
}

/// Logs each line of standard error, without secrets, and keeps the end.
pub(in crate::tools) struct ErrorLog<'a> {
    writer: Writer<'a>,
    said: Said,
    /// Whether the next line is a launcher's.
    is_first: bool,
    /// A line that ended with a carriage return: it stays unless another one comes.
    overwritten: String,
}

/// What came on standard error.
#[derive(Debug, Default)]
pub(in crate::tools) struct Said {
    /// The end of the text.
    pub tail: String,
    /// Whether the first line was a launcher's.
    pub by_launcher: bool,
}

impl<'a> ErrorLog<'a> {
    /// `launched` says whether a launcher is expected to write the first line.
    fn new(log: &'a CallLog, secrets: Arc<Secrets>, launched: bool) -> Self {
        Self {
            writer: Writer {
                log,
                stream: LogStream::Stderr,
                secrets,
                is_open: false,
            },
            said: Said::default(),
            is_first: launched,
            overwritten: String::new(),
        }
    }

    /// Reads standard error to its end.
    pub(in crate::tools) async fn follow(
        log: &'a CallLog,
        secrets: Arc<Secrets>,
        launched: bool,
        mut stderr: impl tokio::io::AsyncRead + Unpin,
    ) -> Said {
        use tokio::io::AsyncReadExt as _;
        let mut lines = Lines::new(Arc::clone(&secrets));
        let mut log = Self::new(log, secrets, launched);
        let mut chunk = vec![0; 8 << 10];
        while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
            lines.push(&chunk[..read], |line, end| log.take(line, end));
        }
        lines.finish(|line, end| log.take(line, end));
        log.take("", End::Line);
        log.said
    }

    fn take(&mut self, line: &str, end: End) {
        if std::mem::take(&mut self.is_first) && line.trim_ascii_end() == STARTED {
            self.said.by_launcher = true;
            return;
        }
        self.writer.write(line, end);
        if end == End::Overwritten {
            if !line.is_empty() {
                line.clone_into(&mut self.overwritten);
            }
            return;
        }
        let stays = std::mem::take(&mut self.overwritten);
        let line = if line.is_empty() { &stays } else { line };
        if line.is_empty() {
            return;
        }
        let tail = &mut self.said.tail;
        tail.push_str(line);
        tail.push('\n');
        if tail.len() > 2 * MAX_TAIL_BYTES {
            let from = tail.ceil_char_boundary(tail.len() - MAX_TAIL_BYTES);
            tail.drain(..from);
        }
    }
}

/// Logs lines of standard output while they arrive, unless they are a JSON value: that is the output, and nothing that
/// anyone follows.
pub(super) struct OutputLog<'a> {
    lines: Lines,
    writer: Writer<'a>,
    /// The first line, where it may be all of the output.
    held: Option<String>,
    is_value: bool,
    is_first: bool,
    left: usize,
}

impl<'a> OutputLog<'a> {
    pub(super) fn new(call: &'a Call, secrets: Arc<Secrets>) -> Self {
        Self {
            lines: Lines::new(Arc::clone(&secrets)),
            writer: Writer {
                log: &call.log,
                stream: LogStream::Stdout,
                secrets,
                is_open: false,
            },
            held: None,
            is_value: false,
            is_first: true,
            left: MAX_PRINTED_BYTES,
        }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.is_value || self.left == 0 {
            return;
        }
        let Self {
            lines,
            writer,
            held,
            is_value,
            is_first,
            left,
        } = self;
        lines.push(bytes, |line, end| {
            if *is_value {
                return;
            }
            if std::mem::take(is_first) {
                match json_start(line, end) {
                    JsonStart::Value => *is_value = true,
                    JsonStart::Line => *held = Some(line.to_owned()),
                    JsonStart::None => log_printed(writer, left, line, end),
                }
                return;
            }
            if let Some(first) = held.take() {
                log_printed(writer, left, &first, End::Line);
            }
            log_printed(writer, left, line, end);
        });
    }

    /// Nothing more comes. Whether there was a value, which is not logged.
    pub(super) fn finish(mut self) -> bool {
        if self.is_value || self.left == 0 {
            return self.is_value;
        }
        let mut rest = Vec::new();
        self.lines
            .finish(|line, end| rest.push((line.to_owned(), end)));
        if self.is_first
            && let Some((line, end)) = rest.first()
            && !matches!(json_start(line, *end), JsonStart::None)
        {
            return true;
        }
        if let Some(first) = self.held.take() {
            if rest.is_empty() {
                return true;
            }
            log_printed(&mut self.writer, &mut self.left, &first, End::Line);
        }
        for (line, end) in rest {
            log_printed(&mut self.writer, &mut self.left, &line, end);
        }
        self.writer.write("", End::Line);
        false
    }
}

/// Logs the beginning of a value that a program printed which failed.
pub(super) fn log_value(call: &Call, secrets: &Secrets, output: &[u8]) {
    let text = String::from_utf8_lossy(output);
    let text = clean(&secrets.redact(&text), MAX_LINE_BYTES);
    let text = text.trim_end();
    if !text.is_empty() {
        (call.log)(LogStream::Stdout, text);
    }
}

fn log_printed(writer: &mut Writer<'_>, left: &mut usize, line: &str, end: End) {
    if *left == 0 {
        return;
    }
    *left = left.saturating_sub(line.len() + 1);
    writer.write(line, end);
    if *left == 0 {
        (writer.log)(
            LogStream::Note,
            "standard output beyond 256 kB is not logged; the output has it",
        );
    }
}

enum JsonStart {
    /// A value of several lines, or a long one.
    Value,
    /// The line is a value whole. Where another follows, it is a log in JSON.
    Line,
    None,
}

fn json_start(line: &str, end: End) -> JsonStart {
    let text = line.trim();
    if end == End::Piece && text.starts_with(['{', '[', '"']) || matches!(text, "{" | "[" | "[{") {
        JsonStart::Value
    } else if end == End::Line && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        JsonStart::Line
    } else {
        JsonStart::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    type Logged = Arc<Mutex<Vec<(LogStream, String)>>>;

    fn log() -> (CallLog, Logged) {
        let logged = Logged::default();
        let kept = Arc::clone(&logged);
        let log: CallLog = Arc::new(move |stream, line| {
            kept.lock().unwrap().push((stream, line.to_owned()));
        });
        (log, logged)
    }

    /// What is logged of standard output that arrives in these pieces.
    fn printed(pieces: &[&str]) -> Vec<String> {
        let (log, logged) = log();
        let secrets = Arc::<Secrets>::default();
        let mut output = OutputLog {
            lines: Lines::new(Arc::clone(&secrets)),
            writer: Writer {
                log: &log,
                stream: LogStream::Stdout,
                secrets,
                is_open: false,
            },
            held: None,
            is_value: false,
            is_first: true,
            left: MAX_PRINTED_BYTES,
        };
        for piece in pieces {
            output.push(piece.as_bytes());
        }
        output.finish();
        let logged = logged.lock().unwrap();
        logged.iter().map(|(_, line)| line.clone()).collect()
    }

    #[test]
    fn a_json_value_is_no_log() {
        for value in [
            &["{\"a\": 1}"][..],
            &["{\"a\":", " 1}\n"],
            &["{\n  \"a\": 1\n}\n"],
            &["[\n1,\n2]"],
            &["42\n"],
            &[],
        ] {
            assert_eq!(printed(value), Vec::<String>::new(), "{value:?}");
        }
        let long = format!("[\"{}\"]\n[1]\n", "x".repeat(3 * MAX_LINE_BYTES));
        assert_eq!(printed(&[&long]), Vec::<String>::new());
    }

    #[test]
    fn lines_of_text_and_of_json_are_logged() {
        assert_eq!(printed(&["one\ntw", "o\n"]), ["one", "two"]);
        assert_eq!(
            printed(&["{\"n\": 1}\n{\"n\"", ": 2}"]),
            ["{\"n\": 1}", "{\"n\": 2}"]
        );
        assert_eq!(
            printed(&["\u{1b}[32mok\u{1b}[0m\u{7}"]),
            ["\u{1b}[32mok\u{1b}[0m"]
        );
    }

    #[test]
    fn what_a_carriage_return_overwrites_says_so() {
        assert_eq!(
            printed(&["1 %\r2 %\r", "\nend\r\n"]),
            ["1 %\r", "2 %\r", "", "end"]
        );
        assert_eq!(printed(&["half\r"]), ["half\r", ""]);
    }

    #[test]
    fn a_flood_of_output_is_bounded() {
        let line = "flood ".repeat(100) + "\n";
        let flood: Vec<&str> = std::iter::repeat_n(line.as_str(), 2_000).collect();
        let lines = printed(&flood);
        let bytes: usize = lines.iter().map(String::len).sum();
        assert!(bytes <= MAX_PRINTED_BYTES + 1_000, "{bytes}");
        assert!(
            lines.last().unwrap().contains("256 kB"),
            "{:?}",
            lines.last()
        );
    }

    #[test]
    fn colours_within_a_secret_do_not_let_it_through() {
        let (log, logged) = log();
        let mut secrets = Secrets::new();
        secrets.add("correct-horse-battery");
        let mut writer = Writer {
            log: &log,
            stream: LogStream::Stderr,
            secrets: Arc::new(secrets),
            is_open: false,
        };
        writer.write("key correct-\u{1b}[1mhorse\u{1b}[0m-battery", End::Line);
        assert_eq!(logged.lock().unwrap()[0].1, "key [redacted]");
    }
}
