//! ToolWeaver's workflow template: `steps[].step_id`, `tool_name`, `condition`, `retry_count`.
//!
//! Its `retry_count` counts the tries after the first.

use super::fields;
use crate::plan::Dialect;
use crate::plan::diagnostic::Collector;
use crate::plan::draft::DraftPlan;
use crate::plan::node::Node;

pub(super) fn recognises(steps: &Node) -> bool {
    steps.as_list().is_some_and(|steps| {
        steps
            .iter()
            .any(|step| step.get("step_id").is_some() || step.get("tool_name").is_some())
    })
}

pub(super) fn read(root: Node, collector: &mut Collector) -> DraftPlan {
    fields::read_plan(root, Dialect::Template, collector)
}
