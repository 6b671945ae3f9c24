//! What the search knows of a task, and what it has planned so far.

use super::literals::Literal;
use super::sources::Owner;
use super::types::schema_of;
use crate::planner::words::words;
use crate::tools::{Catalog, ToolDefinition};
use serde_json::{Map, Value};
use std::ops::Range;
use std::sync::Arc;

/// A part of a task, which asks for one thing.
#[derive(Clone, Debug, Default)]
pub(super) struct Clause {
    /// Its words.
    pub text: String,
    /// Where it stands in the task.
    pub place: Range<usize>,
    /// The stems of its words.
    pub stems: Vec<String>,
    /// Whether it speaks of the result of the part before it.
    pub refers_back: bool,
}

/// A step that is planned.
pub(super) struct Planned {
    pub tool: usize,
    pub id: String,
    pub parameters: Map<String, Value>,
    pub for_each: Option<String>,
    /// Its output: that of the tool, or a list of such.
    pub output: Option<Value>,
}

/// What is given: the tools, the context, and the task with the values in it.
pub(super) struct Known<'a> {
    pub tools: &'a [Arc<ToolDefinition>],
    pub owners: Vec<Owner>,
    /// The name and the schema of each context value.
    pub context: Vec<(&'a str, Value)>,
    pub literals: Vec<Literal>,
    pub task: &'a str,
    pub task_words: Vec<String>,
}

impl<'a> Known<'a> {
    pub(super) fn new(
        catalog: &'a Catalog,
        context: &'a Map<String, Value>,
        literals: Vec<Literal>,
        task: &'a str,
    ) -> Self {
        Self {
            tools: catalog.tools(),
            owners: catalog.tools().iter().map(|tool| Owner::of(tool)).collect(),
            context: context
                .iter()
                .map(|(name, value)| (&**name, schema_of(value)))
                .collect(),
            literals,
            task,
            task_words: words(task),
        }
    }
}
