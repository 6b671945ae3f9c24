//! Every node a cell, for thousands of nodes: layers as rows where that fits, else one after the other.

use super::Layout;
use super::geometry::{Rect, Size};
use super::normalize;

/// Lays nodes out a layer after the other, each node one cell, within the columns of `wanted`. A layer begins a row
/// of its own, unless the rows of `wanted` would not do and running on takes far fewer. There are no routes.
pub(crate) fn dots(nodes: usize, edges: &[(u32, u32)], wanted: Size) -> Layout {
    let columns = i32::from(wanted.width.max(1));
    let edges = normalize::dag(nodes, edges);
    let ranks = ranks(nodes, &edges);
    let depth = ranks
        .iter()
        .copied()
        .max()
        .map_or(0, |last| last as usize + 1);
    let mut layers: Vec<Vec<u32>> = vec![Vec::new(); depth];
    for (node, &rank) in ranks.iter().enumerate() {
        layers[rank as usize].push(node as u32);
    }
    let rows = |count: usize| {
        let count = i32::try_from(count).unwrap_or(i32::MAX - columns);
        (count + columns - 1) / columns
    };
    let by_layer: i32 = layers.iter().map(|layer| rows(layer.len())).sum();
    let run_on = rows(nodes);
    let broken = by_layer <= i32::from(wanted.height) || by_layer * 2 <= run_on * 3;
    let mut rects = vec![Rect::default(); nodes];
    let mut places = vec![0; nodes];
    let (mut x, mut y, mut width) = (0, 0, 0);
    for layer in &layers {
        if broken && x > 0 {
            (x, y) = (0, y + 1);
        }
        for (at, &node) in layer.iter().enumerate() {
            if x == columns {
                (x, y) = (0, y + 1);
            }
            rects[node as usize] = Rect {
                x,
                y,
                width: 1,
                height: 1,
            };
            places[node as usize] = at as u32;
            x += 1;
            width = width.max(x);
        }
    }
    Layout {
        nodes: rects,
        width,
        height: if nodes == 0 { 0 } else { y + 1 },
        ranks,
        places,
        ..Layout::default()
    }
}

/// The length of the longest way to each node.
fn ranks(nodes: usize, edges: &[(u32, u32)]) -> Vec<u32> {
    let below = normalize::Lists::new(nodes, edges.iter().copied());
    let mut waits = vec![0u32; nodes];
    for &(_, to) in edges {
        waits[to as usize] += 1;
    }
    let mut ranks = vec![0u32; nodes];
    let mut ready: Vec<u32> = (0..nodes as u32)
        .filter(|&node| waits[node as usize] == 0)
        .collect();
    while let Some(node) = ready.pop() {
        for &to in below.of(node) {
            ranks[to as usize] = ranks[to as usize].max(ranks[node as usize] + 1);
            waits[to as usize] -= 1;
            if waits[to as usize] == 0 {
                ready.push(to);
            }
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANE: Size = Size {
        width: 10,
        height: 5,
    };

    #[test]
    fn a_wide_layer_takes_several_rows() {
        let edges: Vec<(u32, u32)> = (1..=25).map(|node| (0, node)).collect();
        let layout = dots(26, &edges, PANE);
        assert_eq!((layout.width, layout.height), (10, 4));
        assert_eq!((layout.nodes[25].x, layout.nodes[25].y), (4, 3));
    }

    #[test]
    fn a_long_chain_runs_on() {
        let edges: Vec<(u32, u32)> = (1..33).map(|node| (node - 1, node)).collect();
        let layout = dots(33, &edges, PANE);
        assert_eq!((layout.width, layout.height), (10, 4));
        assert_eq!((layout.nodes[32].x, layout.nodes[32].y), (2, 3));
        let short = dots(5, &edges[..4], PANE);
        assert_eq!((short.width, short.height), (1, 5));
        assert_eq!(dots(0, &[], PANE).height, 0);
    }
}
