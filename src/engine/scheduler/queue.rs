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
    /// `most` slots, at least one, all free; `None` is as many as are asked for.
    pub fn new(most: Option<u32>) -> Self {
        Self {
            free: BinaryHeap::new(),
            next: 0,
            most: most.unwrap_or(u32::MAX).max(1),
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
        if let Some(Reverse(slot)) = self.free.pop() {
            return Some(slot);
        }
        self.next += 1;
        Some(self.next - 1)
    }

    /// Gives one back.
    pub fn give(&mut self, slot: u32) {
        self.taken = self.taken.saturating_sub(1);
        self.free.push(Reverse(slot));
    }
}
