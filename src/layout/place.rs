//! A column for every unit: the method of Brandes and Köpf, in whole cells.
//!
//! Four drawings are made, each aligning units with a median neighbour above or below and pushing to the left
//! or to the right; the column of a unit is the mean of the two middle ones. Chains of passing units come out
//! straight, sources are centred over their targets. The column of a unit is that of its *anchor*, the
//! cell in the middle of its width, where edges prefer to go.

use super::Options;
use super::layered::Layered;
use super::refine;
use super::space::{Space, anchor};

/// The anchor columns of all units, from any origin.
pub(super) fn columns(layered: &Layered, options: &Options) -> Vec<i32> {
    let space = Space { layered, options };
    let conflicts = Conflicts::new(layered);
    let mut drawings = Vec::with_capacity(4);
    for upwards in [false, true] {
        for rightwards in [false, true] {
            let blocks = Blocks::new(layered, &conflicts, upwards, rightwards);
            drawings.push(compact(&space, &blocks, rightwards));
        }
    }
    let even = balance(&space, drawings);
    refine::shorten(&space, even)
}

/// Links that must not be aligned, because they cross a link between two passing units.
struct Conflicts {
    /// For each entry of `above`, in its order.
    marked: Vec<bool>,
}

impl Conflicts {
    fn new(layered: &Layered) -> Self {
        let mut marked = vec![false; layered.links.len()];
        for pair in layered.layers.windows(2) {
            let (upper, lower) = (&pair[0], &pair[1]);
            let mut from = 0;
            let mut left = 0u32;
            for at in 0..lower.len() {
                let inner = inner_above(layered, lower[at]);
                if inner.is_none() && at + 1 < lower.len() {
                    continue;
                }
                let right = inner.map_or(upper.len() as u32, |unit| layered.place[unit as usize]);
                for &unit in &lower[from..=at] {
                    let range = layered.above.range(unit);
                    for (entry, &(other, _)) in range.zip(layered.above.of(unit)) {
                        let place = layered.place[other as usize];
                        let is_inner = layered.passes(unit) && layered.passes(other);
                        if (place < left || place > right) && !is_inner {
                            marked[entry] = true;
                        }
                    }
                }
                from = at + 1;
                left = right;
            }
        }
        Self { marked }
    }
}

fn inner_above(layered: &Layered, unit: u32) -> Option<u32> {
    if !layered.passes(unit) {
        return None;
    }
    layered
        .above
        .of(unit)
        .iter()
        .map(|&(other, _)| other)
        .find(|&other| layered.passes(other))
}

/// Units that share a column in one of the drawings.
struct Blocks {
    root: Vec<u32>,
}

impl Blocks {
    fn new(layered: &Layered, conflicts: &Conflicts, upwards: bool, rightwards: bool) -> Self {
        let count = layered.units.len();
        let mut root: Vec<u32> = (0..count as u32).collect();
        let mut taken = vec![false; count];
        let marked = |unit: u32, other: u32| {
            let (lower, upper) = if upwards {
                (other, unit)
            } else {
                (unit, other)
            };
            let range = layered.above.range(lower);
            range
                .zip(layered.above.of(lower))
                .any(|(entry, &(above, _))| above == upper && conflicts.marked[entry])
        };
        let depth = layered.layers.len();
        let mut neighbours: Vec<(u32, u32)> = Vec::new();
        for step in 1..depth {
            let layer = &layered.layers[if upwards { depth - 1 - step } else { step }];
            let mut bound: i64 = -1;
            for at in 0..layer.len() {
                let unit = layer[if rightwards { layer.len() - 1 - at } else { at }];
                let side = if upwards {
                    &layered.below
                } else {
                    &layered.above
                };
                neighbours.clear();
                neighbours.extend(
                    side.of(unit)
                        .iter()
                        .map(|&(other, _)| (layered.place[other as usize], other)),
                );
                neighbours.sort_unstable();
                if neighbours.is_empty() {
                    continue;
                }
                let last = neighbours.len() - 1;
                let mut middle = [last / 2, last.div_ceil(2)];
                if rightwards {
                    middle.reverse();
                }
                for candidate in middle {
                    let (place, other) = neighbours[candidate];
                    let along = if rightwards {
                        i64::MAX / 2 - i64::from(place)
                    } else {
                        i64::from(place)
                    };
                    if along > bound && !taken[other as usize] && !marked(unit, other) {
                        taken[other as usize] = true;
                        root[unit as usize] = root[other as usize];
                        bound = along;
                        break;
                    }
                }
            }
        }
        Self { root }
    }
}

/// The anchors of one drawing: blocks as far to one side as they go, then back to the middle where there is room.
fn compact(space: &Space<'_>, blocks: &Blocks, rightwards: bool) -> Vec<i32> {
    let layered = space.layered;
    let count = layered.units.len();
    // Neighbours in a layer are an edge between their blocks. In the mirrored drawing left and right change
    // places.
    let mut pairs: Vec<(u32, (u32, i32))> = Vec::with_capacity(count);
    for layer in &layered.layers {
        for pair in layer.windows(2) {
            let gap = space.between(pair[0], pair[1]);
            let (a, b) = (blocks.root[pair[0] as usize], blocks.root[pair[1] as usize]);
            pairs.push(if rightwards {
                (b, (a, gap))
            } else {
                (a, (b, gap))
            });
        }
    }
    let next = super::normalize::Lists::new(count, pairs.iter().copied());
    let mut waits = vec![0u32; count];
    for &(_, (to, _)) in &pairs {
        waits[to as usize] += 1;
    }
    let mut sorted: Vec<u32> = (0..count as u32)
        .filter(|&unit| blocks.root[unit as usize] == unit && waits[unit as usize] == 0)
        .collect();
    let mut x = vec![0i32; count];
    let mut done = 0;
    while let Some(&block) = sorted.get(done) {
        done += 1;
        for &(to, gap) in next.of(block) {
            x[to as usize] = x[to as usize].max(x[block as usize] + gap);
            waits[to as usize] -= 1;
            if waits[to as usize] == 0 {
                sorted.push(to);
            }
        }
    }
    for &block in sorted.iter().rev() {
        if let Some(most) = next
            .of(block)
            .iter()
            .map(|&(to, gap)| x[to as usize] - gap)
            .min()
        {
            x[block as usize] = x[block as usize].max(most);
        }
    }
    (0..count)
        .map(|unit| {
            let x = x[blocks.root[unit] as usize];
            if rightwards { -x } else { x }
        })
        .collect()
}

/// Aligns the four drawings with the narrowest and takes the mean of the two middle columns of each unit.
fn balance(space: &Space<'_>, mut drawings: Vec<Vec<i32>>) -> Vec<i32> {
    let bounds = |drawing: &[i32]| {
        let mut bounds = (i32::MAX, i32::MIN);
        for (unit, &x) in space.layered.units.iter().zip(drawing) {
            let left = x - anchor(unit.width);
            bounds = (bounds.0.min(left), bounds.1.max(left + unit.width));
        }
        bounds
    };
    let narrowest = drawings
        .iter()
        .map(|drawing| bounds(drawing))
        .min_by_key(|(left, right)| right - left)
        .unwrap_or((0, 0));
    for (at, drawing) in drawings.iter_mut().enumerate() {
        let own = bounds(drawing);
        let shift = if at % 2 == 0 {
            narrowest.0 - own.0
        } else {
            narrowest.1 - own.1
        };
        for x in drawing {
            *x += shift;
        }
    }
    (0..space.layered.units.len())
        .map(|unit| {
            let mut four = [
                drawings[0][unit],
                drawings[1][unit],
                drawings[2][unit],
                drawings[3][unit],
            ];
            four.sort_unstable();
            (four[1] + four[2]).div_euclid(2)
        })
        .collect()
}
