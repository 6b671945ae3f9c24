//! What the user decided about rows, and what the user is asked.

use crate::plan::StepIx;
use crate::run::{CallEdit, GivenCall, RunError};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// The user's decisions.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    /// Inputs that replace parameters.
    inputs: HashMap<StepIx, Arc<Value>>,
    /// How models are asked otherwise than plan and catalog have it.
    calls: HashMap<StepIx, GivenCall>,
    /// What is known of rows about which the user is asked.
    asked: HashMap<StepIx, Box<RunError>>,
}

impl Decisions {
    /// From now on a row is called with this, or (`None`) with its parameters.
    pub(super) fn set_input(&mut self, row: StepIx, input: Option<Arc<Value>>) {
        match input {
            Some(input) => drop(self.inputs.insert(row, input)),
            None => drop(self.inputs.remove(&row)),
        }
    }

    /// What a row is called with instead of its parameters.
    pub(super) fn input(&self, row: StepIx) -> Option<&Arc<Value>> {
        self.inputs.get(&row)
    }

    /// Changes how the model of a row is asked. Returns what holds from now on.
    pub(super) fn set_call(&mut self, row: StepIx, edit: &CallEdit) -> GivenCall {
        let call = self.calls.entry(row).or_default();
        edit.apply(call);
        call.clone()
    }

    /// The user is asked what happened to a row.
    pub(super) fn ask(&mut self, row: StepIx, known: Box<RunError>) {
        self.asked.insert(row, known);
    }

    /// The user is asked about a row no longer; returns what is known of it.
    pub(super) fn take_question(&mut self, row: StepIx) -> Option<Box<RunError>> {
        self.asked.remove(&row)
    }

    /// Whether the user is asked about any row.
    pub(super) fn is_asking(&self) -> bool {
        !self.asked.is_empty()
    }
}
