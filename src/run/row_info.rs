//! What was known of a row before anything happened, shared with the event that carried it.

use super::StepInfo;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// One entry of a list of [`StepInfo`]s. A copy costs a count, and no row has a list's entry a second time.
#[derive(Clone)]
pub struct RowInfo {
    all: Arc<[StepInfo]>,
    at: u32,
}

impl RowInfo {
    /// Every entry of a list, in order.
    pub(super) fn each(all: &Arc<[StepInfo]>) -> impl ExactSizeIterator<Item = Self> + use<'_> {
        let entry = |at| Self {
            all: Arc::clone(all),
            at,
        };
        (0..all.len() as u32).map(entry)
    }
}

impl From<StepInfo> for RowInfo {
    fn from(info: StepInfo) -> Self {
        Self {
            all: Arc::new([info]),
            at: 0,
        }
    }
}

impl Deref for RowInfo {
    type Target = StepInfo;

    fn deref(&self) -> &StepInfo {
        // An entry is only made of a position that the list has.
        &self.all[self.at as usize]
    }
}

impl PartialEq for RowInfo {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.all, &other.all) && self.at == other.at || **self == **other
    }
}

impl fmt::Debug for RowInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
