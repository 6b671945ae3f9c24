//! What a plan saves: planned once by a large model and executed by small ones, compared with a large model that does all
//! of it each time.

use crate::units::{Money, Tokens};

/// The numbers of executions that are compared.
const EXECUTIONS: [u64; 4] = [1, 10, 100, 1_000];

/// What a plan saves.
#[derive(Clone, Debug)]
pub struct Savings {
    /// The large model, as `PROVIDER/MODEL`.
    pub large: String,
    /// What planning cost once; `None` where the large model has no price.
    pub planning: Option<Money>,
    /// Whether `planning` is what was billed, not an estimate.
    pub planning_is_recorded: bool,
    /// The tokens of all model calls of the run.
    pub tokens: Tokens,
    /// How many model calls they belong to.
    pub calls: u64,
    /// What one execution costs; `None` where some of it is not known.
    pub small: Option<Money>,
    /// What one execution would cost with the same tokens of the large model; `None` where it has no price.
    pub all_large: Option<Money>,
    /// What is assumed, one sentence each.
    pub assumptions: Vec<String>,
}

/// Both sums for a number of executions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavingsRow {
    /// How many executions.
    pub executions: u64,
    /// Planning once, and so many executions.
    pub planned: Money,
    /// So many executions by the large model.
    pub all_large: Money,
}

impl Savings {
    /// The sums for 1, 10, 100 and 1000 executions, and for `more`; empty where a price is not known.
    pub fn rows(&self, more: Option<u64>) -> Vec<SavingsRow> {
        let known = self.planning.zip(self.small).zip(self.all_large);
        let Some(((planning, small), large)) = known else {
            return Vec::new();
        };
        let mut counts: Vec<u64> = EXECUTIONS.into_iter().chain(more).collect();
        counts.sort_unstable();
        counts.dedup();
        let rows = counts.into_iter().map(|executions| SavingsRow {
            executions,
            planned: planning + small.times(executions),
            all_large: large.times(executions),
        });
        rows.collect()
    }

    /// After how many executions the plan is the cheaper way; `None` where it never is, or a price is not known.
    pub fn break_even(&self) -> Option<u64> {
        let saved = (self.all_large? - self.small?).pico();
        let planning = self.planning?.pico();
        (saved > 0).then(|| {
            u64::try_from(planning.max(0) / saved)
                .unwrap_or(u64::MAX)
                .saturating_add(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn savings(planning: f64, small: f64, large: f64) -> Savings {
        Savings {
            large: "x".to_owned(),
            planning: Some(Money::from_usd(planning)),
            planning_is_recorded: true,
            tokens: Tokens::default(),
            calls: 1,
            small: Some(Money::from_usd(small)),
            all_large: Some(Money::from_usd(large)),
            assumptions: Vec::new(),
        }
    }

    #[test]
    fn planning_is_paid_once_and_executions_each_time() {
        let saved = savings(0.05, 0.0006, 0.09);
        let rows = saved.rows(Some(7));
        let counts: Vec<u64> = rows.iter().map(|row| row.executions).collect();
        assert_eq!(counts, [1, 7, 10, 100, 1_000]);
        assert_eq!(rows[3].planned, Money::from_usd(0.11));
        assert_eq!(rows[3].all_large, Money::from_usd(9.0));
        assert_eq!(saved.break_even(), Some(1));
        assert_eq!(savings(1.0, 0.01, 0.02).break_even(), Some(101));
        assert_eq!(savings(1.0, 0.02, 0.02).break_even(), None);
    }
}
