//! Calls on record, of any runs, from which a fork takes what it would call again.

use super::Prepared;
use super::dated::Dated;
use super::redaction::shown_input;
use super::step_instance::StepInstance;
use crate::plan::StepInput;
use crate::run::{Reuse, RunError, RunState, StepSource, StepState, StepStatus};
use crate::tools::SharedSecrets;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// What a recorded call came to.
#[derive(Clone, Debug)]
enum TapedEnd {
    /// What it made.
    Output(Arc<Value>),
    /// Why it failed.
    Failed(Box<RunError>),
}

#[derive(Clone, Debug)]
struct TapedCall {
    row: Arc<str>,
    input: StepInput,
    end: TapedEnd,
    reuse: Box<Reuse>,
}

/// Calls on record. They are found by who makes them and by their input: a step of the plan, with all its elements, or the
/// code of steps with the tool that it calls.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    of_steps: HashMap<Arc<str>, Vec<TapedCall>>,
    of_code: HashMap<Arc<str>, Vec<TapedCall>>,
}

impl Tape {
    /// Adds what the rows of a run were called with and came to, for which `is_wanted` is true of the row and the plan's
    /// step behind it. What was added first is taken first.
    pub fn add(&mut self, run: &RunState, is_wanted: &dyn Fn(&StepState, &StepState) -> bool) {
        let dated = Dated::of(run);
        let run_id = run.header.as_deref().map(|header| &header.run_id);
        let Some(run_id) = run_id else {
            return;
        };
        for row in &run.steps {
            let step = step_behind(run, row);
            let (Some(input), Some(end)) = (row.input(), end_of(row)) else {
                continue;
            };
            if !is_wanted(row, step) {
                continue;
            }
            let call = TapedCall {
                row: Arc::clone(&row.info.id),
                input: input.clone(),
                end,
                reuse: Box::new(dated.reuse(row, run_id)),
            };
            let list = match row.caller {
                Some(_) => self.of_code.entry(Arc::clone(&row.info.tool)),
                None => self.of_steps.entry(Arc::clone(&step.info.id)),
            };
            list.or_default().push(call);
        }
    }

    /// What came of the call that is about to be made, where it is on the tape; else what was to be done. `secrets` are left
    /// out of what is on record.
    pub(super) fn instead(
        &self,
        instance: &StepInstance<'_>,
        prepared: Prepared,
        secrets: &SharedSecrets,
    ) -> Result<Prepared, Prepared> {
        let Prepared::Call { input, .. } = &prepared else {
            return Err(prepared);
        };
        if self.of_steps.is_empty() && self.of_code.is_empty() {
            return Err(prepared);
        }
        let list = match (instance.code_call(), instance.step()) {
            (Some(call), _) => self.of_code.get(&call.step.tool),
            (None, Some(step)) => self.of_steps.get(&step.id),
            (None, None) => None,
        };
        let shown = shown_input(input, &secrets.now());
        let found = list.and_then(|list| find(list, &instance.key().id, &shown));
        let Some(call) = found else {
            return Err(prepared);
        };
        Ok(match &call.end {
            TapedEnd::Output(output) => {
                let reuse = Reuse {
                    input: input.clone(),
                    ..Reuse::clone(&call.reuse)
                };
                let output = Arc::clone(output);
                Prepared::Known(output, StepSource::Recorded, Some(Box::new(reuse)))
            }
            TapedEnd::Failed(error) => Prepared::Impossible(error.clone()),
        })
    }
}

/// The call of a row that was made with this input: its own, else one of another row of the same step.
fn find<'c>(calls: &'c [TapedCall], row: &str, input: &StepInput) -> Option<&'c TapedCall> {
    let same = |call: &&TapedCall| call.input == *input;
    let own = calls.iter().find(|call| &*call.row == row && same(call));
    own.or_else(|| calls.iter().find(same))
}

/// The plan's step that a row is, or is an element of; for a call of code the step whose code it is.
pub(crate) fn step_behind<'r>(run: &'r RunState, row: &'r StepState) -> &'r StepState {
    let mut step = row;
    // An element of a step, or a call of its code, which may stand below others.
    for _ in 0..run.steps.len() {
        let above = step.caller.or(step.info.parent);
        match above.and_then(|above| run.steps.get(above.at())) {
            Some(above) => step = above,
            None => break,
        }
    }
    step
}

/// What the call of a row came to; `None` where it made none or did not end by itself. What it made counts even where the
/// step expects something else.
fn end_of(row: &StepState) -> Option<TapedEnd> {
    if row.is_expanded() {
        return None;
    }
    if let Some(made) = row.made() {
        return Some(TapedEnd::Output(Arc::clone(made)));
    }
    let error = row.error.as_ref();
    let error = error.filter(|_| row.status == StepStatus::Failed);
    error.map(|error| TapedEnd::Failed(error.clone()))
}
