//! Which rows wait, and for what. A row enters and leaves here in one place each, so that the counts and lists
//! always agree with the stages of the rows.

use super::graph::Graph;
use super::ready::ReadyQueue;
use super::rows::{Rows, Stage};
use crate::plan::StepIx;
use crate::units::Money;
use std::collections::{BTreeSet, VecDeque};

/// What a row without a slot waits for.
#[derive(Clone, Copy, Debug)]
pub(super) enum WaitFor {
    /// A slot; those with more height below them come first.
    Slot {
        /// The plan's step behind the row.
        of: StepIx,
    },
    /// A slot, for a call that code has made: those come first, in the order in which they were made.
    SlotOfCall,
    /// The user, at a breakpoint.
    Breakpoint,
    /// The end of the way to a step that does not need it.
    Target,
    /// Money.
    Money {
        /// What one call of it can cost.
        upper_bound: Money,
        /// Whether that is an estimate.
        estimated: bool,
    },
    /// A rate.
    Rate,
    /// Calls that may be made.
    Calls,
    /// The moment of its next attempt, after this one.
    Backoff {
        /// The attempt that has ended.
        attempt: u32,
    },
}

/// Rows that overlap nothing.
#[derive(Debug, Default)]
pub(super) struct Exclusive {
    /// It is queued, and waits for the others to end; nothing else starts before it.
    pub next: Option<StepIx>,
    /// It has a slot.
    pub running: Option<StepIx>,
}

/// A limit that keeps every row that is left from starting.
#[derive(Clone, Copy, Debug)]
pub(super) enum Exhausted {
    /// This row's upper bound is more than what is left.
    Money(StepIx, Money),
    /// This row's call would be one too many.
    Calls(StepIx),
}

/// The rows that wait.
#[derive(Debug)]
pub(super) struct Waiting {
    ready: ReadyQueue,
    /// Calls that are or were queued.
    calls: VecDeque<StepIx>,
    /// Rows that wait for money, by their upper bound.
    parked: BTreeSet<(Money, StepIx)>,
    throttled: usize,
    backoffs: usize,
    /// Rows that are or were out of calls.
    out_of_calls: Vec<StepIx>,
    /// Rows that are or were held at a breakpoint, in order.
    at_breakpoint: VecDeque<StepIx>,
    /// Rows that stand or stood aside, in order.
    aside: Vec<StepIx>,
    /// Rows that overlap nothing.
    pub exclusive: Exclusive,
}

impl Waiting {
    /// No rows of a plan with these dependencies.
    pub(super) fn new(graph: &Graph) -> Self {
        Self {
            ready: ReadyQueue::new(&graph.heights()),
            calls: VecDeque::new(),
            parked: BTreeSet::new(),
            throttled: 0,
            backoffs: 0,
            out_of_calls: Vec::new(),
            at_breakpoint: VecDeque::new(),
            aside: Vec::new(),
            exclusive: Exclusive::default(),
        }
    }

    /// A row without a slot begins to wait; returns its stage from now on.
    pub(super) fn enter(&mut self, row: StepIx, wait: WaitFor) -> Stage {
        match wait {
            WaitFor::Slot { of } => {
                self.ready.push(row, of);
                Stage::Queued
            }
            WaitFor::SlotOfCall => {
                self.calls.push_back(row);
                Stage::Queued
            }
            WaitFor::Breakpoint => {
                self.at_breakpoint.push_back(row);
                Stage::AtBreakpoint
            }
            WaitFor::Target => {
                self.aside.push(row);
                Stage::Aside
            }
            WaitFor::Money {
                upper_bound,
                estimated,
            } => {
                self.parked.insert((upper_bound, row));
                Stage::Parked {
                    upper_bound,
                    estimated,
                }
            }
            WaitFor::Rate => {
                self.throttled += 1;
                Stage::Throttled
            }
            WaitFor::Calls => {
                self.out_of_calls.push(row);
                Stage::OutOfCalls
            }
            WaitFor::Backoff { attempt } => {
                self.backoffs += 1;
                Stage::Backoff { attempt }
            }
        }
    }

    /// A row leaves the stage in which it was.
    pub(super) fn leave(&mut self, row: StepIx, stage: &Stage) {
        match stage {
            // The stage of a row is checked when it is taken from one of these lists.
            Stage::AtBreakpoint | Stage::Aside | Stage::OutOfCalls => {}
            Stage::Queued => {
                self.exclusive.next = self.exclusive.next.filter(|next| *next != row);
            }
            Stage::Parked { upper_bound, .. } => {
                self.parked.remove(&(*upper_bound, row));
            }
            Stage::Throttled => self.throttled -= 1,
            Stage::Backoff { .. } => self.backoffs -= 1,
            Stage::Preparing { .. } | Stage::Calling(_) => {
                self.exclusive.running = self.exclusive.running.filter(|running| *running != row);
            }
            Stage::Idle
            | Stage::Draining { .. }
            | Stage::Asked
            | Stage::Unapproved
            | Stage::Dormant => {}
        }
    }

    /// The rows that are or were out of calls; they are not listed any more.
    pub(super) fn take_out_of_calls(&mut self) -> Vec<StepIx> {
        std::mem::take(&mut self.out_of_calls)
    }

    /// The rows that stand or stood aside; they are not listed any more.
    pub(super) fn take_aside(&mut self) -> Vec<StepIx> {
        std::mem::take(&mut self.aside)
    }

    /// Drops every waiting row.
    pub(super) fn clear(&mut self) {
        self.parked.clear();
        self.out_of_calls.clear();
        self.at_breakpoint.clear();
        self.aside.clear();
        self.exclusive.next = None;
    }

    /// The row that has been in the queue with the most below it, taken from there.
    pub(super) fn pop_ready(&mut self, rows: &Rows) -> Option<StepIx> {
        loop {
            let row = self.ready.pop()?;
            if rows[row].stage == Stage::Queued {
                return Some(row);
            }
        }
    }

    /// The call that has been in the queue for longest, taken from there.
    pub(super) fn pop_call(&mut self, rows: &Rows) -> Option<StepIx> {
        loop {
            let row = self.calls.pop_front()?;
            if rows[row].stage == Stage::Queued {
                return Some(row);
            }
        }
    }

    /// Whether a row is or was held at a breakpoint since the last time that they were all let go.
    pub(super) fn has_been_at_breakpoint(&self) -> bool {
        !self.at_breakpoint.is_empty()
    }

    /// The row that has been held at a breakpoint for longest, taken from the list; its stage stays.
    pub(super) fn pop_at_breakpoint(&mut self, rows: &Rows) -> Option<StepIx> {
        loop {
            let row = self.at_breakpoint.pop_front()?;
            if rows[row].stage == Stage::AtBreakpoint {
                return Some(row);
            }
        }
    }

    /// The rows that wait for money, the cheapest first, with their upper bounds.
    pub(super) fn parked(&self) -> impl Iterator<Item = (Money, StepIx)> {
        self.parked.iter().copied()
    }

    /// Whether something starts again as time passes.
    pub(super) fn needs_only_time(&self) -> bool {
        self.backoffs + self.throttled > 0
    }

    /// Why nothing can start although something is left, once nothing is running.
    pub(super) fn exhausted(&self, rows: &Rows) -> Option<Exhausted> {
        if let Some((upper_bound, row)) = self.parked.first() {
            return Some(Exhausted::Money(*row, *upper_bound));
        }
        let mut waiting = self.out_of_calls.iter().copied();
        let row = waiting.find(|row| rows[*row].stage == Stage::OutOfCalls)?;
        Some(Exhausted::Calls(row))
    }
}
