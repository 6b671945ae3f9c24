//! The condition of a breakpoint, which is typed when the plan is known.

use super::dialects;
use super::expression::Expression;
use super::ids::StepIds;
use super::model::{Dialect, ExecutionPlan, Step};
use super::reference::{Own, Root};
use super::reference_syntax::{Fault, Vocabulary};
use std::sync::Arc;

/// What the condition of a breakpoint sees of the call that it is about.
const OWN: &[Own] = &[Own::Input, Own::Output, Own::Cost, Own::Attempt];

impl ExecutionPlan {
    /// Reads an expression over a call of `step`, or of any step.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub(crate) fn break_condition(
        &self,
        step: Option<&Step>,
        text: &str,
    ) -> Result<Expression, String> {
        let ids = self.steps.iter().map(|step| &step.id);
        let has_value = |name: &str| self.context.contains_key(name);
        let in_list = step.is_none_or(|step| step.for_each.is_some());
        break_condition(ids, (self.dialect, &has_value), in_list, text)
    }
}

/// The same for a plan with these steps, in this dialect and with these context values.
///
/// # Errors
/// What is wrong with it, in one line.
pub(crate) fn break_condition<'a>(
    ids: impl ExactSizeIterator<Item = &'a Arc<str>>,
    (dialect, has_value): (Dialect, &dyn Fn(&str) -> bool),
    in_for_each: bool,
    text: &str,
) -> Result<Expression, String> {
    let mut known = StepIds::with_capacity(ids.len());
    for id in ids {
        known.add(id);
    }
    let vocabulary = Vocabulary {
        ids: &known,
        syntax: dialects::references(dialect),
        context: has_value,
        in_for_each,
        own: OWN,
        in_code: false,
    };
    vocabulary.condition(text).map_err(|fault| match fault {
        Fault::UnknownStep(id) => format!("the plan has no step {id}"),
        Fault::BadExpression(why) => format!("{text} is no expression: {why}"),
        _ => format!("{text} is no expression"),
    })
}

impl Expression {
    /// Whether it looks at what is known only once a call has ended.
    pub(crate) fn looks_at_the_end(&self) -> bool {
        let mut roots = self.roots.iter();
        roots.any(|root| matches!(root, Root::Own(Own::Output | Own::Cost)))
    }
}
