//! The figures of a batch so far, in memory that does not grow with its items.

use super::item::BatchLine;
use crate::run::{Distribution, FailureGroup, Failures, Quantiles, RunOutcome};
use crate::units::Money;
use serde::Serialize;

/// How many items ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Items that succeeded.
    pub succeeded: u64,
    /// Items of which a step failed.
    pub failed: u64,
    /// Items that a limit stopped, or kept from starting.
    pub limit_exceeded: u64,
    /// Items that wait for an approval.
    pub waiting: u64,
    /// Items that were stopped.
    pub cancelled: u64,
}

impl Counts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.succeeded + self.failed + self.limit_exceeded + self.waiting + self.cancelled
    }
}

/// The figures of a batch.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many items ended how.
    pub counts: Counts,
    /// What they cost; an item whose cost is not known counts as nothing.
    pub cost: Money,
    latency: Distribution,
    costs: Distribution,
    failures: Failures,
    /// Items that were run, whose cost says what others will cost.
    run: u64,
}

impl Tally {
    /// Counts an item.
    pub(super) fn add(&mut self, line: &BatchLine) {
        let count = match line.status {
            RunOutcome::Succeeded => &mut self.counts.succeeded,
            RunOutcome::Failed => &mut self.counts.failed,
            RunOutcome::LimitExceeded => &mut self.counts.limit_exceeded,
            RunOutcome::Waiting => &mut self.counts.waiting,
            RunOutcome::Cancelled => &mut self.counts.cancelled,
        };
        *count += 1;
        if line.run_id.is_some() {
            self.run += 1;
            self.latency.add(line.latency_ms);
            if let Some(cost) = line.cost {
                self.cost += cost;
                self.costs.add(cost.usd());
            }
        }
        let Some(error) = line.error.as_deref() else {
            return;
        };
        self.failures.add(error, (line.index, &line.key));
    }

    /// Quantiles of the time of an item, in milliseconds.
    pub fn latency_ms(&self) -> Quantiles {
        self.latency.quantiles()
    }

    /// Quantiles of the cost of an item, in dollars.
    pub fn cost_usd(&self) -> Quantiles {
        self.costs.quantiles()
    }

    /// What `total` items will have cost, if the rest costs what the others did.
    pub fn expected_cost(&self, total: u64) -> Money {
        let left = total.saturating_sub(self.counts.total());
        let each = self.cost.usd() / self.run.max(1) as f64;
        self.cost + Money::from_usd(each * left as f64)
    }

    /// Like failures, the most frequent first.
    pub fn failures(&self) -> Vec<FailureGroup> {
        let groups = self.failures.groups().into_iter();
        groups.map(|(_, group)| group.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::ErrorKind;
    use std::sync::Arc;

    fn line(index: u64, latency_ms: f64, message: Option<&str>) -> BatchLine {
        let key: Arc<str> = format!("k{index}").into();
        let status = match message {
            Some(_) => RunOutcome::Failed,
            None => RunOutcome::Succeeded,
        };
        let kind = ErrorKind::ToolExecutionError;
        let text = message.unwrap_or_default();
        let mut line = BatchLine::not_run(&key, index, status, kind, text);
        line.run_id = Some("run".into());
        line.latency_ms = latency_ms;
        line.cost = Some(Money::from_usd(0.001));
        line.error = line.error.filter(|_| message.is_some());
        line
    }

    #[test]
    fn messages_that_differ_in_numbers_and_ids_are_one_group() {
        let mut tally = Tally::default();
        for index in 0..30 {
            let message = format!("HTTP 503 from host-{index}: id 9f{index}c2, wait {index} s");
            tally.add(&line(index, 1.0, Some(&message)));
        }
        tally.add(&line(30, 1.0, Some("no such file")));
        let groups = tally.failures();
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].count, &*groups[0].example), (30, "k0"));
        assert_eq!(&*groups[0].message, "HTTP # from #: id #, wait # s");
        assert_eq!(&*groups[1].message, "no such file");
    }

    #[test]
    fn the_example_of_a_failure_is_the_first_of_the_input_whichever_ended_first() {
        let mut tally = Tally::default();
        for index in (0..5).rev() {
            tally.add(&line(index, 1.0, Some("HTTP 503")));
        }
        assert_eq!(&*tally.failures()[0].example, "k0");
    }

    #[test]
    fn quantiles_are_right_to_a_percent_and_the_rest_costs_what_the_others_did() {
        let mut tally = Tally::default();
        for index in 1..=1000 {
            tally.add(&line(index, index as f64, None));
        }
        let found = tally.latency_ms();
        for (found, exact) in [(found.p50, 500.0), (found.p90, 900.0), (found.p99, 990.0)] {
            assert!(
                (found / exact - 1.0_f64).abs() < 0.012,
                "{found} for {exact}"
            );
        }
        assert!((found.max - 1000.0).abs() < f64::EPSILON);
        assert_eq!(tally.cost, Money::from_usd(1.0));
        assert_eq!(tally.expected_cost(3000), Money::from_usd(3.0));
    }

    #[test]
    fn groups_stay_few_however_many_messages_there_are() {
        let mut tally = Tally::default();
        for index in 0..5000_u64 {
            let word: String = index
                .to_string()
                .bytes()
                .map(|b| char::from(b + 49))
                .collect();
            tally.add(&line(index, 1.0, Some(&word)));
        }
        let groups = tally.failures();
        assert_eq!(groups.len(), 201);
        assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), 5000);
    }
}
