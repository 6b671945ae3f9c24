//! Moving from node to node.

use super::geometry::GraphGeometry;
use super::level::Level;
use super::topology::Topology;
use crate::layout::{self, Point, Rect};
use crate::tui::dashboard::panes::pane::Direction;

/// The node to which a key leads: along an edge where it points that way, else the next in that direction.
pub(super) fn neighbour(
    topology: &Topology,
    geometry: &GraphGeometry,
    from: u32,
    towards: Direction,
) -> Option<u32> {
    let here = *geometry.layout.nodes.get(from as usize)?;
    if geometry.level == Level::Row {
        return beside_lanes(topology, geometry, from, here.y, towards);
    }
    let forward = match geometry.direction {
        layout::Direction::Down => Direction::Down,
        layout::Direction::Right => Direction::Right,
    };
    let along = if towards == forward {
        Some(&topology.below[from as usize])
    } else if towards == forward.opposite() {
        Some(&topology.above[from as usize])
    } else {
        None
    };
    if let Some(nodes) = along
        && let Some(node) = nearest(geometry, here, towards, nodes.iter().copied())
    {
        return Some(node);
    }
    let all = (0..geometry.layout.nodes.len() as u32).filter(|&node| node != from);
    if along.is_none() {
        // Across the edges: a neighbour in the same row or column of boxes comes first.
        let around_overview = all.clone().filter(|&node| {
            let there = geometry.layout.nodes[node as usize];
            match towards {
                Direction::Left | Direction::Right => {
                    there.y < here.bottom() && here.y < there.bottom()
                }
                Direction::Up | Direction::Down => there.x < here.right() && here.x < there.right(),
            }
        });
        if let Some(node) = nearest(geometry, here, towards, around_overview) {
            return Some(node);
        }
    }
    nearest(geometry, here, towards, all)
}

/// Rows above and below; to the left what a step waits for, to the right what waits for it, the nearest first.
fn beside_lanes(
    topology: &Topology,
    geometry: &GraphGeometry,
    from: u32,
    row: i32,
    towards: Direction,
) -> Option<u32> {
    let next = match towards {
        Direction::Up => return geometry.rows(row - geometry.pitch..row).first().copied(),
        Direction::Down => {
            return geometry
                .rows(row + geometry.pitch..row + 2 * geometry.pitch)
                .first()
                .copied();
        }
        Direction::Left => &topology.above[from as usize],
        Direction::Right => &topology.below[from as usize],
    };
    let distance = |node: &u32| (geometry.layout.nodes[*node as usize].y - row).abs();
    next.iter().copied().min_by_key(distance)
}

/// The nearest node that lies in a direction; what lies straight ahead counts as nearer.
fn nearest(
    geometry: &GraphGeometry,
    here: Rect,
    towards: Direction,
    nodes: impl Iterator<Item = u32>,
) -> Option<u32> {
    nodes
        .filter_map(|node| {
            let there = *geometry.layout.nodes.get(node as usize)?;
            let (ahead, aside) = match towards {
                Direction::Up => (here.y - there.bottom() + 1, apart(here, there)),
                Direction::Down => (there.y - here.bottom() + 1, apart(here, there)),
                Direction::Left => (here.x - there.right() + 1, 2 * stacked(here, there)),
                Direction::Right => (there.x - here.right() + 1, 2 * stacked(here, there)),
            };
            (ahead > 0).then_some((ahead + 2 * aside, node))
        })
        .min()
        .map(|(_, node)| node)
}

/// Columns between the middles.
fn apart(a: Rect, b: Rect) -> i32 {
    let (Point { x: a, .. }, Point { x: b, .. }) = (a.centre(), b.centre());
    (a - b).abs()
}

/// Rows between the middles.
fn stacked(a: Rect, b: Rect) -> i32 {
    let (Point { y: a, .. }, Point { y: b, .. }) = (a.centre(), b.centre());
    (a - b).abs()
}
