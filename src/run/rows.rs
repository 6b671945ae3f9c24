//! The rows of a run, shared between its states.
//!
//! Looking at other moments of a run takes many states of it, and from one to the next most rows are alike. So
//! rows are kept in small blocks that several states may share, and a block is copied when one of them
//! changes a row in it. A copy of all rows costs a pointer for each block.

use super::StepState;
use std::ops::{Index, IndexMut, Range};
use std::sync::Arc;

/// Rows in a block. More would copy more for one change; fewer would make a copy of all rows dearer. Three just fit into
/// 512 bytes, which allocators have a size for.
const BLOCK: usize = 3;

/// The rows of one state, by position.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// All full, up to the last.
    blocks: Vec<Arc<[StepState]>>,
    len: usize,
}

impl Rows {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The row at a position.
    pub fn get(&self, at: usize) -> Option<&StepState> {
        self.blocks.get(at / BLOCK)?.get(at % BLOCK)
    }

    /// The row at a position, to change it.
    pub fn get_mut(&mut self, at: usize) -> Option<&mut StepState> {
        Arc::make_mut(self.blocks.get_mut(at / BLOCK)?).get_mut(at % BLOCK)
    }

    /// Every row in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            rows: self,
            at: 0..self.len,
        }
    }

    /// Every row in order, to change it.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut StepState> {
        let blocks = self.blocks.iter_mut();
        blocks.flat_map(|block| Arc::make_mut(block).iter_mut())
    }

    /// The positions at which `other` may have another row, or has none. What is not named is alike.
    pub fn apart<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = usize> + 'a {
        let shared = |at: &usize| match other.blocks.get(*at) {
            Some(block) => Arc::ptr_eq(block, &self.blocks[*at]),
            None => false,
        };
        let blocks = (0..self.blocks.len()).filter(move |at| !shared(at));
        blocks.flat_map(|at| at * BLOCK..at * BLOCK + self.blocks[at].len())
    }
}

impl Extend<StepState> for Rows {
    fn extend<I: IntoIterator<Item = StepState>>(&mut self, rows: I) {
        let mut rows = rows.into_iter();
        let mut open: Vec<StepState> = Vec::with_capacity(BLOCK);
        if let Some(last) = self.blocks.pop_if(|last| last.len() < BLOCK) {
            self.len -= last.len();
            open.extend(last.iter().cloned());
        }
        self.blocks.reserve(rows.size_hint().0.div_ceil(BLOCK));
        loop {
            open.extend(rows.by_ref().take(BLOCK - open.len()));
            if open.is_empty() {
                return;
            }
            self.len += open.len();
            self.blocks.push(open.drain(..).collect());
        }
    }
}

impl FromIterator<StepState> for Rows {
    fn from_iter<I: IntoIterator<Item = StepState>>(rows: I) -> Self {
        let mut all = Self::default();
        all.extend(rows);
        all
    }
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (&Arc<[StepState]>, &Arc<[StepState]>)| Arc::ptr_eq(a, b) || a == b;
        self.len == other.len && self.blocks.iter().zip(&other.blocks).all(same)
    }
}

impl Index<usize> for Rows {
    type Output = StepState;

    fn index(&self, at: usize) -> &StepState {
        &self.blocks[at / BLOCK][at % BLOCK]
    }
}

impl IndexMut<usize> for Rows {
    fn index_mut(&mut self, at: usize) -> &mut StepState {
        &mut Arc::make_mut(&mut self.blocks[at / BLOCK])[at % BLOCK]
    }
}

impl<'a> IntoIterator for &'a Rows {
    type Item = &'a StepState;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Rows in order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rows: &'a Rows,
    at: Range<usize>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a StepState;

    fn next(&mut self) -> Option<&'a StepState> {
        self.rows.get(self.at.next()?)
    }

    fn nth(&mut self, skipped: usize) -> Option<&'a StepState> {
        self.rows.get(self.at.nth(skipped)?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.at.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.rows.get(self.at.next_back()?)
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{StepInfo, StepStatus};
    use proptest::prelude::*;

    fn row(id: usize) -> StepState {
        StepState::new(
            StepInfo {
                id: id.to_string().into(),
                tool: "tool".into(),
                kind: "test".into(),
                depends_on: Arc::new([]),
                description: None,
                parent: None,
                parameters: None,
                not_reused: None,
                sequential: false,
                price: None,
                checks: None,
            }
            .into(),
        )
    }

    proptest! {
        #[test]
        fn rows_are_a_list(parts in prop::collection::vec(0usize..11, 0..6), skipped in 0usize..30) {
            let mut rows = Rows::default();
            let mut list = Vec::new();
            for part in parts {
                let more: Vec<StepState> = (list.len()..list.len() + part).map(row).collect();
                rows.extend(more.iter().cloned());
                list.extend(more);
            }
            prop_assert_eq!((rows.len(), rows.is_empty()), (list.len(), list.is_empty()));
            prop_assert!(rows.iter().eq(&list));
            prop_assert!(rows.iter().rev().eq(list.iter().rev()));
            prop_assert!(rows.iter().skip(skipped).eq(list.iter().skip(skipped)));
            prop_assert!(rows.iter_mut().map(|row| &*row).eq(&list));
            prop_assert!((0..list.len() + 9).all(|at| rows.get(at) == list.get(at)));
            prop_assert_eq!(&rows, &list.into_iter().collect());
        }

        #[test]
        fn a_copy_keeps_what_it_was_and_knows_where_it_is_apart(
            before in 1usize..30,
            changed in prop::collection::vec(0usize..30, 0..4),
            more in 0usize..6,
        ) {
            let first: Rows = (0..before).map(row).collect();
            let mut second = first.clone();
            for at in &changed {
                if let Some(row) = second.get_mut(*at) {
                    row.status = StepStatus::Failed;
                }
            }
            second.extend((before..before + more).map(row));
            prop_assert!(first.iter().all(|row| row.status == StepStatus::Pending));
            let apart: Vec<usize> = second.apart(&first).collect();
            for (at, row) in second.iter().enumerate() {
                prop_assert!(apart.contains(&at) || first.get(at) == Some(row));
            }
            prop_assert!(apart.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(apart.len() <= BLOCK * (changed.len() + more.div_ceil(BLOCK) + 1));
            prop_assert_eq!(second.apart(&second).count(), 0);
        }
    }
}
