//! The run's clock, which stands while a pause, slow motion, a question to the user or the end of the run holds
//! everything.

use crate::units::Micros;

/// A stretch in which the clock stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hold {
    from: Micros,
    until: Micros,
    /// The time that holds before it took.
    before: Micros,
}

/// When the clock stood so far, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock(Vec<Hold>);

impl Clock {
    /// Takes in a stretch that has ended, after holds of `before` in all.
    pub(super) fn stood(&mut self, from: Micros, until: Micros, before: Micros) {
        if from < until {
            self.0.push(Hold {
                from,
                until,
                before,
            });
        }
    }

    /// The clock at a moment.
    pub(super) fn at(&self, moment: Micros) -> Micros {
        let after = self.0.partition_point(|hold| hold.from < moment);
        match after.checked_sub(1).and_then(|at| self.0.get(at)) {
            Some(hold) if moment <= hold.until => hold.from - hold.before,
            Some(hold) => moment - hold.before - (hold.until - hold.from),
            None => moment,
        }
    }

    /// The first moment at which the clock shows this time, or (`last`) the last one.
    pub(super) fn moment(&self, time: Micros, last: bool) -> Micros {
        let after = self.0.partition_point(|hold| {
            let stands_at = hold.from - hold.before;
            stands_at < time || last && stands_at == time
        });
        match after.checked_sub(1).and_then(|at| self.0.get(at)) {
            Some(hold) => time + hold.before + (hold.until - hold.from),
            None => time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clock(stretches: &[(u64, u64)]) -> (Clock, u64) {
        let mut clock = Clock::default();
        let (mut at, mut held) = (0, 0);
        for (runs, stands) in stretches {
            at += runs;
            clock.stood(Micros(at), Micros(at + stands), Micros(held));
            (at, held) = (at + stands, held + stands);
        }
        (clock, at)
    }

    #[test]
    fn a_hold_takes_no_time() {
        let (clock, _) = clock(&[(100, 50), (30, 500)]);
        for (moment, time) in [
            (0, 0),
            (100, 100),
            (120, 100),
            (150, 100),
            (160, 110),
            (180, 130),
            (400, 130),
            (680, 130),
            (681, 131),
        ] {
            assert_eq!(clock.at(Micros(moment)), Micros(time), "at {moment}");
        }
        assert_eq!(clock.moment(Micros(100), false), Micros(100));
        assert_eq!(clock.moment(Micros(100), true), Micros(150));
        assert_eq!(clock.moment(Micros(131), false), Micros(681));
    }

    proptest! {
        #[test]
        fn the_clock_never_goes_back_and_its_moments_are_found(
            stretches in prop::collection::vec((1u64..300, 0u64..300), 0..20),
            more in 0u64..500,
        ) {
            let (clock, end) = clock(&stretches);
            let mut before = Micros(0);
            for moment in 0..end + more {
                let time = clock.at(Micros(moment));
                prop_assert!(before <= time && time <= before + Micros(1));
                let (first, last) = (clock.moment(time, false), clock.moment(time, true));
                prop_assert!(first <= Micros(moment) && Micros(moment) <= last);
                prop_assert_eq!(clock.at(first), time);
                prop_assert_eq!(clock.at(last), time);
                before = time;
            }
        }
    }
}
