//! A layer for every node.

use super::normalize::{Component, Lists};

/// Passes that shorten edges; each is linear, and more change little.
const PASSES: usize = 8;

/// Layers from 0 without gaps: every edge leads to a later one, and edges are short where that is cheap to have.
pub(super) fn ranks(component: &Component) -> Vec<u32> {
    let nodes = component.nodes.len();
    let above = Lists::new(nodes, component.edges.iter().map(|&(from, to)| (to, from)));
    let below = Lists::new(nodes, component.edges.iter().copied());
    let sorted = sorted(nodes, &above, &below);
    let mut rank = vec![0u32; nodes];
    for &node in &sorted {
        rank[node as usize] = earliest(&rank, &above, node);
    }
    let last = rank.iter().copied().max().unwrap_or(0);
    for _ in 0..PASSES {
        let before = rank.clone();
        // Down first, where that costs nothing: it makes way for what stands above and gains by following.
        for &node in sorted.iter().rev() {
            if above.of(node).len() <= below.of(node).len() {
                let latest = below
                    .of(node)
                    .iter()
                    .map(|&to| rank[to as usize] - 1)
                    .min()
                    .unwrap_or(last);
                rank[node as usize] = latest;
            }
        }
        for &node in &sorted {
            if above.of(node).len() >= below.of(node).len() {
                rank[node as usize] = earliest(&rank, &above, node);
            }
        }
        if rank == before {
            break;
        }
    }
    without_gaps(&mut rank);
    rank
}

fn earliest(rank: &[u32], above: &Lists, node: u32) -> u32 {
    above
        .of(node)
        .iter()
        .map(|&from| rank[from as usize] + 1)
        .max()
        .unwrap_or(0)
}

fn without_gaps(rank: &mut [u32]) {
    let last = rank.iter().copied().max().unwrap_or(0) as usize;
    let mut used = vec![false; last + 1];
    for &at in rank.iter() {
        used[at as usize] = true;
    }
    let mut next = 0;
    let new: Vec<u32> = used
        .iter()
        .map(|&used| {
            next += u32::from(used);
            next.saturating_sub(1)
        })
        .collect();
    for at in rank {
        *at = new[*at as usize];
    }
}

/// Every node after what leads to it.
fn sorted(nodes: usize, above: &Lists, below: &Lists) -> Vec<u32> {
    let mut waits: Vec<usize> = (0..nodes as u32).map(|node| above.of(node).len()).collect();
    let mut sorted: Vec<u32> = (0..nodes as u32)
        .filter(|&node| waits[node as usize] == 0)
        .collect();
    let mut next = 0;
    while let Some(&node) = sorted.get(next) {
        next += 1;
        for &to in below.of(node) {
            waits[to as usize] -= 1;
            if waits[to as usize] == 0 {
                sorted.push(to);
            }
        }
    }
    sorted
}
