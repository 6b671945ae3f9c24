//! What is known of the effects of a step.

use crate::plan::Step;
use crate::tools::{Catalog, ToolDefinition};

/// Whether a step only computes or reads: skipping it, or running it at another moment, changes nothing outside.
pub(super) fn has_no_effects(step: &Step, catalog: &Catalog) -> bool {
    catalog
        .get(&step.tool)
        .is_some_and(|tool| is_computed(tool) || tool.read_only)
}

/// Whether equal inputs give equal outputs at any moment.
pub(super) fn is_repeatable(step: &Step, catalog: &Catalog) -> bool {
    let tool = catalog.get(&step.tool);
    tool.is_some_and(|tool| is_computed(tool) && tool.cache != Some(false))
        && step.settings.cache != Some(false)
}

/// Models answer at temperature 0, and their outputs are reused between runs; the other kinds are filters and code in a
/// sandbox.
fn is_computed(tool: &ToolDefinition) -> bool {
    let kind = tool.kind();
    kind.deterministic || kind.name == "model"
}
