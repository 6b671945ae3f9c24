//! What is typed: keys, and lines of text that are edited.

pub(crate) mod key;
pub(crate) mod text_field;
