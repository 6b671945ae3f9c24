//! References: how one step names another's output, or a context value.

use super::StepIx;
use serde_json::Value;
use std::sync::Arc;

/// One move into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A member of an object.
    Field(Arc<str>),
    /// An element of a list; from the end where negative.
    Index(i64),
}

/// What a reference starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// The output of a step.
    Step(StepIx),
    /// A context value.
    Context(Arc<str>),
    /// The element of the list that a `for_each` step runs for.
    Item,
    /// The position of that element.
    Index,
    /// An object of all outputs by step id.
    Outputs,
}

/// A plain reference: a root and a path into its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it starts from.
    pub root: Root,
    /// The way from there.
    pub path: Box<[Segment]>,
    /// As the plan has it, for messages.
    pub source: Arc<str>,
}

/// What the references of one step see when they are resolved.
pub trait Scope {
    /// The output of a step that succeeded.
    fn output(&self, step: StepIx) -> Option<&Value>;
    /// The status word of a step (`succeeded`, `failed`, `skipped`, …), for expressions.
    fn status(&self, step: StepIx) -> &'static str;
    /// A step's id.
    fn id(&self, step: StepIx) -> &str;
    /// How many steps the plan has.
    fn steps(&self) -> usize;
    /// A context value.
    fn context(&self, name: &str) -> Option<&Value>;
    /// The element and its position, inside a `for_each` step.
    fn item(&self) -> Option<(&Value, usize)>;
}

/// Why a reference or an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReferenceError {
    /// What is missing, naming the reference, for instance
    /// `{{steps[1].output.merchant}}: the output of step 1 has no field "merchant" (it has: total, date)`.
    pub message: String,
}
