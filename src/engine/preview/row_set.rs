//! Sets of rows, of which most are in them or out of them.

use crate::plan::StepIx;
use fixedbitset::FixedBitSet;

/// A set of rows, in their order.
#[derive(Debug, Default)]
pub(super) struct RowSet(FixedBitSet);

impl RowSet {
    pub(super) fn insert(&mut self, row: StepIx) {
        self.0.grow_and_insert(row.at());
    }

    pub(super) fn remove(&mut self, row: StepIx) {
        if self.contains(row) {
            self.0.remove(row.at());
        }
    }

    pub(super) fn contains(&self, row: StepIx) -> bool {
        self.0.contains(row.at())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_clear()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = StepIx> {
        self.0.ones().map(|at| StepIx(at as u32))
    }
}

impl FromIterator<StepIx> for RowSet {
    fn from_iter<I: IntoIterator<Item = StepIx>>(rows: I) -> Self {
        let mut set = Self::default();
        for row in rows {
            set.insert(row);
        }
        set
    }
}
