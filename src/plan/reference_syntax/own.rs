//! The form of references that only one dialect has.

use std::ops::Range;

/// How the references of a dialect are written.
pub(in crate::plan) struct ReferenceSyntax {
    /// Its own form besides `{{…}}`, `${…}` and `step:…`.
    pub own: Option<OwnReference>,
    /// Whether a reference alone says what a step waits for: the dialect has no `depends_on` that could differ.
    pub declare: bool,
}

impl ReferenceSyntax {
    /// What a dialect has that brings nothing of its own.
    pub const COMMON: Self = Self {
        own: None,
        declare: false,
    };
}

/// A reference by number: some marks, then an id that is a number or ends with one.
pub(in crate::plan) struct OwnReference {
    /// What stands before the id; not empty.
    pub before_id: &'static str,
    /// What the id begins with before its digits.
    pub id_prefix: &'static str,
    /// Whether it may be something else, such as an amount of money, where no step has the id.
    pub may_be_text: bool,
}

impl OwnReference {
    /// The reference that stands at `at`: where it ends, and the place of its id.
    pub fn find(&self, text: &str, at: usize) -> Option<(usize, Range<usize>)> {
        let id = text.get(at..)?.strip_prefix(self.before_id)?;
        let digits = id.strip_prefix(self.id_prefix)?;
        let length = digits.len()
            - digits
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len();
        if length == 0 {
            return None;
        }
        let start = at + self.before_id.len();
        let end = start + self.id_prefix.len() + length;
        Some((end, start..end))
    }

    /// Whether one could begin with this byte.
    pub fn begins_with(&self, byte: u8) -> bool {
        self.before_id.as_bytes().first() == Some(&byte)
    }
}
