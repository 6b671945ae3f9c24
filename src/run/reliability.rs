//! How often a plan comes to its usual result, by what is on record of its steps.

use super::RunState;
use super::StepStatus;
use super::step_state::StepState;
use serde::Serialize;
use std::sync::Arc;

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// What is on record of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StepRecord {
    /// The step's id.
    pub step: Arc<str>,
    /// In how many runs it was called and ended, its own retries included.
    pub ended: u32,
    /// In how many of them it succeeded.
    pub succeeded: u32,
    /// How many calls were repeated on one input.
    pub repeated: u32,
    /// How many of these gave the most frequent answer.
    pub agreeing: u32,
}

impl StepRecord {
    /// Nothing of this step.
    pub fn of(step: &Arc<str>) -> Self {
        Self {
            step: Arc::clone(step),
            ..Self::default()
        }
    }

    /// Takes in how the step ended in a run; nothing where it was not called there, or was called with something that is
    /// not the plan's.
    pub fn add(&mut self, row: &StepState) {
        let called = !row.attempts.is_empty() || row.is_expanded();
        let is_own = row.given_call.is_none() && row.given.is_none();
        if !called || !is_own {
            return;
        }
        match row.status {
            StepStatus::Succeeded => {
                self.ended += 1;
                self.succeeded += 1;
            }
            StepStatus::Failed => self.ended += 1,
            _ => {}
        }
    }

    /// The shares that count: of runs in which it succeeded, and of repeated calls that agree.
    fn shares(&self) -> impl Iterator<Item = (u32, u32)> {
        let both = [(self.succeeded, self.ended), (self.agreeing, self.repeated)];
        both.into_iter().filter(|(_, all)| *all > 0)
    }

    /// How often it is expected to give its usual answer; `None` where nothing is on record.
    pub fn expected(&self) -> Option<f64> {
        let mut shares = self.shares().peekable();
        shares.peek()?;
        Some(
            shares
                .map(|(of, all)| f64::from(of) / f64::from(all))
                .product(),
        )
    }
}

/// How often a plan comes to its usual result: every step has to succeed, and to give the answer that it mostly gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// The product of what is known of the steps, from 0 to 1.
    pub expected: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
    /// The runs that were read.
    pub runs: u32,
    /// The steps of which something is on record, the least reliable first.
    pub steps: Vec<StepRecord>,
    /// The steps of which nothing is: they are left out of the product.
    pub unknown: Vec<Arc<str>>,
}

impl Reliability {
    /// From what is on record of each step in so many runs; `None` where that is nothing.
    pub fn of(records: Vec<StepRecord>, runs: u32) -> Option<Self> {
        let (mut steps, unknown): (Vec<_>, Vec<_>) = records
            .into_iter()
            .partition(|one| one.expected().is_some());
        if steps.is_empty() {
            return None;
        }
        let share = |record: &StepRecord| record.expected().unwrap_or(1.0);
        steps.sort_by(|a, b| share(a).total_cmp(&share(b)));
        let expected: f64 = steps.iter().map(share).product();
        // Shares are drawn a little to the middle, so that few runs without a failure leave room for one; the logarithms
        // of independent shares add up, and so do their variances.
        let (mut log, mut variance) = (0.0, 0.0);
        for (of, all) in steps.iter().flat_map(StepRecord::shares) {
            let n = f64::from(all) + 1.0;
            let share = (f64::from(of) + 0.5) / n;
            log += share.ln();
            variance += (1.0 - share) / (n * share);
        }
        let spread = Z * f64::sqrt(variance);
        let round = |share: f64| (share * 1e4).round() / 1e4;
        Some(Self {
            expected: round(expected),
            interval: [
                round((log - spread).exp().min(expected)),
                round((log + spread).exp().min(1.0).max(expected)),
            ],
            runs,
            steps,
            unknown: unknown.into_iter().map(|one| one.step).collect(),
        })
    }
}

/// Takes in how the steps of a run ended of which something is to be known: `records` in any order.
pub(crate) fn add_run(records: &mut [StepRecord], run: &RunState, counts: impl Fn(&str) -> bool) {
    let rows = run.steps.iter().filter(|row| row.info.parent.is_none());
    let rows: std::collections::HashMap<&str, &StepState> =
        rows.map(|row| (&*row.info.id, row)).collect();
    for record in records {
        if let Some(row) = rows.get(&*record.step).filter(|_| counts(&record.step)) {
            record.add(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(
        step: &str,
        (succeeded, ended): (u32, u32),
        (agreeing, repeated): (u32, u32),
    ) -> StepRecord {
        StepRecord {
            step: step.into(),
            ended,
            succeeded,
            repeated,
            agreeing,
        }
    }

    #[test]
    fn the_shares_of_all_steps_are_multiplied_and_the_weakest_comes_first() {
        let found = Reliability::of(
            vec![
                record("a", (20, 20), (0, 0)),
                record("b", (9, 10), (15, 20)),
                record("c", (0, 0), (0, 0)),
                record("d", (18, 20), (0, 0)),
            ],
            20,
        );
        let found = found.unwrap();
        assert!((found.expected - 0.9 * 0.75 * 0.9).abs() < 1e-4);
        let ids: Vec<&str> = found.steps.iter().map(|one| &*one.step).collect();
        assert_eq!(ids, ["b", "d", "a"]);
        assert_eq!(found.unknown, ["c".into()]);
        assert_eq!(Reliability::of(vec![record("c", (0, 0), (0, 0))], 3), None);
    }

    #[test]
    fn few_runs_without_a_failure_say_little() {
        let after = |runs| Reliability::of(vec![record("a", (runs, runs), (0, 0))], runs).unwrap();
        assert!((after(1).expected - 1.0).abs() < 1e-9);
        assert!(after(1).interval[0] < 0.4, "{:?}", after(1));
        assert!(after(500).interval[0] > 0.99, "{:?}", after(500));
    }

    proptest! {
        /// Whatever is on record, the bounds are shares and stand on both sides of what is expected.
        #[test]
        fn the_bounds_are_on_both_sides_of_what_is_expected(shares in prop::collection::vec((0u32..40, 1u32..40), 1..20)) {
            let records = shares.iter().enumerate().map(|(at, (of, all))| {
                record(&at.to_string(), ((*of).min(*all), *all), (0, 0))
            });
            let found = Reliability::of(records.collect(), 40).unwrap();
            let [low, high] = found.interval;
            prop_assert!(0.0 <= low && low <= found.expected && found.expected <= high && high <= 1.0);
        }
    }
}
