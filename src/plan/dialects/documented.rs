//! ToolWeaver's documented plan: `steps[].parameters`, ids often integers.

use super::fields;
use crate::plan::Dialect;
use crate::plan::diagnostic::Collector;
use crate::plan::draft::DraftPlan;
use crate::plan::node::Node;

pub(super) fn read(root: Node, collector: &mut Collector) -> DraftPlan {
    fields::read_plan(root, Dialect::Documented, collector)
}
