//! How much of each step the graph shows.

/// How much of each step the picture shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Every step one cell, coloured and shaped by state.
    Overview,
    /// A step a row, with the edges as lanes beside it.
    Lane,
    /// One line: state, label, time.
    Chip,
    /// A box with time and cost.
    #[default]
    Box,
}

impl Level {
    /// From the most steps to the most of each step.
    pub const ALL: [Self; 4] = [Self::Overview, Self::Lane, Self::Chip, Self::Box];

    /// The level that shows more of each step (positive) or more steps (negative).
    #[must_use]
    pub fn zoomed(self, by: i8) -> Self {
        let at = (self as i64 + i64::from(by)).clamp(0, Self::ALL.len() as i64 - 1);
        Self::ALL[at as usize]
    }
}
