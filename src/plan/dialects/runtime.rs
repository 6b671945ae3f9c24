//! ToolWeaver's runtime plan: `request_id`, `steps[].input`, `final_synthesis`.
//!
//! Its `retry_policy.retries` counts attempts, the first included, as ToolWeaver's own runtime does.

use super::fields;
use crate::plan::Dialect;
use crate::plan::diagnostic::Collector;
use crate::plan::draft::DraftPlan;
use crate::plan::node::Node;

pub(super) fn recognises(root: &Node, steps: Option<&Node>) -> bool {
    root.get("request_id").is_some()
        || root.get("final_synthesis").is_some()
        || steps
            .and_then(Node::as_list)
            .is_some_and(|steps| steps.iter().any(|step| step.get("input").is_some()))
}

pub(super) fn read(root: Node, collector: &mut Collector) -> DraftPlan {
    fields::read_plan(root, Dialect::Runtime, collector)
}
