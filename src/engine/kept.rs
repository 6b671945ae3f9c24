//! What rows of this run came to before they were taken back.
//!
//! A row is taken back because something that it depends on runs again. Where all of that comes to the same as before, the
//! row has its output back and is not called.

use super::redaction::{any_value, holds_mark};
use crate::plan::{StepInput, StepIx};
use crate::run::{
    EventKind, GivenCall, RerunReason, Reuse, RunState, StepSource, StepState, StepStatus,
};
use crate::units::Micros;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// What rows that were taken back had come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// Outputs that may be had back, by the ids of their rows, the oldest first.
    outputs: HashMap<Arc<str>, VecDeque<KeptOutput>>,
    /// What the plan's steps that were taken back have come to.
    versions: HashMap<StepIx, Versions>,
    /// Rows that ask their model otherwise than for the output that they have, with how that was asked for.
    changed: HashMap<Arc<str>, Option<Box<GivenCall>>>,
}

/// As many outputs of a row, and as many ends of a step, are remembered.
const REMEMBERED: usize = 16;

/// What a step of the plan has come to: when it comes to the same again, it has the same version again.
#[derive(Clone, Debug)]
struct Versions {
    /// The present one.
    now: u32,
    /// What had which, the oldest first; `None` where that was no output.
    seen: VecDeque<(u32, Option<Arc<Value>>)>,
    next: u32,
}

/// How a row asks its model: what the user gave the row, and its step.
type Asked = [Option<Box<GivenCall>>; 2];

#[derive(Clone, Debug)]
struct KeptOutput {
    output: Arc<Value>,
    /// What it was made with, and what it saves.
    reuse: Reuse,
    /// When it was made.
    made: Micros,
    /// The versions of what its step depends on, as it was made.
    made_after: Vec<u32>,
    /// How its model was asked.
    asked: Asked,
}

impl Kept {
    /// Takes in an event of a recorded run that was in this state before it, so that a process that goes on with the run
    /// knows what rows had come to.
    pub(super) fn replay(&mut self, state: &RunState, event: &EventKind) {
        match event {
            EventKind::StepReset { step } => self.note(state, step.ix),
            EventKind::StepCallSet { step, .. } => {
                let before = state.steps.get(step.ix.at());
                let before = before.and_then(|row| row.given_call.clone());
                self.call_changed(&step.id, before);
            }
            EventKind::AttemptStarted {
                step,
                why: Some(why),
                ..
            } if why.rerun == Some(RerunReason::Redefined) => self.forget(&step.id),
            _ => {
                let Some((row, output)) = came_to(event) else {
                    return;
                };
                let of_plan = state.steps.get(row.at());
                if of_plan.is_some_and(|row| row.info.parent.is_none() && row.caller.is_none()) {
                    self.ended(row, output);
                }
                self.made(event);
            }
        }
    }

    /// Of what the rows of a recorded run came to, only what was made after the times at which their steps were defined
    /// otherwise last.
    pub(crate) fn since(mut self, run: &RunState, defined: &HashMap<Arc<str>, Micros>) -> Self {
        if defined.is_empty() {
            return self;
        }
        for row in &run.steps {
            let parent = row.info.parent.and_then(|at| run.steps.get(at.at()));
            let since = defined.get(&parent.unwrap_or(row).info.id);
            if let (Some(since), Some(outputs)) = (since, self.outputs.get_mut(&row.info.id)) {
                outputs.retain(|kept| kept.made > *since);
            }
        }
        self
    }

    /// What the row of this id had come to is not had back.
    pub(super) fn forget(&mut self, id: &str) {
        self.outputs.remove(id);
    }

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
            self.versions.entry(ix).or_insert_with(|| Versions {
                now: 0,
                seen: VecDeque::from([(0, row.output.clone())]),
                next: 1,
            });
        }
        let asked_before = self.changed.remove(&row.info.id);
        let step = row.info.parent.unwrap_or(ix);
        let is_list = row.is_expanded();
        let elements = row.elements().iter();
        let elements = elements.filter_map(|ix| state.steps.get(ix.at()));
        for row in elements.chain([row]) {
            if let Some((output, reuse)) = output_of(row, run_id) {
                let mut asked = asked_by(state, row);
                if let Some(before) = &asked_before {
                    // What has changed is the row, or the step of its elements.
                    asked[usize::from(is_list)].clone_from(before);
                }
                let kept = KeptOutput {
                    output,
                    reuse,
                    made: row.ended_at().unwrap_or_default(),
                    made_after: self.versions_before(state, step),
                    asked,
                };
                let known = self.outputs.entry(Arc::clone(&row.info.id)).or_default();
                known.retain(|other| !other.is_for_the_same(&kept));
                known.push_back(kept);
                if known.len() > REMEMBERED {
                    known.pop_front();
                }
            }
        }
    }

    /// The row with this id asks its model otherwise from now on than with what the user had given it `before`.
    pub(super) fn call_changed(&mut self, id: &Arc<str>, before: Option<Box<GivenCall>>) {
        self.changed.entry(Arc::clone(id)).or_insert(before);
    }

    /// A row came to something: where that is an output, its model was asked as it is asked now.
    pub(super) fn made(&mut self, event: &EventKind) {
        if !self.changed.is_empty()
            && let Some(step) = event.step()
        {
            self.changed.remove(&step.id);
        }
    }

    /// A step of the plan came to this; `None` where that is no output.
    pub(super) fn ended(&mut self, step: StepIx, output: Option<&Arc<Value>>) {
        let Some(versions) = self.versions.get_mut(&step) else {
            return;
        };
        let is_known =
            output.is_none_or(|output| !any_value(&Arc::clone(output).into(), &holds_mark));
        let mut seen = versions.seen.iter();
        let same = seen.find(|(_, before)| is_known && before.as_ref() == output);
        if let Some((version, _)) = same {
            versions.now = *version;
            return;
        }
        versions.now = versions.next;
        versions.next += 1;
        if is_known {
            versions.seen.push_back((versions.now, output.cloned()));
            if versions.seen.len() > REMEMBERED {
                versions.seen.pop_front();
            }
        }
    }

    /// The output that a row had for the same input, while all that its step depends on was as it is.
    pub(super) fn find(
        &self,
        state: &RunState,
        step: StepIx,
        row: StepIx,
        input: &StepInput,
        now: Micros,
    ) -> Option<(Arc<Value>, Box<Reuse>)> {
        let row = state.steps.get(row.at())?;
        let known = self.outputs.get(&row.info.id)?;
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
        let (made_after, asked) = (self.versions_before(state, step), asked_by(state, row));
        let is_it = |kept: &&KeptOutput| {
            kept.made_after == made_after && kept.asked == asked && kept.reuse.input == *input
        };
        let kept = known.iter().rev().find(is_it)?;
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
        let version = |step| self.versions.get(step).map_or(0, |versions| versions.now);
        before.iter().map(version).collect()
    }
}

/// The row that came to something with this event, and its output where that is one.
pub(super) fn came_to(event: &EventKind) -> Option<(StepIx, Option<&Arc<Value>>)> {
    match event {
        EventKind::StepSucceeded { step, output, .. } => Some((step.ix, Some(output))),
        EventKind::StepFailed { step, .. }
        | EventKind::StepSkipped { step, .. }
        | EventKind::StepUnknown { step, .. }
        | EventKind::StepCancelled { step } => Some((step.ix, None)),
        _ => None,
    }
}

impl KeptOutput {
    fn is_for_the_same(&self, other: &Self) -> bool {
        self.made_after == other.made_after
            && self.asked == other.asked
            && self.reuse.input == other.reuse.input
    }
}

/// How the user has a row ask its model.
fn asked_by(state: &RunState, row: &StepState) -> Asked {
    let step = row.info.parent.and_then(|step| state.steps.get(step.at()));
    [
        row.given_call.clone(),
        step.and_then(|step| step.given_call.clone()),
    ]
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
