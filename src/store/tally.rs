//! What a list of runs shows of a run, kept up with its events.
//!
//! The same as [`RunState`](crate::run::RunState) would say, without its memory: a journal does not hold a
//! second picture of a run with a million steps.

use crate::run::{Fact, Micros, Money, RunEvent, RunOutcome};

/// Figures of a run so far.
#[derive(Debug, Default)]
pub struct Tally {
    tracked: bool,
    succeeded: Vec<bool>,
    completed: u64,
    spent: Money,
    unpriced: bool,
    running: usize,
    paused: bool,
    outcome: Option<RunOutcome>,
    at: Micros,
    held: Micros,
    held_since: Option<Micros>,
}

impl Tally {
    /// Takes in the next event.
    pub fn apply(&mut self, event: &RunEvent) {
        self.at = self.at.max(event.at);
        match &event.fact {
            Fact::RunStarted(header) => {
                self.tracked = header.track_cost;
                self.succeeded = vec![false; header.steps.len()];
            }
            Fact::AttemptStarted { .. } => self.running += 1,
            Fact::AttemptEnded(end) => {
                self.running = self.running.saturating_sub(1);
                match end.cost {
                    Some(cost) => self.spent += cost,
                    None => self.unpriced |= self.tracked,
                }
            }
            // The rows of elements stand after those of the plan's steps and are not counted.
            Fact::StepSucceeded { step, .. } => self.set(step.ix.at(), true),
            Fact::StepReset { step } => self.set(step.ix.at(), false),
            Fact::RunPaused => self.paused = true,
            Fact::RunResumed | Fact::LimitReached { .. } | Fact::StopRequested => {
                self.paused = false;
            }
            Fact::RunReopened => (self.paused, self.outcome) = (false, None),
            Fact::RunEnded { status, .. } => self.outcome = Some(*status),
            _ => {}
        }
        self.keep_clock(event.at);
    }

    fn set(&mut self, row: usize, succeeded: bool) {
        if let Some(flag) = self.succeeded.get_mut(row) {
            match (*flag, succeeded) {
                (false, true) => self.completed += 1,
                (true, false) => self.completed -= 1,
                _ => {}
            }
            *flag = succeeded;
        }
    }

    fn keep_clock(&mut self, at: Micros) {
        let holds = self.running == 0 && (self.paused || self.outcome.is_some());
        match (holds, self.held_since) {
            (true, None) => self.held_since = Some(at),
            (false, Some(since)) => {
                self.held += at - since;
                self.held_since = None;
            }
            _ => {}
        }
    }

    /// Those that succeeded.
    pub fn steps_completed(&self) -> u64 {
        self.completed
    }

    /// What it cost; `None` where that is not known or not tracked.
    pub fn cost(&self) -> Option<Money> {
        (self.tracked && !self.unpriced).then_some(self.spent)
    }

    /// Wall-clock time less held time, up to the last event.
    pub fn latency(&self) -> Micros {
        let open = self.held_since.map_or(Micros(0), |since| self.at - since);
        self.at - self.held - open
    }

    /// How it ended, where it has.
    pub fn outcome(&self) -> Option<RunOutcome> {
        self.outcome
    }
}
