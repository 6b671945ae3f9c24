//! Lanes for what overlaps in time: the slots of a run that had none on record.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// The lane of each of these spans of time, from 0: the first that is free. `spans` are in the order of their starts.
pub(super) fn lanes(spans: &[(u64, u64)]) -> Vec<u32> {
    let mut free: BTreeSet<u32> = BTreeSet::new();
    let mut taken: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    let mut next = 0;
    let lane = |(start, end): &(u64, u64)| {
        while let Some(Reverse((until, lane))) = taken.peek().copied() {
            if until > *start {
                break;
            }
            taken.pop();
            free.insert(lane);
        }
        let lane = free.pop_first().unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        taken.push(Reverse((*end, lane)));
        lane
    };
    spans.iter().map(lane).collect()
}

#[cfg(test)]
mod tests {
    use super::lanes;

    #[test]
    fn a_lane_is_used_again_once_it_is_free() {
        assert_eq!(
            lanes(&[(0, 5), (1, 3), (3, 4), (5, 6), (5, 5)]),
            [0, 1, 1, 0, 1]
        );
    }
}
