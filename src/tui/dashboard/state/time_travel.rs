//! Which moments of the run there are, and which of them is shown.

use super::player::Player;
use crate::run::{History, RunState};
use crate::units::Micros;

/// The moments of the run, and which of them is shown.
#[derive(Debug, Default)]
pub struct TimeTravel {
    pub(super) history: History,
    /// The run as far as its events came, while an earlier moment is shown.
    pub(super) latest: Option<Box<RunState>>,
    /// How many events have happened at the moment shown, while there is `latest`.
    pub(super) position: usize,
    /// When another moment was shown, by the feed's clock.
    pub(super) moved: Micros,
    pub(crate) player: Option<Player>,
}

impl TimeTravel {
    /// Every event so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What plays a recorded run.
    pub fn player(&self) -> Option<&Player> {
        self.player.as_ref()
    }
}
