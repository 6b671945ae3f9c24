//! Running to a step: nothing is called that it does not need, and the run is held where it is about to start.
//!
//! What needs no call passes all the same: outputs that are known already, and conditions. What would be called stands
//! aside until the run is on its way to no step any more. Any pause is the end of that way, and so is resuming.

use super::{Phase, Scheduler, Stage, Turn, WaitFor};
use crate::plan::StepIx;
use crate::run::{EventKind, HeldAt, RunOutcome, WaitReason};
use std::sync::Arc;

/// The step that the run is on its way to.
#[derive(Debug)]
pub(super) struct Target {
    /// The id of a step, of an element or of a call that code makes; there may be no such row yet.
    id: Arc<str>,
    /// The plan's step behind it.
    step: StepIx,
    /// Which of the plan's steps it needs.
    needed: Vec<bool>,
    /// Whether the run pauses there; else it ends once nothing else goes on.
    pauses: bool,
    /// Whether it was seen that it will not start.
    missed: bool,
}

impl Target {
    /// Whether it is the row of this id, or one inside of that.
    fn is_in(&self, id: &str) -> bool {
        is_in(&self.id, id)
    }
}

/// Whether `id` is that of `row`, of an element of it, or of a call that its code makes.
fn is_in(id: &str, row: &str) -> bool {
    let rest = id.strip_prefix(row);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '/']))
}

impl Scheduler {
    /// The run goes on until the row of this id is about to start, and calls nothing that this does not need. What has
    /// gone wrong before it, and the row itself where it has ended, runs again.
    pub(super) fn run_to(&mut self, id: Arc<str>, turn: &mut Turn<'_>) {
        let Some(step) = self.step_behind(&id) else {
            return;
        };
        let named = self.rows.positions().find(|row| self.key(*row).id == id);
        let is_on_its_way = |row: StepIx| {
            let calls = matches!(
                self.rows.stage(row),
                Stage::Calling(_)
                    | Stage::Preparing {
                        permitted: true,
                        ..
                    }
            );
            calls || self.elements.is_expanded(row) && !self.status(row).has_ended()
        };
        let is_open = self.outcome.is_going() || self.outcome.phase == Phase::Ended;
        if !is_open || named.is_some_and(is_on_its_way) {
            return;
        }
        let needed = self.needed(step);
        let mut again = self.all_that_went_wrong();
        again.retain(|row| needed[self.plan_step(*row).at()] && self.plan_step(*row) != step);
        again.extend(named.filter(|row| self.status(*row).has_ended()));
        self.retry(&again, turn);
        match self.outcome.phase {
            Phase::Paused => self.resume(turn),
            Phase::Running => self.leave_target(),
            _ => return,
        }
        self.set_target(id, step, needed, true, turn);
    }

    /// The same from the beginning of the run on.
    pub(super) fn begin_to(&mut self, id: Arc<str>, turn: &mut Turn<'_>) {
        if let Some(step) = self.step_behind(&id) {
            let needed = self.needed(step);
            self.set_target(id, step, needed, self.rules.asks, turn);
        }
    }

    fn set_target(
        &mut self,
        id: Arc<str>,
        step: StepIx,
        needed: Vec<bool>,
        pauses: bool,
        turn: &mut Turn<'_>,
    ) {
        turn.emit(EventKind::RunTargeted {
            to: Arc::clone(&id),
        });
        self.target = Some(Target {
            id,
            step,
            needed,
            pauses,
            missed: false,
        });
    }

    /// The plan's step of this id, or the one in which a row of this id appears.
    fn step_behind(&self, id: &str) -> Option<StepIx> {
        let steps = self.steps.positions();
        let inside = steps.filter(|step| {
            let step = self.steps.get(*step);
            let is_list = step.for_each.is_some();
            let rest = id.strip_prefix(&*step.id);
            is_in(id, &step.id) && (is_list || !rest.is_some_and(|rest| rest.starts_with('[')))
        });
        inside.max_by_key(|step| self.steps.get(*step).id.len())
    }

    /// Which of the plan's steps this one needs; itself is one of them.
    fn needed(&self, step: StepIx) -> Vec<bool> {
        let mut needed = vec![false; self.steps.len()];
        let mut left = vec![step];
        while let Some(step) = left.pop() {
            if !std::mem::replace(&mut needed[step.at()], true) {
                left.extend(self.steps.graph.before(step));
            }
        }
        needed
    }

    /// Whether the run is on its way to a step.
    pub(super) fn has_target(&self) -> bool {
        self.target.is_some()
    }

    /// The same, with something left to do.
    pub(super) fn is_short_of_target(&self) -> bool {
        self.has_target() && self.rows.unfinished > 0
    }

    /// Whether a row is the one that the run is on its way to.
    pub(super) fn is_target(&self, row: StepIx) -> bool {
        let target = self.target.as_ref();
        target.is_some_and(|target| {
            self.plan_step(row) == target.step && self.key(row).id == target.id
        })
    }

    /// Whether a call of a row is not needed on the way. The calls of code that is running are a part of it.
    pub(super) fn stands_aside(&self, row: StepIx) -> bool {
        if self.is_handed_over(row) {
            return true;
        }
        let Some(target) = &self.target else {
            return false;
        };
        let step = self.plan_step(row);
        let is_needed = if step == target.step {
            target.is_in(&self.key(row).id)
        } else {
            target.needed[step.at()]
        };
        !is_needed && self.elements.call(row).is_none()
    }

    /// The call of a row that is being prepared is not made on the way.
    pub(super) fn set_aside(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        self.leave(row);
        self.enter(row, WaitFor::Target);
        self.resources.rates.step_aside(row);
        let reason = if self.is_handed_over(row) {
            WaitReason::HandOver
        } else {
            WaitReason::Target
        };
        self.emit_waiting(row, reason, turn);
    }

    /// The row that the run is on its way to is about to start: it is held.
    pub(super) fn hold_at_target(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        self.enter(row, WaitFor::Breakpoint);
        self.resources.rates.step_aside(row);
        self.emit_waiting(row, WaitReason::Breakpoint, turn);
        self.arrive(row, HeldAt::Target, turn);
    }

    fn arrive(&mut self, row: StepIx, at: HeldAt, turn: &mut Turn<'_>) {
        turn.emit(EventKind::StepHeld {
            step: self.key(row),
            at,
            condition: None,
        });
        if self.target.as_ref().is_some_and(|target| target.pauses) {
            self.outcome.phase = Phase::Paused;
            turn.emit(EventKind::RunPaused);
        }
    }

    /// Holds the run where nothing goes on any more and the step that it was on its way to has not come up.
    pub(super) fn look_for_target(&mut self, turn: &mut Turn<'_>) {
        let Some(target) = self.target.as_ref().filter(|target| !target.missed) else {
            return;
        };
        let is_busy = self.resources.slots.taken() + self.resources.suspended > 0
            || self.waiting.needs_only_time()
            || self.decisions.is_asking()
            || self.approvals.is_asking();
        let is_over = self.rows.unfinished == 0;
        if self.outcome.phase != Phase::Running || is_busy || is_over {
            return;
        }
        let mut rows = self.rows.positions();
        if rows.any(|row| self.could_go_on(row)) {
            return;
        }
        let step = target.step;
        let named = self.rows.positions().find(|row| self.is_target(*row));
        if let Some(target) = &mut self.target {
            target.missed = true;
        }
        self.arrive(named.unwrap_or(step), HeldAt::Missed, turn);
    }

    /// How a run ends that does not pause on its way.
    pub(super) fn end_of_the_way(&self) -> RunOutcome {
        let is_missed = self.target.as_ref().is_some_and(|target| target.missed);
        if is_missed && self.outcome.has_error() {
            RunOutcome::Failed
        } else {
            RunOutcome::Waiting
        }
    }

    /// Once the run does not go on by itself, it is on its way no more.
    pub(super) fn settle_target(&mut self) {
        if self.outcome.phase != Phase::Running {
            self.leave_target();
        }
    }

    /// The run is on its way to no step any more: what stood aside may start.
    pub(super) fn leave_target(&mut self) {
        self.target = None;
        self.let_aside_try();
    }

    /// What stands aside tries to start again.
    pub(super) fn let_aside_try(&mut self) {
        for row in self.waiting.take_aside() {
            if self.rows[row].stage == Stage::Aside {
                self.leave(row);
                self.queue(row);
            }
        }
    }
}
