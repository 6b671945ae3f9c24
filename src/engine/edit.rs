//! What the user gave a step instead of what the plan has.

use serde_json::Value;
use std::sync::Arc;

/// An edit of the user's that replaces what the plan has, by the id of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// The step is called with this instead of its parameters.
    Input(Arc<str>, Arc<Value>),
    /// The step is not called, and this is its output.
    Output(Arc<str>, Arc<Value>),
}

impl Edit {
    /// The row.
    pub const fn step(&self) -> &Arc<str> {
        match self {
            Self::Input(step, _) | Self::Output(step, _) => step,
        }
    }
}
