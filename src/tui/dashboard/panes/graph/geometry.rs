//! The geometry of a topology at one level of detail, worked out once.

use super::level::Level;
use super::metrics::{MARK, TIME_AND_COST, WATERFALL, sidebar_columns};
use super::shape::{self, Gaps, Shape};
use super::topology::Topology;
use crate::layout::{self, Direction, Layout, Ordered, Point, Rect, Size};
use std::sync::Arc;

/// The widest that a label beside the lanes gets, in columns.
const WIDEST_LABEL: usize = 36;
/// The most lanes beside the rows.
const MOST_LANES: u32 = 40;
/// The columns that a row needs beside its lanes.
const LEAST_ROW: i32 = 22;

/// A picture of the DAG: where everything is, not how it looks.
#[derive(Clone, Debug)]
pub(super) struct GraphGeometry {
    /// What it shows.
    pub(super) topology: Arc<Topology>,
    /// How much each node shows.
    pub(super) level: Level,
    /// The shape of its nodes, in layers.
    pub(super) shape: Option<Shape>,
    /// Lines within the border of a box.
    pub(super) lines: u16,
    /// Rows at the foot of the pane that it leaves to something else.
    pub(super) below: u16,
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
    /// Beside lanes: the lines of a row.
    pub(super) pitch: i32,
}

impl GraphGeometry {
    /// In layers, for a pane of about `pane` cells. `None` where that could not fit and has to.
    pub(super) fn layered(
        topology: &Arc<Topology>,
        ordered: &Ordered,
        layers: &[Option<u32>],
        (shape, direction, gaps): (Shape, Direction, Gaps),
        pane: Size,
        has_to_fit: bool,
    ) -> Option<Self> {
        let sizes = shape.sizes(topology, layers);
        let options = shape::options(direction, gaps, shape, pane);
        if has_to_fit && !shape::could_fit(&sizes, layers, direction, &options, pane) {
            return None;
        }
        let layout = ordered.layout(&sizes, &options);
        let geometry = Self {
            topology: Arc::clone(topology),
            level: shape.level,
            shape: Some(shape),
            lines: shape.lines,
            below: 0,
            direction,
            width: layout.width,
            layout,
            labels: (0, 0),
            rows: Vec::new(),
            pitch: 1,
        };
        (!has_to_fit || geometry.panes(pane) <= 1.0).then_some(geometry)
    }

    /// A step a row.
    pub(super) fn lanes(topology: &Arc<Topology>, pane: Size) -> Self {
        let room = u32::from(pane.width).saturating_sub(LEAST_ROW as u32);
        let most = (room / 2).clamp(4, MOST_LANES);
        let layout = layout::lanes(topology.steps.len(), &topology.edges, most);
        let mut rows = vec![0; topology.steps.len()];
        for (node, rect) in layout.nodes.iter().enumerate() {
            if let Some(row) = rows.get_mut(rect.y as usize) {
                *row = node as u32;
            }
        }
        let first = layout.width + 2;
        // The sign, and the name as wide as leaves room for figures and time.
        let room = usize::from(pane.width).saturating_sub(first as usize + 2 + TIME_AND_COST + 2);
        // A cost goes before a name is cut. A mark that may come has its room where there is enough.
        let share = (room * 3 / 5).max(topology.widest.clamp(12, 16));
        let label = (topology.widest + MARK).min(WIDEST_LABEL).min(share);
        Self {
            topology: Arc::clone(topology),
            level: Level::Row,
            shape: None,
            lines: 0,
            below: 0,
            direction: Direction::Down,
            width: first + (2 + label + 2 + TIME_AND_COST) as i32,
            labels: (first, label),
            layout,
            rows,
            pitch: 1,
        }
    }

    /// The same with two lines a row, the second for what matters of the step, where the pane has room for them and an
    /// axis.
    pub(super) fn with_two_lines(mut self, pane: Size) -> Self {
        let lines = self.rows.len() as i32 * 2;
        if self.level != Level::Row || lines + 1 > i32::from(pane.height) {
            return self;
        }
        (self.pitch, self.lines) = (2, 2);
        self.layout.height = lines;
        for node in &mut self.layout.nodes {
            node.y *= 2;
        }
        for point in self
            .layout
            .routes
            .iter_mut()
            .flat_map(|route| &mut route.points)
        {
            point.y *= 2;
        }
        self
    }

    /// Whether every row and its name are within the pane.
    pub(super) fn rows_fit(&self, pane: Size) -> bool {
        self.layout.height <= i32::from(pane.height) && self.is_wide_enough(pane)
    }

    /// Whether a row has room beside its lanes.
    pub(super) fn is_wide_enough(&self, pane: Size) -> bool {
        self.layout.width + LEAST_ROW <= i32::from(pane.width)
    }

    /// Whether there is room for time beside the rows.
    pub(super) fn has_times(&self, columns: u16) -> bool {
        i32::from(columns) >= self.width + 2 + i32::from(WATERFALL)
    }

    /// A step a cell.
    pub(super) fn overview(topology: &Arc<Topology>, pane: Size) -> Self {
        let pane = Size {
            width: pane.width - sidebar_columns(pane.width),
            ..pane
        };
        let layout = layout::dots_filling(topology.steps.len(), &topology.edges, pane);
        Self {
            topology: Arc::clone(topology),
            level: Level::Overview,
            shape: None,
            lines: 0,
            below: 0,
            direction: Direction::Down,
            width: layout.width,
            layout,
            labels: (0, 0),
            rows: Vec::new(),
            pitch: 1,
        }
    }

    /// The rows of the pane below the picture, where all of it is seen.
    pub(super) fn free_rows(&self, pane: Size) -> u16 {
        let whole = self.panes(pane) <= 1.0;
        let free = i32::from(pane.height) - self.layout.height;
        u16::try_from(free).unwrap_or(0) * u16::from(whole)
    }

    /// How many panes wide and high the picture is, the larger of both.
    pub(super) fn panes(&self, pane: Size) -> f32 {
        let wide = self.width as f32 / f32::from(pane.width.max(1));
        let high = self.layout.height as f32 / f32::from(pane.height.max(1));
        wide.max(high)
    }

    /// What is to be seen of a node.
    pub(super) fn extent(&self, node: u32) -> Option<Rect> {
        let rect = *self.layout.nodes.get(node as usize)?;
        Some(if self.level == Level::Row {
            Rect {
                x: 0,
                width: self.width,
                height: self.pitch,
                ..rect
            }
        } else {
            rect
        })
    }

    /// The node at a cell of the picture.
    pub(super) fn at(&self, cell: Point) -> Option<u32> {
        if self.level == Level::Row {
            let row = usize::try_from(cell.y.div_euclid(self.pitch)).ok()?;
            return self.rows.get(row).copied();
        }
        let nodes = &self.layout.nodes;
        let node = nodes.iter().position(|node| node.contains(cell))?;
        Some(node as u32)
    }

    /// Beside lanes: the nodes of the rows with these lines.
    pub(super) fn rows(&self, lines: std::ops::Range<i32>) -> &[u32] {
        let count = self.rows.len();
        let row = |line: i32| usize::try_from(line.div_euclid(self.pitch)).unwrap_or(0);
        let from = row(lines.start).min(count);
        let to = row(lines.end + self.pitch - 1).clamp(from, count);
        &self.rows[from..to]
    }
}
