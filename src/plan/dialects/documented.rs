//! ToolWeaver's documented plan: `steps[].parameters`, ids often integers. A list of steps alone is one too.

use super::dialect::Dialect;
use super::plan_fields;
use crate::plan::diagnostic::Collector;
use crate::plan::draft_plan::DraftPlan;
use crate::plan::model;
use crate::plan::node::Kind;
use crate::plan::written::Written;

pub(super) struct Documented;

impl Dialect for Documented {
    fn name(&self) -> model::Dialect {
        model::Dialect::Documented
    }

    fn recognises(&self, plan: &Written<'_>) -> bool {
        plan.value().is_some_and(|root| match &root.kind {
            Kind::Object(_) => true,
            Kind::List(list) => list.iter().any(|step| step.as_object().is_some()),
            _ => false,
        })
    }

    fn read(&self, plan: Written<'_>, notices: &mut Collector) -> DraftPlan {
        plan_fields::read(plan.into_value(), self.name(), notices)
    }
}
