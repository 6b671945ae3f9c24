//! The component with a unit in every layer that an edge passes.
//!
//! Long edges of one source share a chain of units (a trunk that forks where it must), and so do long edges
//! into one target. An edge belongs to one chain only: to that of its end with more long edges.

use super::geometry::Size;
use super::normalize::{Component, Lists};

/// Whose edges a stretch of wire carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Trunk {
    /// Those of one source.
    Source,
    /// Those of one target.
    Target,
}

/// What takes place in a layer: a node, or the stretch of a long edge that passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    /// Its layer.
    pub(super) layer: u32,
    /// Its columns; 1 for a passing edge.
    pub(super) width: i32,
    /// Its rows; 0 for a passing edge, which takes as many as the layer has.
    pub(super) height: i32,
}

/// A connection of two units in neighbouring layers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) upper: u32,
    pub(super) lower: u32,
    /// The edges that run through it.
    pub(super) weight: u32,
    /// Fixed for the links of chains; `None` between two nodes.
    pub(super) trunk: Option<Trunk>,
}

/// The component in layers.
#[derive(Clone, Debug)]
pub(super) struct Layered {
    /// The component's nodes first, by their numbers, then the passing units.
    pub(super) units: Vec<Unit>,
    /// How many units are nodes.
    pub(super) nodes: u32,
    /// Units by layer, from left to right.
    pub(super) layers: Vec<Vec<u32>>,
    /// The place of each unit in its layer.
    pub(super) place: Vec<u32>,
    /// Connections, each once.
    pub(super) links: Vec<Link>,
    /// For each edge the links it runs through, from its source to its target.
    pub(super) ways: Lists,
    /// (unit above, link weight) by unit.
    pub(super) above: Lists<(u32, u32)>,
    /// (unit below, link weight) by unit.
    pub(super) below: Lists<(u32, u32)>,
}

impl Layered {
    pub(super) fn new(component: &Component, rank: &[u32]) -> Self {
        let nodes = component.nodes.len();
        let mut units: Vec<Unit> = rank
            .iter()
            .map(|&layer| Unit {
                layer,
                width: 1,
                height: 1,
            })
            .collect();
        let chains = Chains::new(component, rank, &mut units);
        let (links, ways) = chains.links(component, rank, &units);
        let above = Lists::new(
            units.len(),
            links
                .iter()
                .map(|link| (link.lower, (link.upper, link.weight))),
        );
        let below = Lists::new(
            units.len(),
            links
                .iter()
                .map(|link| (link.upper, (link.lower, link.weight))),
        );
        let depth = rank
            .iter()
            .copied()
            .max()
            .map_or(0, |last| last as usize + 1);
        let mut layers = vec![Vec::new(); depth];
        let mut place = vec![0; units.len()];
        for (at, unit) in units.iter().enumerate() {
            let layer = &mut layers[unit.layer as usize];
            place[at] = layer.len() as u32;
            layer.push(at as u32);
        }
        Self {
            units,
            nodes: nodes as u32,
            layers,
            place,
            links,
            ways,
            above,
            below,
        }
    }

    /// Gives the nodes their sizes.
    pub(super) fn measure(&mut self, component: &Component, sizes: &[Size]) {
        for (unit, &node) in self.units.iter_mut().zip(&component.nodes) {
            let size = sizes[node as usize];
            unit.width = i32::from(size.width);
            unit.height = i32::from(size.height);
        }
    }

    /// Whether the unit is a passing edge.
    pub(super) fn passes(&self, unit: u32) -> bool {
        unit >= self.nodes
    }

    /// Takes `layers` as the order and brings `place` in line with it.
    pub(super) fn set_order(&mut self, layers: Vec<Vec<u32>>) {
        self.layers = layers;
        for layer in &self.layers {
            for (at, &unit) in layer.iter().enumerate() {
                self.place[unit as usize] = at as u32;
            }
        }
    }
}

/// The chains of passing units.
struct Chains {
    /// The trunk that each long edge belongs to; `None` for a short one.
    trunk: Vec<Option<Trunk>>,
    /// First unit of each source's chain, by node; it is in the layer below the node.
    of_source: Vec<u32>,
    /// First (uppermost) unit of each target's chain and its layer, by node.
    of_target: Vec<(u32, u32)>,
}

impl Chains {
    fn new(component: &Component, rank: &[u32], units: &mut Vec<Unit>) -> Self {
        let nodes = component.nodes.len();
        let long = |&(from, to): &(u32, u32)| rank[to as usize] - rank[from as usize] > 1;
        let (mut leaving, mut entering) = (vec![0u32; nodes], vec![0u32; nodes]);
        for &(from, to) in component.edges.iter().filter(|edge| long(edge)) {
            leaving[from as usize] += 1;
            entering[to as usize] += 1;
        }
        let mut lowest = vec![0u32; nodes];
        let mut highest = vec![u32::MAX; nodes];
        let trunk: Vec<Option<Trunk>> = component
            .edges
            .iter()
            .map(|edge| {
                let &(from, to) = edge;
                if !long(edge) {
                    None
                } else if entering[to as usize] > leaving[from as usize] {
                    let first = &mut highest[to as usize];
                    *first = (*first).min(rank[from as usize] + 1);
                    Some(Trunk::Target)
                } else {
                    let last = &mut lowest[from as usize];
                    *last = (*last).max(rank[to as usize] - 1);
                    Some(Trunk::Source)
                }
            })
            .collect();
        let passing = |layer| Unit {
            layer,
            width: 1,
            height: 0,
        };
        let mut of_source = vec![u32::MAX; nodes];
        let mut of_target = vec![(u32::MAX, 0); nodes];
        for node in 0..nodes {
            if lowest[node] > 0 {
                of_source[node] = units.len() as u32;
                units.extend((rank[node] + 1..=lowest[node]).map(passing));
            }
            if highest[node] != u32::MAX {
                of_target[node] = (units.len() as u32, highest[node]);
                units.extend((highest[node]..rank[node]).map(passing));
            }
        }
        Self {
            trunk,
            of_source,
            of_target,
        }
    }

    /// The links in the order of their upper and lower units, and each edge's way through them.
    fn links(&self, component: &Component, rank: &[u32], units: &[Unit]) -> (Vec<Link>, Lists) {
        let mut hops: Vec<(u32, u32, u32, Option<Trunk>)> = Vec::new();
        for (at, &(from, to)) in component.edges.iter().enumerate() {
            let trunk = self.trunk[at];
            let mut upper = from;
            for layer in rank[from as usize] + 1..rank[to as usize] {
                let lower = match trunk {
                    Some(Trunk::Target) => {
                        let (first, top) = self.of_target[to as usize];
                        first + (layer - top)
                    }
                    _ => self.of_source[from as usize] + (layer - rank[from as usize] - 1),
                };
                hops.push((upper, lower, at as u32, trunk));
                upper = lower;
            }
            hops.push((upper, to, at as u32, trunk));
        }
        let mut sorted: Vec<u32> = (0..hops.len() as u32).collect();
        sorted.sort_unstable_by_key(|&hop| {
            let (upper, lower, edge, _) = hops[hop as usize];
            (units[upper as usize].layer, upper, lower, edge)
        });
        let mut links: Vec<Link> = Vec::new();
        let mut link_of = vec![0u32; hops.len()];
        for hop in sorted {
            let (upper, lower, _, trunk) = hops[hop as usize];
            match links.last_mut() {
                Some(link) if (link.upper, link.lower) == (upper, lower) => link.weight += 1,
                _ => links.push(Link {
                    upper,
                    lower,
                    weight: 1,
                    trunk,
                }),
            }
            link_of[hop as usize] = links.len() as u32 - 1;
        }
        let ways = Lists::new(
            component.edges.len(),
            hops.iter().zip(&link_of).map(|(hop, &link)| (hop.2, link)),
        );
        (links, ways)
    }
}
