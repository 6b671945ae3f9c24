//! Text that is put together up to a bound, which is looked at before anything is added.

use std::fmt;

/// A text with a maximum length.
pub(super) struct BoundedText {
    text: String,
    left: usize,
}

impl BoundedText {
    /// An empty text of at most so many bytes.
    pub fn new(max: usize) -> Self {
        Self {
            text: String::new(),
            left: max,
        }
    }

    /// Adds a piece, and returns whether it fits; nothing is added where it does not.
    pub fn push(&mut self, piece: &str) -> bool {
        let Some(left) = self.left.checked_sub(piece.len()) else {
            return false;
        };
        self.left = left;
        self.text.push_str(piece);
        true
    }

    /// How many bytes still fit.
    pub fn left(&self) -> usize {
        self.left
    }

    /// The text.
    pub fn into_string(self) -> String {
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
