//! Running parts of a run again: what is taken back for it, and what starts again.

use super::rows::{EndedBy, Verdict};
use super::{Action, Phase, Scheduler, Stage, Turn};
use crate::plan::StepIx;
use crate::run::{ErrorKind, EventKind, StepStatus};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Scheduler {
    /// Whether a row is an element of a `for_each` step that begins again once what is running has ended.
    pub(super) fn goes_back_with_its_parent(&self, row: StepIx) -> bool {
        self.rows[self.plan_step(row)].begins_again()
    }

    pub(super) fn all_that_went_wrong(&self) -> Vec<StepIx> {
        let rows = self.rows.positions();
        rows.filter(|at| {
            let row = &self.rows[*at];
            // What may have happened is repeated only where the user asks for that very step.
            let wrong = matches!(row.status, StepStatus::Failed | StepStatus::Cancelled);
            // A `for_each` step comes back with its elements.
            let is_wrong =
                wrong && !self.elements.is_expanded(*at) || row.ended_by == EndedBy::Stop;
            // A call runs again with the code that makes it.
            is_wrong && self.elements.call(*at).is_none()
        })
        .collect()
    }

    /// A limit has stopped the run: what that kept from running and cut off runs now.
    pub(super) fn continue_after_limit(&mut self, turn: &mut Turn<'_>) {
        if self.outcome.phase != Phase::Ended || self.outcome.limit_error.is_none() {
            return;
        }
        let rows = self.rows.positions();
        let stopped = |at: &StepIx| {
            let row = &self.rows[*at];
            let cut_off = row.status == StepStatus::Cancelled && !self.elements.is_expanded(*at);
            (cut_off || row.ended_by == EndedBy::Stop) && self.elements.call(*at).is_none()
        };
        let rows: Vec<StepIx> = rows.filter(stopped).collect();
        if rows.is_empty() {
            // Its last bill passed the limit.
            self.reopen(turn);
        } else {
            self.retry(&rows, turn);
        }
    }

    /// Runs ended rows again, with everything that depends on them.
    pub(super) fn retry(&mut self, rows: &[StepIx], turn: &mut Turn<'_>) {
        let has_ended = |row: &StepIx| self.status(*row).has_ended();
        let rows: BTreeSet<StepIx> = rows
            .iter()
            .copied()
            .filter(has_ended)
            // A call runs again with the code that makes it.
            .map(|row| self.first_caller(row))
            .filter(has_ended)
            .filter(|row| !self.goes_back_with_its_parent(*row))
            .map(|row| self.alone_or_with_all(row))
            .filter(has_ended)
            .collect();
        let rows: Vec<StepIx> = rows.into_iter().collect();
        if rows.is_empty() || self.outcome.is_stopping() || self.outcome.phase == Phase::New {
            return;
        }
        self.reopen(turn);
        self.rewind(&rows, turn);
    }

    /// An element runs again by itself only while its step may run: what that depends on may have been taken back
    /// before the run was stopped.
    pub(super) fn alone_or_with_all(&self, row: StepIx) -> StepIx {
        let parent = self.plan_step(row);
        if self.rows[parent].verdict() == Verdict::Go {
            row
        } else {
            parent
        }
    }

    pub(super) fn reopen(&mut self, turn: &mut Turn<'_>) {
        if self.outcome.phase != Phase::Ended {
            return;
        }
        self.outcome.phase = Phase::Running;
        turn.emit(EventKind::RunReopened);
        self.abandon_held_calls(turn);
        let error = self.outcome.limit_error.take();
        if error.is_some_and(|error| error.kind == ErrorKind::TimeoutError) {
            // A run that is continued after its time ran out gets the same time again.
            self.clock.renew(turn.now);
        }
    }

    /// Takes `rows` and everything below them back to where they were before they started, and starts again
    /// what can start.
    fn rewind(&mut self, rows: &[StepIx], turn: &mut Turn<'_>) {
        let is_element = |row: &&StepIx| self.elements.get(**row).is_some();
        let (elements, whole): (Vec<StepIx>, Vec<StepIx>) = rows.iter().partition(is_element);
        let mut from = whole.clone();
        for row in &elements {
            let parent = self.plan_step(*row);
            if self.rows[parent].is_over() {
                from.push(parent);
            }
        }
        let mut again: BTreeSet<StepIx> = self.below(&from);
        again.extend(whole);
        for row in elements {
            // Where the whole `for_each` step begins again, so do its elements.
            if !again.contains(&self.plan_step(row)) {
                if self.rows[row].stage == Stage::Asked {
                    self.leave(row);
                } else {
                    self.reopen_expansion(row, turn);
                }
                self.clear(row, turn);
                self.make_ready(row, turn);
            }
        }
        self.take_back(&again, turn);
    }

    /// What is to run again when `rows` come to something else: everything that depends on them, but nothing
    /// that depends on them only through what the user has decided.
    fn below(&self, rows: &[StepIx]) -> BTreeSet<StepIx> {
        let undecided = |row: StepIx| self.rows[row].ended_by != EndedBy::UserOverride;
        self.steps.graph.descendants(rows, undecided)
    }

    /// The `for_each` step of an ended element runs again, because that element runs again.
    fn reopen_expansion(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        let parent = self.plan_step(row);
        self.rows.unfinished += 1;
        if self.breakpoints.holds_end_of(row) {
            // Its step does not know that it had ended.
            return;
        }
        let Some(count) = self.elements.reopen(parent) else {
            return;
        };
        if self.rows[parent].status.has_ended() {
            self.rows.unfinished += 1;
            self.clear(parent, turn);
            self.rows[parent].status = StepStatus::Running;
            turn.emit(EventKind::StepExpanded {
                step: self.key(parent),
                count,
                elements: Arc::default(),
            });
        }
    }

    /// Makes the plan's steps in `rows` pending again and looks at their triggers. One with a running attempt
    /// becomes so when that has ended.
    fn take_back(&mut self, rows: &BTreeSet<StepIx>, turn: &mut Turn<'_>) {
        for row in rows {
            self.take_back_one(*row, turn);
        }
        for row in rows {
            self.rows.recount(*row, &self.steps.graph);
        }
        for row in rows {
            self.consider(*row, None, turn);
        }
    }

    fn take_back_one(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        let taken = &mut self.rows[row];
        if taken.begins_again() || taken.status == StepStatus::Pending {
            return;
        }
        if let Stage::Calling(call) = &mut taken.stage {
            call.rerun = true;
            turn.act(Action::Cancel(row));
            return;
        }
        if !self.dismiss_elements(row, turn) {
            return;
        }
        if self.rows[row].is_over() {
            self.rows.unfinished += 1;
        }
        self.leave(row);
        self.clear(row, turn);
    }

    /// Forgets what a row came to.
    pub(super) fn clear(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        let step = self.key(row);
        turn.emit(EventKind::StepReset { step });
        self.outcome.forget_error(row);
        self.resources.forget(row);
        self.approvals.forget(row);
        self.breakpoints.forget(row);
        self.rows[row].clear();
    }

    /// The running attempt of a row that is to run again has ended.
    pub(super) fn go_back(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        let row = self.plan_step(row);
        if self.element_is_back(row, turn) {
            self.clear(row, turn);
            self.rows.recount(row, &self.steps.graph);
            self.consider(row, None, turn);
        }
    }

    /// Takes back what an ended row came to, with everything that depends on it, because the user decides what it
    /// came to instead.
    pub(super) fn take_its_end_back(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        self.reopen(turn);
        let parent = self.plan_step(row);
        let changes = self.rows[parent].status.has_ended();
        if parent == row {
            self.dismiss_elements(row, turn);
            self.rows.unfinished += 1;
        } else {
            self.reopen_expansion(row, turn);
        }
        self.clear(row, turn);
        if changes {
            self.take_back(&self.below(&[parent]), turn);
        }
    }
}
