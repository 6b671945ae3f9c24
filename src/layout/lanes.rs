//! One node per row, with the edges as lanes beside it: the way version control draws history.
//!
//! Every node has a column. An edge runs down the column of its source and turns into the row of its target,
//! or turns in the row of its source and runs down the column of its target, whichever of both has more edges
//! to share the way with. So a node takes its column from the first row in which something turns into it to
//! the last row in which something turns out of it, and columns are given to what does not meet.

use super::geometry::{Point, Rect};
use super::normalize::{self, Lists};
use super::{Layout, Route};

/// The distance of two lanes, in columns.
const PITCH: i32 = 2;

/// Lays `nodes` nodes out in rows, in an order that follows the edges and else keeps theirs; each is one cell.
/// Lanes beyond `most` share the last column.
pub(crate) fn lanes(nodes: usize, edges: &[(u32, u32)], most: u32) -> Layout {
    let edges = normalize::dag(nodes, edges);
    let (order, ranks) = rows(nodes, &edges);
    let mut row = vec![0u32; nodes];
    for (at, &node) in order.iter().enumerate() {
        row[node as usize] = at as u32;
    }
    let (mut leaving, mut entering) = (vec![0u32; nodes], vec![0u32; nodes]);
    for &(from, to) in &edges {
        leaving[from as usize] += 1;
        entering[to as usize] += 1;
    }
    let by_source = |from: u32, to: u32| leaving[from as usize] >= entering[to as usize];
    let mut first = row.clone();
    let mut last = row.clone();
    for &(from, to) in &edges {
        if by_source(from, to) {
            last[from as usize] = last[from as usize].max(row[to as usize]);
        } else {
            first[to as usize] = first[to as usize].min(row[from as usize]);
        }
    }
    let column = columns(&edges, &row, &first, &last, most);
    let cell = |node: u32| Point {
        x: column[node as usize] as i32 * PITCH,
        y: row[node as usize] as i32,
    };
    let routes: Vec<Route> = edges
        .iter()
        .map(|&(from, to)| {
            let (a, b) = (cell(from), cell(to));
            let corner = if by_source(from, to) {
                Point { x: a.x, y: b.y }
            } else {
                Point { x: b.x, y: a.y }
            };
            let points = if a.x == b.x {
                vec![a, b]
            } else {
                vec![a, corner, b]
            };
            Route { from, to, points }
        })
        .collect();
    let rects: Vec<Rect> = (0..nodes as u32)
        .map(|node| {
            let Point { x, y } = cell(node);
            Rect {
                x,
                y,
                width: 1,
                height: 1,
            }
        })
        .collect();
    let widest = column.iter().copied().max().unwrap_or(0) as i32;
    Layout {
        width: if nodes == 0 { 0 } else { widest * PITCH + 1 },
        height: nodes as i32,
        nodes: rects,
        routes,
        ranks,
        places: row,
        crossings: 0,
    }
}

/// The nodes from the first row to the last, and the layer of each.
fn rows(nodes: usize, edges: &[(u32, u32)]) -> (Vec<u32>, Vec<u32>) {
    use std::cmp::Reverse;
    let below = Lists::new(nodes, edges.iter().copied());
    let mut waits = vec![0u32; nodes];
    for &(_, to) in edges {
        waits[to as usize] += 1;
    }
    let mut ranks = vec![0u32; nodes];
    let mut ready: std::collections::BinaryHeap<Reverse<u32>> = (0..nodes as u32)
        .filter(|&node| waits[node as usize] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(nodes);
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for &to in below.of(node) {
            ranks[to as usize] = ranks[to as usize].max(ranks[node as usize] + 1);
            waits[to as usize] -= 1;
            if waits[to as usize] == 0 {
                ready.push(Reverse(to));
            }
        }
    }
    (order, ranks)
}

/// A column for each node, such that what shares one does not meet, except where one ends in the other.
fn columns(edges: &[(u32, u32)], row: &[u32], first: &[u32], last: &[u32], most: u32) -> Vec<u32> {
    let nodes = row.len();
    let above = Lists::new(nodes, edges.iter().map(|&(from, to)| (to, from)));
    let mut starts: Vec<u32> = (0..nodes as u32).collect();
    starts.sort_unstable_by_key(|&node| (first[node as usize], row[node as usize]));
    let most = most.max(1) as usize;
    let mut column = vec![0u32; nodes];
    // The node that each column was last given to.
    let mut holder: Vec<u32> = Vec::new();
    for node in starts {
        let from = first[node as usize];
        let free = |&at: &usize| {
            let other = holder[at];
            let end = last[other as usize];
            end < from || (end == from && above.of(node).contains(&other))
        };
        let heir = |&at: &usize| above.of(node).contains(&holder[at]);
        let at = (0..holder.len())
            .filter(free)
            .find(heir)
            .or_else(|| (0..holder.len()).find(free))
            .unwrap_or(holder.len())
            .min(most - 1);
        if at == holder.len() {
            holder.push(node);
        } else if last[holder[at] as usize] <= last[node as usize] {
            holder[at] = node;
        }
        column[node as usize] = at as u32;
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_map_and_reduce_takes_three_lanes() {
        let mut edges: Vec<(u32, u32)> = (1..=50).map(|node| (0, node)).collect();
        edges.extend((1..=50).map(|node| (node, 51)));
        let layout = lanes(52, &edges, 40);
        assert_eq!(layout.width, 2 * PITCH + 1);
        assert_eq!(layout.height, 52);
    }

    proptest! {
        #[test]
        fn a_column_belongs_to_one_node_at_a_time(
            nodes in 1usize..30,
            pairs in prop::collection::vec((0u32..30, 0u32..30), 0..60),
        ) {
            let edges: Vec<(u32, u32)> = pairs
                .into_iter()
                .map(|(a, b)| (a.min(b), a.max(b)))
                .filter(|&(a, b)| a != b && (b as usize) < nodes)
                .collect();
            let layout = lanes(nodes, &edges, 1_000);
            for (at, node) in layout.nodes.iter().enumerate() {
                for other in &layout.nodes[at + 1..] {
                    prop_assert!(node.y != other.y);
                }
            }
            for route in &layout.routes {
                for pair in route.points.windows(2) {
                    prop_assert!(pair[0].x == pair[1].x || pair[0].y == pair[1].y);
                    prop_assert!(pair[0].y <= pair[1].y);
                    // A vertical stretch meets nodes at its ends only.
                    for (at, node) in layout.nodes.iter().enumerate() {
                        let inside = node.x == pair[0].x && pair[0].x == pair[1].x
                            && node.y > pair[0].y && node.y < pair[1].y;
                        let own = at as u32 == route.from || at as u32 == route.to;
                        prop_assert!(!inside || own, "{:?} runs through {}", route, at);
                    }
                }
            }
        }
    }
}
