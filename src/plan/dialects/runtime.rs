//! ToolWeaver's runtime plan: `request_id`, `steps[].input`, `final_synthesis`.
//!
//! Its `retry_policy.retries` counts attempts, the first included, as ToolWeaver's own runtime does.

use super::dialect::Dialect;
use super::plan_fields;
use crate::plan::diagnostic::Collector;
use crate::plan::draft_plan::DraftPlan;
use crate::plan::model;
use crate::plan::written::Written;

pub(super) struct Runtime;

impl Dialect for Runtime {
    fn name(&self) -> model::Dialect {
        model::Dialect::Runtime
    }

    fn recognises(&self, plan: &Written<'_>) -> bool {
        plan.value().is_some_and(|root| {
            root.get("request_id").is_some()
                || root.get("final_synthesis").is_some()
                || plan_fields::steps(root)
                    .is_some_and(|steps| steps.iter().any(|step| step.get("input").is_some()))
        })
    }

    fn read(&self, plan: Written<'_>, notices: &mut Collector) -> DraftPlan {
        plan_fields::read(plan.into_value(), self.name(), notices)
    }
}
