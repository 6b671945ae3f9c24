//! Every node a cell, for thousands of nodes: layers as rows where that fits, else one after the other.

use super::Layout;
use super::geometry::{Rect, Size};
use super::normalize;

/// The sizes of a cell with the space beside it, from the largest.
const CELLS: [(u16, u16); 8] = [
    (10, 2),
    (8, 2),
    (6, 2),
    (4, 2),
    (3, 2),
    (3, 1),
    (2, 1),
    (1, 1),
];

/// Lays nodes out a layer after the other, each node one cell, within the columns of `wanted`. A layer begins a row
/// of its own, unless the rows of `wanted` would not do and running on takes far fewer. There are no routes.
pub(crate) fn dots(nodes: usize, edges: &[(u32, u32)], wanted: Size) -> Layout {
    Layers::new(nodes, edges).place(wanted, (1, 1), 0)
}

/// The same with cells as large as `room` has space for, and an empty row between two layers where there is one.
pub(crate) fn dots_filling(nodes: usize, edges: &[(u32, u32)], room: Size) -> Layout {
    let layers = Layers::new(nodes, edges);
    let ways = CELLS.iter().flat_map(|&cell| [(cell, 1), (cell, 0)]);
    let mut fitting = ways.filter(|&(cell, gap)| {
        let columns = i32::from(room.width / cell.0);
        columns > 0 && layers.rows(columns, cell.1, gap) <= i32::from(room.height)
    });
    let (cell, gap) = fitting.next().unwrap_or(((1, 1), 0));
    layers.place(room, cell, gap)
}

/// Nodes by the length of the longest way to them.
struct Layers {
    ranks: Vec<u32>,
    nodes: Vec<Vec<u32>>,
}

impl Layers {
    fn new(count: usize, edges: &[(u32, u32)]) -> Self {
        let edges = normalize::dag(count, edges);
        let ranks = ranks(count, &edges);
        let last = ranks.iter().copied().max();
        let mut nodes = vec![Vec::new(); last.map_or(0, |last| last as usize + 1)];
        for (node, &rank) in ranks.iter().enumerate() {
            nodes[rank as usize].push(node as u32);
        }
        Self { ranks, nodes }
    }

    /// The rows of all layers, each of which begins a row of its own.
    fn rows(&self, columns: i32, height: u16, gap: i32) -> i32 {
        let rows = self.nodes.iter().map(|layer| rows(layer.len(), columns));
        let count: i32 = rows.sum();
        count * i32::from(height) + gap * (self.nodes.len() as i32 - 1).max(0)
    }

    fn place(&self, room: Size, cell: (u16, u16), gap: i32) -> Layout {
        let (wide, high) = (i32::from(cell.0), i32::from(cell.1));
        let columns = (i32::from(room.width) / wide).max(1);
        let count = self.ranks.len();
        let by_layer = self.rows(columns, 1, 0);
        let broken = by_layer <= i32::from(room.height) || by_layer * 2 <= rows(count, columns) * 3;
        let mut layout = Layout {
            nodes: vec![Rect::default(); count],
            ranks: self.ranks.clone(),
            places: vec![0; count],
            ..Layout::default()
        };
        let (mut x, mut y) = (0, 0);
        for (rank, layer) in self.nodes.iter().enumerate() {
            if broken && rank > 0 {
                (x, y) = (0, y + high + gap);
            }
            for (at, &node) in layer.iter().enumerate() {
                if x == columns {
                    (x, y) = (0, y + high);
                }
                layout.nodes[node as usize] = Rect {
                    x: x * wide,
                    y,
                    width: wide,
                    height: 1,
                };
                layout.places[node as usize] = at as u32;
                x += 1;
                layout.width = layout.width.max(x * wide);
                layout.height = y + 1;
            }
        }
        layout
    }
}

fn rows(count: usize, columns: i32) -> i32 {
    let count = i32::try_from(count).unwrap_or(i32::MAX - columns);
    (count + columns - 1) / columns
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

    #[test]
    fn cells_fill_the_room_and_layers_stand_apart() {
        let room = Size {
            width: 60,
            height: 20,
        };
        let edges: Vec<(u32, u32)> = (1..=30).map(|node| (0, node)).collect();
        let layout = dots_filling(31, &edges, room);
        assert_eq!(layout.nodes[1].width, 10);
        assert_eq!(
            (layout.nodes[0].y, layout.nodes[1].y, layout.nodes[7].y),
            (0, 3, 5)
        );
        // Whatever their number, nothing lies outside or on something else.
        for count in [1, 40, 300, 700] {
            let edges: Vec<(u32, u32)> = (1..count).map(|node| ((node - 1) / 40, node)).collect();
            let layout = dots_filling(count as usize, &edges, room);
            assert!(layout.width <= 60 && layout.height <= 20, "{count}");
            let places: std::collections::HashSet<_> =
                layout.nodes.iter().map(|cell| (cell.x, cell.y)).collect();
            assert_eq!(places.len(), count as usize);
        }
    }
}
