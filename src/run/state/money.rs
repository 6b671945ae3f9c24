//! What a run and its steps can cost, and what counts against a limit.

use super::RunState;
use crate::run::StepState;
use crate::units::Money;

impl RunState {
    /// What the run may still come to cost besides what earlier runs have spent: the limit less that; `None` without a
    /// limit.
    pub fn budget(&self) -> Option<Money> {
        let header = self.header.as_ref()?;
        let limit = self.limits.max_total_cost_usd?;
        Some((limit - header.spent_before + self.released).max(Money::ZERO))
    }

    /// Whether a step of the run has a price, or none is known of any.
    pub(crate) fn can_cost(&self) -> bool {
        self.header.as_deref().is_some_and(|header| {
            let priced = || header.steps.iter().any(|step| step.price.is_some());
            header.track_cost && (!header.priced || priced())
        })
    }

    /// Whether the calls of a row can cost anything, as far as the run says so.
    pub(crate) fn row_can_cost(&self, row: &StepState) -> bool {
        self.header.as_deref().is_some_and(|header| {
            // An element is called at the price of its step, and what code calls at its own.
            let parent = row.info.parent.filter(|_| row.caller.is_none());
            let step = parent.and_then(|step| header.steps.get(step.at()));
            let priced = row.info.price.is_some() || step.is_some_and(|step| step.price.is_some());
            header.track_cost && (!header.priced || priced)
        })
    }

    /// What the run and those that it resumed have spent, as far as it counts against a limit. An attempt counts with
    /// what was reserved for it where its bill is not known, because it was cut off or had no price.
    pub fn ledger(&self) -> Money {
        let attempts = self.steps.iter().flat_map(|row| &row.attempts);
        let unknown = attempts.filter(|attempt| {
            let end = attempt.end.as_ref();
            end.is_none_or(|(_, end)| end.cost.is_none())
        });
        let before = self.header.as_ref().map(|header| header.spent_before);
        let unknown: Money = unknown.map(|attempt| attempt.reserved).sum();
        before.unwrap_or_default() - self.released + self.spent + unknown
    }
}
