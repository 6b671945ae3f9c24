//! The attempts of one row.

use super::AttemptState;
use std::ops::{Deref, DerefMut};

/// The attempts of one row, oldest first. Most rows need one, which stands in the row itself.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Kept);

#[derive(Clone, Debug, Default)]
#[allow(
    clippy::large_enum_variant,
    reason = "a row with one attempt is the common one, and has no allocation for it"
)]
enum Kept {
    #[default]
    None,
    One(AttemptState),
    Many(Vec<AttemptState>),
}

impl Attempts {
    pub(super) fn push(&mut self, attempt: AttemptState) {
        self.0 = match std::mem::take(&mut self.0) {
            Kept::None => Kept::One(attempt),
            Kept::One(first) => Kept::Many(vec![first, attempt]),
            Kept::Many(mut all) => {
                all.push(attempt);
                Kept::Many(all)
            }
        };
    }
}

impl Deref for Attempts {
    type Target = [AttemptState];

    fn deref(&self) -> &[AttemptState] {
        match &self.0 {
            Kept::None => &[],
            Kept::One(attempt) => std::slice::from_ref(attempt),
            Kept::Many(all) => all,
        }
    }
}

impl DerefMut for Attempts {
    fn deref_mut(&mut self) -> &mut [AttemptState] {
        match &mut self.0 {
            Kept::None => &mut [],
            Kept::One(attempt) => std::slice::from_mut(attempt),
            Kept::Many(all) => all,
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
