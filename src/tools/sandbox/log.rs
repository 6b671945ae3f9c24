//! What code in a sandbox prints, as it is logged.

use crate::run::LogStream;
use crate::text::message::clean;
use crate::tools::CallLog;
use crate::tools::secrets::{Redactor, Secrets};
use std::sync::Arc;

/// A longer line is logged in pieces.
const MAX_LINE_BYTES: usize = 8 << 10;

/// The most of what code prints that is logged, in bytes.
const MAX_LOGGED: usize = 4 << 20;

/// What code prints, as it comes from its sandbox.
pub(super) struct Printed<'a> {
    log: PrintLog<'a>,
    logged: usize,
}

impl<'a> Printed<'a> {
    pub(super) fn new(log: &'a CallLog, secrets: Arc<Secrets>) -> Self {
        Self {
            log: PrintLog::new(log, secrets),
            logged: 0,
        }
    }

    /// Takes the next text, and whether a line ends there. An interpreter that is taken over could print without end.
    pub(super) fn take(&mut self, mut text: String, is_end: bool) {
        if self.logged > MAX_LOGGED {
            return;
        }
        self.logged += text.len();
        if is_end {
            text.push('\n');
        }
        self.log.push(&text);
    }

    /// Nothing more comes.
    pub(super) fn finish(self) {
        self.log.finish();
    }
}

/// Logs printed text line by line. Secrets are out of it before it is cut, even those that are printed in pieces.
struct PrintLog<'a> {
    log: &'a CallLog,
    redactor: Redactor,
    line: String,
}

impl<'a> PrintLog<'a> {
    fn new(log: &'a CallLog, secrets: Arc<Secrets>) -> Self {
        Self {
            log,
            redactor: Redactor::new(secrets),
            line: String::new(),
        }
    }

    /// Takes the next text.
    fn push(&mut self, text: &str) {
        let text = self.redactor.push(text.as_bytes());
        self.take(&text);
    }

    /// Logs the rest: nothing more comes.
    fn finish(mut self) {
        let text = self.redactor.finish();
        self.take(&text);
        if !self.line.is_empty() {
            self.log_line();
        }
    }

    fn take(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            self.line.push_str(piece);
            while self.line.len() > MAX_LINE_BYTES {
                let rest = self
                    .line
                    .split_off(self.line.floor_char_boundary(MAX_LINE_BYTES));
                self.log_line();
                self.line = rest;
            }
            if piece.ends_with('\n') {
                self.log_line();
            }
        }
    }

    fn log_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix('\n').unwrap_or(&line);
        (self.log)(LogStream::Stderr, &clean(line, MAX_LINE_BYTES));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::secrets::SharedSecrets;
    use std::sync::Mutex;

    #[test]
    fn a_secret_is_found_across_pieces_and_lines() {
        let secrets = SharedSecrets::default();
        secrets.add("correct-horse-battery");
        secrets.add("first half\nsecond half");
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&lines);
        let log: CallLog = Arc::new(move |_, line| kept.lock().unwrap().push(line.to_owned()));
        let mut printed = PrintLog::new(&log, secrets.now());
        let filler = "x".repeat(MAX_LINE_BYTES - 10);
        for text in [
            &filler,
            "correct-hor",
            "se-battery\n",
            "first half\n",
            "second half\n",
            "\n",
            "end",
        ] {
            printed.push(text);
        }
        printed.finish();
        let lines = lines.lock().unwrap();
        let all = lines.join("\n");
        assert!(all.starts_with(&filler), "{all}");
        for word in ["horse", "battery", "correct", "first", "second"] {
            assert!(!all.contains(word), "{word}");
        }
        assert_eq!(all.matches("[redacted]").count(), 2);
        assert_eq!(lines.last().unwrap(), "end");
        assert!(lines.contains(&String::new()));
    }
}
