//! The palette: what was typed into it, and what is chosen.

use crate::tui::input::text_field::Field;

/// What was typed into the palette, and what is chosen in it.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// What was typed.
    pub field: Field,
    /// The place of what is chosen among what is listed.
    pub chosen: usize,
}
