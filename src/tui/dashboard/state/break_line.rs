//! The line in which it is typed when a breakpoint of a step holds.

use crate::tui::input::text_field::Field;
use std::sync::Arc;

/// The line, and the step that it is about.
#[derive(Clone, Debug)]
pub struct BreakLine {
    /// The id of the step or element.
    pub step: Arc<str>,
    /// What was typed.
    pub field: Field,
}
