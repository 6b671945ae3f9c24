//! Steps that wait for each other.

use super::ids::StepIx;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// The maximum of steps of a component from which a shortest cycle is searched. In a larger component the cycle found
/// is short but may not be the shortest.
const MAX_STARTS: usize = 200;

/// One cycle for each set of steps that wait for each other, each step before the one that waits for it; the
/// first step is not repeated at the end. In the order of the steps.
pub(super) fn cycles(dependencies: &[Arc<[StepIx]>]) -> Vec<Vec<StepIx>> {
    if is_acyclic(dependencies) {
        return Vec::new();
    }
    let edges: usize = dependencies.iter().map(|list| list.len()).sum();
    let mut graph = DiGraph::<(), (), u32>::with_capacity(dependencies.len(), edges);
    for _ in dependencies {
        graph.add_node(());
    }
    for (step, list) in dependencies.iter().enumerate() {
        for dependency in list.iter() {
            graph.add_edge(NodeIndex::new(dependency.at()), NodeIndex::new(step), ());
        }
    }
    let mut found: Vec<Vec<StepIx>> = kosaraju_scc(&graph)
        .into_iter()
        .filter_map(|component| {
            let first = *component.first()?;
            if component.len() == 1 {
                return graph.contains_edge(first, first).then(|| vec![step(first)]);
            }
            shortest(&graph, &component)
        })
        .collect();
    for cycle in &mut found {
        let smallest = (0..cycle.len()).min_by_key(|at| cycle[*at]).unwrap_or(0);
        cycle.rotate_left(smallest);
    }
    found.sort();
    found
}

fn step(node: NodeIndex) -> StepIx {
    StepIx(node.index() as u32)
}

/// Whether removing steps without dependencies, again and again, removes all of them.
fn is_acyclic(dependencies: &[Arc<[StepIx]>]) -> bool {
    let mut waiting: Vec<usize> = dependencies.iter().map(|list| list.len()).collect();
    let (starts, followers) = followers(dependencies);
    let mut free: Vec<usize> = (0..waiting.len())
        .filter(|step| waiting[*step] == 0)
        .collect();
    let mut done = 0;
    while let Some(step) = free.pop() {
        done += 1;
        for follower in &followers[starts[step]..starts[step + 1]] {
            waiting[*follower as usize] -= 1;
            if waiting[*follower as usize] == 0 {
                free.push(*follower as usize);
            }
        }
    }
    done == dependencies.len()
}

/// Who waits for each step: the followers of step `i` are `list[starts[i]..starts[i + 1]]`.
pub(super) fn followers(dependencies: &[Arc<[StepIx]>]) -> (Vec<usize>, Vec<u32>) {
    let mut starts = vec![0; dependencies.len() + 1];
    for list in dependencies {
        for dependency in list.iter() {
            starts[dependency.at() + 1] += 1;
        }
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut list = vec![0; starts[dependencies.len()]];
    for (step, dependencies) in dependencies.iter().enumerate() {
        for dependency in dependencies.iter() {
            list[next[dependency.at()]] = step as u32;
            next[dependency.at()] += 1;
        }
    }
    (starts, list)
}

/// A shortest cycle within one strongly connected component.
fn shortest(graph: &DiGraph<(), ()>, component: &[NodeIndex]) -> Option<Vec<StepIx>> {
    let members: HashSet<NodeIndex> = component.iter().copied().collect();
    let mut starts = component.to_vec();
    starts.sort_unstable();
    let mut best: Option<Vec<StepIx>> = None;
    // For a large component the search stays linear.
    let attempts = if component.len() > 2_000 {
        4
    } else {
        MAX_STARTS
    };
    for start in starts.into_iter().take(attempts) {
        let mut came_from: HashMap<NodeIndex, NodeIndex> = HashMap::new();
        let mut queue = VecDeque::from([start]);
        'search: while let Some(node) = queue.pop_front() {
            for next in graph.neighbors(node) {
                if next == start {
                    let mut cycle = vec![step(node)];
                    let mut at = node;
                    while at != start {
                        at = *came_from.get(&at)?;
                        cycle.push(step(at));
                    }
                    cycle.reverse();
                    if best.as_ref().is_none_or(|best| cycle.len() < best.len()) {
                        best = Some(cycle);
                    }
                    break 'search;
                }
                if members.contains(&next) && !came_from.contains_key(&next) {
                    came_from.insert(next, node);
                    queue.push_back(next);
                }
            }
        }
        if best.as_ref().is_some_and(|best| best.len() <= 2) {
            break;
        }
    }
    best
}
