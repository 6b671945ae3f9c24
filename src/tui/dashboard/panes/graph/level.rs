//! Names for how and where.

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

/// A way on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To a row above.
    Up,
    /// To a row below.
    Down,
    /// To a column on the left.
    Left,
    /// To a column on the right.
    Right,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}
