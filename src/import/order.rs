//! What came before what, by the times alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// For each span of time the places of those that had ended when it began, without those that come before another of
/// them: `spans` are starts and ends. At most `room` pairs are given; where they run out, the latest are.
pub(super) fn before(spans: &[(u64, u64)], room: &mut usize) -> Vec<Vec<usize>> {
    let mut by_start: Vec<usize> = (0..spans.len()).collect();
    by_start.sort_by_key(|at| (spans[*at], *at));
    let mut running = BinaryHeap::new();
    // Those that have ended, by their ends; and the latest start among them.
    let mut ended: Vec<usize> = Vec::new();
    let mut latest_start = 0;
    let mut before = vec![Vec::new(); spans.len()];
    for at in by_start {
        let (start, end) = spans[at];
        while let Some(Reverse((end, other))) = running.peek().copied() {
            if end > start {
                break;
            }
            running.pop();
            ended.push(other);
            latest_start = latest_start.max(spans[other].0);
        }
        for other in ended.iter().rev() {
            // All others ended before one of these began.
            let (began, over) = spans[*other];
            if over < latest_start || *room == 0 && !before[at].is_empty() {
                break;
            }
            if over == latest_start && began != latest_start {
                continue;
            }
            *room = room.saturating_sub(1);
            before[at].push(*other);
        }
        running.push(Reverse((end.max(start), at)));
    }
    before
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_last_before_it_are_named() {
        let spans = [(0, 10), (10, 20), (12, 18), (20, 30), (31, 40), (5, 35)];
        let found = before(&spans, &mut 100);
        let sorted: Vec<Vec<usize>> = found
            .into_iter()
            .map(|mut list| {
                list.sort_unstable();
                list
            })
            .collect();
        assert_eq!(
            sorted,
            [vec![], vec![0], vec![0], vec![1, 2], vec![3], vec![]]
        );
    }

    proptest! {
        /// What is reached from a span by going back is all that had ended when it began, and nothing else; there are no
        /// circles, however many spans have the same times.
        #[test]
        fn going_back_reaches_all_that_had_ended(
            spans in prop::collection::vec((0u64..40, 0u64..12), 1..40),
        ) {
            let spans: Vec<(u64, u64)> = spans.into_iter().map(|(start, took)| (start, start + took)).collect();
            let direct = before(&spans, &mut 10_000);
            let mut order: Vec<usize> = (0..spans.len()).collect();
            order.sort_by_key(|at| (spans[*at], *at));
            let place = |at: usize| order.iter().position(|other| *other == at).unwrap();
            for at in 0..spans.len() {
                let mut reached = std::collections::BTreeSet::new();
                let mut left = direct[at].clone();
                while let Some(next) = left.pop() {
                    prop_assert!(place(next) < place(at), "no circles");
                    if reached.insert(next) {
                        left.extend(&direct[next]);
                    }
                }
                let all: std::collections::BTreeSet<usize> = (0..spans.len())
                    .filter(|other| spans[*other].1 <= spans[at].0 && place(*other) < place(at))
                    .collect();
                prop_assert_eq!(reached, all, "of {} in {:?}", at, &spans);
            }
        }
    }
}
