//! Amounts of money in words.

use crate::run::{RunState, StepState};
use crate::units::Money;

/// Where nothing can cost.
const FREE: &str = "free";

/// What calls of a row have cost.
pub(crate) fn of_row(run: &RunState, row: &StepState, cost: Money) -> String {
    of_calls(run.row_can_cost(row), cost)
}

/// What the run has spent so far; `least` stands before it where some calls have no price.
pub(crate) fn of_run(run: &RunState, least: &str) -> String {
    let least = if run.unpriced { least } else { "" };
    format!("{least}{}", of_calls(run.can_cost(), run.spent))
}

/// What calls have cost that can cost something or not.
pub(crate) fn of_calls(can_cost: bool, cost: Money) -> String {
    if can_cost || !cost.is_zero() {
        cost.to_string()
    } else {
        FREE.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_cost_is_free() {
        assert_eq!(of_calls(false, Money::ZERO), "free");
        assert_eq!(of_calls(true, Money::ZERO), "$0.0000");
        // A price that is not in the plan may turn up.
        assert_eq!(of_calls(false, Money::from_usd(0.25)), "$0.2500");
    }
}
