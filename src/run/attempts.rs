//! The attempts of one row.

use super::AttemptState;
use std::ops::{Deref, DerefMut};

/// The attempts of one row, oldest first. Most rows need one, which is stored in the row itself.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Storage);

#[derive(Clone, Debug, Default)]
#[allow(
    clippy::large_enum_variant,
    reason = "a row with one attempt is the common one, and has no allocation for it"
)]
enum Storage {
    #[default]
    None,
    One(AttemptState),
    Many(Vec<AttemptState>),
}

impl Attempts {
    pub(super) fn push(&mut self, attempt: AttemptState) {
        self.0 = match std::mem::take(&mut self.0) {
            Storage::None => Storage::One(attempt),
            Storage::One(first) => Storage::Many(vec![first, attempt]),
            Storage::Many(mut all) => {
                all.push(attempt);
                Storage::Many(all)
            }
        };
    }
}

impl Deref for Attempts {
    type Target = [AttemptState];

    fn deref(&self) -> &[AttemptState] {
        match &self.0 {
            Storage::None => &[],
            Storage::One(attempt) => std::slice::from_ref(attempt),
            Storage::Many(all) => all,
        }
    }
}

impl DerefMut for Attempts {
    fn deref_mut(&mut self) -> &mut [AttemptState] {
        match &mut self.0 {
            Storage::None => &mut [],
            Storage::One(attempt) => std::slice::from_mut(attempt),
            Storage::Many(all) => all,
        }
    }
}

impl PartialEq for Attempts {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<'a> IntoIterator for &'a Attempts {
    type Item = &'a AttemptState;
    type IntoIter = std::slice::Iter<'a, AttemptState>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
