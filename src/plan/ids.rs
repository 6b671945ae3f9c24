//! The ids of a plan's steps and their positions.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// The position of a step in [`ExecutionPlan::steps`](super::ExecutionPlan::steps), and of its row in a run;
/// elements of a `for_each` step get positions after the plan's own.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct StepIx(pub u32);

impl StepIx {
    /// The position as a `usize`, to index with.
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

/// Step ids and their positions.
#[derive(Clone, Debug, Default)]
pub(super) struct StepIds {
    positions: HashMap<Arc<str>, StepIx>,
    ids: Vec<Arc<str>>,
    /// Whether an id contains a character that ends a name in a reference.
    compound: bool,
}

impl StepIds {
    /// Empty, with capacity for `count` ids.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            positions: HashMap::with_capacity(count),
            ids: Vec::with_capacity(count),
            compound: false,
        }
    }

    /// Adds an id at the next position; false where the plan has it already.
    pub(super) fn add(&mut self, id: &Arc<str>) -> bool {
        let ix = StepIx(self.ids.len() as u32);
        self.ids.push(Arc::clone(id));
        self.compound |= id.contains(['.', '[']);
        match self.positions.entry(Arc::clone(id)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(slot) => {
                slot.insert(ix);
                true
            }
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<StepIx> {
        self.positions.get(id).copied()
    }

    pub(super) fn id(&self, ix: StepIx) -> &Arc<str> {
        &self.ids[ix.at()]
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(|id| &**id)
    }

    /// The longest id that `text` begins with and that ends where a name can end; and its length.
    pub(super) fn leading(&self, text: &str) -> Option<(StepIx, usize)> {
        let mut found = None;
        // No one uses an id with hundreds of dots; without a limit a long path would cost its square.
        for (at, _) in text.match_indices(['.', '[']).take(32) {
            if let Some(ix) = self.find(&text[..at]) {
                found = Some((ix, at));
            }
            if !self.compound {
                return found;
            }
        }
        match self.find(text) {
            Some(ix) => Some((ix, text.len())),
            None => found,
        }
    }
}
