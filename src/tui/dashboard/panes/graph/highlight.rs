//! Which nodes and edges lead to the selected step, or from it.

use super::geometry::GraphGeometry;
use super::wires::Stroke;

/// What is lit in one scene for one selected node.
#[derive(Clone, Debug)]
pub(super) struct Highlight {
    /// The scene's serial number, and the node.
    pub(super) of: (u64, u32),
    /// By node.
    nodes: Vec<bool>,
    /// By route.
    edges: Vec<Stroke>,
}

impl Highlight {
    pub(super) fn new(serial: u64, geometry: &GraphGeometry, node: u32) -> Self {
        let topology = &geometry.topology;
        let reach = |next: &[Vec<u32>]| {
            let mut seen = vec![false; next.len()];
            let mut waiting = vec![node];
            while let Some(node) = waiting.pop() {
                if let Some(known) = seen.get_mut(node as usize)
                    && !std::mem::replace(known, true)
                {
                    waiting.extend(&next[node as usize]);
                }
            }
            seen
        };
        let (above, below) = (reach(&topology.above), reach(&topology.below));
        let routes = geometry.layout.routes.iter();
        let edges = routes
            .map(|route| {
                let (from, to) = (route.from as usize, route.to as usize);
                if route.to == node {
                    Stroke::Entering
                } else if route.from == node {
                    Stroke::Leaving
                } else if above[from] && above[to] {
                    Stroke::Upstream
                } else if below[from] && below[to] {
                    Stroke::Downstream
                } else {
                    Stroke::Plain
                }
            })
            .collect();
        let nodes = above
            .iter()
            .zip(&below)
            .map(|(above, below)| *above || *below);
        Self {
            of: (serial, node),
            nodes: nodes.collect(),
            edges,
        }
    }

    /// How an edge is drawn.
    pub(super) fn edge(&self, route: usize) -> Stroke {
        self.edges.get(route).copied().unwrap_or(Stroke::Plain)
    }

    /// Whether a node is.
    pub(super) fn node(&self, node: u32) -> bool {
        self.nodes.get(node as usize) == Some(&true)
    }
}
