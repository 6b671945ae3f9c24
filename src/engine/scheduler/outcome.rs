//! The phase of the run, and how it ends.

use crate::plan::StepIx;
use crate::run::{RunError, RunOutcome};
use std::collections::HashMap;

/// The phase of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has not begun.
    #[default]
    New,
    /// Steps start and end.
    Running,
    /// Nothing starts unless the user asks for it.
    Paused,
    /// What is running is being cancelled; then the run ends this way.
    Stopping(RunOutcome),
    /// Only answers are missing: code that waits for a call that is held is stopped; then the run ends this way.
    Closing(RunOutcome),
    /// Nothing is left to do.
    Ended,
}

/// What the run comes to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Its phase.
    pub phase: Phase,
    /// A step has failed, and the run is to stop because of it.
    pub failing: bool,
    /// The errors of rows that failed.
    errors: HashMap<StepIx, Box<RunError>>,
    /// The limit that stopped it.
    pub limit_error: Option<Box<RunError>>,
}

impl Outcome {
    /// Whether it has begun and is neither being stopped nor over.
    pub(super) fn is_going(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Paused)
    }

    /// Whether it is being stopped.
    pub(super) fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping(_) | Phase::Closing(_))
    }

    /// A row failed, or its outcome is unknown.
    pub(super) fn set_error(&mut self, row: StepIx, error: Box<RunError>) {
        self.errors.insert(row, error);
    }

    /// A row begins again.
    pub(super) fn forget_error(&mut self, row: StepIx) {
        if !self.errors.is_empty() {
            self.errors.remove(&row);
        }
    }

    /// Why a row failed.
    pub(super) fn error(&self, row: StepIx) -> Option<&RunError> {
        self.errors.get(&row).map(|error| &**error)
    }

    /// Whether any row failed.
    pub(super) fn has_error(&self) -> bool {
        !self.errors.is_empty()
    }

    /// How the run ends now; `incomplete` is whether a stop left rows behind that have not run since.
    pub(super) fn conclude(&mut self, incomplete: bool) -> (RunOutcome, Option<Box<RunError>>) {
        let stopped_by = match self.phase {
            Phase::Stopping(outcome) | Phase::Closing(outcome) => Some(outcome),
            _ => None,
        };
        self.phase = Phase::Ended;
        match (stopped_by, self.first_error()) {
            (Some(RunOutcome::LimitExceeded), _) => {
                (RunOutcome::LimitExceeded, self.limit_error.clone())
            }
            (Some(outcome @ (RunOutcome::Cancelled | RunOutcome::Waiting)), error) => {
                (outcome, error)
            }
            (_, Some(error)) => (RunOutcome::Failed, Some(error)),
            // Left over from a stop: the user ran other steps again since then.
            (_, None) if incomplete => (RunOutcome::Cancelled, None),
            (_, None) => (RunOutcome::Succeeded, None),
        }
    }

    /// The error of the first row that has one.
    fn first_error(&self) -> Option<Box<RunError>> {
        self.errors
            .iter()
            .min_by_key(|(row, _)| **row)
            .map(|(_, error)| error.clone())
    }
}
