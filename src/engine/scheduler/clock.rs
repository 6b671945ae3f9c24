//! The run's own clock: it stands still while a pause or a person holds everything.

use crate::units::Micros;

/// Wall-clock time less held time. The same rule as in the fold, kept here because the deadline needs it.
#[derive(Debug, Default)]
pub struct RunClock {
    held: Micros,
    held_since: Option<Micros>,
}

impl RunClock {
    /// Takes note of whether everything is held from `now` on.
    pub fn hold(&mut self, now: Micros, holds: bool) {
        match (holds, self.held_since) {
            (true, None) => self.held_since = Some(now),
            (false, Some(since)) => {
                self.held += now - since;
                self.held_since = None;
            }
            _ => {}
        }
    }

    /// Whether it stands still.
    pub fn is_held(&self) -> bool {
        self.held_since.is_some()
    }

    /// What it shows at `now`.
    pub fn wall(&self, now: Micros) -> Micros {
        now - self.held - self.held_since.map_or(Micros(0), |since| now - since)
    }
}
