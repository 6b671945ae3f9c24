//! The pages of the inspector.

/// The pages of the inspector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tab {
    /// State, times, cost, neighbours.
    #[default]
    Overview,
    /// The parameters.
    Input,
    /// Its output.
    Output,
    /// What a model was asked and answered, or the request and the response.
    Prompt,
    /// What the tool printed.
    Log,
    /// Why it failed, or why it was skipped.
    Error,
    /// Every attempt, with its time, its cost and what it came to.
    Attempts,
}

impl Tab {
    /// Every tab, in order.
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Input,
        Self::Output,
        Self::Prompt,
        Self::Log,
        Self::Error,
        Self::Attempts,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Input => "input",
            Self::Output => "output",
            Self::Prompt => "prompt",
            Self::Log => "log",
            Self::Error => "error",
            Self::Attempts => "attempts",
        }
    }

    /// The key of the page.
    pub const fn key(self) -> char {
        (b'1' + self as u8) as char
    }

    /// Its name, a long one cut, where there is less room.
    pub(crate) const fn medium(self) -> &'static str {
        match self {
            Self::Overview => "over",
            other => other.name(),
        }
    }

    /// The beginning of its name, where there is little room.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Overview => "over",
            Self::Input => "in",
            Self::Output => "out",
            Self::Attempts => "att",
            other => other.name(),
        }
    }

    /// The tab `by` places on, going around.
    #[must_use]
    pub fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}
