//! What a list of runs shows of each step of a run: a fold of its events that keeps no outputs.

use super::output_digest::output_digest;
use super::{EventKind, RunError, RunEvent, StepStatus};
use crate::plan::StepIx;
use crate::units::{Micros, Money};

/// Steps of a plan whose figures are kept.
pub(crate) const MOST_STEPS: usize = 512;
/// Rows of elements and calls that are followed; those of a longer list count no more.
const MOST_ROWS: usize = 1 << 20;
/// Bytes of an error's message.
const MESSAGE: usize = 600;

/// Figures of one step of one run. A `for_each` step has those of its elements too.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepFigures {
    /// How it stands.
    pub status: StepStatus,
    /// Attempts that were made.
    pub attempts: u32,
    /// The service time of its ended attempts.
    pub service: Micros,
    /// What they cost; `None` where one has no price.
    pub cost: Option<Money>,
    /// A digest of its output, 0 where it has none: equal outputs have equal digests.
    pub output: u64,
}

/// Figures of a run, step by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ItemFigures {
    /// When the last event happened, since the start of the run.
    pub at: Micros,
    /// The plan's steps in its order, at most 512.
    pub steps: Vec<StepFigures>,
    /// The error it ended with.
    pub error: Option<Box<RunError>>,
}

/// The fold that makes them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ItemFold {
    /// The figures so far.
    pub(crate) figures: ItemFigures,
    /// The steps of the plan, those without figures too.
    planned: usize,
    /// Whose elements and calls the rows after the plan's are.
    parents: Vec<StepIx>,
}

impl ItemFold {
    /// The figures after all of `events`.
    pub(crate) fn of<'a>(events: impl IntoIterator<Item = &'a RunEvent>) -> ItemFigures {
        let mut fold = Self::default();
        for event in events {
            fold.apply(event);
        }
        fold.figures
    }

    /// Takes in the next event.
    pub(crate) fn apply(&mut self, event: &RunEvent) {
        self.figures.at = self.figures.at.max(event.at);
        match &event.kind {
            EventKind::RunStarted(header) => {
                self.planned = header.steps.len();
                let fresh = StepFigures {
                    cost: Some(Money::ZERO),
                    ..StepFigures::default()
                };
                self.figures.steps = vec![fresh; self.planned.min(MOST_STEPS)];
                self.parents.clear();
            }
            EventKind::StepExpanded { step, elements, .. } => {
                let room = MOST_ROWS.saturating_sub(self.parents.len());
                let rows = std::iter::repeat_n(step.ix, elements.len().min(room));
                self.parents.extend(rows);
                self.set(step.ix, StepStatus::Running);
            }
            EventKind::StepCalled { step, row, .. }
                if row.at() == self.planned + self.parents.len()
                    && self.parents.len() < MOST_ROWS =>
            {
                self.parents.push(step.ix);
            }
            EventKind::StepReady { step } => self.set(step.ix, StepStatus::Ready),
            EventKind::AttemptStarted { step, .. } => {
                self.set(step.ix, StepStatus::Running);
                self.with(step.ix, |step| step.attempts += 1);
            }
            EventKind::AttemptEnded(end) => {
                self.with(end.step.ix, |step| {
                    step.service += end.service;
                    step.cost = step.cost.zip(end.cost).map(|(before, more)| before + more);
                });
                if end.retry_in.is_some() {
                    self.set(end.step.ix, StepStatus::Ready);
                }
            }
            EventKind::StepSucceeded { step, output, .. } => {
                self.set(step.ix, StepStatus::Succeeded);
                if let Some(own) = self.own(step.ix) {
                    own.output = output_digest(output);
                }
            }
            EventKind::StepFailed { step, .. } => self.set(step.ix, StepStatus::Failed),
            EventKind::StepSkipped { step, .. } => self.set(step.ix, StepStatus::Skipped),
            EventKind::StepUnknown { step, .. } => self.set(step.ix, StepStatus::Unknown),
            EventKind::StepCancelled { step } => self.set(step.ix, StepStatus::Cancelled),
            EventKind::StepReset { step } => self.set(step.ix, StepStatus::Pending),
            EventKind::RunEnded { error, .. } => {
                self.figures.error = error.as_deref().map(|error| Box::new(shortened(error)));
            }
            EventKind::RunReopened => self.figures.error = None,
            _ => {}
        }
    }

    fn own(&mut self, row: StepIx) -> Option<&mut StepFigures> {
        self.figures.steps.get_mut(row.at())
    }

    fn set(&mut self, row: StepIx, status: StepStatus) {
        if let Some(own) = self.own(row) {
            own.status = status;
            own.output = 0;
        }
    }

    /// Changes the step of the plan that a row belongs to.
    fn with(&mut self, row: StepIx, change: impl FnOnce(&mut StepFigures)) {
        let mut row = row;
        // A call of an element's code is two levels deep; a hostile log must not go around in a circle.
        for _ in 0..8 {
            let Some(at) = row.at().checked_sub(self.planned) else {
                break;
            };
            match self.parents.get(at) {
                Some(parent) => row = *parent,
                None => return,
            }
        }
        if let Some(own) = self.own(row) {
            change(own);
        }
    }
}

fn shortened(error: &RunError) -> RunError {
    let mut error = error.clone();
    if error.message.len() > MESSAGE {
        let end = error.message.floor_char_boundary(MESSAGE);
        error.message = error.message[..end].into();
    }
    error
}

#[cfg(test)]
mod tests;
