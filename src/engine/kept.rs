//! What rows of this run came to before they were taken back.
//!
//! A row is taken back because something that it depends on runs again. Where all of that comes to the same as before, the
//! row has its output back and is not called.

use super::left_out::holds_mark;
use super::redaction::any_value;
use crate::plan::{StepInput, StepIx};
use crate::run::{Reuse, RunState, StepSource, StepState, StepStatus};
use crate::units::Micros;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What rows that were taken back had come to.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Outputs that may be had back, by the ids of their rows.
    outputs: HashMap<Arc<str>, KeptOutput>,
    /// What the plan's steps had come to; `None` where that was no output.
    before: HashMap<StepIx, Option<Arc<Value>>>,
    /// How many times the plan's steps came to something else than before; those that never did are not here.
    versions: HashMap<StepIx, u32>,
    /// Rows that ask their model otherwise than for the output that they have.
    changed: HashSet<Arc<str>>,
}

#[derive(Debug)]
struct KeptOutput {
    output: Arc<Value>,
    /// What it was made with, and what it saves.
    reuse: Reuse,
    /// When it was made.
    made: Micros,
    /// The versions of what its step depends on, as it was made.
    made_after: Vec<u32>,
}

impl Kept {
    /// A row is about to be taken back, with its elements; a call that code makes, before its code makes it once more.
    pub(super) fn note(&mut self, state: &RunState, ix: StepIx) {
        let run_id = state.header.as_deref().map(|header| &header.run_id);
        let (Some(run_id), Some(row)) = (run_id, state.steps.get(ix.at())) else {
            return;
        };
        if !row.status.has_ended() && !row.is_expanded() {
            // Nothing came of it since it was taken back the last time.
            return;
        }
        if row.info.parent.is_none() {
            self.before.insert(ix, row.output.clone());
        }
        if self.changed.remove(&row.info.id) {
            return;
        }
        let elements = row.elements().iter();
        let elements = elements.filter_map(|ix| state.steps.get(ix.at()));
        let step = row.info.parent.unwrap_or(ix);
        for row in elements.chain([row]) {
            if let Some((output, reuse)) = output_of(row, run_id) {
                let kept = KeptOutput {
                    output,
                    reuse,
                    made: row.ended_at().unwrap_or_default(),
                    made_after: self.versions_before(state, step),
                };
                self.outputs.insert(Arc::clone(&row.info.id), kept);
            }
        }
    }

    /// The row with this id, or the elements of the step, ask their model otherwise from now on: what they had come to is
    /// of no use any more.
    pub(super) fn call_changed(&mut self, id: &Arc<str>) {
        let is_of = |row: &str| {
            let rest = row.strip_prefix(&**id);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        self.outputs.retain(|row, _| !is_of(row));
        self.changed.insert(Arc::clone(id));
    }

    /// A step of the plan came to this; `None` where that is no output.
    pub(super) fn ended(&mut self, step: StepIx, output: Option<&Arc<Value>>) {
        let Some(before) = self.before.get(&step) else {
            return;
        };
        let is_known = |output: &Arc<Value>| !any_value(&Arc::clone(output).into(), &holds_mark);
        let same = before.as_ref() == output && output.is_none_or(is_known);
        if !same {
            *self.versions.entry(step).or_default() += 1;
        }
    }

    /// The output that a row had for the same input, while all that its step depends on was as it is.
    pub(super) fn find(
        &self,
        state: &RunState,
        step: StepIx,
        id: &str,
        input: &StepInput,
        now: Micros,
    ) -> Option<(Arc<Value>, Box<Reuse>)> {
        let kept = self.outputs.get(id)?;
        let before = &state.steps.get(step.at())?.info.depends_on;
        let has_ended = |ix: &StepIx| {
            state
                .steps
                .get(ix.at())
                .is_some_and(|row| row.status.has_ended())
        };
        if !before.iter().all(has_ended) {
            // It starts before all of it is known.
            return None;
        }
        if kept.made_after != self.versions_before(state, step) || kept.reuse.input != *input {
            return None;
        }
        let reuse = Reuse {
            age: kept.reuse.age + (now - kept.made),
            ..kept.reuse.clone()
        };
        Some((Arc::clone(&kept.output), Box::new(reuse)))
    }

    /// Whether nothing was taken back so far.
    pub(super) fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// How often the steps that a step depends on have come to something else.
    pub(super) fn versions_before(&self, state: &RunState, step: StepIx) -> Vec<u32> {
        let row = state.steps.get(step.at());
        let before = row.map_or(&[][..], |row| &row.info.depends_on);
        let version = |step| self.versions.get(step).copied().unwrap_or(0);
        before.iter().map(version).collect()
    }
}

/// The output of a row, where that is known as a whole: what is shown and recorded lacks secrets.
fn output_of(row: &StepState, run_id: &Arc<str>) -> Option<(Arc<Value>, Reuse)> {
    let output = row.output.as_ref()?;
    let is_called = row.source != Some(StepSource::Mock) && !row.is_expanded();
    if row.status != StepStatus::Succeeded || !is_called {
        return None;
    }
    let reuse = match row.reused.as_deref() {
        Some(reuse) => reuse.clone(),
        None => Reuse {
            run_id: Arc::clone(run_id),
            age: Micros(0),
            cost: row.cost.unwrap_or_default(),
            service: row.service,
            pinned: false,
            input: row.last_attempt()?.input.clone(),
        },
    };
    let output = Arc::clone(output);
    let lacks = any_value(&reuse.input, &holds_mark)
        || any_value(&StepInput::from(Arc::clone(&output)), &holds_mark);
    (!lacks).then_some((output, reuse))
}
