//! Redaction of a text that arrives in pieces.

use super::{REDACTED, Secrets, scan};
use std::sync::Arc;

/// As many characters of a secret may be shown at the end of a line that has arrived whole. Otherwise a line that ends
/// with the first letter of a secret would wait for the next one.
const MAX_SHOWN: usize = 3;

/// More than this is not held back.
const MAX_HELD: usize = 1 << 20;

/// Removes secrets from a stream of bytes. What may be the beginning of a secret is held back until more has come.
#[derive(Debug)]
pub(crate) struct Redactor {
    secrets: Arc<Secrets>,
    /// The beginning of a character whose end has not come.
    bytes: Vec<u8>,
    /// What may still be part of a match.
    text: String,
    /// How much of it was given out.
    given: usize,
}

impl Redactor {
    /// A redactor of these secrets.
    pub(crate) fn new(secrets: Arc<Secrets>) -> Self {
        Self {
            secrets,
            bytes: Vec::new(),
            text: String::new(),
            given: 0,
        }
    }

    /// Takes the next bytes and returns what can be shown now. What is not UTF-8 becomes U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        let mut begun = std::mem::take(&mut self.bytes);
        let bytes = if begun.is_empty() {
            bytes
        } else {
            begun.extend_from_slice(bytes);
            &begun
        };
        let whole = match std::str::from_utf8(bytes) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => incomplete_from(bytes),
            Ok(text) => text.len(),
        };
        self.text += &String::from_utf8_lossy(&bytes[..whole]);
        self.bytes = bytes[whole..].to_vec();
        self.give(self.text.len() > MAX_HELD)
    }

    /// The rest: nothing more comes.
    pub(crate) fn finish(&mut self) -> String {
        self.text += &String::from_utf8_lossy(&self.bytes);
        self.bytes.clear();
        self.give(true)
    }

    fn give(&mut self, last: bool) -> String {
        if self.secrets.is_empty() {
            return std::mem::take(&mut self.text);
        }
        let found = scan::find(&self.secrets, &self.text, last);
        let mut out = String::new();
        let (keep_from, given_to) = match found.cut_off.filter(|_| !last) {
            None => (self.text.len(), self.text.len()),
            Some((at, matched)) if matched <= MAX_SHOWN && self.text.ends_with('\n') => {
                (at, self.text.len())
            }
            Some((at, _)) => (at, at.max(self.given)),
        };
        let mut from = self.given;
        for range in found.ranges {
            if range.end <= from || range.start >= given_to {
                continue;
            }
            out.push_str(&self.text[from..range.start.max(from)]);
            out.push_str(REDACTED);
            from = range.end;
        }
        out.push_str(&self.text[from.min(given_to)..given_to]);
        self.given = from.max(given_to) - keep_from;
        // Its room is given back: many streams are quiet at the same time.
        if keep_from > 0 {
            self.text = self.text.split_off(keep_from);
        }
        out
    }
}

/// Where the last character of `bytes` begins, if its end is missing; else their length.
fn incomplete_from(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    (from..bytes.len())
        .find(|at| matches!(std::str::from_utf8(&bytes[*at..]), Err(error) if error.valid_up_to() == 0 && error.error_len().is_none()))
        .unwrap_or(bytes.len())
}
