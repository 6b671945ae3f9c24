//! One start of the crossing reduction: sweeps through the layers, and exchanges of neighbours.

use crate::layout::layered::Layered;

/// The position that a unit is drawn to by its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// At the mean place of its neighbours.
    Barycentre,
    /// At the place of the one in the middle.
    Median,
}

/// Rounds of exchanges after one sweep.
const ROUNDS: usize = 24;

/// Pairs of links that are compared one by one.
const MANY: usize = 64;

/// How far one unit is moved at once.
const REACH: usize = 48;

pub(super) struct Sweeper<'a> {
    layered: &'a Layered,
    /// The units whose order among each other is given, with their place in it.
    kept: &'a [Option<u32>],
    pub(super) layers: Vec<Vec<u32>>,
    place: Vec<u32>,
    keys: Vec<(f32, u32)>,
    slots: Vec<usize>,
    places: Vec<(u32, u32)>,
    others: Vec<(u32, u32)>,
    /// Units and pairs looked at so far.
    pub(super) work: u64,
}

impl<'a> Sweeper<'a> {
    /// Begins with `layers`, once what is kept has its order there.
    pub(super) fn new(
        layered: &'a Layered,
        kept: &'a [Option<u32>],
        mut layers: Vec<Vec<u32>>,
    ) -> Self {
        for layer in &mut layers {
            keep(layer, kept);
        }
        let mut place = vec![0; layered.units.len()];
        for layer in &layers {
            for (at, &unit) in layer.iter().enumerate() {
                place[unit as usize] = at as u32;
            }
        }
        Self {
            layered,
            kept,
            layers,
            place,
            keys: Vec::new(),
            slots: Vec::new(),
            places: Vec::new(),
            others: Vec::new(),
            work: 0,
        }
    }

    /// Orders every layer by its neighbours above (or below), layer by layer. Ties keep their order, or turn it where
    /// `flips`.
    pub(super) fn sweep(&mut self, downwards: bool, measure: Measure, flips: bool) {
        let depth = self.layers.len();
        for step in 1..depth {
            let layer = if downwards { step } else { depth - 1 - step };
            self.arrange(layer, downwards, measure, flips);
        }
    }

    fn arrange(&mut self, layer: usize, by_above: bool, measure: Measure, flips: bool) {
        self.work += self.layers[layer].len() as u64;
        self.keys.clear();
        self.slots.clear();
        for (at, &unit) in self.layers[layer].iter().enumerate() {
            let neighbours = if by_above {
                self.layered.above.of(unit)
            } else {
                self.layered.below.of(unit)
            };
            // A unit with no neighbour on this side keeps its place.
            if !neighbours.is_empty() {
                let key = key(neighbours, &self.place, measure, &mut self.places);
                self.keys.push((key, unit));
                self.slots.push(at);
            }
        }
        if flips {
            self.keys.reverse();
        }
        self.keys.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (&at, &(_, unit)) in self.slots.iter().zip(&self.keys) {
            self.layers[layer][at] = unit;
            self.place[unit as usize] = at as u32;
        }
        if !self.kept.is_empty() && keep(&mut self.layers[layer], self.kept) {
            for (at, &unit) in self.layers[layer].iter().enumerate() {
                self.place[unit as usize] = at as u32;
            }
        }
    }

    /// Whether the order of these two is given.
    fn are_kept(&self, a: u32, b: u32) -> bool {
        is_kept(self.kept, a) && is_kept(self.kept, b)
    }

    /// Exchanges neighbours as long as that removes crossings, at most some rounds, and where `flips` those that cross
    /// as often either way. A layer is looked at again only where it or one beside it changed.
    pub(super) fn exchange(&mut self, flips: bool) {
        let depth = self.layers.len();
        let mut due = vec![true; depth];
        for _ in 0..ROUNDS {
            let mut next = vec![false; depth];
            let mut gained = false;
            for layer in 0..depth {
                if due[layer] && self.exchange_in(layer, flips) {
                    gained = true;
                    let around = layer.saturating_sub(1)..(layer + 2).min(depth);
                    next[around.clone()].fill(true);
                    due[around].fill(true);
                }
            }
            if !gained {
                break;
            }
            due = next;
        }
    }

    fn exchange_in(&mut self, layer: usize, flips: bool) -> bool {
        let mut gained = false;
        for at in 1..self.layers[layer].len() {
            let (left, right) = (self.layers[layer][at - 1], self.layers[layer][at]);
            if self.are_kept(left, right) {
                continue;
            }
            let (now, then) = self.pair(left, right);
            self.work += 1;
            if then < now || flips && now > 0 && then == now {
                self.swap(layer, at);
                gained |= then < now;
            }
        }
        gained
    }

    /// Brings neighbours into the plan's order where that costs nothing.
    pub(super) fn tidy(&mut self) {
        for _ in 0..ROUNDS {
            let mut moved = false;
            for layer in 0..self.layers.len() {
                for at in 1..self.layers[layer].len() {
                    let (left, right) = (self.layers[layer][at - 1], self.layers[layer][at]);
                    let is_out_of_order = right < left && left < self.layered.nodes;
                    if !is_out_of_order || self.are_kept(left, right) {
                        continue;
                    }
                    let (now, then) = self.pair(left, right);
                    if then <= now {
                        self.swap(layer, at);
                        moved = true;
                    }
                }
            }
            if !moved {
                break;
            }
        }
    }

    /// Exchanges the unit at this place of a layer with the one before it.
    fn swap(&mut self, layer: usize, at: usize) {
        let order = &mut self.layers[layer];
        order.swap(at - 1, at);
        self.place[order[at - 1] as usize] = at as u32 - 1;
        self.place[order[at] as usize] = at as u32;
    }

    /// Takes each unit out of its layer and puts it back where it costs fewest crossings, at most [`REACH`] places
    /// away.
    pub(super) fn sift(&mut self) {
        for layer in 0..self.layers.len() {
            for unit in self.layers[layer].clone() {
                self.sift_one(layer, unit);
            }
        }
    }

    fn sift_one(&mut self, layer: usize, unit: u32) {
        let at = self.place[unit as usize] as usize;
        let (mut best, mut most) = (at, 0);
        let mut gain = 0;
        for to in (at.saturating_sub(REACH)..at).rev() {
            if self.are_kept(self.layers[layer][to], unit) {
                break;
            }
            let (now, then) = self.pair(self.layers[layer][to], unit);
            gain += now as i64 - then as i64;
            if gain > most {
                (best, most) = (to, gain);
            }
        }
        gain = 0;
        let last = (at + REACH).min(self.layers[layer].len() - 1);
        for to in at + 1..=last {
            if self.are_kept(self.layers[layer][to], unit) {
                break;
            }
            let (now, then) = self.pair(unit, self.layers[layer][to]);
            gain += now as i64 - then as i64;
            if gain > most {
                (best, most) = (to, gain);
            }
        }
        self.work += (last - at.saturating_sub(REACH)) as u64;
        if most == 0 {
            return;
        }
        let order = &mut self.layers[layer];
        if best < at {
            order[best..=at].rotate_right(1);
        } else {
            order[at..=best].rotate_left(1);
        }
        let moved = at.min(best)..=at.max(best);
        for (&unit, place) in order[moved.clone()].iter().zip(moved) {
            self.place[unit as usize] = place as u32;
        }
    }

    /// Crossings among the links of two units of a layer: in their present order, and swapped.
    fn pair(&mut self, left: u32, right: u32) -> (u64, u64) {
        let layered = self.layered;
        let (mut now, mut then) = (0, 0);
        for side in [&layered.above, &layered.below] {
            let (a, b) = (side.of(left), side.of(right));
            self.work += (a.len() + b.len()) as u64 / 8;
            let sides = if a.len() * b.len() <= MANY {
                pair(a, b, &self.place)
            } else {
                self.many(a, b)
            };
            now += sides.0;
            then += sides.1;
        }
        (now, then)
    }

    /// As [`pair`], for hubs: sorted, and each end looked at once.
    fn many(&mut self, left: &[(u32, u32)], right: &[(u32, u32)]) -> (u64, u64) {
        let place = &self.place;
        let sorted = |ends: &[(u32, u32)], into: &mut Vec<(u32, u32)>| {
            into.clear();
            into.extend(
                ends.iter()
                    .map(|&(unit, weight)| (place[unit as usize], weight)),
            );
            into.sort_unstable();
        };
        sorted(left, &mut self.places);
        sorted(right, &mut self.others);
        (
            after(&self.places, &self.others),
            after(&self.others, &self.places),
        )
    }
}

fn is_kept(kept: &[Option<u32>], unit: u32) -> bool {
    kept.get(unit as usize).copied().flatten().is_some()
}

/// Brings what is kept of a layer into its order, in the places that it takes together; whether that changed
/// anything.
fn keep(layer: &mut [u32], kept: &[Option<u32>]) -> bool {
    let order = |unit: u32| kept.get(unit as usize).copied().flatten();
    let places: Vec<usize> = (0..layer.len())
        .filter(|&at| order(layer[at]).is_some())
        .collect();
    let mut units: Vec<u32> = places.iter().map(|&at| layer[at]).collect();
    if units.is_sorted_by_key(|&unit| order(unit)) {
        return false;
    }
    units.sort_by_key(|&unit| order(unit));
    for (at, unit) in places.into_iter().zip(units) {
        layer[at] = unit;
    }
    true
}

/// Pairs of weights in which the end of `a` is after the end of `b`; both sorted.
fn after(a: &[(u32, u32)], b: &[(u32, u32)]) -> u64 {
    let (mut sum, mut before, mut next) = (0, 0, 0);
    for &(place, weight) in a {
        while let Some(&(other, its)) = b.get(next)
            && other < place
        {
            before += u64::from(its);
            next += 1;
        }
        sum += before * u64::from(weight);
    }
    sum
}

fn pair(left: &[(u32, u32)], right: &[(u32, u32)], place: &[u32]) -> (u64, u64) {
    let (mut now, mut then) = (0, 0);
    for &(a, weight_a) in left {
        let a = place[a as usize];
        for &(b, weight_b) in right {
            let b = place[b as usize];
            let weight = u64::from(weight_a) * u64::from(weight_b);
            now += if a > b { weight } else { 0 };
            then += if a < b { weight } else { 0 };
        }
    }
    (now, then)
}

fn key(
    neighbours: &[(u32, u32)],
    place: &[u32],
    measure: Measure,
    places: &mut Vec<(u32, u32)>,
) -> f32 {
    match measure {
        Measure::Barycentre => {
            let (mut sum, mut weights) = (0f32, 0f32);
            for &(unit, weight) in neighbours {
                sum += place[unit as usize] as f32 * weight as f32;
                weights += weight as f32;
            }
            sum / weights
        }
        Measure::Median => {
            places.clear();
            places.extend(
                neighbours
                    .iter()
                    .map(|&(unit, weight)| (place[unit as usize], weight)),
            );
            places.sort_unstable();
            let total: u32 = places.iter().map(|&(_, weight)| weight).sum();
            let at = |rank: u32| {
                let mut passed = 0;
                for &(place, weight) in places.iter() {
                    passed += weight;
                    if passed > rank {
                        return place as f32;
                    }
                }
                0.0
            };
            f32::midpoint(at((total - 1) / 2), at(total / 2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorted_counting_is_counting(
            mut a in prop::collection::vec((0u32..20, 1u32..4), 0..20),
            mut b in prop::collection::vec((0u32..20, 1u32..4), 0..20),
        ) {
            let place: Vec<u32> = (0..20).collect();
            let plain = pair(&a, &b, &place);
            a.sort_unstable();
            b.sort_unstable();
            prop_assert_eq!(plain, (after(&a, &b), after(&b, &a)));
        }
    }
}
