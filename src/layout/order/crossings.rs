//! Counting crossings.

use crate::layout::layered::Layered;

/// Counts crossings between neighbouring layers with a Fenwick tree: O(links · log units).
pub(super) struct Counter {
    place: Vec<u32>,
    tree: Vec<u64>,
    ends: Vec<(u32, u32)>,
}

impl Counter {
    pub(super) fn new(layered: &Layered) -> Self {
        Self {
            place: vec![0; layered.units.len()],
            tree: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Pairs of edges that cross when the units are ordered as in `layers`; a link counts once for each edge in it.
    pub(super) fn all(&mut self, layered: &Layered, layers: &[Vec<u32>]) -> u64 {
        for layer in layers {
            for (at, &unit) in layer.iter().enumerate() {
                self.place[unit as usize] = at as u32;
            }
        }
        let mut sum = 0;
        for pair in layers.windows(2) {
            sum += self.between(layered, &pair[0], pair[1].len());
        }
        sum
    }

    fn between(&mut self, layered: &Layered, upper: &[u32], lower: usize) -> u64 {
        self.tree.clear();
        self.tree.resize(lower + 1, 0);
        let mut sum = 0;
        let mut total = 0;
        for &unit in upper {
            self.ends.clear();
            self.ends.extend(
                layered
                    .below
                    .of(unit)
                    .iter()
                    .map(|&(to, weight)| (self.place[to as usize], weight)),
            );
            // What is already in the tree ends at a unit further left in the upper layer: those that end
            // further right in the lower one cross.
            for &(place, weight) in &self.ends {
                sum += u64::from(weight) * (total - self.up_to(place));
            }
            for at in 0..self.ends.len() {
                let (place, weight) = self.ends[at];
                self.add(place, u64::from(weight));
                total += u64::from(weight);
            }
        }
        sum
    }

    fn up_to(&self, place: u32) -> u64 {
        let mut at = place as usize + 1;
        let mut sum = 0;
        while at > 0 {
            sum += self.tree[at];
            at &= at - 1;
        }
        sum
    }

    fn add(&mut self, place: u32, weight: u64) {
        let mut at = place as usize + 1;
        while at < self.tree.len() {
            self.tree[at] += weight;
            at += at & at.wrapping_neg();
        }
    }
}
