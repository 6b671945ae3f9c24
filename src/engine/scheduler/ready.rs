//! Which step starts next.

use crate::plan::StepIx;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Rows that could start. Those with the longest way still below them come first, so that a long chain is
/// not left for the end; among equals the plan's order decides, and elements follow the plan's steps in the order in
/// which they appeared. Rows are not removed when they are skipped or reset: who pops one looks at its stage.
///
/// The order of the plan's steps is known beforehand, so each has its place in it, and the queue is a set of places.
#[derive(Debug)]
pub(super) struct ReadyQueue {
    /// The place of each step.
    place_of: Vec<u32>,
    /// The step at each place.
    step_at: Vec<StepIx>,
    /// The places after the last step of each height, ascending: the heights descend.
    ends: Vec<u32>,
    steps: PlaceSet,
    /// Elements, by the place after the last step of the height that their `for_each` step has.
    elements: BinaryHeap<Reverse<(u32, StepIx)>>,
}

impl ReadyQueue {
    /// No rows, for a plan whose steps have these heights: the steps on the longest way from each to an end, itself
    /// included.
    pub(super) fn new(heights: &[u32]) -> Self {
        let highest = heights.iter().copied().max().unwrap_or(0);
        let level = |height: u32| (highest - height) as usize;
        let mut ends = vec![0; highest as usize + 1];
        for height in heights {
            ends[level(*height)] += 1;
        }
        let mut end = 0;
        for count in &mut ends {
            end += *count;
            *count = end;
        }
        // Filled from behind, each level has its begin in the end.
        let mut next = ends.clone();
        let mut place_of = vec![0; heights.len()];
        let mut step_at = vec![StepIx(0); heights.len()];
        for (step, height) in heights.iter().enumerate().rev() {
            let place = &mut next[level(*height)];
            *place -= 1;
            place_of[step] = *place;
            step_at[*place as usize] = StepIx(step as u32);
        }
        Self {
            steps: PlaceSet::new(place_of.len()),
            place_of,
            step_at,
            ends,
            elements: BinaryHeap::new(),
        }
    }

    /// Adds a row: the plan's step `of`, or an element of it.
    pub(super) fn push(&mut self, row: StepIx, of: StepIx) {
        let place = self.place_of[of.at()];
        if row == of {
            self.steps.insert(place);
        } else {
            let level = self.ends.partition_point(|end| *end <= place);
            self.elements.push(Reverse((self.ends[level], row)));
        }
    }

    /// Takes the row that starts next.
    pub(super) fn pop(&mut self) -> Option<StepIx> {
        let place = self.steps.first();
        let element = self.elements.peek();
        let is_before =
            |Reverse((end, _)): &&Reverse<(u32, StepIx)>| place.is_none_or(|place| *end <= place);
        if element.as_ref().is_some_and(is_before) {
            return self.elements.pop().map(|Reverse((_, row))| row);
        }
        let place = place?;
        self.steps.remove(place);
        Some(self.step_at[place as usize])
    }
}

/// A set of places of which the first is found at once: bits, and above them bits that tell which words have any.
#[derive(Debug)]
struct PlaceSet {
    /// The places first; each list has a bit for each word of the one before it, the last is one word.
    levels: Vec<Vec<u64>>,
}

impl PlaceSet {
    /// An empty set of places below `count`.
    fn new(count: usize) -> Self {
        let mut levels = vec![vec![0; count.div_ceil(64).max(1)]];
        while let Some(words) = levels.last().map(Vec::len).filter(|words| *words > 1) {
            levels.push(vec![0; words.div_ceil(64)]);
        }
        Self { levels }
    }

    fn insert(&mut self, place: u32) {
        let mut at = place as usize;
        for words in &mut self.levels {
            let word = &mut words[at / 64];
            let was_empty = *word == 0;
            *word |= 1 << (at % 64);
            if !was_empty {
                return;
            }
            at /= 64;
        }
    }

    fn remove(&mut self, place: u32) {
        let mut at = place as usize;
        for words in &mut self.levels {
            let word = &mut words[at / 64];
            *word &= !(1 << (at % 64));
            if *word != 0 {
                return;
            }
            at /= 64;
        }
    }

    fn first(&self) -> Option<u32> {
        let mut at = 0;
        for words in self.levels.iter().rev() {
            let word = words[at];
            if word == 0 {
                // Only the last list can have none: above a word without bits there is none for it.
                return None;
            }
            at = at * 64 + word.trailing_zeros() as usize;
        }
        Some(at as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// A row is added, or (`None`) the next one is taken.
    type Turn = Option<(prop::sample::Index, bool)>;

    proptest! {
        #[test]
        fn the_highest_comes_first_and_among_equals_the_first(
            heights in prop::collection::vec(1u32..6, 1..300),
            turns in prop::collection::vec(any::<Turn>(), 0..600),
        ) {
            let mut queue = ReadyQueue::new(&heights);
            let mut sorted = BTreeSet::new();
            let mut rows = heights.len() as u32;
            for turn in turns {
                let Some((of, is_element)) = turn else {
                    let first = sorted.pop_first().map(|(_, row)| row);
                    prop_assert_eq!(queue.pop(), first);
                    continue;
                };
                let of = StepIx(of.index(heights.len()) as u32);
                let row = if is_element {
                    rows += 1;
                    StepIx(rows - 1)
                } else {
                    of
                };
                queue.push(row, of);
                sorted.insert((Reverse(heights[of.at()]), row));
            }
            while let Some((_, row)) = sorted.pop_first() {
                prop_assert_eq!(queue.pop(), Some(row));
            }
            prop_assert_eq!(queue.pop(), None);
        }
    }

    #[test]
    fn many_places_have_many_levels() {
        let mut set = PlaceSet::new(1 << 20);
        assert_eq!((set.levels.len(), set.first()), (4, None));
        for place in [1_048_575, 700_000, 4_096, 4_095, 64] {
            set.insert(place);
            assert_eq!(set.first(), Some(place));
        }
        for place in [64, 4_095, 4_096, 700_000, 1_048_575] {
            assert_eq!(set.first(), Some(place));
            set.remove(place);
        }
        assert_eq!(set.first(), None);
        assert!(set.levels.iter().flatten().all(|word| *word == 0));
    }
}
