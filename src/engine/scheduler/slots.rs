//! The slots of a run: how many attempts run at once, and in which place each.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The places in which attempts run; the lowest free one is taken.
#[derive(Debug)]
pub(super) struct Slots {
    free: BinaryHeap<Reverse<u32>>,
    next: u32,
    max: u32,
    taken: u32,
}

impl Slots {
    /// `max` slots, at least one, all free; `None` is as many as are asked for.
    pub(super) fn new(max: Option<u32>) -> Self {
        Self {
            free: BinaryHeap::new(),
            next: 0,
            max: max.unwrap_or(u32::MAX).max(1),
            taken: 0,
        }
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken as usize
    }

    /// Another maximum from now on, at least one. What is taken stays taken.
    pub(super) fn set_max(&mut self, max: Option<u32>) {
        self.max = max.unwrap_or(u32::MAX).max(1);
    }

    /// Whether more are taken than there are, since the maximum was lowered.
    pub(super) fn is_over(&self) -> bool {
        self.taken > self.max
    }

    /// Whether one is free.
    pub(super) fn any_free(&self) -> bool {
        self.taken < self.max
    }

    /// Takes the lowest free one.
    pub(super) fn take(&mut self) -> Option<u32> {
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

    /// The slot of a row that has one: the same, or a lower one where there are not so many any more.
    pub(super) fn exchange(&mut self, slot: u32) -> u32 {
        if slot < self.max {
            return slot;
        }
        self.give(slot);
        self.take().unwrap_or(slot)
    }

    /// Gives one back.
    pub(super) fn give(&mut self, slot: u32) {
        self.taken = self.taken.saturating_sub(1);
        self.free.push(Reverse(slot));
    }
}
