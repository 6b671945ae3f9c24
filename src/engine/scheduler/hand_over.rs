//! Handing over to another run, which goes on with an edited plan.
//!
//! The steps that the edit is about start no more, and neither does what depends on them; everything else goes on. Once
//! nothing is running and nothing starts by itself, the run is stopped for the other one. In a paused run that is as soon
//! as nothing is running.

use super::{Phase, Scheduler, Turn};
use crate::plan::StepIx;
use crate::run::{EventKind, HandOver, RunOutcome, SkipReason};
use std::collections::HashSet;
use std::sync::Arc;

impl Scheduler {
    /// The run is to hand over, or is not to any more.
    pub(super) fn set_hand_over(&mut self, to: Option<Box<HandOver>>, turn: &mut Turn<'_>) {
        if !self.outcome.is_going() || to.is_none() && self.handed_over.is_none() {
            return;
        }
        self.handed_over = to.as_ref().map(|to| {
            let held: HashSet<&Arc<str>> = to.held.iter().collect();
            let steps = self.steps.positions();
            steps
                .filter(|step| held.contains(&self.steps.get(*step).id))
                .collect()
        });
        turn.emit(EventKind::HandOverSet { to });
        self.let_aside_try();
    }

    /// Whether a row is left to the other run. The calls of code that is running are a part of it.
    pub(super) fn is_handed_over(&self, row: StepIx) -> bool {
        self.handed_over.as_ref().is_some_and(|held| {
            held.contains(&self.plan_step(row)) && self.elements.call(row).is_none()
        })
    }

    /// The run ends for another reason: nothing is handed over.
    pub(super) fn withdraw_hand_over(&mut self, turn: &mut Turn<'_>) {
        if self.handed_over.take().is_some() {
            turn.emit(EventKind::HandOverSet { to: None });
        }
    }

    /// Stops the run for the other one, once it stands still.
    pub(super) fn hand_over(&mut self, turn: &mut Turn<'_>) {
        let is_busy = self.resources.slots.taken() + self.resources.suspended > 0;
        if self.handed_over.is_none() || is_busy {
            return;
        }
        let stands_still = match self.outcome.phase {
            Phase::Paused => true,
            Phase::Running => {
                let mut rows = self.rows.positions();
                !self.waiting.needs_only_time() && !rows.any(|row| self.could_go_on(row))
            }
            _ => false,
        };
        if stands_still {
            self.handed_over = None;
            turn.emit(EventKind::StopRequested);
            self.stop(RunOutcome::Cancelled, SkipReason::User, turn);
            self.propagate(turn);
        }
    }
}
