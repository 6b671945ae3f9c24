//! What a person may do to a run: pause it, step it, run parts of it again, put values in.

use super::{Action, Phase, Scheduler, Stage};
use crate::plan::StepIx;
use crate::run::{ErrorKind, Fact, RunCommand, RunOutcome, SkipReason, StepSource, StepStatus};
use crate::units::Money;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Scheduler {
    pub(super) fn command(&mut self, command: RunCommand, out: &mut Vec<Action>) {
        match command {
            RunCommand::Pause if self.phase == Phase::Running => {
                self.phase = Phase::Paused;
                out.push(Action::Emit(Fact::RunPaused));
            }
            RunCommand::Resume if self.phase == Phase::Paused => self.resume(out),
            RunCommand::StepOnce(row) if self.phase == Phase::Paused => self.step_once(row, out),
            RunCommand::Retry(row) | RunCommand::Refresh(row) => self.retry(&[row], out),
            RunCommand::RetryFailed => {
                let rows = self.all_that_went_wrong();
                self.retry(&rows, out);
            }
            RunCommand::Skip(row) => self.skip_by_hand(row, out),
            RunCommand::SetOutput(row, output) => self.set_output(row, output, out),
            RunCommand::SetInput(row, input) => self.set_input(row, input, out),
            RunCommand::Breakpoint(row, true) if self.exists(row) => {
                self.breakpoints.insert(row);
            }
            RunCommand::Breakpoint(row, false) => {
                self.breakpoints.remove(&row);
            }
            RunCommand::Stop if self.is_going() => {
                out.push(Action::Emit(Fact::StopRequested));
                self.stop(RunOutcome::Cancelled, SkipReason::User, out);
            }
            _ => {}
        }
    }

    fn is_going(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Paused)
    }

    fn resume(&mut self, out: &mut Vec<Action>) {
        self.phase = Phase::Running;
        out.push(Action::Emit(Fact::RunResumed));
        // What a breakpoint held passes it now, once.
        while let Some(row) = self.pop_held_at_breakpoint() {
            self.node(row).released = true;
            self.queue(row);
        }
    }

    /// Pending, ready, between two tries, or unknown and asked about.
    fn is_before_its_call(&self, row: StepIx) -> bool {
        self.is_going()
            && self.exists(row)
            && !self.is_over(row)
            && !matches!(self.nodes[row.at()].stage, Stage::Calling | Stage::Dormant)
            && !self.is_expanded(row)
            && !self.goes_back_with_its_parent(row)
    }

    /// Whether a row is an element of a `for_each` step that begins anew once what is under way has ended.
    fn goes_back_with_its_parent(&self, row: StepIx) -> bool {
        self.nodes[self.plan_step(row).at()].rerun
    }

    fn all_that_went_wrong(&self) -> Vec<StepIx> {
        (0..self.nodes.len() as u32)
            .map(StepIx)
            .filter(|row| {
                let node = &self.nodes[row.at()];
                // What may have happened is done again only where a person says so of that very step.
                let wrong = matches!(node.status, StepStatus::Failed | StepStatus::Cancelled);
                // A `for_each` step comes back with its elements.
                wrong && !self.is_expanded(*row) || node.stopped
            })
            .collect()
    }

    /// Runs ended rows again, with everything that depends on them.
    fn retry(&mut self, rows: &[StepIx], out: &mut Vec<Action>) {
        let rows: BTreeSet<StepIx> = rows
            .iter()
            .copied()
            .filter(|row| self.exists(*row) && self.nodes[row.at()].status.has_ended())
            .filter(|row| !self.goes_back_with_its_parent(*row))
            .map(|row| self.alone_or_with_all(row))
            .filter(|row| self.nodes[row.at()].status.has_ended())
            .collect();
        let rows: Vec<StepIx> = rows.into_iter().collect();
        if rows.is_empty() || matches!(self.phase, Phase::Stopping(_) | Phase::New) {
            return;
        }
        self.reopen(out);
        self.rewind(&rows, out);
    }

    /// An element runs again by itself only while its step may run: what that depends on may have been taken back
    /// before the run was stopped.
    fn alone_or_with_all(&self, row: StepIx) -> StepIx {
        let parent = self.plan_step(row);
        if matches!(self.nodes[parent.at()].verdict(), super::Verdict::Go) {
            row
        } else {
            parent
        }
    }

    fn reopen(&mut self, out: &mut Vec<Action>) {
        if self.phase != Phase::Ended {
            return;
        }
        self.phase = Phase::Running;
        out.push(Action::Emit(Fact::RunReopened));
        let error = self.limit_error.take();
        if error.is_some_and(|error| error.kind == ErrorKind::TimeoutError) {
            // Whoever goes on after the time ran out gives it as much again.
            self.allowance_from = self.clock.wall(self.now);
        }
    }

    /// Takes `rows` and everything below them back to where they were before they started, and starts again
    /// what can start.
    fn rewind(&mut self, rows: &[StepIx], out: &mut Vec<Action>) {
        let (elements, whole): (Vec<StepIx>, Vec<StepIx>) =
            rows.iter().partition(|row| self.element(**row).is_some());
        let mut from = whole.clone();
        for row in &elements {
            let parent = self.plan_step(*row);
            if self.is_over(parent) {
                from.push(parent);
            }
        }
        let mut again: BTreeSet<StepIx> = self.below(&from);
        again.extend(whole);
        for row in elements {
            // Where the whole `for_each` step begins anew, so do its elements.
            if !again.contains(&self.plan_step(row)) {
                if self.is_asked(row) {
                    self.leave(row);
                } else {
                    self.reopen_expansion(row, out);
                }
                self.clear(row, out);
                self.make_ready(row, out);
            }
        }
        self.take_back(&again, out);
    }

    /// What is to run again when `rows` come to something else: everything that depends on them, but nothing
    /// that depends on them only through what a person has decided.
    fn below(&self, rows: &[StepIx]) -> BTreeSet<StepIx> {
        self.graph
            .descendants(rows, |row| !self.nodes[row.at()].decided)
    }

    /// The `for_each` step of an ended element goes on, because that element runs again.
    fn reopen_expansion(&mut self, row: StepIx, out: &mut Vec<Action>) {
        let parent = self.plan_step(row);
        self.unfinished += 1;
        let Some(expansion) = self.expansions.get_mut(&parent) else {
            return;
        };
        expansion.open += 1;
        let count = expansion.used as u32;
        if self.nodes[parent.at()].status.has_ended() {
            self.unfinished += 1;
            self.clear(parent, out);
            self.node(parent).status = StepStatus::Running;
            out.push(Action::Emit(Fact::StepExpanded {
                step: self.key(parent),
                count,
                elements: Arc::default(),
            }));
        }
    }

    /// Makes the plan's steps in `rows` pending again and looks at their triggers. One with an attempt under
    /// way becomes so when that has ended.
    fn take_back(&mut self, rows: &BTreeSet<StepIx>, out: &mut Vec<Action>) {
        for row in rows {
            self.take_back_one(*row, out);
        }
        for row in rows {
            self.recount(*row);
        }
        for row in rows {
            self.consider(*row, None, out);
        }
    }

    fn take_back_one(&mut self, row: StepIx, out: &mut Vec<Action>) {
        let node = self.node(row);
        if node.rerun || node.status == StepStatus::Pending {
            return;
        }
        if node.stage == Stage::Calling {
            node.rerun = true;
            out.push(Action::Cancel(row));
            return;
        }
        if !self.dismiss_elements(row, out) {
            self.node(row).rerun = true;
            return;
        }
        if self.is_over(row) {
            self.unfinished += 1;
        }
        self.leave(row);
        self.clear(row, out);
    }

    /// Forgets what a row came to.
    pub(super) fn clear(&mut self, row: StepIx, out: &mut Vec<Action>) {
        let step = self.key(row);
        out.push(Action::Emit(Fact::StepReset { step }));
        self.errors.remove(&row);
        self.meters.forget(row);
        let node = self.node(row);
        node.status = StepStatus::Pending;
        node.tainted = false;
        node.told = false;
        node.decided = false;
        node.stopped = false;
        node.permitted = false;
        node.released = false;
        node.tries = 0;
        node.needs = Money::ZERO;
        node.output = None;
    }

    /// The attempt under way of a row that is to run again has ended.
    pub(super) fn go_back(&mut self, row: StepIx, out: &mut Vec<Action>) {
        let row = self.plan_step(row);
        if !self.is_expanded(row) || self.element_is_back(row, out) {
            self.node(row).rerun = false;
            self.clear(row, out);
            self.recount(row);
            self.consider(row, None, out);
        }
    }

    /// Counts a row's dependencies by how they stand now.
    fn recount(&mut self, row: StepIx) {
        let before = self.graph.before(row);
        let mut counted = super::Node {
            open: before.len() as u32,
            ..super::Node::default()
        };
        for dependency in before {
            let before = &self.nodes[dependency.at()];
            if before.told {
                counted.note(before.status == StepStatus::Succeeded, before.is_bad());
            }
        }
        let node = self.node(row);
        node.open = counted.open;
        node.ended = counted.ended;
        node.succeeded = counted.succeeded;
        node.bad = counted.bad;
    }

    fn set_output(&mut self, row: StepIx, output: Arc<Value>, out: &mut Vec<Action>) {
        if self.is_before_its_call(row) {
            self.leave(row);
        } else if self.takes_another_output(row) {
            self.take_its_end_back(row, out);
        } else {
            return;
        }
        self.succeed(row, output, StepSource::Mock, out);
        self.node(row).decided = true;
    }

    /// From now on a row is called with this input. What is under way is not taken back for it: it may be paid
    /// for already.
    fn set_input(&mut self, row: StepIx, input: Option<Arc<Value>>, out: &mut Vec<Action>) {
        let ended = self.takes_another_output(row);
        let is_called =
            self.element(row).is_some() || self.exists(row) && self.spec(row).for_each.is_none();
        if !is_called || !(ended || self.is_before_its_call(row)) {
            return;
        }
        match &input {
            Some(input) => drop(self.given.insert(row, Arc::clone(input))),
            None => drop(self.given.remove(&row)),
        }
        let step = self.key(row);
        out.push(Action::Emit(Fact::StepInputSet { step, input }));
        if ended || self.is_asked(row) {
            self.retry(&[row], out);
        }
    }

    /// Skips what has not been called for, or what nobody knows the end of.
    fn skip_by_hand(&mut self, row: StepIx, out: &mut Vec<Action>) {
        if self.is_before_its_call(row) {
            self.leave(row);
        } else if self.takes_another_output(row)
            && self.nodes[row.at()].status == StepStatus::Unknown
        {
            self.take_its_end_back(row, out);
        } else {
            return;
        }
        self.skip(row, SkipReason::User, None, out);
        self.node(row).decided = true;
    }

    /// Takes back what an ended row came to, with everything that depends on it, because a person says what it
    /// came to instead.
    fn take_its_end_back(&mut self, row: StepIx, out: &mut Vec<Action>) {
        self.reopen(out);
        let parent = self.plan_step(row);
        let changes = self.nodes[parent.at()].status.has_ended();
        if parent == row {
            self.dismiss_elements(row, out);
            self.unfinished += 1;
        } else {
            self.reopen_expansion(row, out);
        }
        self.clear(row, out);
        if changes {
            self.take_back(&self.below(&[parent]), out);
        }
    }

    fn takes_another_output(&self, row: StepIx) -> bool {
        (self.is_going() || self.phase == Phase::Ended)
            && self.exists(row)
            && self.is_over(row)
            && !self.goes_back_with_its_parent(row)
            && (self.element(row).is_none() || self.alone_or_with_all(row) == row)
    }
}
