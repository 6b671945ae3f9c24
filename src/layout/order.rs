//! The order of units in their layers: few crossings.
//!
//! Sweeps of barycentres and medians, each followed by exchanges of neighbours that pay, and now and then every
//! unit put where it fits best (sifting), from several first orders; the best is kept, with steps in the plan's order
//! where that costs nothing. How much is tried depends on the size of the graph and the sweeps allowed, never
//! on a clock, so the same graph always gets the same order.

mod crossings;
mod sweep;

use super::layered::Layered;
use crossings::Counter;
use sweep::{Measure, Sweeper};

/// Looks at units and pairs of units that one component may cost, whatever the sweeps allowed.
const MOST_WORK: u64 = 1_500_000;
/// Sweeps without a better order after which one start is given up.
const PATIENCE: u32 = 8;
/// Sweeps that even the largest graphs get, where they are allowed.
const LEAST_SWEEPS: u32 = 4;

/// Brings the units into an order with few crossings and returns how many are left. Where nothing is gained the
/// order of the plan stays. Units of `kept` (by unit; none where it is empty) never change their order among each
/// other: it is that of the numbers given.
pub(super) fn reduce(layered: &mut Layered, sweeps: u32, kept: &[Option<u32>]) -> u64 {
    let mut counter = Counter::new(layered);
    let mut best = Sweeper::new(layered, kept, first_order(layered, false)).layers;
    let mut fewest = counter.all(layered, &best);
    let at_first = fewest;
    let size = (layered.units.len() + layered.links.len()) as u64;
    let mut left = sweeps;
    let mut work = 0;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut start = 0u32;
    while fewest > 0 && left > 0 {
        let first = match start {
            0 => best.clone(),
            1 => first_order(layered, true),
            _ => shuffled(&best, &mut random, start),
        };
        let mut sweeper = Sweeper::new(layered, kept, first);
        let mut here = u64::MAX;
        let mut stale = 0;
        let mut turn = start;
        while left > 0 && stale < PATIENCE {
            let measure = if (turn / 2).is_multiple_of(3) {
                Measure::Median
            } else {
                Measure::Barycentre
            };
            if stale % 4 == 3 {
                sweeper.sift();
            } else {
                // After the plan's own order, every other time down and up, what costs the same either way changes
                // places: it leads out of orders that no single exchange improves.
                let flips = start > 0 && turn % 4 < 2;
                sweeper.sweep(turn.is_multiple_of(2), measure, flips);
                sweeper.exchange(flips);
            }
            turn += 1;
            left -= 1;
            work += size + std::mem::take(&mut sweeper.work);
            if work > MOST_WORK {
                left = left.min(LEAST_SWEEPS.saturating_sub(turn - start));
            }
            let crossings = counter.all(layered, &sweeper.layers);
            stale += 1;
            if crossings < here {
                here = crossings;
                stale = 0;
            }
            if crossings < fewest {
                fewest = crossings;
                best.clone_from(&sweeper.layers);
                if fewest == 0 {
                    break;
                }
            }
        }
        start += 1;
    }
    if fewest < at_first {
        if kept.is_empty() && is_mirrored(layered, &best) {
            for layer in &mut best {
                layer.reverse();
            }
        }
        let mut sweeper = Sweeper::new(layered, kept, best);
        sweeper.tidy();
        best = sweeper.layers;
        fewest = counter.all(layered, &best);
    }
    layered.set_order(best);
    fewest
}

/// Whether more neighbours stand against the plan's order than in it.
fn is_mirrored(layered: &Layered, layers: &[Vec<u32>]) -> bool {
    let is_node = |unit: &u32| *unit < layered.nodes;
    let mut balance = 0i64;
    for layer in layers {
        let nodes: Vec<u32> = layer.iter().copied().filter(is_node).collect();
        let against = nodes.iter().zip(nodes.iter().skip(1));
        balance += against
            .map(|(a, b)| if a > b { 1 } else { -1 })
            .sum::<i64>();
    }
    balance > 0
}

/// Units in the order in which a walk from the first sources (or back from the last targets) meets them.
fn first_order(layered: &Layered, backwards: bool) -> Vec<Vec<u32>> {
    let mut layers: Vec<Vec<u32>> = vec![Vec::new(); layered.layers.len()];
    let mut met = vec![false; layered.units.len()];
    let starts: Vec<u32> = if backwards {
        layered.layers.iter().rev().flatten().copied().collect()
    } else {
        layered.layers.iter().flatten().copied().collect()
    };
    let mut waiting = Vec::new();
    for start in starts {
        waiting.push(start);
        while let Some(unit) = waiting.pop() {
            if std::mem::replace(&mut met[unit as usize], true) {
                continue;
            }
            layers[layered.units[unit as usize].layer as usize].push(unit);
            let next = if backwards {
                layered.above.of(unit)
            } else {
                layered.below.of(unit)
            };
            waiting.extend(
                next.iter()
                    .rev()
                    .map(|&(other, _)| other)
                    .filter(|&other| !met[other as usize]),
            );
        }
    }
    layers
}

/// The order with some of it disturbed: every third time all of it, else a few layers.
fn shuffled(order: &[Vec<u32>], random: &mut Random, start: u32) -> Vec<Vec<u32>> {
    let mut order = order.to_vec();
    let all = start.is_multiple_of(3);
    for layer in &mut order {
        if all {
            for at in (1..layer.len()).rev() {
                layer.swap(at, random.up_to(at));
            }
        } else if random.up_to(2) == 0 && layer.len() > 1 {
            for _ in 0..=layer.len() / 3 {
                let (a, b) = (random.up_to(layer.len() - 1), random.up_to(layer.len() - 1));
                layer.swap(a, b);
            }
        }
    }
    order
}

/// Xorshift: small, and the same everywhere.
struct Random(u64);

impl Random {
    /// A number from 0 to `most`.
    fn up_to(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % (most as u64 + 1)) as usize
    }
}
