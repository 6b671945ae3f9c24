//! What a person may do to a run: pause it, step it, run parts of it again, put values in.

use super::{Action, Phase, Scheduler};
use crate::plan::StepIx;
use crate::run::{Fact, RunCommand, RunOutcome, SkipReason, StepSource, StepStatus};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

impl Scheduler {
    pub(super) fn command(&mut self, command: RunCommand, out: &mut Vec<Action>) {
        match command {
            RunCommand::Pause if self.phase == Phase::Running => {
                self.phase = Phase::Paused;
                self.permits = 0;
                out.push(Action::Emit(Fact::RunPaused));
            }
            RunCommand::Resume if self.phase == Phase::Paused => self.resume(out),
            RunCommand::StepOnce(row) if self.phase == Phase::Paused => self.step_once(row),
            RunCommand::Retry(row) => self.retry(&[row], out),
            RunCommand::RetryFailed => {
                let rows = self.all_that_went_wrong();
                self.retry(&rows, out);
            }
            RunCommand::Skip(row) if self.waits_for_its_start(row) => {
                self.free_slot(row);
                self.leave_backoff(row);
                self.skip(row, SkipReason::User, None, out);
            }
            RunCommand::SetOutput(row, output) => self.set_output(row, output, out),
            RunCommand::Breakpoint(row, true) if self.exists(row) => {
                self.breakpoints.insert(row);
            }
            RunCommand::Breakpoint(row, false) => {
                self.breakpoints.remove(&row);
            }
            RunCommand::Stop if matches!(self.phase, Phase::Running | Phase::Paused) => {
                out.push(Action::Emit(Fact::StopRequested));
                self.stop(RunOutcome::Cancelled, SkipReason::User, out);
            }
            _ => {}
        }
    }

    fn resume(&mut self, out: &mut Vec<Action>) {
        self.phase = Phase::Running;
        self.permits = 0;
        out.push(Action::Emit(Fact::RunResumed));
        // What a breakpoint held goes past it now, ahead of the others.
        self.once.extend(self.at_breakpoint.drain(..));
        let held: Vec<StepIx> = self.once.iter().copied().collect();
        for row in held {
            self.breakpoints.remove(&row);
        }
    }

    fn step_once(&mut self, row: Option<StepIx>) {
        let row = row
            .filter(|row| self.exists(*row))
            .or_else(|| (!self.at_breakpoint.is_empty()).then(|| self.at_breakpoint.remove(0)));
        if let Some(row) = row {
            self.at_breakpoint.retain(|held| *held != row);
            self.once.push_back(row);
        }
        self.permits += 1;
    }

    /// Not under way: pending, ready, or between two tries.
    fn waits_for_its_start(&self, row: StepIx) -> bool {
        self.nodes.get(row.at()).is_some_and(|node| {
            !node.status.has_ended() && node.slot.is_none() && !self.expansions.contains_key(&row)
        })
    }

    fn all_that_went_wrong(&self) -> Vec<StepIx> {
        (0..self.nodes.len() as u32)
            .map(StepIx)
            .filter(|row| {
                let node = &self.nodes[row.at()];
                let wrong = matches!(
                    node.status,
                    StepStatus::Failed | StepStatus::Cancelled | StepStatus::Unknown
                );
                // A `for_each` step comes back with its elements.
                (wrong && !self.expansions.contains_key(row) || node.stopped)
                    && !self.is_orphan(*row)
            })
            .collect()
    }

    /// Runs ended rows again, with everything that depends on them.
    fn retry(&mut self, rows: &[StepIx], out: &mut Vec<Action>) {
        let rows: Vec<StepIx> = rows
            .iter()
            .copied()
            .filter(|row| self.exists(*row) && self.nodes[row.at()].status.has_ended())
            .collect();
        if rows.is_empty() || matches!(self.phase, Phase::Stopping(_) | Phase::New) {
            return;
        }
        self.reopen(out);
        self.rewind(&rows, out);
    }

    fn reopen(&mut self, out: &mut Vec<Action>) {
        if self.phase == Phase::Ended {
            self.phase = Phase::Running;
            self.limit_error = None;
            out.push(Action::Emit(Fact::RunReopened));
        }
    }

    /// Takes `rows` and everything below them back to where they were before they started, and starts again
    /// what can start.
    fn rewind(&mut self, rows: &[StepIx], out: &mut Vec<Action>) {
        let parents: Vec<StepIx> = rows.iter().map(|row| self.plan_step(*row)).collect();
        let mut below = self.graph.descendants(&parents);
        below.sort_unstable();
        let chosen: HashSet<StepIx> = rows.iter().copied().collect();
        let mut again: Vec<StepIx> = Vec::new();
        for row in rows.iter().copied() {
            match self.element(row).map(|element| element.parent) {
                Some(parent) if !chosen.contains(&parent) => {
                    self.reopen_expansion(parent, out);
                    self.clear(row, out);
                    self.unfinished += 1;
                    self.make_ready(row, out);
                }
                Some(_) => {}
                None => again.push(row),
            }
        }
        again.extend(below.into_iter().filter(|row| !chosen.contains(row)));
        again.retain(|row| self.take_back(*row, chosen.contains(row), out));
        for row in &again {
            self.recount(*row);
        }
        for row in again {
            self.consider(row, None, out);
        }
    }

    /// A `for_each` step goes on because one of its elements runs again.
    fn reopen_expansion(&mut self, parent: StepIx, out: &mut Vec<Action>) {
        if self.nodes[parent.at()].status.has_ended() {
            self.clear(parent, out);
            self.unfinished += 1;
            self.node(parent).status = StepStatus::Running;
        }
        if let Some(expansion) = self.expansions.get_mut(&parent) {
            expansion.open += 1;
        }
    }

    /// Makes a row pending again; one with an attempt under way becomes so when that has ended. Returns
    /// whether its trigger is to be looked at now.
    fn take_back(&mut self, row: StepIx, chosen: bool, out: &mut Vec<Action>) -> bool {
        let node = &self.nodes[row.at()];
        if node.unwanted && !chosen {
            return false;
        }
        if node.slot.is_some() && node.status == StepStatus::Running {
            self.node(row).rerun = true;
            out.push(Action::Cancel(row));
            return false;
        }
        if node.slot.is_some() || node.status == StepStatus::Pending {
            return true;
        }
        if self.expansions.contains_key(&row) && !node.status.has_ended() {
            // Its elements are under way: they end first, and it is not taken back a second time.
            return false;
        }
        if node.status.has_ended() {
            self.unfinished += 1;
        }
        self.leave_backoff(row);
        self.clear(row, out);
        true
    }

    /// Forgets what a row came to.
    pub(super) fn clear(&mut self, row: StepIx, out: &mut Vec<Action>) {
        let step = self.key(row);
        out.push(Action::Emit(Fact::StepReset { step }));
        self.errors.remove(&row);
        let node = self.node(row);
        node.status = StepStatus::Pending;
        node.tainted = false;
        node.unwanted = false;
        node.stopped = false;
        node.retry_queued = false;
        node.tries = 0;
        node.output = None;
    }

    /// The attempt under way of a row that is to run again has ended.
    pub(super) fn reset_now(&mut self, row: StepIx, out: &mut Vec<Action>) {
        self.clear(row, out);
        if self.element(row).is_some() {
            self.make_ready(row, out);
            return;
        }
        self.recount(row);
        self.consider(row, None, out);
    }

    /// Counts a row's dependencies by how they stand now.
    fn recount(&mut self, row: StepIx) {
        let before = self.graph.before(row).to_vec();
        let node = self.node(row);
        (node.open, node.ended, node.succeeded, node.bad) = (before.len() as u32, 0, 0, 0);
        for dependency in before {
            let before = &self.nodes[dependency.at()];
            let (status, tainted) = (before.status, before.tainted);
            if status.has_ended() && !self.settled.contains(&dependency) {
                self.node(row).note(status, tainted);
            }
        }
    }

    fn set_output(&mut self, row: StepIx, output: Arc<Value>, out: &mut Vec<Action>) {
        if !self.exists(row) || matches!(self.phase, Phase::Stopping(_) | Phase::New) {
            return;
        }
        let node = &self.nodes[row.at()];
        if node.slot.is_some() || (self.expansions.contains_key(&row) && !node.status.has_ended()) {
            return;
        }
        if node.status.has_ended() {
            self.reopen(out);
            let below = self.graph.descendants(&[self.plan_step(row)]);
            if self.element(row).is_some() {
                self.reopen_expansion(self.plan_step(row), out);
            }
            self.clear(row, out);
            self.unfinished += 1;
            let mut again = below;
            again.sort_unstable();
            again.retain(|row| self.take_back(*row, false, out));
            for row in &again {
                self.recount(*row);
            }
        }
        self.leave_backoff(row);
        self.succeed(row, output, StepSource::Mock, out);
    }
}
