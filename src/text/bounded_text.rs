//! Text that is put together up to a bound, which is looked at before anything is added.

use serde_json::Value;
use std::fmt::{self, Write as _};

/// A text with a maximum length.
#[derive(Debug)]
pub(crate) struct BoundedText {
    text: String,
    left: usize,
}

impl BoundedText {
    /// An empty text of at most so many bytes.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            text: String::new(),
            left: max,
        }
    }

    /// Adds a piece, and returns whether it fits; nothing is added where it does not.
    pub(crate) fn push(&mut self, piece: &str) -> bool {
        let Some(left) = self.left.checked_sub(piece.len()) else {
            return false;
        };
        self.left = left;
        self.text.push_str(piece);
        true
    }

    /// How many bytes still fit.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// Adds a value as it stands inside a longer text: a string as it is, null as nothing, any other value as compact
    /// JSON. Returns whether it fits; a part of it may be added where it does not.
    pub(crate) fn push_value(&mut self, value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::String(piece) => self.push(piece),
            other => write!(self, "{other}").is_ok(),
        }
    }

    /// The text.
    pub(crate) fn into_string(self) -> String {
        self.text
    }
}

impl fmt::Write for BoundedText {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if self.push(piece) {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}
