//! The conditions of breakpoints, as expressions.

use crate::plan::{ExecutionPlan, Expression};
use crate::run::{BreakWhen, Breakpoint};
use std::collections::BTreeMap;

/// The conditions of the breakpoints that are set.
#[derive(Default)]
pub(super) struct BreakConditions(BTreeMap<Breakpoint, Expression>);

impl BreakConditions {
    /// Takes note of a breakpoint that is set or removed. Returns whether it can be.
    pub(super) fn note(&mut self, plan: &ExecutionPlan, breakpoint: &Breakpoint, on: bool) -> bool {
        let BreakWhen::Condition(text) = &breakpoint.when else {
            return true;
        };
        if !on {
            self.0.remove(breakpoint);
            return true;
        }
        let id = breakpoint.step.split('[').next().unwrap_or_default();
        let step = plan.find(&breakpoint.step).or_else(|| plan.find(id));
        let step = step.and_then(|ix| plan.step(ix));
        let condition = plan.break_condition(step, text);
        condition.is_ok_and(|condition| {
            self.0.insert(breakpoint.clone(), condition);
            true
        })
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of a row that are asked before (or `after`) a call of it.
    pub(super) fn of<'a>(
        &'a self,
        id: &'a str,
        after: bool,
    ) -> impl Iterator<Item = &'a Expression> + use<'a> {
        let about = self
            .0
            .iter()
            .filter(move |(breakpoint, _)| breakpoint.is_about(id));
        about
            .map(|(_, condition)| condition)
            .filter(move |condition| condition.looks_at_the_end() == after)
    }
}
