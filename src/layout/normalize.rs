//! From any list of edges to connected DAGs.

use petgraph::unionfind::UnionFind;

/// One connected component with at least one edge.
#[derive(Clone, Debug)]
pub(super) struct Component {
    /// The graph's nodes in it, ascending; positions here are the component's own node numbers.
    pub(super) nodes: Vec<u32>,
    /// Its edges by own node numbers, in the graph's order; a DAG.
    pub(super) edges: Vec<(u32, u32)>,
    /// The position of each edge among all that were kept.
    pub(super) kept: Vec<u32>,
}

/// The graph without what cannot be drawn.
#[derive(Clone, Debug)]
pub(super) struct Normalized {
    /// Components in the order of their first nodes.
    pub(super) components: Vec<Component>,
    /// Nodes without an edge, ascending.
    pub(super) lone: Vec<u32>,
    /// How many edges were kept.
    pub(super) kept: usize,
}

impl Normalized {
    pub(super) fn new(nodes: usize, edges: &[(u32, u32)]) -> Self {
        let edges = dag(nodes, edges);
        let mut sets = UnionFind::<u32>::new(nodes);
        let mut touched = vec![false; nodes];
        for &(from, to) in &edges {
            sets.union(from, to);
            touched[from as usize] = true;
            touched[to as usize] = true;
        }
        let mut component_of = vec![u32::MAX; nodes];
        let mut own = vec![0; nodes];
        let mut components: Vec<Component> = Vec::new();
        let mut lone = Vec::new();
        for node in 0..nodes as u32 {
            if !touched[node as usize] {
                lone.push(node);
                continue;
            }
            let root = sets.find(node) as usize;
            if component_of[root] == u32::MAX {
                component_of[root] = components.len() as u32;
                components.push(Component {
                    nodes: Vec::new(),
                    edges: Vec::new(),
                    kept: Vec::new(),
                });
            }
            let component = &mut components[component_of[root] as usize];
            own[node as usize] = component.nodes.len() as u32;
            component.nodes.push(node);
        }
        for (at, &(from, to)) in edges.iter().enumerate() {
            let component = &mut components[component_of[sets.find(from) as usize] as usize];
            component.edges.push((own[from as usize], own[to as usize]));
            component.kept.push(at as u32);
        }
        Self {
            components,
            lone,
            kept: edges.len(),
        }
    }
}

/// The edges that can be drawn: no loops, no repetitions, no unknown nodes, no cycles.
pub(super) fn dag(nodes: usize, edges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    acyclic(nodes, distinct(nodes, edges))
}

/// Edges between known, different nodes, each once.
fn distinct(nodes: usize, edges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let sound =
        |&(from, to): &(u32, u32)| from != to && (from as usize) < nodes && (to as usize) < nodes;
    let mut numbered: Vec<(u32, u32, u32)> = edges
        .iter()
        .enumerate()
        .filter(|(_, edge)| sound(edge))
        .map(|(at, &(from, to))| (from, to, at as u32))
        .collect();
    numbered.sort_unstable();
    numbered.dedup_by_key(|&mut (from, to, _)| (from, to));
    numbered.sort_unstable_by_key(|&(_, _, at)| at);
    numbered
        .into_iter()
        .map(|(from, to, _)| (from, to))
        .collect()
}

/// Leaves out the edges that a depth-first walk finds to lead back to a node on its own path.
fn acyclic(nodes: usize, edges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnPath,
        Done,
    }
    let out = Lists::new(
        nodes,
        edges
            .iter()
            .enumerate()
            .map(|(at, &(from, _))| (from, at as u32)),
    );
    let mut seen = vec![Seen::No; nodes];
    let mut back = vec![false; edges.len()];
    let mut path: Vec<(u32, usize)> = Vec::new();
    for start in 0..nodes as u32 {
        if seen[start as usize] != Seen::No {
            continue;
        }
        seen[start as usize] = Seen::OnPath;
        path.push((start, 0));
        while let Some((node, next)) = path.last_mut() {
            let Some(&edge) = out.of(*node).get(*next) else {
                seen[*node as usize] = Seen::Done;
                path.pop();
                continue;
            };
            *next += 1;
            let to = edges[edge as usize].1;
            match seen[to as usize] {
                Seen::OnPath => back[edge as usize] = true,
                Seen::No => {
                    seen[to as usize] = Seen::OnPath;
                    path.push((to, 0));
                }
                Seen::Done => {}
            }
        }
    }
    let mut at = 0;
    let mut edges = edges;
    edges.retain(|_| {
        at += 1;
        !back[at - 1]
    });
    edges
}

/// A list of numbers for each node, in one allocation.
#[derive(Clone, Debug)]
pub(super) struct Lists<T = u32> {
    start: Vec<u32>,
    items: Vec<T>,
}

impl<T: Copy + Default> Lists<T> {
    /// From (node, item) pairs, each node's items in the order given.
    pub(super) fn new(nodes: usize, pairs: impl Iterator<Item = (u32, T)> + Clone) -> Self {
        let mut start = vec![0u32; nodes + 1];
        let mut count = 0;
        for (node, _) in pairs.clone() {
            start[node as usize + 1] += 1;
            count += 1;
        }
        for at in 0..nodes {
            start[at + 1] += start[at];
        }
        let mut next = start.clone();
        let mut items = vec![T::default(); count];
        for (node, item) in pairs {
            let slot = &mut next[node as usize];
            items[*slot as usize] = item;
            *slot += 1;
        }
        Self { start, items }
    }

    /// The items of one node.
    pub(super) fn of(&self, node: u32) -> &[T] {
        let node = node as usize;
        &self.items[self.start[node] as usize..self.start[node + 1] as usize]
    }

    /// Where the items of one node are among all.
    pub(super) fn range(&self, node: u32) -> std::ops::Range<usize> {
        let node = node as usize;
        self.start[node] as usize..self.start[node + 1] as usize
    }
}
