//! What is typed: keys, the actions that have them, and lines of text that are edited.

pub(crate) mod action;
pub(crate) mod key;
pub(crate) mod keymap;
pub(crate) mod palette;
pub(crate) mod registry;
pub(crate) mod text_field;
