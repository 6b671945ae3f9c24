//! The dependencies of a plan in both directions, packed.

use crate::plan::StepIx;
use std::collections::BTreeSet;

/// Dependencies and dependents of the plan's own steps.
#[derive(Debug, Default)]
pub(super) struct Graph {
    before: Packed,
    after: Packed,
}

/// Lists of steps, one after the other in one allocation.
#[derive(Debug, Default)]
struct Packed {
    starts: Vec<u32>,
    items: Vec<StepIx>,
}

impl Packed {
    fn of(&self, step: StepIx) -> &[StepIx] {
        match (self.starts.get(step.at()), self.starts.get(step.at() + 1)) {
            (Some(from), Some(to)) => &self.items[*from as usize..*to as usize],
            _ => &[],
        }
    }
}

impl Graph {
    /// The graph of `steps` steps, where `before(step)` names what a step waits for. Without cycles.
    pub(super) fn new<'a>(steps: usize, before: impl Fn(usize) -> &'a [StepIx]) -> Self {
        let mut packed = Packed::default();
        packed.starts.reserve_exact(steps + 1);
        packed.starts.push(0);
        let mut counts = vec![0u32; steps + 1];
        for step in 0..steps {
            packed.items.extend_from_slice(before(step));
            packed.starts.push(packed.items.len() as u32);
            for dependency in before(step) {
                counts[dependency.at() + 1] += 1;
            }
        }
        for step in 0..steps {
            counts[step + 1] += counts[step];
        }
        let mut fill = counts.clone();
        let mut items = vec![StepIx(0); packed.items.len()];
        for step in 0..steps {
            for dependency in before(step) {
                let slot = &mut fill[dependency.at()];
                items[*slot as usize] = StepIx(step as u32);
                *slot += 1;
            }
        }
        let after = Packed {
            starts: counts,
            items,
        };
        Self {
            before: packed,
            after,
        }
    }

    /// What `step` waits for.
    pub(super) fn before(&self, step: StepIx) -> &[StepIx] {
        self.before.of(step)
    }

    /// What waits for `step`.
    pub(super) fn after(&self, step: StepIx) -> &[StepIx] {
        self.after.of(step)
    }

    /// For each step the steps on the longest way from it to an end, itself included.
    pub(super) fn heights(&self) -> Vec<u32> {
        let steps = self.after.starts.len().saturating_sub(1);
        let mut open: Vec<u32> = (0..steps as u32)
            .map(|step| self.after(StepIx(step)).len() as u32)
            .collect();
        let mut heights = vec![1; steps];
        let mut done: Vec<u32> = (0..steps as u32)
            .filter(|step| open[*step as usize] == 0)
            .collect();
        while let Some(step) = done.pop() {
            let above = heights[step as usize] + 1;
            for dependency in self.before(StepIx(step)) {
                let at = dependency.at();
                heights[at] = heights[at].max(above);
                open[at] -= 1;
                if open[at] == 0 {
                    done.push(dependency.0);
                }
            }
        }
        heights
    }

    /// Everything that depends on `steps`, directly or not, without them (unless one depends on another). What
    /// is not `open` is left out, and so is what is reached only through it.
    pub(super) fn descendants(
        &self,
        steps: &[StepIx],
        open: impl Fn(StepIx) -> bool,
    ) -> BTreeSet<StepIx> {
        let mut left: Vec<StepIx> = steps.to_vec();
        let mut found = BTreeSet::new();
        while let Some(step) = left.pop() {
            for next in self.after(step) {
                if open(*next) && found.insert(*next) {
                    left.push(*next);
                }
            }
        }
        found
    }
}
