//! Breakpoints: where the run is held, and what is held there.
//!
//! Before an attempt the row is held; after its end, what follows from that. With a user the whole run pauses, and
//! everything goes on when it is resumed. Without one the rest of the run goes on.

use super::{Phase, Scheduler, Turn, WaitFor};
use crate::plan::StepIx;
use crate::run::{BreakWhen, Breakpoint, EventKind, HeldAt, StepStatus, WaitReason};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The breakpoints, and what they hold.
#[derive(Debug, Default)]
pub(super) struct Breakpoints {
    set: BTreeSet<Breakpoint>,
    /// Rows that may pass once.
    released: HashSet<StepIx>,
    /// Rows that have ended and whose dependents do not know it yet; whether the run is to stop because they failed.
    ended: BTreeMap<StepIx, bool>,
    /// Conditions that hold of calls that have just ended.
    noted: HashMap<StepIx, Arc<str>>,
}

impl Breakpoints {
    /// Those that are set before the run begins.
    pub(super) fn new(set: &[Breakpoint]) -> Self {
        Self {
            set: set.iter().cloned().collect(),
            ..Self::default()
        }
    }

    /// Whether the end of any row is held.
    pub(super) fn holds_ends(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Whether the end of a row is held.
    pub(super) fn holds_end_of(&self, row: StepIx) -> bool {
        self.ended.contains_key(&row)
    }

    /// A row may pass the next time.
    pub(super) fn release(&mut self, row: StepIx) {
        self.released.insert(row);
    }

    /// A row's breakpoint counts again: its attempt starts, or it goes back to the beginning.
    pub(super) fn hold_again(&mut self, row: StepIx) {
        if !self.released.is_empty() {
            self.released.remove(&row);
        }
    }

    /// A row goes back to the beginning: its end is not held any more.
    pub(super) fn forget(&mut self, row: StepIx) {
        self.hold_again(row);
        if !self.ended.is_empty() {
            self.ended.remove(&row);
        }
    }

    /// A condition holds of a call that has just ended.
    pub(super) fn note(&mut self, row: StepIx, condition: Option<Arc<str>>) {
        if let Some(condition) = condition {
            self.noted.insert(row, condition);
        }
    }

    fn has(&self, id: &str, when: &BreakWhen) -> bool {
        let mut set = self.set.iter();
        set.any(|one| one.when == *when && one.is_about(id))
    }
}

impl Scheduler {
    /// The breakpoints that are set.
    pub(crate) fn breakpoints(&self) -> impl Iterator<Item = &Breakpoint> {
        self.breakpoints.set.iter()
    }

    pub(super) fn set_breakpoint(&mut self, breakpoint: Breakpoint, on: bool, turn: &mut Turn<'_>) {
        let set = &mut self.breakpoints.set;
        let changes = if on {
            set.insert(breakpoint.clone())
        } else {
            set.remove(&breakpoint)
        };
        if changes {
            turn.emit(EventKind::BreakpointSet { breakpoint, on });
        }
    }

    /// Whether a row is to be held before its next attempt.
    pub(super) fn holds(&self, row: StepIx) -> bool {
        !self.breakpoints.set.is_empty()
            && !self.breakpoints.released.contains(&row)
            && self.breakpoints.has(&self.key(row).id, &BreakWhen::Before)
    }

    /// A row that has a slot is about to be called, and this condition holds of it. Returns whether it is held.
    pub(super) fn holds_where(
        &mut self,
        row: StepIx,
        condition: Option<Arc<str>>,
        turn: &mut Turn<'_>,
    ) -> bool {
        let condition = condition.filter(|_| !self.breakpoints.released.contains(&row));
        let is_held = condition.is_some();
        if is_held {
            self.leave(row);
            self.hold_before(row, condition, turn);
        }
        is_held
    }

    /// A row without a slot is held before its next attempt.
    pub(super) fn hold_before(
        &mut self,
        row: StepIx,
        condition: Option<Arc<str>>,
        turn: &mut Turn<'_>,
    ) {
        self.enter(row, WaitFor::Breakpoint);
        self.resources.rates.step_aside(row);
        self.held(row, HeldAt::Before, condition, turn);
        self.emit_waiting(row, WaitReason::Breakpoint, turn);
        self.pause_at_breakpoint(turn);
    }

    /// A row has just ended by itself: what follows from that is held where a breakpoint says so. `failing` is whether
    /// the run is to stop because of it.
    pub(super) fn hold_end(&mut self, row: StepIx, failing: bool, turn: &mut Turn<'_>) -> bool {
        if self.breakpoints.set.is_empty() {
            return false;
        }
        let condition = self.breakpoints.noted.remove(&row);
        if !self.outcome.is_going() {
            return false;
        }
        let id = self.key(row).id;
        let failed = self.status(row) == StepStatus::Failed;
        let at = if failed && self.breakpoints.has(&id, &BreakWhen::Failure) {
            HeldAt::Failure
        } else if condition.is_some() || self.breakpoints.has(&id, &BreakWhen::After) {
            HeldAt::After
        } else {
            return false;
        };
        self.rows.hold_back(row);
        self.breakpoints.ended.insert(row, failing);
        self.held(row, at, condition, turn);
        self.pause_at_breakpoint(turn);
        true
    }

    fn held(&mut self, row: StepIx, at: HeldAt, condition: Option<Arc<str>>, turn: &mut Turn<'_>) {
        turn.emit(EventKind::StepHeld {
            step: self.key(row),
            at,
            condition,
        });
    }

    fn pause_at_breakpoint(&mut self, turn: &mut Turn<'_>) {
        if self.rules.asks && self.outcome.phase == Phase::Running {
            self.outcome.phase = Phase::Paused;
            turn.emit(EventKind::RunPaused);
        }
    }

    /// What breakpoints hold goes on.
    pub(super) fn pass_breakpoints(&mut self) {
        while let Some(row) = self.waiting.pop_at_breakpoint(&self.rows) {
            self.breakpoints.release(row);
            self.queue(row);
        }
        self.let_ends_go(true);
    }

    /// The dependents of the rows whose ends are held get to know them.
    pub(super) fn let_ends_go(&mut self, may_fail: bool) {
        for (row, failing) in std::mem::take(&mut self.breakpoints.ended) {
            self.rows.let_go(row);
            self.outcome.failing |= failing && may_fail;
        }
    }
}
