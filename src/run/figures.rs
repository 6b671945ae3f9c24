//! The figures of a run: work, span, speedup, efficiency, utilisation, critical path and potential.
//!
//! Definitions, with a for the service time of one attempt: work T1 is the sum of all a; span T∞ is the
//! longest path through the DAG, a step weighing the sum of its a; W is the wall-clock time less the time in
//! which everything was held; P is the number of slots, where that changes in a run its mean over W (an attempt that
//! runs on when slots are taken away keeps its slot until it ends). After Graham (1969), no schedule on P slots ends
//! before max(T∞, T1 / P), so `parallel_efficiency` is that bound over W.

use super::{RunState, StepState};
use crate::plan::StepIx;
use crate::units::Micros;
use std::collections::BinaryHeap;

#[cfg(test)]
mod tests;
mod time_left;

pub use time_left::{UsualTimes, time_left};

/// The figures at one moment. Ratios are `None` while nothing was called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// T1: the service time of all attempts.
    pub work: Micros,
    /// T∞: the longest path.
    pub span: Micros,
    /// W: wall-clock time less held time.
    pub wall: Micros,
    /// The slots at present: P, unless they changed in the run.
    pub slots: usize,
    /// T1 / W.
    pub speedup: Option<f64>,
    /// max(T∞, T1 / P) / W, from 0 to 1.
    pub parallel_efficiency: Option<f64>,
    /// T1 / (P · W), from 0 to 1.
    pub slot_utilisation: Option<f64>,
    /// The rows on a longest path that were called, first to last.
    pub critical_path: Vec<StepIx>,
    /// For each row of the critical path: T∞ less T∞ with that row at 0.
    pub potential: Vec<Micros>,
}

/// The figures of `state` at `now`; running attempts count with the time they have taken so far.
pub fn figures(state: &RunState, now: Micros) -> Figures {
    measured(state, now, true)
}

/// The figures without `potential`: a result does not have it, and it takes most of the time.
pub(super) fn figures_without_potential(state: &RunState, now: Micros) -> Figures {
    measured(state, now, false)
}

fn measured(state: &RunState, now: Micros, with_potential: bool) -> Figures {
    // A foreign log may hold any numbers; no sum over the rows overflows.
    let most = u64::MAX / (2 * state.steps.len() as u64 + 2);
    let weights = state.steps.iter().map(|row| weight(row, now).min(most));
    let weights: Vec<u64> = weights.collect();
    let graph = Graph::of(state);
    let work: u64 = weights.iter().sum();
    let wall = state.wall(now);
    let capacity = state.slot_capacity(now).0.max(1) as f64;
    let paths = Paths::longest(&graph, &weights);
    let critical: Vec<usize> = paths
        .critical(&graph, &weights)
        .into_iter()
        .filter(|row| weights[*row] > 0)
        .collect();
    let potential = if with_potential {
        paths.potential(&graph, &weights, &critical)
    } else {
        Vec::new()
    };
    let ratio = |part: f64| (work > 0 && wall.0 > 0).then(|| part / wall.0 as f64);
    let speedup = ratio(work as f64);
    let utilisation = work as f64 / capacity;
    let busiest = paths.span as f64 / (wall.0 as f64).max(1.0);
    Figures {
        work: Micros(work),
        span: Micros(paths.span),
        wall,
        slots: state.slots(),
        speedup,
        // T1 / P over W is T1 over P · W.
        parallel_efficiency: speedup.map(|_| busiest.max(utilisation).min(1.0)),
        slot_utilisation: speedup.map(|_| utilisation.min(1.0)),
        critical_path: critical.iter().map(|row| StepIx(*row as u32)).collect(),
        potential: potential.into_iter().map(Micros).collect(),
    }
}

/// A row's ended attempts, and the one running up to `now`.
fn weight(row: &StepState, now: Micros) -> u64 {
    (row.service + row.running_time(now).unwrap_or_default()).0
}

/// The rows in topological order, and what each waits for. A `for_each` row also waits for its elements, and code for
/// the calls that it makes.
struct Graph {
    order: Vec<u32>,
    before: Vec<u32>,
    starts: Vec<u32>,
}

impl Graph {
    fn of(state: &RunState) -> Self {
        let rows = state.steps.len();
        let mut before = Vec::with_capacity(rows * 2);
        let mut starts = Vec::with_capacity(rows + 1);
        for row in &state.steps {
            starts.push(before.len() as u32);
            let edges = row.info.depends_on.iter();
            let edges = edges.chain(row.elements()).chain(row.calls());
            before.extend(edges.map(|ix| ix.0).filter(|ix| (*ix as usize) < rows));
        }
        starts.push(before.len() as u32);
        let order = topological(&before, &starts);
        Self {
            order,
            before,
            starts,
        }
    }

    fn before(&self, row: usize) -> &[u32] {
        &self.before[self.starts[row] as usize..self.starts[row + 1] as usize]
    }
}

fn topological(before: &[u32], starts: &[u32]) -> Vec<u32> {
    let rows = starts.len() - 1;
    let mut after_starts = vec![0u32; rows + 1];
    for from in before {
        after_starts[*from as usize + 1] += 1;
    }
    for row in 0..rows {
        after_starts[row + 1] += after_starts[row];
    }
    let mut fill = after_starts.clone();
    let mut after = vec![0u32; before.len()];
    let mut open: Vec<u32> = Vec::with_capacity(rows);
    for row in 0..rows {
        let range = starts[row] as usize..starts[row + 1] as usize;
        open.push(range.len() as u32);
        for from in &before[range] {
            let slot = &mut fill[*from as usize];
            after[*slot as usize] = row as u32;
            *slot += 1;
        }
    }
    let mut order: Vec<u32> = (0..rows as u32)
        .filter(|row| open[*row as usize] == 0)
        .collect();
    let mut next = 0;
    while next < order.len() {
        let row = order[next] as usize;
        next += 1;
        for to in &after[after_starts[row] as usize..after_starts[row + 1] as usize] {
            open[*to as usize] -= 1;
            if open[*to as usize] == 0 {
                order.push(*to);
            }
        }
    }
    order
}

/// Longest paths: to each row, and from each row, the row itself included.
struct Paths {
    to: Vec<u64>,
    from: Vec<u64>,
    span: u64,
}

impl Paths {
    fn longest(graph: &Graph, weights: &[u64]) -> Self {
        let mut to = vec![0; weights.len()];
        for row in graph.order.iter().map(|row| *row as usize) {
            let before = graph.before(row).iter().map(|b| to[*b as usize]).max();
            to[row] = before.unwrap_or(0) + weights[row];
        }
        // `from` first collects the longest way below each row, then gets the row's own weight.
        let mut from = vec![0; weights.len()];
        for row in graph.order.iter().rev().map(|row| *row as usize) {
            from[row] += weights[row];
            let here = from[row];
            for before in graph.before(row) {
                let below = &mut from[*before as usize];
                *below = (*below).max(here);
            }
        }
        let span = to.iter().copied().max().unwrap_or(0);
        Self { to, from, span }
    }

    /// One longest path, first row to last; among equals the first row.
    fn critical(&self, graph: &Graph, weights: &[u64]) -> Vec<usize> {
        if self.span == 0 {
            return Vec::new();
        }
        let mut path = Vec::new();
        let mut at = self.to.iter().position(|length| *length == self.span);
        while let Some(row) = at {
            path.push(row);
            let rest = self.to[row] - weights[row];
            at = (rest > 0)
                .then(|| {
                    graph
                        .before(row)
                        .iter()
                        .map(|before| *before as usize)
                        .filter(|before| self.to[*before] == rest)
                        .min()
                })
                .flatten();
        }
        path.reverse();
        path
    }

    /// What making each of `critical` (rows of a longest path, in order) take no time would save.
    ///
    /// A path that avoids a row at place p of the topological order contains exactly one edge from a place
    /// before p to a place after p (or starts after it, or ends before it). So the longest such path is the
    /// greatest `to[a] + from[b]` over the edges that span p: one sweep with a heap answers all rows.
    fn potential(&self, graph: &Graph, weights: &[u64], critical: &[usize]) -> Vec<u64> {
        let rows = weights.len();
        let mut place = vec![0usize; rows];
        for (at, row) in graph.order.iter().enumerate() {
            place[*row as usize] = at + 1;
        }
        let end = rows + 1;
        // (from place, to place, length); the virtual source is at 0, the virtual sink at `end`.
        let mut edges: Vec<(usize, usize, u64)> = Vec::with_capacity(graph.before.len() + 2 * rows);
        for row in 0..rows {
            edges.push((0, place[row], self.from[row]));
            edges.push((place[row], end, self.to[row]));
            for before in graph.before(row).iter().map(|b| *b as usize) {
                edges.push((place[before], place[row], self.to[before] + self.from[row]));
            }
        }
        edges.sort_unstable();
        let mut open: BinaryHeap<(u64, usize)> = BinaryHeap::new();
        let mut next = 0;
        critical
            .iter()
            .map(|row| {
                let at = place[*row];
                while next < edges.len() && edges[next].0 < at {
                    open.push((edges[next].2, edges[next].1));
                    next += 1;
                }
                while open.peek().is_some_and(|(_, to)| *to <= at) {
                    open.pop();
                }
                let around = open.peek().map_or(0, |(length, _)| *length);
                self.span - around.max(self.span - weights[*row])
            })
            .collect()
    }
}
