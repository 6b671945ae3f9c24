//! Geometry: where the nodes and edges of a DAG go, in cells. No colours, no states, no terminal.
//!
//! A layered drawing after Sugiyama, made for a grid of characters. The way of a graph through it:
//!
//! ```text
//!  edges ─▶ normalize  loops, repetitions and edges that would close a cycle are set aside; components
//!        ─▶ rank       a layer for every node, edges short
//!        ─▶ layered    long edges become chains of one-cell units, shared by edges of one source or target
//!        ─▶ order      few crossings: sweeps, exchanges, restarts within a budget
//!        ─▶ place      a column for every unit, chains straight
//!        ─▶ refine     units moved together where edges get shorter by it
//!        ─▶ channel    tracks between two layers, so that no two edges lie on each other
//!        ─▶ pack       components beside each other, lone nodes in a grid
//! ```
//!
//! Everything is computed top-down; for [`Direction::Right`] sizes are turned before and places after.
//! The same input gives the same layout, on every machine.

mod channel;
mod dots;
mod geometry;
mod lanes;
mod layered;
mod normalize;
mod order;
mod pack;
mod place;
mod rank;
mod refine;
mod route;
mod space;

pub(crate) use dots::{dots, dots_filling};
pub use geometry::{Point, Rect, Size};
pub(crate) use lanes::lanes;

use layered::Layered;
use normalize::Normalized;

/// A DAG to lay out. Nodes are the positions of `sizes`.
#[derive(Clone, Copy, Debug)]
pub struct Graph<'a> {
    /// The size of each node, in cells; what is empty counts as one cell.
    pub sizes: &'a [Size],
    /// Edges as (source, target). Loops, repetitions, unknown nodes and edges that would close a cycle are
    /// ignored.
    pub edges: &'a [(u32, u32)],
}

/// Which way edges run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// From top to bottom.
    #[default]
    Down,
    /// From left to right.
    Right,
}

/// What a layout should look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which way edges run.
    pub direction: Direction,
    /// Empty cells between two nodes of a layer.
    pub node_gap: u16,
    /// Empty cells between an edge and its neighbour in a layer.
    pub edge_gap: u16,
    /// Fewest cells between two layers, at least 1.
    pub layer_gap: u16,
    /// Cells that stay clear between a layer and the first track of the channel after it.
    pub leaving: u16,
    /// Cells that stay clear between the last track of a channel and the layer after it, for heads of arrows.
    pub entering: u16,
    /// Cells from one track of a channel to the next, at least 1.
    pub pitch: u16,
    /// Sweeps that may be spent on fewer crossings; 0 leaves the order of the first guess.
    pub sweeps: u32,
    /// The size that the whole should stay within where that is possible, in cells: components and lone
    /// nodes are arranged for it.
    pub wanted: Size,
}

impl Options {
    /// What suits boxes that run in this direction.
    pub const fn new(direction: Direction) -> Self {
        let (node_gap, edge_gap, layer_gap, leaving) = match direction {
            Direction::Down => (2, 1, 1, 0),
            Direction::Right => (0, 0, 3, 1),
        };
        Self {
            direction,
            node_gap,
            edge_gap,
            layer_gap,
            leaving,
            entering: 1,
            pitch: 1,
            sweeps: 220,
            wanted: Size {
                width: 120,
                height: 40,
            },
        }
    }
}

/// The way of one edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The node it leaves.
    pub from: u32,
    /// The node it enters.
    pub to: u32,
    /// Corners, from a border cell of `from` to a border cell of `to`; each shares its row or its column
    /// with the next, and everything between the first and the last lies outside every node.
    pub points: Vec<Point>,
    /// The net of each stretch, from each point to the next. Lines of one net are joined where they meet: they have one
    /// source or one target in common. A line that passes a cell in which one of another net turns passes behind it.
    pub nets: Vec<u32>,
}

/// Where everything goes, in cells from the top left corner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The place of each node.
    pub nodes: Vec<Rect>,
    /// The ways of the edges, in the order of the graph's edges without those that were ignored.
    pub routes: Vec<Route>,
    /// The columns that the whole takes.
    pub width: i32,
    /// The rows that the whole takes.
    pub height: i32,
    /// The layer of each node in its component, from 0.
    pub ranks: Vec<u32>,
    /// The place of each node in its layer, from 0, edges that pass counted.
    pub places: Vec<u32>,
    /// Crossings of edges, each pair counted where it crosses between two layers.
    pub crossings: u64,
}

/// Lays `graph` out. Never fails: what is no DAG is made one by leaving edges out.
pub fn layout(graph: &Graph<'_>, options: &Options) -> Layout {
    Ordered::new(graph.sizes.len(), graph.edges, options.sweeps).layout(graph.sizes, options)
}

/// A DAG in layers, with the order of the nodes in each: the costly half of a layout, which does not depend on
/// sizes and directions. Laid out in several ways, it keeps its nodes in the same order.
#[derive(Clone, Debug)]
pub struct Ordered {
    nodes: usize,
    normalized: Normalized,
    /// By component: its layers, and the crossings between them.
    parts: Vec<(Layered, u64)>,
}

impl Ordered {
    /// Orders `nodes` nodes with these edges; `sweeps` as in [`Options`].
    pub fn new(nodes: usize, edges: &[(u32, u32)], sweeps: u32) -> Self {
        Self::after(nodes, edges, sweeps, &[])
    }

    /// The same where some nodes were seen before: `kept` holds for each node its number in [`Self::sequence`] of
    /// what was shown then, `None` for a new one. Two nodes that stood in the same layer then and do so now stand
    /// in the same order; what is new goes between them.
    pub fn after(nodes: usize, edges: &[(u32, u32)], sweeps: u32, kept: &[Option<u32>]) -> Self {
        let normalized = Normalized::new(nodes, edges);
        let parts = normalized
            .components
            .iter()
            .map(|component| {
                let mut layered = Layered::new(component, &rank::ranks(component));
                let kept: Vec<Option<u32>> = if kept.is_empty() {
                    Vec::new()
                } else {
                    let kept = |&node: &u32| kept.get(node as usize).copied().flatten();
                    component.nodes.iter().map(kept).collect()
                };
                let crossings = order::reduce(&mut layered, sweeps, &kept);
                (layered, crossings)
            })
            .collect();
        Self {
            nodes,
            normalized,
            parts,
        }
    }

    /// For each node the layer that it is in: layers of different components have different numbers, and a node
    /// without edges has none.
    pub fn layers(&self) -> Vec<Option<u32>> {
        let mut layers = vec![None; self.nodes];
        let mut first = 0;
        for (component, (layered, _)) in self.normalized.components.iter().zip(&self.parts) {
            for (own, &node) in component.nodes.iter().enumerate() {
                layers[node as usize] = Some(first + layered.units[own].layer);
            }
            first += layered.layers.len() as u32;
        }
        layers
    }

    /// The nodes numbered such that in each layer the numbers grow from the first place to the last.
    pub fn sequence(&self) -> Vec<u32> {
        let mut sorted: Vec<(usize, f64, u32)> = Vec::with_capacity(self.nodes);
        for (at, (component, (layered, _))) in self
            .normalized
            .components
            .iter()
            .zip(&self.parts)
            .enumerate()
        {
            for (own, &node) in component.nodes.iter().enumerate() {
                let layer = &layered.layers[layered.units[own].layer as usize];
                let across = f64::from(layered.place[own]) / layer.len() as f64;
                sorted.push((at, across, node));
            }
        }
        let lone = self.normalized.lone.iter();
        sorted.extend(lone.map(|&node| (usize::MAX, 0.0, node)));
        sorted.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut sequence = vec![0; self.nodes];
        for (number, (_, _, node)) in sorted.into_iter().enumerate() {
            sequence[node as usize] = number as u32;
        }
        sequence
    }

    /// Finds a place for everything. Nodes without a size, and what is empty, count as one cell.
    pub fn layout(&self, sizes: &[Size], options: &Options) -> Layout {
        let turned = options.direction == Direction::Right;
        let sizes: Vec<Size> = (0..self.nodes)
            .map(|node| {
                let size = sizes.get(node).copied().unwrap_or_default();
                let size = Size {
                    width: size.width.max(1),
                    height: size.height.max(1),
                };
                if turned { size.turned() } else { size }
            })
            .collect();
        let parts = self
            .normalized
            .components
            .iter()
            .zip(&self.parts)
            .map(|(component, (layered, crossings))| {
                let mut layered = layered.clone();
                layered.measure(component, &sizes);
                let columns = place::columns(&layered, options);
                let mut part = route::route(component, &layered, &columns, options, *crossings);
                if turned {
                    part.turn();
                }
                part
            })
            .collect();
        let sizes: Vec<Size> = if turned {
            sizes.into_iter().map(Size::turned).collect()
        } else {
            sizes
        };
        pack::pack(&self.normalized, parts, &sizes, options.wanted)
    }
}

#[cfg(test)]
mod tests;
