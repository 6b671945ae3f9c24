//! Which ready step gets a slot next.

use super::{Action, Phase, Scheduler, Stage, Turn};
use crate::plan::StepIx;
use crate::run::{EventKind, WaitReason};

/// Rows waiting for money that are looked at, at most, for one that fits.
const MAX_PARKED_LOOKED_AT: usize = 64;

impl Scheduler {
    /// Asks for the preparation of as many steps as there are free slots.
    pub(super) fn dispatch(&mut self, turn: &mut Turn<'_>) {
        while self.outcome.phase == Phase::Running && self.has_room() {
            if let Some(row) = self.next_call() {
                self.start_or_hold(row, turn);
                continue;
            }
            if self.runs_alone() {
                return;
            }
            let waited = self.waiting.exclusive.next;
            let Some(row) = self.pick() else { return };
            if self.must_wait_to_be_alone(row) {
                // Nothing else starts before it, or it would wait for as long as others keep coming.
                self.waiting.exclusive.next = Some(row);
                if self.resources.suspended > 0 {
                    // A call that it waits for does not wait behind it.
                    self.resources.rates.step_aside(row);
                }
                if waited != Some(row) {
                    self.emit_waiting(row, WaitReason::Exclusive, turn);
                }
                return;
            }
            self.start_or_hold(row, turn);
        }
    }

    fn start_or_hold(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        if self.is_target(row) {
            self.hold_at_target(row, turn);
            self.recheck_rates();
        } else if self.holds(row) {
            self.hold_before(row, None, turn);
            // It does not keep others from what a rate allows.
            self.recheck_rates();
        } else {
            self.give_slot(row, false, turn);
        }
    }

    /// Starts one step of a paused run: the one that is asked for if it could start, else the next one.
    pub(super) fn step_once(&mut self, asked: Option<StepIx>, turn: &mut Turn<'_>) {
        let call = || self.elements.call(asked?);
        let is_alone = self.runs_alone();
        if !self.has_room() || is_alone && asked.is_some() && call().is_none() {
            return;
        }
        let row = if let Some(row) = asked {
            (self.could_start(row) && !self.is_handed_over(row)).then_some(row)
        } else {
            let mut left = Vec::new();
            let next = loop {
                let held = self.waiting.pop_at_breakpoint(&self.rows);
                let call = held.or_else(|| self.next_call());
                let next = call.or_else(|| if is_alone { None } else { self.pick() });
                match next {
                    Some(row) if self.is_handed_over(row) => left.push(row),
                    next => break next,
                }
            };
            for row in left {
                self.queue(row);
            }
            next
        };
        let Some(row) = row else { return };
        if self.must_wait_to_be_alone(row) {
            if asked.is_none() {
                self.queue(row);
            }
            return;
        }
        self.give_slot(row, true, turn);
    }

    /// Whether a slot is free. Beside a row that runs alone, only its calls may take one.
    fn has_room(&self) -> bool {
        self.resources.slots.any_free()
    }

    fn must_wait_to_be_alone(&self, row: StepIx) -> bool {
        let taken = self.resources.slots.taken() + self.resources.suspended;
        self.rows[row].sequential && taken > 0
    }

    /// Whether nothing but the pause, a breakpoint, money or a rate keeps a row from starting.
    fn could_start(&self, row: StepIx) -> bool {
        matches!(
            self.rows.stage(row),
            Stage::Queued | Stage::AtBreakpoint | Stage::Parked { .. } | Stage::Throttled
        )
    }

    /// The row that starts next, taken from where it waits: one that waited to be alone, then one for which
    /// there is money again, then the queue.
    fn pick(&mut self) -> Option<StepIx> {
        if let Some(row) = self.waiting.exclusive.next.take() {
            return Some(row);
        }
        if let Some(row) = self.take_affordable(false) {
            return Some(row);
        }
        self.waiting.pop_ready(&self.rows)
    }

    /// The call of code that starts next: it comes before everything else, whatever runs alone.
    fn next_call(&mut self) -> Option<StepIx> {
        let queued = self.waiting.pop_call(&self.rows);
        // What waits to be alone may wait for the code that waits for it.
        let comes_first = self.runs_alone() || self.waiting.exclusive.next.is_some();
        queued.or_else(|| {
            if comes_first {
                self.take_affordable(true)
            } else {
                None
            }
        })
    }

    fn take_affordable(&mut self, only_calls: bool) -> Option<StepIx> {
        let row = self.affordable(only_calls)?;
        self.leave(row);
        self.rows[row].stage = Stage::Queued;
        Some(row)
    }

    /// The cheapest row that waits for money and fits. One that is cheaper may not fit, because of the headroom
    /// that its estimate needs.
    fn affordable(&self, only_calls: bool) -> Option<StepIx> {
        let budget = &self.resources.budget;
        let free = budget.free();
        let cheapest = self.waiting.parked();
        let cheapest =
            cheapest.filter(|(_, row)| !only_calls || self.elements.call(*row).is_some());
        let cheapest = cheapest.take(MAX_PARKED_LOOKED_AT);
        let mut within = cheapest.take_while(|(bound, _)| bound.is_zero() || *bound <= free);
        let fits = |(bound, row): &_| budget.fits(*bound, self.parked_headroom(*row));
        within.find(fits).map(|(_, row)| row)
    }

    fn give_slot(&mut self, row: StepIx, permitted: bool, turn: &mut Turn<'_>) {
        let Some(slot) = self.resources.slots.take() else {
            return;
        };
        self.leave(row);
        self.rows[row].stage = Stage::Preparing { slot, permitted };
        if self.rows[row].sequential {
            self.waiting.exclusive.running = Some(row);
        }
        turn.act(Action::Prepare(row));
    }

    pub(super) fn emit_waiting(&mut self, row: StepIx, reason: WaitReason, turn: &mut Turn<'_>) {
        self.resources.rates.announced_otherwise(row);
        turn.emit(EventKind::StepWaiting {
            step: self.key(row),
            reason,
            on: None,
            until: None,
        });
    }

    /// Lets those try again that a rate may no longer hold.
    pub(super) fn recheck_rates(&mut self) {
        while let Some(row) = self.resources.rates.next_to_try() {
            match self.rows[row].stage {
                Stage::Throttled => {
                    self.leave(row);
                    self.queue(row);
                }
                Stage::Queued | Stage::AtBreakpoint | Stage::Preparing { .. } => {}
                _ => self.resources.rates.forget(row),
            }
        }
    }

    /// The timer of a backoff is due.
    pub(super) fn backoff_over(&mut self, row: StepIx, attempt: u32) {
        if *self.rows.stage(row) == (Stage::Backoff { attempt }) {
            self.leave(row);
            self.queue(row);
        }
    }
}
