//! The run's clock.

use super::RunState;
use crate::run::RunPhase;
use crate::units::Micros;

impl RunState {
    /// Wall-clock time at `now` less the time in which a pause or the user held everything: W.
    pub fn wall(&self, now: Micros) -> Micros {
        let open = self.held_since.map_or(Micros(0), |since| now - since);
        now - self.held - open
    }

    /// The run's clock at a moment: what [`RunState::wall`] is then.
    pub(crate) fn run_time(&self, moment: Micros) -> Micros {
        let moment = self.held_since.map_or(moment, |since| moment.min(since));
        self.clock.at(moment)
    }

    /// The first moment at which the run's clock shows this time, or (`last`) the last one so far.
    pub(crate) fn moment_of(&self, time: Micros, last: bool) -> Micros {
        self.clock.moment(time, last)
    }

    /// The run's clock stops while a pause, slow motion, a question to the user, or the end of the run holds everything.
    pub(super) fn keep_clock(&mut self, at: Micros) {
        let stands = matches!(self.phase, RunPhase::Paused | RunPhase::Ended(_));
        let works = self.running > self.paced;
        let holds = !works && (stands || self.paced > 0) || self.waits_for_user();
        match (holds, self.held_since) {
            (true, None) => self.held_since = Some(at),
            (false, Some(since)) => {
                self.clock.stood(since, at, self.held);
                self.held += at - since;
                self.held_since = None;
            }
            _ => {}
        }
    }
}
