//! The events of the run, and which of them is shown.

use super::player::Player;
use crate::run::{History, RunState};
use crate::units::Micros;

/// The events of the run, and which of them is shown.
#[derive(Debug, Default)]
pub struct TimeTravel {
    pub(super) history: History,
    /// The latest state of the run, while an earlier event is shown.
    pub(super) latest: Option<Box<RunState>>,
    /// How many events the state shown is folded from, while there is `latest`.
    pub(super) position: usize,
    /// When the event shown last changed, by the feed's clock.
    pub(super) moved: Micros,
    pub(crate) player: Option<Player>,
}

impl TimeTravel {
    /// Every event so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What plays a recorded run.
    pub(crate) fn player(&self) -> Option<&Player> {
        self.player.as_ref()
    }
}
