//! One node per row, with the edges as lanes beside it: the way version control draws history.
//!
//! Every node has a column. An edge runs down the column of its source and turns into the row of its target,
//! or turns in the row of its source and runs down the column of its target, whichever of both has more edges
//! to share the way with. So that no line can be taken for another,
//!
//! - a column belongs to one node at a time, and everything in it leaves that node, or enters it;
//! - in the row of a node, lines come in from one side and go out to the other;
//! - where a line that goes out joins one that has begun, it is the only one on its side;
//! - a node stands right below another only where an edge leads from that to it.
//!
//! What has no column within the limit is left out.

use super::geometry::{Point, Rect};
use super::normalize::{self, Lists};
use super::{Layout, Route};

/// The distance of two lanes, in columns.
const PITCH: i32 = 2;

/// Lays `nodes` nodes out in rows, in an order that follows the edges and else keeps theirs; each is one cell. There
/// are at most `most` lanes; edges beyond have no route.
pub(crate) fn lanes(nodes: usize, edges: &[(u32, u32)], most: u32) -> Layout {
    let edges = normalize::dag(nodes, edges);
    let (order, ranks) = rows(nodes, &edges);
    let mut row = vec![0u32; nodes];
    for (at, &node) in order.iter().enumerate() {
        row[node as usize] = at as u32;
    }
    let mut lanes = Lanes::new(nodes, &edges, &row, most);
    for &node in &order {
        lanes.place(node);
    }
    let Lanes { column, ways, .. } = lanes;
    let cell = |node: u32| Point {
        x: column[node as usize] as i32 * PITCH,
        y: row[node as usize] as i32,
    };
    let routes: Vec<Route> = edges
        .iter()
        .zip(ways)
        .filter_map(|(&(from, to), way)| {
            let (a, b) = (cell(from), cell(to));
            let (corner, net) = match way {
                Way::LeftOut => return None,
                Way::Source => (Point { x: a.x, y: b.y }, from),
                Way::Target => (Point { x: b.x, y: a.y }, nodes as u32 + to),
            };
            let points = if a.x == b.x {
                vec![a, b]
            } else {
                vec![a, corner, b]
            };
            Some(Route {
                from,
                to,
                nets: vec![net; points.len() - 1],
                points,
            })
        })
        .collect();
    let rects: Vec<Rect> = (0..nodes as u32)
        .map(|node| {
            let Point { x, y } = cell(node);
            Rect {
                x,
                y,
                width: 1,
                height: 1,
            }
        })
        .collect();
    let corners = routes.iter().flat_map(|route| &route.points);
    let signs = rects.iter().map(|rect| rect.x);
    let widest = corners.map(|point| point.x).chain(signs).max();
    Layout {
        width: widest.map_or(0, |widest| widest + 1),
        height: nodes as i32,
        nodes: rects,
        routes,
        ranks,
        places: row,
        crossings: 0,
    }
}

/// The nodes from the first row to the last, and the layer of each.
fn rows(nodes: usize, edges: &[(u32, u32)]) -> (Vec<u32>, Vec<u32>) {
    use std::cmp::Reverse;
    let below = Lists::new(nodes, edges.iter().copied());
    let mut waits = vec![0u32; nodes];
    for &(_, to) in edges {
        waits[to as usize] += 1;
    }
    let mut ranks = vec![0u32; nodes];
    let mut ready: std::collections::BinaryHeap<Reverse<u32>> = (0..nodes as u32)
        .filter(|&node| waits[node as usize] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(nodes);
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for &to in below.of(node) {
            ranks[to as usize] = ranks[to as usize].max(ranks[node as usize] + 1);
            waits[to as usize] -= 1;
            if waits[to as usize] == 0 {
                ready.push(Reverse(to));
            }
        }
    }
    (order, ranks)
}

/// Where an edge runs down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// In the column of its source.
    Source,
    /// In the column of its target.
    Target,
    /// Nowhere: there is no column.
    LeftOut,
}

/// What runs down a column.
#[derive(Clone, Copy, Debug)]
enum Lane {
    /// Edges that leave a node, the last of them for this row.
    From(u32),
    /// Edges that enter a node.
    Into,
}

/// Columns given to nodes, row by row.
struct Lanes<'a> {
    edges: &'a [(u32, u32)],
    row: &'a [u32],
    /// By node: its edges.
    leaving: Lists,
    entering: Lists,
    most: usize,
    /// What runs down each column.
    columns: Vec<Option<Lane>>,
    /// The column of the node in the row above where no line runs down from it.
    above: Option<usize>,
    /// The column of each node; of a node further down only where lines run to it.
    column: Vec<u32>,
    /// Whether lines run down to a node.
    awaited: Vec<bool>,
    /// By edge.
    ways: Vec<Way>,
}

/// How the edges that leave a node would run if it stood in a column.
struct Plan {
    column: usize,
    /// Edges that run in the column of their target, with it.
    joining: Vec<(u32, usize)>,
    /// Edges that would rather do so and cannot.
    hindered: usize,
}

impl<'a> Lanes<'a> {
    fn new(nodes: usize, edges: &'a [(u32, u32)], row: &'a [u32], most: u32) -> Self {
        let numbered = |end: fn(&(u32, u32)) -> u32| {
            let ends = edges.iter().map(end);
            Lists::new(nodes, ends.zip(0u32..))
        };
        Self {
            edges,
            row,
            leaving: numbered(|edge| edge.0),
            entering: numbered(|edge| edge.1),
            most: most.max(3) as usize,
            columns: Vec::new(),
            above: None,
            column: vec![0; nodes],
            awaited: vec![false; nodes],
            ways: vec![Way::LeftOut; edges.len()],
        }
    }

    /// Gives a node its column, and its edges theirs. What stands above it has its own.
    fn place(&mut self, node: u32) {
        let row = self.row[node as usize];
        let arrivals: Vec<usize> = (self.entering.of(node).iter())
            .filter(|&&edge| self.ways[edge as usize] == Way::Source)
            .map(|&edge| self.column[self.edges[edge as usize].0 as usize] as usize)
            .collect();
        let plan = self.best(node, &arrivals);
        let is_outside = plan.column >= self.lines();
        self.column[node as usize] = plan.column as u32;
        let mut last = None;
        for at in 0..self.leaving.of(node).len() {
            let edge = self.leaving.of(node)[at];
            if is_outside || plan.joining.iter().any(|(joining, _)| *joining == edge) {
                continue;
            }
            self.ways[edge as usize] = Way::Source;
            last = last.max(Some(self.row[self.edges[edge as usize].1 as usize]));
        }
        for &(edge, column) in &plan.joining {
            let target = self.edges[edge as usize].1 as usize;
            self.ways[edge as usize] = Way::Target;
            self.awaited[target] = true;
            self.column[target] = column as u32;
            self.hold(column, Lane::Into);
        }
        for lane in &mut self.columns {
            if matches!(lane, Some(Lane::From(last)) if *last == row) {
                *lane = None;
            }
        }
        if self.awaited[node as usize] {
            self.columns[plan.column] = None;
        }
        if let Some(last) = last {
            self.hold(plan.column, Lane::From(last));
        }
        self.above = last.is_none().then_some(plan.column);
    }

    fn hold(&mut self, column: usize, lane: Lane) {
        if column >= self.columns.len() {
            self.columns.resize(column + 1, None);
        }
        self.columns[column] = Some(lane);
    }

    /// Columns for lines: the last two have room for nodes only.
    fn lines(&self) -> usize {
        self.most - 2
    }

    fn is_free(&self, column: usize) -> bool {
        self.columns.get(column).is_none_or(Option::is_none)
    }

    /// The column in which the fewest edges are hindered: where lines run to it, else below a line that ends in it,
    /// else a free one.
    fn best(&self, node: u32, arrivals: &[usize]) -> Plan {
        let row = self.row[node as usize];
        if self.awaited[node as usize] {
            return self.plan(node, self.column[node as usize] as usize, arrivals);
        }
        let ends = |column: &&usize| matches!(self.columns[**column], Some(Lane::From(last)) if last == row);
        let straight = arrivals.iter().filter(ends).copied();
        let free = (0..=self.columns.len() + 1)
            .filter(|column| self.is_free(*column) && self.above != Some(*column));
        let candidates = straight.chain(free).filter(|column| *column < self.lines());
        let mut best: Option<Plan> = None;
        for column in candidates {
            let plan = self.plan(node, column, arrivals);
            if best
                .as_ref()
                .is_none_or(|best| plan.hindered < best.hindered)
            {
                let done = plan.hindered == 0;
                best = Some(plan);
                if done {
                    break;
                }
            }
        }
        best.unwrap_or(Plan {
            column: self.lines() + usize::from(self.above == Some(self.lines())),
            joining: Vec::new(),
            hindered: 0,
        })
    }

    fn plan(&self, node: u32, column: usize, arrivals: &[usize]) -> Plan {
        let mut plan = Plan {
            column,
            joining: Vec::new(),
            hindered: 0,
        };
        let used = [
            arrivals.iter().any(|&from| from < column),
            arrivals.iter().any(|&from| from > column),
        ];
        // Sides on which a line joins one that has begun.
        let mut joins = [false; 2];
        let leaving = self.leaving.of(node);
        for &edge in leaving {
            let target = self.edges[edge as usize].1;
            if !self.awaited[target as usize] {
                continue;
            }
            let to = self.column[target as usize] as usize;
            let side = usize::from(to > column);
            if used[side] || joins[side] {
                plan.hindered += 1;
            } else {
                joins[side] = true;
                plan.joining.push((edge, to));
            }
        }
        for &edge in leaving {
            let target = self.edges[edge as usize].1;
            let shares = self.entering.of(target).len() > leaving.len();
            if self.awaited[target as usize] || !shares {
                continue;
            }
            let is_open =
                |to: &usize| self.is_free(*to) && plan.joining.iter().all(|(_, other)| other != to);
            // One column stays free for the other sources of the target.
            let right = (column + 2..self.lines()).chain([column + 1]);
            let mut right = right.filter(|to| *to < self.lines() && !used[1] && !joins[1]);
            let mut left = (0..column).rev().filter(|_| !used[0] && !joins[0]);
            let found = right.find(is_open).or_else(|| left.find(is_open));
            match found {
                Some(to) => plan.joining.push((edge, to)),
                None => plan.hindered += 1,
            }
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_map_and_reduce_takes_four_lanes() {
        let mut edges: Vec<(u32, u32)> = (1..=50).map(|node| (0, node)).collect();
        edges.extend((1..=50).map(|node| (node, 51)));
        let layout = lanes(52, &edges, 40);
        assert_eq!(layout.width, 3 * PITCH + 1);
        assert_eq!(layout.height, 52);
    }

    proptest! {
        #[test]
        fn a_column_belongs_to_one_node_at_a_time(
            nodes in 1usize..30,
            pairs in prop::collection::vec((0u32..30, 0u32..30), 0..60),
        ) {
            let edges: Vec<(u32, u32)> = pairs
                .into_iter()
                .map(|(a, b)| (a.min(b), a.max(b)))
                .filter(|&(a, b)| a != b && (b as usize) < nodes)
                .collect();
            let layout = lanes(nodes, &edges, 1_000);
            for (at, node) in layout.nodes.iter().enumerate() {
                for other in &layout.nodes[at + 1..] {
                    prop_assert!(node.y != other.y);
                }
            }
            for route in &layout.routes {
                for pair in route.points.windows(2) {
                    prop_assert!(pair[0].x == pair[1].x || pair[0].y == pair[1].y);
                    prop_assert!(pair[0].y <= pair[1].y);
                    // A vertical stretch meets nodes at its ends only.
                    for (at, node) in layout.nodes.iter().enumerate() {
                        let inside = node.x == pair[0].x && pair[0].x == pair[1].x
                            && node.y > pair[0].y && node.y < pair[1].y;
                        let own = at as u32 == route.from || at as u32 == route.to;
                        prop_assert!(!inside || own, "{:?} runs through {}", route, at);
                    }
                }
            }
        }
    }
}
