//! What a recorded run that goes on under its own id takes over of itself.

use super::ResumeState;
use crate::engine::edit::Edit;
use crate::engine::kept::Kept;
use crate::engine::prior_steps::PriorStep;
use crate::run::{RunState, StepStatus};
use std::collections::HashSet;
use std::sync::Arc;

impl ResumeState {
    /// Has the row of this id, with its elements, run again, with everything that depends on it.
    pub fn retry(&mut self, id: &Arc<str>) {
        self.forget_outcome(id);
        self.retried.push(Arc::clone(id));
    }

    /// Takes nothing over of the row of this id, of its elements, and of the calls that its code made.
    pub fn forget_outcome(&mut self, id: &Arc<str>) {
        let of_it = |row: &str| {
            let rest = row.strip_prefix(&**id);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '/']))
        };
        let known = self.prior.rows.keys();
        let rows: Vec<Arc<str>> = known.filter(|row| of_it(row)).cloned().collect();
        for row in rows.iter().chain([id]) {
            self.take_back(row);
        }
    }

    /// Whether the step of this id is defined as it was.
    pub(crate) fn is_same(&self, id: &str) -> bool {
        self.prior.same.contains(id)
    }

    /// Goes on with `run`, the earlier run itself: its attempts are counted on, and what the user skipped stays skipped.
    /// `kept` is what its rows had come to before they were taken back; what is defined otherwise now is not had back.
    pub(crate) fn go_on(&mut self, run: &RunState, mut kept: Kept) {
        self.stops_early = true;
        for row in &run.steps {
            let parent = row.info.parent.and_then(|at| run.steps.get(at.at()));
            let of_plan = parent.unwrap_or(row);
            // What a process that died was to run again is run again.
            let is_given_up = !row.status.has_ended();
            if is_given_up || !self.is_same(&of_plan.info.id) {
                kept.forget(&row.info.id);
            }
        }
        self.kept = kept;
        for row in &run.steps {
            let id = || Arc::clone(&row.info.id);
            if let Some(last) = row.attempts.last() {
                self.attempts.insert(id(), last.number);
            }
            let is_decided = self.edits.iter().any(|edit| *edit.step() == row.info.id);
            let is_retried = || self.retried.contains(&row.info.id);
            if self.prior.skipped.contains(&row.info.id) && !is_decided && !is_retried() {
                self.edits.push(Edit::Skip(id()));
            }
        }
    }

    /// Whether what is on record of the row of this id counts: nothing of it has been given up.
    pub(in crate::engine) fn keeps(&self, id: &str) -> bool {
        !matches!(self.prior.rows.get(id), Some(PriorStep::Rerun))
    }

    /// Leaves the failed rows of `run` as they are, except those that are `named` and their elements.
    pub fn keep_failures(&mut self, run: &RunState, named: &HashSet<Arc<str>>) {
        for row in &run.steps {
            let parent = row.info.parent.and_then(|at| run.steps.get(at.at()));
            let is_named = named.contains(&row.info.id)
                || parent.is_some_and(|parent| named.contains(&parent.info.id));
            let error = row
                .error
                .as_ref()
                .filter(|_| row.status == StepStatus::Failed);
            if let Some(error) = error.filter(|_| !is_named) {
                let failed = PriorStep::Failed(error.clone());
                self.prior.rows.insert(Arc::clone(&row.info.id), failed);
            }
        }
    }

    /// The number of the last attempt of a row before this process, where the run goes on under its own id.
    pub(in crate::engine) fn attempts_before(&self, id: &str) -> u32 {
        self.attempts.get(id).copied().unwrap_or_default()
    }

    /// The rows that run again without an output that is cached for them.
    pub(in crate::engine) fn retried(&self) -> &[Arc<str>] {
        &self.retried
    }
}
