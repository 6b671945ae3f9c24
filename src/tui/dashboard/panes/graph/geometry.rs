//! The geometry of a topology at one level of detail, worked out once.

use super::level::Level;
use super::metrics::{TIME, TIME_AND_COST, TOOL, sidebar_columns};
use super::topology::Topology;
use crate::layout::{self, Direction, Layout, Options, Ordered, Point, Rect, Size};
use std::sync::Arc;

/// The widest that a box gets, in columns.
const WIDEST_BOX: usize = 22;
/// The widest that a chip gets, in columns.
const WIDEST_CHIP: usize = 30;
/// The widest that a label beside the lanes gets, in columns.
const WIDEST_LABEL: usize = 36;
/// Columns for `✔83 ●9 ✖1`, what a box says of the steps folded in it.
const COUNTS: usize = 16;

/// A picture of the DAG: where everything is, not how it looks.
#[derive(Clone, Debug)]
pub(super) struct GraphGeometry {
    /// What it shows.
    pub(super) topology: Arc<Topology>,
    /// How much each node shows.
    pub(super) level: Level,
    /// Which way edges run.
    pub(super) direction: Direction,
    /// Where everything is.
    pub(super) layout: Layout,
    /// Columns of the whole, text beside lanes included.
    pub(super) width: i32,
    /// Beside lanes: the first column of the labels, and their columns.
    pub(super) labels: (i32, usize),
    /// Beside lanes: the node of each row.
    rows: Vec<u32>,
}

impl GraphGeometry {
    /// Boxes or chips, in this order, for a pane of about `pane` cells.
    pub(super) fn layered(
        topology: &Arc<Topology>,
        ordered: &Ordered,
        level: Level,
        direction: Direction,
        pane: Size,
    ) -> Self {
        let size = node_size(topology, level);
        let sizes = vec![size; topology.steps.len()];
        let mut options = Options::new(direction);
        options.wanted = pane;
        if level == Level::Chip && direction == Direction::Down {
            options.node_gap = 1;
        }
        let layout = ordered.layout(&sizes, &options);
        Self {
            topology: Arc::clone(topology),
            level,
            direction,
            width: layout.width,
            layout,
            labels: (0, 0),
            rows: Vec::new(),
        }
    }

    /// A step a row.
    pub(super) fn lanes(topology: &Arc<Topology>, pane: Size) -> Self {
        let most = u32::from(pane.width / 4).clamp(4, 40);
        let layout = layout::lanes(topology.steps.len(), &topology.edges, most);
        let mut rows = vec![0; topology.steps.len()];
        for (node, rect) in layout.nodes.iter().enumerate() {
            if let Some(row) = rows.get_mut(rect.y as usize) {
                *row = node as u32;
            }
        }
        let label = topology.widest.min(WIDEST_LABEL);
        let first = layout.width + 2;
        Self {
            topology: Arc::clone(topology),
            level: Level::Lane,
            direction: Direction::Down,
            width: first + (label + 2 + TIME_AND_COST + 2 + topology.widest_tool.min(TOOL)) as i32,
            labels: (first, label),
            layout,
            rows,
        }
    }

    /// A step a cell.
    pub(super) fn overview(topology: &Arc<Topology>, pane: Size) -> Self {
        let pane = Size {
            width: pane.width - sidebar_columns(pane.width),
            ..pane
        };
        let layout = layout::dots(topology.steps.len(), &topology.edges, pane);
        Self {
            topology: Arc::clone(topology),
            level: Level::Overview,
            direction: Direction::Down,
            width: layout.width,
            layout,
            labels: (0, 0),
            rows: Vec::new(),
        }
    }

    /// Whether the smallest nodes have room in the pane, edges left out.
    pub(super) fn could_fit(topology: &Topology, pane: Size) -> bool {
        let node = node_size(topology, Level::Chip);
        let nodes = topology.steps.len() * usize::from(node.width.min(pane.width));
        nodes <= usize::from(pane.width) * usize::from(pane.height)
    }

    /// How many panes wide and high the picture is, the larger of both.
    pub(super) fn panes(&self, pane: Size) -> f32 {
        let wide = self.width as f32 / f32::from(pane.width.max(1));
        let high = self.layout.height as f32 / f32::from(pane.height.max(1));
        wide.max(high)
    }

    /// The share of the picture's cells that nodes take, from 0 to 1.
    pub(super) fn density(&self) -> f32 {
        let nodes: i64 = self
            .layout
            .nodes
            .iter()
            .map(|node| i64::from(node.width) * i64::from(node.height))
            .sum();
        let all = i64::from(self.layout.width) * i64::from(self.layout.height);
        nodes as f32 / all.max(1) as f32
    }

    /// What is to be seen of a node.
    pub(super) fn extent(&self, node: u32) -> Option<Rect> {
        let rect = *self.layout.nodes.get(node as usize)?;
        Some(if self.level == Level::Lane {
            Rect {
                x: 0,
                width: self.width,
                ..rect
            }
        } else {
            rect
        })
    }

    /// The node at a cell of the picture.
    pub(super) fn at(&self, cell: Point) -> Option<u32> {
        if self.level == Level::Lane {
            let row = usize::try_from(cell.y).ok()?;
            return self.rows.get(row).copied();
        }
        let nodes = &self.layout.nodes;
        let node = nodes.iter().position(|node| node.contains(cell))?;
        Some(node as u32)
    }

    /// Beside lanes: the nodes of these rows.
    pub(super) fn rows(&self, rows: std::ops::Range<i32>) -> &[u32] {
        let count = self.rows.len();
        let from = usize::try_from(rows.start).unwrap_or(0).min(count);
        let to = usize::try_from(rows.end).unwrap_or(0).clamp(from, count);
        &self.rows[from..to]
    }
}

/// One size for all nodes, so that columns and rows line up and nothing jumps when times change.
fn node_size(topology: &Topology, level: Level) -> Size {
    // Beside a label stand its glyph, a space, and an empty column at either side.
    if level == Level::Box {
        let figures = if !topology.members.is_empty() {
            COUNTS
        } else if topology.cost {
            TIME_AND_COST
        } else {
            TIME + 4
        };
        let inner = (topology.widest + 2).max(figures);
        Size {
            width: (inner + 4).min(WIDEST_BOX) as u16,
            height: 4,
        }
    } else {
        Size {
            width: (topology.widest + 2 + TIME + 1 + 2).min(WIDEST_CHIP) as u16,
            height: 1,
        }
    }
}
