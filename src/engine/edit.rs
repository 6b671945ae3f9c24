//! What the user gave a step instead of what the plan has.

use crate::plan::StepIx;
use crate::run::{CallEdit, RunCommand};
use serde_json::Value;
use std::sync::Arc;

/// An edit of the user's that replaces what the plan has, by the id of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// The step is called with this instead of its parameters.
    Input(Arc<str>, Arc<Value>),
    /// The step is not called, and this is its output.
    Output(Arc<str>, Arc<Value>),
    /// The step is called so, or as plan and catalog have it; what the edit leaves alone is as other edits have it.
    Call(Arc<str>, Box<CallEdit>),
    /// The step is not run.
    Skip(Arc<str>),
}

impl Edit {
    /// The row.
    pub const fn step(&self) -> &Arc<str> {
        match self {
            Self::Input(step, _)
            | Self::Output(step, _)
            | Self::Call(step, _)
            | Self::Skip(step) => step,
        }
    }

    /// The command that makes this edit of its row.
    pub(super) fn command(self, row: StepIx) -> RunCommand {
        match self {
            Self::Input(_, input) => RunCommand::SetInput(row, Some(input)),
            Self::Output(_, output) => RunCommand::SetOutput(row, output),
            Self::Skip(_) => RunCommand::Skip(row),
            Self::Call(_, edit) => RunCommand::SetCall(row, edit),
        }
    }
}
