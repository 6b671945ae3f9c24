//! The geometry of a topology at one level of detail, worked out once.

use super::pane::Level;
use super::text;
use super::topology::Topology;
use crate::layout::{self, Direction, Graph, Layout, Options, Size};

/// The widest that a box gets, in columns.
const WIDEST_BOX: usize = 22;
/// The widest that a chip gets, in columns.
const WIDEST_CHIP: usize = 30;
/// Columns for `12.3s  $0.0004`.
const TIME_AND_COST: usize = 14;
/// Columns for the time alone.
pub(super) const TIME: usize = 6;
/// Sweeps spent on the order of nodes; the layout itself bounds what large graphs get.
const SWEEPS: u32 = 200;

/// A picture of the DAG: where everything is, not how it looks.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// How much each node shows.
    pub(super) level: Level,
    /// Which way edges run.
    pub(super) direction: Direction,
    /// Where everything is.
    pub(super) layout: Layout,
}

impl Scene {
    /// Works the geometry out for a pane of about `pane` cells.
    pub(super) fn new(topology: &Topology, level: Level, direction: Direction, pane: Size) -> Self {
        let size = node_size(topology, level);
        let sizes = vec![size; topology.steps.len()];
        let mut options = Options::new(direction);
        options.wanted = pane;
        options.sweeps = SWEEPS;
        if level == Level::Chip && direction == Direction::Down {
            options.node_gap = 1;
        }
        let graph = Graph {
            sizes: &sizes,
            edges: &topology.edges,
        };
        Self {
            level,
            direction,
            layout: layout::layout(&graph, &options),
        }
    }

    /// How many panes wide and high the picture is, the larger of both.
    pub(super) fn panes(&self, pane: Size) -> f32 {
        let wide = self.layout.width as f32 / f32::from(pane.width.max(1));
        let high = self.layout.height as f32 / f32::from(pane.height.max(1));
        wide.max(high)
    }
}

/// One size for all nodes, so that columns and rows line up and nothing jumps when times change.
fn node_size(topology: &Topology, level: Level) -> Size {
    let label = topology
        .labels
        .iter()
        .map(|label| text::width(label))
        .max()
        .unwrap_or(0);
    // Beside a label stand its glyph, a space, and an empty column at either side.
    if level == Level::Box {
        let figures = if topology.cost {
            TIME_AND_COST
        } else {
            TIME + 4
        };
        let inner = (label + 2).max(figures);
        Size {
            width: (inner + 4).min(WIDEST_BOX) as u16,
            height: 4,
        }
    } else {
        Size {
            width: (label + 2 + TIME + 1 + 2).min(WIDEST_CHIP) as u16,
            height: 1,
        }
    }
}
