//! The lines that the list has, in its parts.

use crate::text::fuzzy::Found;

/// A part of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The plans of this folder.
    Plans,
    /// Earlier runs.
    Runs,
    /// Samples.
    Samples,
}

impl Part {
    /// The parts in the order of the list.
    pub const ALL: [Self; 3] = [Self::Plans, Self::Runs, Self::Samples];

    /// Its heading.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plans => "plans here",
            Self::Runs => "earlier runs",
            Self::Samples => "sample plans",
        }
    }
}

/// A line of the list.
#[derive(Clone, Debug)]
pub enum Row {
    /// The heading of a part, with how many there are in it.
    Heading(Part, usize),
    /// Nothing, between two parts.
    Gap,
    /// Something that can be chosen: its place in its part, and what of it was typed.
    Item(Part, usize, Found),
}
