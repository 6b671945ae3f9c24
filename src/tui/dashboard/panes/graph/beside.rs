//! An overview of the whole, beside rows of which the pane shows some.

use super::topology::Topology;
use crate::layout::{self, Size};
use ratatui::layout::{Position, Rect};

/// The whole in a few cells, beside rows of which the pane shows some.
#[derive(Debug, Default)]
pub(super) struct OverviewBeside {
    /// The cell of each node.
    pub(super) cells: Vec<(Position, u32)>,
}

impl OverviewBeside {
    /// In `room`; nothing where that does not hold all of them.
    pub(super) fn new(room: Rect, topology: &Topology) -> Self {
        let size = Size {
            width: room.width,
            height: room.height,
        };
        if topology.steps.len() > usize::from(room.width) * usize::from(room.height) {
            return Self::default();
        }
        let dots = layout::dots(topology.steps.len(), &topology.edges, size);
        if dots.height > i32::from(room.height) {
            return Self::default();
        }
        // Apart where there is room.
        let fold = |size: i32, room: u16| if size * 2 <= i32::from(room) { 2 } else { 1 };
        let (wide, high) = (fold(dots.width, room.width), fold(dots.height, room.height));
        let cells = dots.nodes.iter().enumerate().map(|(node, place)| {
            let (x, y) = ((place.x * wide) as u16, (place.y * high) as u16);
            (Position::new(room.x + x, room.y + y), node as u32)
        });
        Self {
            cells: cells.collect(),
        }
    }
}
