//! When something that looks at every row of a run is worked out again.

use crate::run::{RunHeader, RunState};
use std::sync::Arc;

/// Rows that may be looked at in every frame; twice as many are looked at in every second one, and so on.
const ROWS_A_FRAME: usize = 2_500;

/// Says in which frames to look at every row of a run again. It counts frames and not time, so that a state
/// that is replaced by another one, with another clock, needs no special care.
#[derive(Debug, Default)]
pub(crate) struct RefreshThrottle {
    header: Option<Arc<RunHeader>>,
    events: u64,
    frames: usize,
    behind: bool,
}

impl RefreshThrottle {
    /// Whether this frame is to look at the rows again. To be asked once a frame.
    pub(crate) fn due(&mut self, run: &RunState) -> bool {
        let same = match (&self.header, &run.header) {
            (Some(ours), Some(theirs)) => ours.is_of_same_run(theirs),
            (None, None) => true,
            _ => false,
        };
        self.frames += 1;
        let at_once = !same || run.events < self.events || !self.behind && run.has_ended();
        self.behind = !same || run.events != self.events;
        let due = self.behind && (at_once || self.frames > run.steps.len() / ROWS_A_FRAME);
        if due {
            self.header.clone_from(&run.header);
            self.events = run.events;
            self.frames = 0;
            self.behind = false;
        }
        due
    }

    /// Whether a later frame has to look at the rows although nothing more happens.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunEvent;
    use crate::tui::fixture;
    use crate::units::Micros;

    fn more(run: &mut RunState) {
        run.apply(&RunEvent {
            seq: run.events,
            at: Micros(run.events),
            kind: crate::run::EventKind::RunPaused,
        });
    }

    #[test]
    fn a_small_run_is_looked_at_whenever_it_changed() {
        let (mut throttle, mut run) = (RefreshThrottle::default(), fixture::chain(3));
        for _ in 0..3 {
            assert!(throttle.due(&run));
            assert!(!throttle.due(&run), "nothing changed");
            more(&mut run);
        }
    }

    #[test]
    fn a_large_run_is_looked_at_seldom_and_never_left_behind() {
        let (mut throttle, mut run) = (RefreshThrottle::default(), fixture::chain(10_000));
        assert!(throttle.due(&run), "the first time at once");
        let mut looked = 0;
        for _ in 0..100 {
            more(&mut run);
            looked += usize::from(throttle.due(&run));
        }
        assert_eq!(looked, 20);
        more(&mut run);
        let frames = (0..100).position(|_| throttle.due(&run));
        assert!(frames.is_some_and(|frames| frames <= 5));
        assert!(!throttle.is_behind());
    }

    #[test]
    fn an_earlier_state_is_computed_at_once() {
        let (mut throttle, mut run) = (RefreshThrottle::default(), fixture::chain(10_000));
        let early = run.clone();
        more(&mut run);
        assert!(throttle.due(&run));
        assert!(throttle.due(&early));
    }
}
