//! A plan as a dialect reads it: steps whose references are still text, with the places of everything.

use super::model::{Dialect, StepSettings};
use super::node::Node;
use serde_json::{Map, Value};
use std::ops::Range;
use std::sync::Arc;

/// A value and where it stood, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub value: T,
    pub span: Range<usize>,
}

impl<T> Placed<T> {
    pub(super) fn new(value: T, span: Range<usize>) -> Self {
        Self { value, span }
    }
}

/// A step whose references are still text.
#[derive(Clone, Debug)]
pub(super) struct DraftStep {
    pub id: Option<Placed<Arc<str>>>,
    pub tool: Option<Placed<Arc<str>>>,
    pub parameters: Node,
    /// Arguments by position, in the dialects that have them; their names come from the catalog.
    pub positional: Vec<Node>,
    pub depends_on: Vec<Placed<Arc<str>>>,
    pub run_if: Option<Node>,
    pub for_each: Option<Node>,
    pub expect: Option<Node>,
    pub approve: Option<Node>,
    pub settings: Arc<StepSettings>,
    /// Whether it is the plan's `final_synthesis`: it waits for every sink.
    pub synthesis: bool,
    pub span: Range<usize>,
}

impl DraftStep {
    pub(super) fn new(span: Range<usize>) -> Self {
        Self {
            id: None,
            tool: None,
            parameters: Node::object(Vec::new(), span.clone()),
            positional: Vec::new(),
            depends_on: Vec::new(),
            run_if: None,
            for_each: None,
            expect: None,
            approve: None,
            settings: StepSettings::unset(),
            synthesis: false,
            span,
        }
    }

    /// The settings of this step, no longer shared with other steps.
    pub(super) fn settings_mut(&mut self) -> &mut StepSettings {
        Arc::make_mut(&mut self.settings)
    }

    /// The best place for a fault about the step as a whole.
    pub(super) fn place(&self) -> Range<usize> {
        self.id
            .as_ref()
            .or(self.tool.as_ref())
            .map_or_else(|| first_byte(&self.span), |placed| placed.span.clone())
    }
}

/// The first byte of a long range, as the place of a fault.
pub(super) fn first_byte(span: &Range<usize>) -> Range<usize> {
    span.start..span.end.min(span.start + 1)
}

/// The plan that every dialect is read into.
#[derive(Clone, Debug)]
pub(super) struct DraftPlan {
    pub name: Option<Arc<str>>,
    pub dialect: Dialect,
    pub steps: Vec<DraftStep>,
    pub context: Map<String, Value>,
    pub catalog: Option<Value>,
    /// Whether an entry of the steps could not be read as a step, which is reported already.
    pub unreadable: bool,
    pub span: Range<usize>,
}

impl DraftPlan {
    pub(super) fn new(dialect: Dialect, span: Range<usize>) -> Self {
        Self {
            name: None,
            dialect,
            steps: Vec::new(),
            context: Map::new(),
            catalog: None,
            unreadable: false,
            span,
        }
    }
}
