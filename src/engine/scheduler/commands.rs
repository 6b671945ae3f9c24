//! What the user may do to a run: pause it, step it, put values in, stop it.

use super::rows::EndedBy;
use super::{Phase, Scheduler, Stage, Turn};
use crate::plan::StepIx;
use crate::run::{CallEdit, EventKind, RunCommand, RunOutcome, SkipReason, StepSource, StepStatus};
use serde_json::Value;
use std::sync::Arc;

impl Scheduler {
    pub(super) fn command(&mut self, command: RunCommand, turn: &mut Turn<'_>) {
        match command {
            RunCommand::Pause if self.outcome.phase == Phase::Running => {
                self.outcome.phase = Phase::Paused;
                turn.emit(EventKind::RunPaused);
            }
            RunCommand::Resume if self.outcome.phase == Phase::Paused => self.resume(turn),
            RunCommand::Resume if self.has_target() => self.resume(turn),
            RunCommand::RunTo(id) => self.run_to(id, turn),
            RunCommand::StepOnce(row) if self.outcome.phase == Phase::Paused => {
                self.step_once(row, turn);
            }
            RunCommand::Retry(row) | RunCommand::Refresh(row) => self.retry(&[row], turn),
            RunCommand::RetryFailed => {
                let rows = self.all_that_went_wrong();
                self.retry(&rows, turn);
            }
            RunCommand::Skip(row) => self.skip_by_hand(row, turn),
            RunCommand::SetOutput(row, output) => self.set_output(row, output, turn),
            RunCommand::SetInput(row, input) => self.set_input(row, input, turn),
            RunCommand::SetCall(row, edit) => self.set_call(row, *edit, turn),
            RunCommand::Breakpoint(breakpoint, on) => self.set_breakpoint(breakpoint, on, turn),
            RunCommand::Approve(approval) => self.approve(&approval, turn),
            RunCommand::Set(setting) => self.set(setting, turn),
            RunCommand::HandOver(to) => self.set_hand_over(to, turn),
            RunCommand::ContinueAfterLimit(settings) => {
                for setting in settings {
                    self.set(setting, turn);
                }
                self.continue_after_limit(turn);
            }
            RunCommand::Stop if self.outcome.is_going() => {
                turn.emit(EventKind::StopRequested);
                self.stop(RunOutcome::Cancelled, SkipReason::User, turn);
            }
            _ => {}
        }
    }

    /// Nobody is left who could answer.
    pub(super) fn unattended(&mut self, turn: &mut Turn<'_>) {
        self.rules.asks = false;
        if self.decisions.is_asking() && self.outcome.is_going() {
            turn.emit(EventKind::StopRequested);
            self.stop(RunOutcome::Cancelled, SkipReason::User, turn);
        }
    }

    pub(super) fn resume(&mut self, turn: &mut Turn<'_>) {
        self.outcome.phase = Phase::Running;
        self.leave_target();
        self.take_permits_back();
        turn.emit(EventKind::RunResumed);
        self.pass_breakpoints();
    }

    /// What the user had start in the paused run starts like everything else now, and a pause holds it again.
    fn take_permits_back(&mut self) {
        let rows = self.rows.positions();
        for row in rows {
            if let Some(Stage::Preparing { permitted, .. }) = self.rows.stage_mut(row)
                && std::mem::take(permitted)
            {
                // It was stepped over its breakpoint.
                self.breakpoints.release(row);
            }
        }
    }

    /// Pending, ready, between two attempts, or unknown and asked about.
    fn is_before_its_call(&self, row: StepIx) -> bool {
        self.outcome.is_going()
            && self.rows.get(row).is_some_and(|row| {
                let elsewhere = matches!(row.stage, Stage::Calling(_) | Stage::Dormant);
                !row.is_over() && !elsewhere
            })
            && !self.elements.is_expanded(row)
            && !self.goes_back_with_its_parent(row)
    }

    fn set_output(&mut self, row: StepIx, output: Arc<Value>, turn: &mut Turn<'_>) {
        if self.is_before_its_call(row) {
            self.leave(row);
        } else if self.takes_another_output(row) {
            self.take_its_end_back(row, turn);
        } else {
            return;
        }
        self.succeed(row, output, StepSource::Mock, None, turn);
        self.rows[row].ended_by = EndedBy::UserOverride;
    }

    /// From now on a row is called with this input. What is running is not taken back for it: it may be paid
    /// for already.
    fn set_input(&mut self, row: StepIx, input: Option<Arc<Value>>, turn: &mut Turn<'_>) {
        let ended = self.takes_another_output(row);
        let is_called = self.elements.get(row).is_some()
            || self.elements.call(row).is_some()
            || self.rows.exists(row) && self.spec(row).for_each.is_none();
        if !is_called || !(ended || self.is_before_its_call(row)) {
            return;
        }
        self.decisions.set_input(row, input.clone());
        let step = self.key(row);
        turn.emit(EventKind::StepInputSet { step, input });
        match self.rows.stage(row) {
            // It is asked about once more, as it would be called now.
            Stage::Unapproved => {
                self.leave(row);
                self.queue(row);
            }
            stage if ended || *stage == Stage::Asked => self.retry(&[row], turn),
            _ => {}
        }
    }

    /// From now on a row is called with what the edit gives.
    fn set_call(&mut self, row: StepIx, edit: CallEdit, turn: &mut Turn<'_>) {
        let ended = self.takes_another_output(row);
        let has_elements = self.rows.exists(row)
            && self.elements.get(row).is_none()
            && self.spec(row).for_each.is_some();
        if edit.input.is_some() && has_elements || !(ended || self.is_before_its_call(row)) {
            return;
        }
        if edit.is_of_model() {
            let call = self.decisions.set_call(row, &edit);
            let step = self.key(row);
            turn.emit(EventKind::StepCallSet { step, call });
        }
        if let Some(input) = edit.input {
            self.decisions.set_input(row, input.clone());
            let step = self.key(row);
            turn.emit(EventKind::StepInputSet { step, input });
        }
        if ended || *self.rows.stage(row) == Stage::Asked {
            self.retry(&[row], turn);
        }
    }

    /// Skips a row that has not been called, or whose outcome is unknown.
    fn skip_by_hand(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        if self.is_before_its_call(row) {
            self.leave(row);
        } else if self.takes_another_output(row) && self.status(row) == StepStatus::Unknown {
            self.take_its_end_back(row, turn);
        } else {
            return;
        }
        self.skip(row, SkipReason::User, None, turn);
        self.rows[row].ended_by = EndedBy::UserOverride;
    }

    fn takes_another_output(&self, row: StepIx) -> bool {
        (self.outcome.is_going() || self.outcome.phase == Phase::Ended)
            && self.rows.get(row).is_some_and(super::rows::Row::is_over)
            // The code has its answer already.
            && self.elements.call(row).is_none()
            && !self.goes_back_with_its_parent(row)
            && (self.elements.get(row).is_none() || self.alone_or_with_all(row) == row)
    }
}
