//! How rows become ready and how they end, and what that means for those that depend on them.

use super::rows::{EndedBy, Verdict};
use super::{Scheduler, Stage, Turn};
use crate::plan::StepIx;
use crate::run::{EventKind, Reuse, RunError, SkipReason, StepSource, StepStatus};
use serde_json::Value;
use std::sync::Arc;

impl Scheduler {
    /// Notifies the dependents of every row that has ended since the last call.
    pub(super) fn propagate(&mut self, turn: &mut Turn<'_>) {
        while let Some(row) = self.rows.next_ended() {
            if let Some(element) = self.elements.get(row) {
                self.element_ended(element.parent, turn);
                continue;
            }
            if self.elements.call(row).is_some() {
                self.call_ended(row, turn);
                continue;
            }
            let ended = &self.rows[row];
            let (succeeded, failed) = (ended.status == StepStatus::Succeeded, ended.is_failed());
            for at in 0..self.steps.graph.after(row).len() {
                let next = self.steps.graph.after(row)[at];
                self.rows[next].dependencies.note(succeeded, failed);
                self.consider(next, Some(row), turn);
            }
        }
    }

    /// Compares a pending step's trigger with what its dependencies came to. `because` is the dependency that
    /// ended just now.
    pub(super) fn consider(&mut self, row: StepIx, because: Option<StepIx>, turn: &mut Turn<'_>) {
        if self.rows[row].status != StepStatus::Pending || self.outcome.is_stopping() {
            return;
        }
        match self.rows[row].verdict() {
            Verdict::Wait => {}
            Verdict::Go => self.make_ready(row, turn),
            Verdict::Never => {
                let graph = &self.steps.graph;
                // Looked up and not counted: what ended in the same moment counts too, notified of or not.
                if self.rows.follows_a_failure(row, graph) {
                    self.rows[row].ended_by = EndedBy::UpstreamFailed;
                }
                let because = because.or_else(|| self.rows.first_in_the_way(row, graph));
                self.skip(row, SkipReason::Upstream, because, turn);
            }
        }
    }

    pub(super) fn make_ready(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        self.rows[row].status = StepStatus::Ready;
        let step = self.key(row);
        turn.emit(EventKind::StepReady { step });
        self.queue(row);
    }

    pub(super) fn skip(
        &mut self,
        row: StepIx,
        reason: SkipReason,
        because: Option<StepIx>,
        turn: &mut Turn<'_>,
    ) {
        turn.emit(EventKind::StepSkipped {
            step: self.key(row),
            reason,
            because: because.map(|row| self.key(row).id),
        });
        self.end_row(row, StepStatus::Skipped);
    }

    pub(super) fn succeed(
        &mut self,
        row: StepIx,
        output: Arc<Value>,
        source: StepSource,
        reused: Option<Box<Reuse>>,
        turn: &mut Turn<'_>,
    ) {
        turn.emit(EventKind::StepSucceeded {
            step: self.key(row),
            source,
            output: Arc::clone(&output),
            reused,
        });
        self.rows[row].output = Some(output);
        self.end_row(row, StepStatus::Succeeded);
        if source != StepSource::Mock {
            self.hold_end(row, false, turn);
        }
    }

    pub(super) fn fail(&mut self, row: StepIx, error: Box<RunError>, turn: &mut Turn<'_>) {
        self.fail_with(row, error, None, turn);
    }

    /// A row fails, with what it made where that is not as expected.
    pub(super) fn fail_with(
        &mut self,
        row: StepIx,
        error: Box<RunError>,
        output: Option<Arc<Value>>,
        turn: &mut Turn<'_>,
    ) {
        let step = self.key(row);
        // What becomes of a failed call is the business of the code that made it.
        let is_call = self.note_call_error(row, &error);
        if !is_call {
            self.outcome.set_error(row, error.clone());
        }
        turn.emit(EventKind::StepFailed {
            step,
            error,
            output,
        });
        self.end_row(row, StepStatus::Failed);
        let failing = !is_call && self.rules.fail_fast && !self.outcome.is_stopping();
        if !self.hold_end(row, failing, turn) {
            self.outcome.failing |= failing;
        }
    }

    pub(super) fn cancel(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        let step = self.key(row);
        turn.emit(EventKind::StepCancelled { step });
        self.end_row(row, StepStatus::Cancelled);
    }

    /// Nobody knows whether the call of a row happened. Where a user can decide, the row waits for that.
    pub(super) fn become_unknown(
        &mut self,
        row: StepIx,
        error: Box<RunError>,
        turn: &mut Turn<'_>,
    ) {
        let step = self.key(row);
        let known = error.clone();
        turn.emit(EventKind::StepUnknown { step, error });
        if self.rules.asks {
            self.rows[row].status = StepStatus::Unknown;
            self.rows[row].stage = Stage::Asked;
            self.decisions.ask(row, known);
        } else {
            self.stay_unknown(row, known);
        }
    }

    /// A row ends without anybody knowing whether it happened.
    pub(super) fn stay_unknown(&mut self, row: StepIx, error: Box<RunError>) {
        if !self.note_call_error(row, &error) {
            self.outcome.set_error(row, error);
        }
        self.end_row(row, StepStatus::Unknown);
    }

    fn end_row(&mut self, row: StepIx, status: StepStatus) {
        self.rows.end(row, status);
        self.resources.forget(row);
        self.approvals.forget(row);
    }
}
