//! ToolWeaver's workflow template: `steps[].step_id`, `tool_name`, `condition`, `retry_count`.
//!
//! Its `retry_count` counts the attempts after the first.

use super::dialect::Dialect;
use super::plan_fields;
use crate::plan::diagnostic::Collector;
use crate::plan::draft_plan::DraftPlan;
use crate::plan::model;
use crate::plan::written::Written;

pub(super) struct Template;

impl Dialect for Template {
    fn name(&self) -> model::Dialect {
        model::Dialect::Template
    }

    fn recognises(&self, plan: &Written<'_>) -> bool {
        let steps = plan.value().and_then(plan_fields::steps);
        steps.is_some_and(|steps| {
            steps
                .iter()
                .any(|step| step.get("step_id").is_some() || step.get("tool_name").is_some())
        })
    }

    fn read(&self, plan: Written<'_>, notices: &mut Collector) -> DraftPlan {
        plan_fields::read(plan.into_value(), self.name(), notices)
    }
}
