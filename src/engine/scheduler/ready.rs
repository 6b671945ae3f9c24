//! Which step starts next.

use crate::plan::StepIx;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Steps that could start. Those with the longest way still below them come first, so that a long chain is
/// not left for the end; among equals the plan's order decides. Entries are not removed when a step is
/// skipped or reset: who pops one looks at the step's status.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue {
    heap: BinaryHeap<(u32, Reverse<StepIx>)>,
}

impl ReadyQueue {
    /// Adds a step with the given height.
    pub(super) fn push(&mut self, step: StepIx, height: u32) {
        self.heap.push((height, Reverse(step)));
    }

    /// Takes the step that starts next.
    pub(super) fn pop(&mut self) -> Option<StepIx> {
        self.heap.pop().map(|(_, Reverse(step))| step)
    }
}
