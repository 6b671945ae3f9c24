//! The condition of a breakpoint, which is typed when the plan is known.

use super::dialects;
use super::expression::Expression;
use super::ids::StepIds;
use super::model::{ExecutionPlan, Step};
use super::reference::{Own, Root};
use super::reference_syntax::{Fault, Vocabulary};

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
        let mut ids = StepIds::with_capacity(self.steps.len());
        for step in self.steps.iter() {
            ids.add(&step.id);
        }
        let vocabulary = Vocabulary {
            ids: &ids,
            syntax: dialects::references(self.dialect),
            context: &|name| self.context.contains_key(name),
            in_for_each: step.is_none_or(|step| step.for_each.is_some()),
            own: OWN,
            in_code: false,
        };
        vocabulary.condition(text).map_err(|fault| match fault {
            Fault::UnknownStep(id) => format!("the plan has no step {id}"),
            Fault::BadExpression(why) => format!("{text} is no expression: {why}"),
            _ => format!("{text} is no expression"),
        })
    }
}

impl Expression {
    /// Whether it looks at what is known only once a call has ended.
    pub(crate) fn looks_at_the_end(&self) -> bool {
        let mut roots = self.roots.iter();
        roots.any(|root| matches!(root, Root::Own(Own::Output | Own::Cost)))
    }
}
