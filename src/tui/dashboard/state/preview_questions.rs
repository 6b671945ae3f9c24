//! How often the process of a run is asked what a command would do.

use crate::units::Micros;

/// The pause between two questions about the same command while the run moves on.
const PAUSE: Micros = Micros(1_000_000);

/// The questions so far.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    asked: u64,
    /// When the last one was asked, on the clock of the run.
    last: Micros,
}

impl Questions {
    /// The number of a new question, which is asked now.
    pub(crate) fn next(&mut self, now: Micros) -> u64 {
        self.asked += 1;
        self.last = now;
        self.asked
    }

    /// Whether the last question was asked long enough ago.
    pub(crate) fn may_ask_again(&self, now: Micros) -> bool {
        now - self.last >= PAUSE
    }
}
