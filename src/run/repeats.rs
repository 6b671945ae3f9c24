//! What came of calls that were repeated.

use super::{Agreement, Forecast, RunState, StepStatus};
use crate::units::Money;
use serde_json::Value;
use std::sync::Arc;

/// What a call that is repeated costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatPrice {
    /// By the price of its model.
    pub forecast: Forecast,
    /// What it cost where it is on record; `None` where that is not known.
    pub recorded: Option<Money>,
}

impl RepeatPrice {
    /// What is to be expected: as on record where that is known.
    pub fn expected(&self) -> Option<Money> {
        self.recorded.or(self.forecast.expected)
    }

    /// Of so many such calls.
    #[must_use]
    pub fn times(&self, n: u32) -> Self {
        let times = |cost: Option<Money>| cost.map(|one| one.times(n.into()));
        let Forecast { min, expected, max } = self.forecast;
        Self {
            forecast: Forecast {
                min: min.times(n.into()),
                expected: times(expected),
                max: times(max),
            },
            recorded: times(self.recorded),
        }
    }
}

/// What came of the calls of a run that repeats one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeats {
    /// How far the answers agree. Its calls are counted from 0, as they were made.
    pub agreement: Agreement,
    /// The calls that failed, the most frequent message first.
    pub failures: Vec<EqualFailures>,
    /// What the calls have cost so far; `None` where that is not known.
    pub cost: Option<Money>,
}

/// Calls that failed with the same message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EqualFailures {
    /// The message.
    pub message: Arc<str>,
    /// Which calls, counted from 0.
    pub calls: Vec<usize>,
}

/// The number of a call, counted from 0, and its result: the answer, or why it failed.
pub(crate) type Repeat = (usize, Result<Arc<Value>, Arc<str>>);

/// The calls of a run that have ended; the run calls one step for each element of a list.
pub(crate) fn ended_calls(run: &RunState) -> Vec<Repeat> {
    let calls = run.steps.iter().filter(|row| row.info.parent.is_some());
    let ended = calls.enumerate().filter_map(|(number, row)| {
        let end = match (row.status, &row.output) {
            (StepStatus::Succeeded, Some(output)) => Ok(Arc::clone(output)),
            (StepStatus::Failed, _) => {
                let message = row.error.as_ref().map_or("", |error| &error.message);
                Err(Arc::from(message))
            }
            // It was not called, or is running.
            _ => return None,
        };
        Some((number, end))
    });
    ended.collect()
}

impl Repeats {
    /// Of the calls of a run, as far as they have ended.
    pub fn of(run: &RunState) -> Self {
        Self::of_calls(&ended_calls(run), run)
    }

    /// Of these calls of a run.
    pub(crate) fn of_calls(calls: &[Repeat], run: &RunState) -> Self {
        let answers = calls.iter().map(|(_, end)| end.as_ref().ok().cloned());
        let mut agreement = Agreement::of(answers);
        for equal in &mut agreement.answers {
            for call in &mut equal.calls {
                *call = calls.get(*call).map_or(*call, |(number, _)| *number);
            }
        }
        let mut failures: Vec<EqualFailures> = Vec::new();
        for (number, end) in calls {
            let Err(message) = end else { continue };
            match failures.iter_mut().find(|known| known.message == *message) {
                Some(known) => known.calls.push(*number),
                None => failures.push(EqualFailures {
                    message: Arc::clone(message),
                    calls: vec![*number],
                }),
            }
        }
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.calls.len()));
        Self {
            agreement,
            failures,
            cost: (!run.unpriced).then_some(run.spent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_ends_are_put_together_and_keep_the_numbers_of_their_calls() {
        let says = |text: &str| Ok(Arc::new(json!(text)));
        let fails = |text: &str| Err(Arc::from(text));
        let calls = [
            (1, says("a")),
            (3, fails("slow")),
            (4, says("b")),
            (6, says("a")),
            (7, fails("broken")),
            (9, fails("slow")),
        ];
        let found = Repeats::of_calls(&calls, &RunState::default());
        assert_eq!((found.agreement.n, found.agreement.failed), (6, 3));
        assert_eq!(found.agreement.answers[0].calls, [1, 6]);
        assert_eq!(found.agreement.answers[1].calls, [4]);
        let failed = found.failures.iter();
        let failed: Vec<_> = failed.map(|one| (&*one.message, &*one.calls)).collect();
        assert_eq!(failed, [("slow", &[3, 9][..]), ("broken", &[7][..])]);
        assert_eq!(found.cost, Some(Money::ZERO));
    }
}
