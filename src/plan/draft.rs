//! A plan as it was read, before it is checked against a catalog and a context.

use super::diagnostic::{Collector, Source};
use super::draft_plan::DraftPlan;
use super::model::{Dialect, FUNCTION_CALL};
use serde_json::Value;
use std::sync::Arc;

/// A plan as it was read: its dialect is known and its steps are found, but nothing was checked.
///
/// [`Draft::check`] makes an [`ExecutionPlan`](super::ExecutionPlan) of it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) source: Source,
    pub(super) plan: DraftPlan,
    pub(super) name: Arc<str>,
    pub(super) collector: Collector,
}

impl Draft {
    /// The name of the plan.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The dialect that it was written in.
    pub fn dialect(&self) -> Dialect {
        self.plan.dialect
    }

    /// The text it was read from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The line of a step in the text, from 1.
    pub(crate) fn line_of(&self, id: &str) -> Option<usize> {
        let mut steps = self.plan.steps.iter();
        let step = steps.find(|step| step.id.as_ref().is_some_and(|known| &*known.value == id))?;
        let before = self.source.text.get(..step.place().start)?;
        Some(before.matches('\n').count() + 1)
    }

    /// The catalog inside the plan: an object with `tools` or `mcpServers`, or both, as they stand there.
    pub fn catalog(&self) -> Option<&Value> {
        self.plan.catalog.as_ref()
    }

    /// The names of the tools that the steps call, those that `function_call` calls too.
    pub(crate) fn tool_names(&self) -> impl Iterator<Item = &str> {
        self.plan.steps.iter().filter_map(|step| {
            let tool = &*step.tool.as_ref()?.value;
            let called = (tool == FUNCTION_CALL).then(|| step.parameters.get("name")?.as_text());
            Some(called.flatten().unwrap_or(tool))
        })
    }

    /// How many steps were found.
    pub fn len(&self) -> usize {
        self.plan.steps.len()
    }

    /// Whether no step was found.
    pub fn is_empty(&self) -> bool {
        self.plan.steps.is_empty()
    }
}
