//! How much of each step the graph shows.

/// How much of each step the picture shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Every step a few cells, coloured and shaped by state.
    Overview,
    /// A step a row: its dependencies as lanes on the left, its time on the right.
    Row,
    /// One line on a ground of its own: state, name, time.
    Pill,
    /// A box: name, and what matters most.
    #[default]
    Box,
    /// A box with several lines of what matters.
    Card,
}

impl Level {
    /// From the most steps to the most of each step.
    pub const ALL: [Self; 5] = [Self::Overview, Self::Row, Self::Pill, Self::Box, Self::Card];

    /// The level that shows more of each step (positive) or more steps (negative).
    #[must_use]
    pub fn zoomed(self, by: i8) -> Self {
        let at = (self as i64 + i64::from(by)).clamp(0, Self::ALL.len() as i64 - 1);
        Self::ALL[at as usize]
    }
}
