//! What steps waited for: what their spans say, or else what the times say.

use super::order;
use super::tree::Tree;

/// The most dependencies that are made of times.
const MOST_EDGES: usize = 300_000;

/// The first and the last steps of a span.
#[derive(Clone, Default)]
struct Ends {
    first: Vec<usize>,
    last: Vec<usize>,
}

impl Tree {
    /// What each step waits for, by the places of spans.
    pub(super) fn dependencies(&self) -> Vec<Vec<usize>> {
        let is_told = self.spans.iter().any(|span| !span.after.is_empty());
        let mut room = MOST_EDGES;
        let mut before = vec![Vec::new(); self.spans.len()];
        let mut ends = vec![Ends::default(); self.spans.len()];
        for at in self.order.iter().rev().copied() {
            if self.steps[at] {
                ends[at] = Ends {
                    first: vec![at],
                    last: vec![at],
                };
                continue;
            }
            ends[at] = self.join(&self.children[at], &ends, is_told, &mut room, &mut before);
        }
        self.join(&self.roots, &ends, is_told, &mut room, &mut before);
        if is_told {
            for at in self.order.iter().copied() {
                for other in self.spans[at]
                    .after
                    .iter()
                    .filter_map(|id| self.by_id.get(id))
                {
                    link(&ends[at].first, &ends[*other].last, &mut room, &mut before);
                }
            }
        }
        before
    }

    /// The order of what is in a group by its times; the first and the last steps of the group.
    fn join(
        &self,
        inside: &[usize],
        ends: &[Ends],
        is_told: bool,
        room: &mut usize,
        before: &mut [Vec<usize>],
    ) -> Ends {
        let units: Vec<usize> = inside
            .iter()
            .copied()
            .filter(|at| !ends[*at].first.is_empty())
            .collect();
        let times: Vec<(u64, u64)> = units
            .iter()
            .map(|at| (self.spans[*at].start, self.spans[*at].ended()))
            .collect();
        let direct = order::before(&times, room);
        let mut is_last = vec![true; units.len()];
        let mut joined = Ends::default();
        for (unit, earlier) in direct.iter().enumerate() {
            if earlier.is_empty() {
                joined.first.extend(&ends[units[unit]].first);
            }
            for other in earlier {
                is_last[*other] = false;
                if is_told {
                    continue;
                }
                let (unit, other) = (units[unit], units[*other]);
                link(&ends[unit].first, &ends[other].last, room, before);
            }
        }
        for (unit, _) in is_last.iter().enumerate().filter(|(_, is_last)| **is_last) {
            joined.last.extend(&ends[units[unit]].last);
        }
        joined
    }
}

/// Each of the first steps waits for each of the last ones; where there is no room for so many, for one of them.
fn link(first: &[usize], last: &[usize], room: &mut usize, before: &mut [Vec<usize>]) {
    for step in first {
        let fits = *room >= last.len();
        let last = if fits {
            last
        } else {
            &last[last.len().saturating_sub(1)..]
        };
        *room = room.saturating_sub(last.len());
        before[*step].extend(last);
    }
}
