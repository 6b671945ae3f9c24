//! What the user folded and unfolded.

use super::rows::Rows;
use super::topology::{Topology, subtree};
use crate::plan::StepIx;
use crate::run::RunState;
use std::collections::BTreeSet;

/// What is folded otherwise than by default. `for_each` steps are folded by default; groups of alike steps are
/// where the picture would not fit else; subtrees are not.
#[derive(Clone, Debug, Default)]
pub(super) struct Folds {
    /// `for_each` steps with their elements beside them, and groups, by their first step, that stay unfolded.
    open: BTreeSet<StepIx>,
    /// Groups, by their first step, and subtrees, by their root, that are folded.
    closed: BTreeSet<StepIx>,
}

/// What folding did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folded {
    /// So many steps are shown as one now.
    Closed(usize),
    /// So many are shown by themselves.
    Opened(usize),
}

impl Folds {
    /// Whether the elements of this step stand beside it.
    pub(super) fn is_open(&self, row: StepIx) -> bool {
        self.open.contains(&row)
    }

    /// Whether the group with this first step is folded; `lean` where groups are by default.
    pub(super) fn folds_group(&self, first: StepIx, lean: bool) -> bool {
        self.closed.contains(&first) || (lean && !self.open.contains(&first))
    }

    /// The roots of folded subtrees.
    pub(super) fn subtrees(&self, rows: &Rows) -> BTreeSet<StepIx> {
        let roots = self.closed.iter().copied();
        roots.filter(|&row| rows.group(row).is_empty()).collect()
    }

    /// Unfolds what is folded at this node, or folds what `step` is part of: the elements of its `for_each`
    /// step, its group, else what waits for nothing but it. `None` where there is nothing to fold.
    pub(super) fn toggle(
        &mut self,
        rows: &Rows,
        state: &RunState,
        topology: &Topology,
        step: StepIx,
    ) -> Option<Folded> {
        let node = topology.node(step)?;
        let head = topology.step(node)?;
        let row = state.steps.get(head.at())?;
        if let Some(members) = topology.members.get(&node) {
            self.closed.remove(&head);
            if !rows.group(head).is_empty() {
                self.open.insert(head);
            }
            return Some(Folded::Opened(members.len()));
        }
        let each = row.info.parent.unwrap_or(head);
        let elements = state.under(each).len();
        if self.open.contains(&each) && elements > 0 {
            self.open.remove(&each);
            return Some(Folded::Closed(elements));
        }
        if elements > 0 {
            self.open.insert(each);
            return Some(Folded::Opened(elements));
        }
        if let Some(first) = rows.group_of(head) {
            self.open.remove(&first);
            self.closed.insert(first);
            return Some(Folded::Closed(rows.group(first).len()));
        }
        let lean = !topology.members.is_empty();
        let below = subtree(rows, state, self, lean, head);
        if below == 0 {
            return None;
        }
        self.closed.insert(head);
        Some(Folded::Closed(below + 1))
    }
}
