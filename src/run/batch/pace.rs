//! How fast items end.

use std::collections::BTreeMap;

/// The pace is that of the items that ended last, at least this many milliseconds of them.
const WINDOW: i64 = 30_000;
/// Where fewer ended in that time, it goes back to this many.
const FEW: u64 = 20;

/// Items by the tenth of a second in which they ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(BTreeMap<i64, u64>);

fn slot(at: i64) -> i64 {
    at.div_euclid(100)
}

impl Pace {
    /// An item ended at this time, in milliseconds.
    pub(super) fn add(&mut self, at: i64) {
        *self.0.entry(slot(at)).or_default() += 1;
    }

    /// It did not.
    pub(super) fn remove(&mut self, at: i64) {
        if let Some(count) = self.0.get_mut(&slot(at)) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&slot(at));
            }
        }
    }

    /// Items in a second, at `now`, of those that ended since `since`.
    pub(super) fn per_second(&self, since: i64, now: i64) -> f64 {
        let (mut count, mut from, mut earliest) = (0, since, now);
        for (slot, items) in self.0.range(slot(since)..).rev() {
            let begin = slot * 100;
            if now - begin > WINDOW && count >= FEW {
                // Nothing has to have ended just when the window begins.
                from = earliest.min(now - WINDOW);
                break;
            }
            earliest = begin;
            count += items;
        }
        count as f64 * 1e3 / (now - from).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_what_ended_last() {
        let mut pace = Pace::default();
        assert!(pace.per_second(0, 1000).abs() < f64::EPSILON);
        // Ten a second for a minute, and then one.
        for at in 0..600 {
            pace.add(at * 100);
        }
        assert!((pace.per_second(0, 10_000) - 60.0).abs() < 1.0, "future");
        assert!((pace.per_second(0, 60_000) - 10.0).abs() < 0.5);
        for at in 60..160 {
            pace.add(at * 1000);
        }
        assert!((pace.per_second(0, 160_000) - 1.0).abs() < 0.1);
        // What ended before it was resumed says nothing.
        assert!((pace.per_second(150_000, 160_000) - 1.0).abs() < 0.2);
        pace.remove(159_000);
        assert!(pace.per_second(158_500, 160_000) < 0.01);
    }
}
