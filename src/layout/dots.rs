//! Every node a cell: layers as rows, for thousands of nodes.

use super::Layout;
use super::digest;
use super::geometry::Rect;

/// Lays nodes out a layer after the other, each node one cell; a layer wider than `columns` takes several rows.
/// There are no routes.
pub fn dots(nodes: usize, edges: &[(u32, u32)], columns: u16) -> Layout {
    let columns = i32::from(columns.max(1));
    let edges = digest::dag(nodes, edges);
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
    let mut rects = vec![Rect::default(); nodes];
    let mut places = vec![0; nodes];
    let (mut y, mut width) = (0, 0);
    for layer in &layers {
        let count = i32::try_from(layer.len()).unwrap_or(i32::MAX);
        for (at, &node) in layer.iter().enumerate() {
            let at = at as i32;
            rects[node as usize] = Rect {
                x: at % columns,
                y: y + at / columns,
                width: 1,
                height: 1,
            };
            places[node as usize] = at as u32;
        }
        width = width.max(count.min(columns));
        y += (count + columns - 1) / columns;
    }
    Layout {
        nodes: rects,
        width,
        height: y,
        ranks,
        places,
        ..Layout::default()
    }
}

/// The length of the longest way to each node.
fn ranks(nodes: usize, edges: &[(u32, u32)]) -> Vec<u32> {
    let below = digest::Lists::new(nodes, edges.iter().copied());
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

    #[test]
    fn a_wide_layer_takes_several_rows() {
        let edges: Vec<(u32, u32)> = (1..=25).map(|node| (0, node)).collect();
        let layout = dots(26, &edges, 10);
        assert_eq!((layout.width, layout.height), (10, 4));
        assert_eq!((layout.nodes[25].x, layout.nodes[25].y), (4, 3));
    }
}
