//! What Python in the embedded interpreter prints.

use monty_types::{MontyException, PrintWriterCallback};
use std::borrow::Cow;

/// A printed line is broken after this many bytes, and a call may print this many bytes in all.
const MAX_LINE_BYTES: usize = 8 << 10;
pub(super) const MAX_PRINTED_BYTES: usize = 1 << 20;

/// Hands printed text on, line by line, each with its line feed; long lines in pieces.
pub(super) struct Printer<'a> {
    line: String,
    printed: usize,
    log: &'a mut dyn FnMut(&str),
}

impl<'a> Printer<'a> {
    /// Nothing is printed yet.
    pub(super) fn new(log: &'a mut dyn FnMut(&str)) -> Self {
        Self {
            line: String::new(),
            printed: 0,
            log,
        }
    }

    fn push(&mut self, c: char) {
        self.printed += c.len_utf8();
        if self.printed > MAX_PRINTED_BYTES {
            return;
        }
        self.line.push(c);
        if c == '\n' || self.line.len() >= MAX_LINE_BYTES {
            (self.log)(&self.line);
            self.line.clear();
        }
    }

    /// Nothing more is printed.
    pub(super) fn end(&mut self) {
        if self.printed <= MAX_PRINTED_BYTES {
            if !self.line.is_empty() {
                (self.log)(&self.line);
            }
        } else {
            // A line that is cut may have a part of a secret at its end.
            (self.log)(&format!(
                "… {} more bytes were printed",
                self.printed - MAX_PRINTED_BYTES
            ));
        }
    }
}

impl PrintWriterCallback for Printer<'_> {
    fn stdout_write(&mut self, output: Cow<'_, str>) -> Result<(), MontyException> {
        if self.printed > MAX_PRINTED_BYTES {
            self.printed += output.len();
        } else {
            output.chars().for_each(|c| self.push(c));
        }
        Ok(())
    }

    fn stdout_push(&mut self, end: char) -> Result<(), MontyException> {
        self.push(end);
        Ok(())
    }
}
