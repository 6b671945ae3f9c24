//! What is known of the effects of a step.

use crate::plan::Step;
use crate::tools::catalog::ModelSettings;
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
    tool.is_some_and(|tool| is_computed(tool) && is_steady(tool) && tool.cache != Some(false))
        && step.settings.cache != Some(false)
}

/// Whether its model, where it asks one, answers the same each time, as far as it can.
fn is_steady(tool: &ToolDefinition) -> bool {
    let model = tool.settings::<ModelSettings>();
    let temperature = model.and_then(|model| model.options.temperature);
    temperature.unwrap_or_default().is_default()
}

/// It asks a model, filters, or runs code in a sandbox.
fn is_computed(tool: &ToolDefinition) -> bool {
    let kind = tool.kind();
    kind.deterministic || kind.name == "model"
}
