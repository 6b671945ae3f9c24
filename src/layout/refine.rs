//! Shorter edges for given orders: units move towards the middle one of their neighbours.
//!
//! Layer by layer, the columns nearest to what every unit prefers are found exactly, within the distances that
//! the order asks for: units that would pass each other are pooled and go to the median of their targets (isotonic
//! regression by pooling adjacent violators). Passes that look to one side only bring whole parts of the drawing
//! together; passes that look to both sides then smooth it. Of all drawings the one with the shortest edges is kept.

use super::layered::Layered;
use super::space::Space;

/// What a column of a passing edge counts more than one of another: bends in long edges catch the eye.
const STRAIGHT: i64 = 4;
/// Pairs of passes, down and up, and as many at the end that look to both sides; large graphs get fewer, so that
/// about this many units are looked at.
const ROUNDS: usize = 4;
const LOOKS: usize = 24_000;
/// The share of the length, in percent, at which the drawing that was there stays: it is the more even one.
const WORTH: i64 = 60;

/// Moves the units of `columns` for shorter edges, where that is worth it.
pub(super) fn shorten(space: &Space<'_>, columns: Vec<i32>) -> Vec<i32> {
    let layered = space.layered;
    let before = length(layered, &columns);
    if before == 0 {
        return columns;
    }
    let mut work = Work {
        space,
        columns: columns.clone(),
        targets: Vec::new(),
        pools: Vec::new(),
        offsets: Vec::new(),
    };
    let mut best = (before * WORTH / 100, columns);
    let depth = layered.layers.len();
    let mut keep = |work: &Work<'_>| {
        let length = length(layered, &work.columns);
        if length < best.0 {
            best = (length, work.columns.clone());
        }
    };
    let rounds = (LOOKS / layered.units.len().max(1)).clamp(1, ROUNDS);
    for _ in 0..rounds {
        for layer in 1..depth {
            work.arrange(layer, true, false);
        }
        for layer in (0..depth - 1).rev() {
            work.arrange(layer, false, true);
        }
        keep(&work);
    }
    for _ in 0..rounds {
        for layer in 0..depth {
            work.arrange(layer, true, true);
        }
        for layer in (0..depth).rev() {
            work.arrange(layer, true, true);
        }
        keep(&work);
    }
    best.1
}

/// What a link counts.
fn weight(layered: &Layered, unit: u32, other: u32, edges: u32) -> i64 {
    let straight = layered.passes(unit) && layered.passes(other);
    i64::from(edges) * if straight { STRAIGHT } else { 1 }
}

fn length(layered: &Layered, columns: &[i32]) -> i64 {
    let far = |link: &super::layered::Link| {
        let apart = (columns[link.upper as usize] - columns[link.lower as usize]).abs();
        i64::from(apart) * weight(layered, link.upper, link.lower, link.weight)
    };
    layered.links.iter().map(far).sum()
}

struct Work<'a> {
    space: &'a Space<'a>,
    columns: Vec<i32>,
    /// (column, weight) that the units of a pool prefers, less the unit's offset; one list for a layer.
    targets: Vec<(i32, i64)>,
    pools: Vec<Pool>,
    /// For each place of the layer how far from the first it has to be.
    offsets: Vec<i32>,
}

/// Neighbours that are as close as they may be.
struct Pool {
    /// Its first place in the layer.
    first: usize,
    /// Where its targets begin.
    targets: usize,
    /// The column of its units, less their offsets.
    column: i32,
}

impl Work<'_> {
    /// Brings the units of a layer to where they are best, as far as that goes.
    fn arrange(&mut self, layer: usize, above: bool, below: bool) {
        let layered = self.space.layered;
        let units = &layered.layers[layer];
        self.offsets.clear();
        self.pools.clear();
        self.targets.clear();
        let mut offset = 0;
        for (place, &unit) in units.iter().enumerate() {
            if place > 0 {
                offset += self.space.between(units[place - 1], unit);
            }
            self.offsets.push(offset);
            let from = self.targets.len();
            let sides = [(above, &layered.above), (below, &layered.below)];
            for (_, side) in sides.into_iter().filter(|(wanted, _)| *wanted) {
                for &(other, edges) in side.of(unit) {
                    let target = self.columns[other as usize] - offset;
                    self.targets
                        .push((target, weight(layered, unit, other, edges)));
                }
            }
            let here = self.columns[unit as usize] - offset;
            if self.targets.len() == from {
                // It has no target of its own: it stays where nothing pushes it.
                self.targets.push((here, 1));
            }
            self.targets[from..].sort_unstable();
            let column = median(&self.targets[from..], here);
            self.pools.push(Pool {
                first: place,
                targets: from,
                column,
            });
            while let [.., left, right] = &self.pools[..]
                && left.column > right.column
            {
                let from = left.targets;
                let here = left.column.midpoint(right.column);
                // Two sorted runs, which a stable sort merges.
                #[allow(
                    clippy::stable_sort_primitive,
                    reason = "the unstable sort does not merge runs"
                )]
                self.targets[from..].sort();
                let column = median(&self.targets[from..], here);
                self.pools.pop();
                if let Some(left) = self.pools.last_mut() {
                    left.column = column;
                }
            }
        }
        let mut pools = self.pools.iter().peekable();
        while let Some(pool) = pools.next() {
            let end = pools.peek().map_or(units.len(), |next| next.first);
            let places = pool.first..end;
            for (unit, offset) in units[places.clone()].iter().zip(&self.offsets[places]) {
                self.columns[*unit as usize] = pool.column + offset;
            }
        }
    }
}

/// The column that the weighted targets, sorted, are nearest to; of several the one nearest to `here`.
fn median(targets: &[(i32, i64)], here: i32) -> i32 {
    let total: i64 = targets.iter().map(|(_, weight)| weight).sum();
    let mut passed = 0;
    let mut low = None;
    for &(column, weight) in targets {
        passed += weight;
        if let Some(low) = low {
            return here.clamp(low, column);
        }
        if passed * 2 == total {
            low = Some(column);
        } else if passed * 2 > total {
            return column;
        }
    }
    low.unwrap_or(here)
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_nearest_column() {
        assert_eq!(median(&[(1, 1), (5, 1), (9, 1)], 0), 5);
        assert_eq!(median(&[(1, 1), (5, 3)], 0), 5);
        assert_eq!(median(&[(1, 1), (9, 1)], 4), 4);
        assert_eq!(median(&[(1, 1), (9, 1)], 40), 9);
        assert_eq!(median(&[(1, 2), (9, 1), (9, 1)], 0), 1);
        assert_eq!(median(&[], 7), 7);
    }
}
