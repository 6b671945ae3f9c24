//! A call that code makes, and its row.

use crate::plan::{RetryPolicy, Step, StepInput, StepIx};
use crate::run::{RunError, StepPrice};
use std::sync::Arc;

/// A call that code asks for.
#[derive(Clone, Debug)]
pub(crate) struct CodeCall {
    /// What the code calls it by.
    pub number: u32,
    /// What the row is called: nothing of the plan is called that.
    pub id: Arc<str>,
    /// The tool, and the settings of a step that has none.
    pub step: Arc<Step>,
    /// The kind of the tool.
    pub kind: Arc<str>,
    /// What it can cost; `None` where it costs nothing.
    pub price: Option<Box<StepPrice>>,
    /// How it is tried again.
    pub retry: RetryPolicy,
    /// The parameters.
    pub input: StepInput,
}

/// The row of a call.
#[derive(Debug)]
pub(super) struct CallRow {
    /// The row whose code calls.
    pub caller: StepIx,
    /// The step of the plan behind that.
    pub parent: StepIx,
    /// What is called.
    pub call: CodeCall,
    /// What it could not be made before.
    pub depends_on: Arc<[StepIx]>,
    /// Whether the code has no answer yet, and waits for one.
    pub is_open: bool,
    /// Whether nothing else may start before it has ended, although its code has ended.
    pub is_alone: bool,
    /// Why it failed.
    pub error: Option<Box<RunError>>,
}
