//! Which step starts next, and in which slot.

use crate::plan::StepIx;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Steps that could start. Those with the longest way still below them come first, so that a long chain is
/// not left for the end; among equals the plan's order decides. Entries are not removed when a step is
/// skipped or reset: who pops one looks at the step's status.
#[derive(Debug, Default)]
pub struct ReadyQueue {
    heap: BinaryHeap<(u32, Reverse<StepIx>)>,
}

impl ReadyQueue {
    /// Adds a step with the given height.
    pub fn push(&mut self, step: StepIx, height: u32) {
        self.heap.push((height, Reverse(step)));
    }

    /// Takes the step that starts next.
    pub fn pop(&mut self) -> Option<StepIx> {
        self.heap.pop().map(|(_, Reverse(step))| step)
    }
}

/// The places in which attempts are under way; the lowest free one is taken.
#[derive(Debug)]
pub struct Slots {
    free: BinaryHeap<Reverse<u32>>,
    next: u32,
    most: u32,
    taken: u32,
}

impl Slots {
    /// `most` slots, all free.
    pub fn new(most: usize) -> Self {
        Self {
            free: BinaryHeap::new(),
            next: 0,
            most: u32::try_from(most.max(1)).unwrap_or(u32::MAX),
            taken: 0,
        }
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.taken as usize
    }

    /// Whether one is free.
    pub fn any_free(&self) -> bool {
        self.taken < self.most
    }

    /// Takes the lowest free one.
    pub fn take(&mut self) -> Option<u32> {
        if !self.any_free() {
            return None;
        }
        self.taken += 1;
        Some(match self.free.pop() {
            Some(Reverse(slot)) => slot,
            None => {
                self.next += 1;
                self.next - 1
            }
        })
    }

    /// Gives one back.
    pub fn give(&mut self, slot: u32) {
        self.taken = self.taken.saturating_sub(1);
        self.free.push(Reverse(slot));
    }
}
