//! The space between two layers: which edge turns in which row.
//!
//! Every net (the edges of one source, or those into one target) has pins at the upper and the lower side of
//! the channel and one row, its *track*, that joins them. Where a net has a pin above the pin of another, its
//! track must lie above the other's, or their vertical stretches would lie on each other; where such demands
//! go round in a circle, one pin is led to a free column first. Beyond that the tracks are ordered for few
//! crossings.

use std::collections::BTreeSet;

/// The edges that are joined in one channel.
#[derive(Clone, Debug, Default)]
pub(super) struct Net {
    /// Columns where it comes in from above, ascending.
    pub(super) top: Vec<i32>,
    /// Columns where it goes out below, ascending.
    pub(super) bottom: Vec<i32>,
}

/// A pin that is led aside before it reaches its net's track.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jog {
    /// The net.
    pub(super) net: usize,
    /// The pin's column.
    pub(super) from: i32,
    /// The row in which it is led aside.
    pub(super) track: i32,
    /// The column to which it is led.
    pub(super) to: i32,
}

/// The rows of a channel.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracks {
    /// The row of each net, from 0; nets that go straight down have none.
    pub(super) of: Vec<Option<i32>>,
    /// Pins that are led aside.
    pub(super) jogs: Vec<Jog>,
    /// How many rows there are.
    pub(super) count: i32,
}

/// Nets beyond which the order of tracks is not improved any more: it costs the square of their number.
const MOST_ORDERED: usize = 400;

/// Finds the rows.
pub(super) fn tracks(nets: &[Net]) -> Tracks {
    let mut work = Work::new(nets);
    work.lead_aside();
    let order = work.order();
    let (rows, count) = work.rows(&order);
    let mut of = vec![None; nets.len()];
    let mut jogs = Vec::new();
    for (wire, row) in work.wires.iter().zip(rows) {
        match wire.jog {
            None => of[wire.net] = Some(row),
            Some((from, to)) => jogs.push(Jog {
                net: wire.net,
                from,
                track: row,
                to,
            }),
        }
    }
    Tracks { of, jogs, count }
}

/// Something that needs a row: a net that turns, or a pin that is led aside.
struct Wire {
    net: usize,
    top: Vec<i32>,
    bottom: Vec<i32>,
    lo: i32,
    hi: i32,
    jog: Option<(i32, i32)>,
}

impl Wire {
    fn measure(&mut self) {
        let ends = || self.top.iter().chain(&self.bottom).copied();
        self.lo = ends().min().unwrap_or(0);
        self.hi = ends().max().unwrap_or(0);
    }

    fn touches(&self, other: &Self) -> bool {
        self.lo <= other.hi + 1 && other.lo <= self.hi + 1
    }
}

struct Work {
    wires: Vec<Wire>,
    /// Columns with a pin, of straight nets too.
    used: BTreeSet<i32>,
    /// For each wire those that must lie below it.
    below: Vec<Vec<usize>>,
}

impl Work {
    fn new(nets: &[Net]) -> Self {
        let mut wires = Vec::new();
        let mut used = BTreeSet::new();
        for (at, net) in nets.iter().enumerate() {
            for &column in net.top.iter().chain(&net.bottom) {
                used.insert(column);
            }
            let mut wire = Wire {
                net: at,
                top: net.top.clone(),
                bottom: net.bottom.clone(),
                lo: 0,
                hi: 0,
                jog: None,
            };
            wire.measure();
            if wire.lo < wire.hi {
                wires.push(wire);
            }
        }
        Self {
            wires,
            used,
            below: Vec::new(),
        }
    }

    /// Finds what must lie below what, and opens every circle in it.
    fn lead_aside(&mut self) {
        loop {
            let demands = self.demands();
            let open = self.close_circles(&demands);
            if open.is_empty() {
                self.below = vec![Vec::new(); self.wires.len()];
                for (upper, lower, _) in demands {
                    self.below[upper].push(lower);
                }
                return;
            }
            for (wire, column) in open {
                let Ok(pin) = self.wires[wire].top.binary_search(&column) else {
                    continue;
                };
                let to = self.free_near(column);
                self.used.insert(to);
                let upper = &mut self.wires[wire];
                upper.top[pin] = to;
                upper.top.sort_unstable();
                upper.measure();
                let net = upper.net;
                let mut aside = Wire {
                    net,
                    top: vec![column],
                    bottom: vec![to],
                    lo: 0,
                    hi: 0,
                    jog: Some((column, to)),
                };
                aside.measure();
                self.wires.push(aside);
            }
        }
    }

    /// (above, below, column) for every column with a pin of one wire over a pin of another.
    fn demands(&self) -> Vec<(usize, usize, i32)> {
        let pins = |of: fn(&Wire) -> &Vec<i32>| {
            let mut pins: Vec<(i32, usize)> = self
                .wires
                .iter()
                .enumerate()
                .flat_map(|(at, wire)| of(wire).iter().map(move |&column| (column, at)))
                .collect();
            pins.sort_unstable();
            pins
        };
        let (top, bottom) = (pins(|wire| &wire.top), pins(|wire| &wire.bottom));
        let mut demands = Vec::new();
        let mut from = 0;
        for &(column, upper) in &top {
            while bottom.get(from).is_some_and(|&(other, _)| other < column) {
                from += 1;
            }
            for &(_, lower) in bottom[from..]
                .iter()
                .take_while(|&&(other, _)| other == column)
            {
                if self.wires[lower].jog.is_some() {
                    // What leads a pin aside lies above the net that it leads to.
                    demands.push((lower, upper, column));
                } else if upper != lower {
                    demands.push((upper, lower, column));
                }
            }
        }
        demands.sort_unstable();
        demands.dedup();
        demands
    }

    /// One pin (wire, column) for every demand that closes a circle.
    fn close_circles(&self, demands: &[(usize, usize, i32)]) -> Vec<(usize, i32)> {
        let mut start = vec![0usize; self.wires.len() + 1];
        for &(upper, _, _) in demands {
            start[upper + 1] += 1;
        }
        for at in 0..self.wires.len() {
            start[at + 1] += start[at];
        }
        // 0: not seen, 1: on the path, 2: done.
        let mut seen = vec![0u8; self.wires.len()];
        let mut open = Vec::new();
        let mut path: Vec<(usize, usize)> = Vec::new();
        for first in 0..self.wires.len() {
            if seen[first] != 0 {
                continue;
            }
            seen[first] = 1;
            path.push((first, start[first]));
            while let Some((wire, next)) = path.last_mut() {
                if *next == start[*wire + 1] {
                    seen[*wire] = 2;
                    path.pop();
                    continue;
                }
                let (upper, lower, column) = demands[*next];
                *next += 1;
                match seen[lower] {
                    0 => {
                        seen[lower] = 1;
                        path.push((lower, start[lower]));
                    }
                    1 => open.push((upper, column)),
                    _ => {}
                }
            }
        }
        open.sort_unstable();
        open.dedup();
        open
    }

    fn free_near(&self, column: i32) -> i32 {
        (1..i32::MAX)
            .flat_map(|step| [column + step, column - step])
            .find(|column| !self.used.contains(column))
            .unwrap_or(column)
    }

    /// The wires from top to bottom.
    fn order(&self) -> Vec<usize> {
        let count = self.wires.len();
        let mut above = vec![Vec::new(); count];
        for (upper, lower) in self.below.iter().enumerate() {
            for &lower in lower {
                above[lower].push(upper);
            }
        }
        let sorted = self.sorted(&above);
        if count > MOST_ORDERED {
            return sorted;
        }
        let gain = self.gains();
        let mut order: Vec<usize> = Vec::with_capacity(count);
        for wire in sorted {
            insert(&mut order, wire, &gain, count, &above, &self.below);
        }
        for _ in 0..3 {
            let before = order.clone();
            for wire in before.clone() {
                order.retain(|&other| other != wire);
                insert(&mut order, wire, &gain, count, &above, &self.below);
            }
            if order == before {
                break;
            }
        }
        order
    }

    /// Every wire after those that must lie above it; else by width, short ones first.
    fn sorted(&self, above: &[Vec<usize>]) -> Vec<usize> {
        use std::cmp::Reverse;
        let key = |wire: usize| {
            let it = &self.wires[wire];
            Reverse((it.hi - it.lo, it.lo, wire))
        };
        let mut waits: Vec<usize> = above.iter().map(Vec::len).collect();
        let mut ready: std::collections::BinaryHeap<_> = (0..self.wires.len())
            .filter(|&wire| waits[wire] == 0)
            .map(key)
            .collect();
        let mut sorted = Vec::with_capacity(self.wires.len());
        while let Some(Reverse((_, _, wire))) = ready.pop() {
            sorted.push(wire);
            for &lower in &self.below[wire] {
                waits[lower] -= 1;
                if waits[lower] == 0 {
                    ready.push(key(lower));
                }
            }
        }
        sorted
    }

    /// For each pair, by position `upper * count + lower`: crossings with the first above, less those with it
    /// below.
    fn gains(&self) -> Vec<i32> {
        let count = self.wires.len();
        let mut gain = vec![0; count * count];
        for a in 0..count {
            for b in a + 1..count {
                let (first, second) = (&self.wires[a], &self.wires[b]);
                if first.lo < second.hi && second.lo < first.hi {
                    let difference = crossings(first, second) - crossings(second, first);
                    gain[a * count + b] = difference;
                    gain[b * count + a] = -difference;
                }
            }
        }
        gain
    }

    /// The row of each wire, as high as the order allows, and how many rows there are.
    fn rows(&self, order: &[usize]) -> (Vec<i32>, i32) {
        let mut row = vec![0; self.wires.len()];
        let mut count = 0;
        for (at, &wire) in order.iter().enumerate() {
            let mut free = 0;
            for &upper in &order[..at] {
                if row[upper] >= free && self.wires[upper].touches(&self.wires[wire]) {
                    free = row[upper] + 1;
                }
            }
            row[wire] = free;
            count = count.max(free + 1);
        }
        (row, count)
    }
}

/// Crossings of two wires when the first lies above: the first goes down through the second's track, and what
/// the second gets from above comes through the first's.
fn crossings(upper: &Wire, lower: &Wire) -> i32 {
    inside(&upper.bottom, lower.lo, lower.hi) + inside(&lower.top, upper.lo, upper.hi)
}

fn inside(columns: &[i32], lo: i32, hi: i32) -> i32 {
    let from = columns.partition_point(|&column| column <= lo);
    let to = columns.partition_point(|&column| column < hi);
    to.saturating_sub(from) as i32
}

/// Puts a wire where it costs fewest crossings, between what must lie above and what must lie below it.
fn insert(
    order: &mut Vec<usize>,
    wire: usize,
    gain: &[i32],
    count: usize,
    above: &[Vec<usize>],
    below: &[Vec<usize>],
) {
    let place = |of: &usize| order.iter().position(|other| other == of);
    let first = above[wire]
        .iter()
        .filter_map(place)
        .max()
        .map_or(0, |at| at + 1);
    let last = below[wire]
        .iter()
        .filter_map(place)
        .min()
        .unwrap_or(order.len());
    let (mut cost, mut best) = (0, (0, last));
    for at in (first..last).rev() {
        cost += gain[wire * count + order[at]];
        if cost < best.0 {
            best = (cost, at);
        }
    }
    order.insert(best.1, wire);
}
