//! The way along edges from step to step, and back.

use crate::plan::StepIx;

/// The most steps to go back to.
const KEPT: usize = 100;

/// Which neighbours of a step are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Along {
    /// What it waits for.
    Up,
    /// What waits for it.
    Down,
}

/// Steps that were left along an edge.
#[derive(Debug, Default)]
pub struct Trail {
    steps: Vec<StepIx>,
    /// The last way taken: from which step, which way, and to which of its neighbours.
    last: Option<(StepIx, Along, usize)>,
}

impl Trail {
    /// The place of the neighbour to go to: the first, or the one after that which was gone to last from here.
    pub(crate) fn next(&mut self, from: StepIx, along: Along, neighbours: usize) -> usize {
        let place = match self.last {
            Some((step, way, place)) if (step, way) == (from, along) => {
                (place + 1) % neighbours.max(1)
            }
            _ => 0,
        };
        self.last = Some((from, along, place));
        self.left(from);
        place
    }

    /// Keeps a step in mind that was left along an edge.
    pub(crate) fn left(&mut self, from: StepIx) {
        if self.steps.len() == KEPT {
            self.steps.remove(0);
        }
        self.steps.push(from);
    }

    /// Whether there is a step to go back to.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The step to go back to.
    pub(crate) fn back(&mut self) -> Option<StepIx> {
        self.steps.pop()
    }
}
