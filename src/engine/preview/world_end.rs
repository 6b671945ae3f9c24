//! What came of the world of a preview.

use super::row_set::RowSet;
use crate::units::Micros;

/// What came of it. Rows are those of the run.
#[derive(Debug, Default)]
pub(super) struct WorldEnd {
    /// What was called after the commands; a `for_each` step by its elements, or itself where it has none yet.
    pub(super) called: RowSet,
    /// What may be called beside, because a condition is looked at again.
    pub(super) possible: RowSet,
    /// What a limit kept from being called.
    pub(super) refused: RowSet,
    /// Whether lists are expanded whose length is not known.
    pub(super) open_lists: bool,
    /// How long it took.
    pub(super) took: Micros,
    /// The steps of the plan that have not ended.
    pub(super) open: RowSet,
}
