//! What every layout keeps, on random graphs.

use plandeck::layout::{
    Direction, Graph, Layout, Options, Ordered, Point, Rect, Route, Size, layout,
};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

const UP: u8 = 1;
const RIGHT: u8 = 2;
const DOWN: u8 = 4;
const LEFT: u8 = 8;

/// The cells of a route with the directions in which it leaves them; fails where it is not connected.
fn cells(route: &Route) -> Vec<(Point, u8)> {
    let mut cells: Vec<(Point, u8)> = vec![(route.points[0], 0)];
    for pair in route.points.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        assert!(a.x == b.x || a.y == b.y, "a slanting stretch: {route:?}");
        let (dx, dy) = ((b.x - a.x).signum(), (b.y - a.y).signum());
        let (leave, enter) = match (dx, dy) {
            (1, _) => (RIGHT, LEFT),
            (-1, _) => (LEFT, RIGHT),
            (_, 1) => (DOWN, UP),
            _ => (UP, DOWN),
        };
        let mut at = a;
        while at != b {
            if let Some((_, directions)) = cells.last_mut() {
                *directions |= leave;
            }
            at = Point {
                x: at.x + dx,
                y: at.y + dy,
            };
            cells.push((at, enter));
        }
    }
    cells
}

fn on_border(node: Rect, cell: Point) -> bool {
    node.contains(cell)
        && (cell.x == node.x
            || cell.y == node.y
            || cell.x == node.right() - 1
            || cell.y == node.bottom() - 1)
}

/// Edges that a drawing must show: between known, different nodes.
fn sound(count: usize, edges: &[(u32, u32)]) -> HashSet<(u32, u32)> {
    edges
        .iter()
        .copied()
        .filter(|&(a, b)| a != b && (a as usize) < count && (b as usize) < count)
        .collect()
}

fn check(sizes: &[Size], layout: &Layout) {
    assert_eq!(layout.nodes.len(), sizes.len());
    for (at, node) in layout.nodes.iter().enumerate() {
        assert!(node.x >= 0 && node.y >= 0);
        assert!(node.right() <= layout.width && node.bottom() <= layout.height);
        assert_eq!(node.width, i32::from(sizes[at].width.max(1)));
        assert_eq!(node.height, i32::from(sizes[at].height.max(1)));
        for other in &layout.nodes[at + 1..] {
            assert!(!node.overlaps(*other), "{node:?} lies on {other:?}");
        }
    }
    let mut owner: HashMap<Point, usize> = HashMap::new();
    for (at, node) in layout.nodes.iter().enumerate() {
        for y in node.y..node.bottom() {
            for x in node.x..node.right() {
                owner.insert(Point { x, y }, at);
            }
        }
    }
    let mut taken: HashMap<Point, Vec<(usize, u8)>> = HashMap::new();
    for (at, route) in layout.routes.iter().enumerate() {
        let cells = cells(route);
        assert!(cells.len() > 2, "too short: {route:?}");
        let (first, last) = (cells[0].0, cells[cells.len() - 1].0);
        assert!(
            on_border(layout.nodes[route.from as usize], first),
            "{route:?}"
        );
        assert!(
            on_border(layout.nodes[route.to as usize], last),
            "{route:?}"
        );
        for (cell, _) in &cells[1..cells.len() - 1] {
            assert!(cell.x >= 0 && cell.y >= 0 && cell.x < layout.width && cell.y < layout.height);
            assert_eq!(owner.get(cell), None, "{route:?} runs through a node");
        }
        for &(cell, directions) in &cells[1..cells.len() - 1] {
            taken.entry(cell).or_default().push((at, directions));
        }
    }
    for (cell, users) in taken {
        for (n, &(a, along_a)) in users.iter().enumerate() {
            for &(b, along_b) in &users[n + 1..] {
                let (first, second) = (&layout.routes[a], &layout.routes[b]);
                // What leaves one node or enters one may share its way.
                if first.from == second.from || first.to == second.to {
                    continue;
                }
                let crossing = matches!((along_a, along_b), (5, 10) | (10, 5));
                assert!(crossing, "{first:?} and {second:?} share {cell:?}");
            }
        }
    }
}

fn graphs() -> impl Strategy<Value = (Vec<Size>, Vec<(u32, u32)>)> {
    (1usize..40, 0usize..90, any::<bool>()).prop_flat_map(|(count, edges, even)| {
        let one = (1u16..24, 1u16..6).prop_map(|(width, height)| Size { width, height });
        let sizes = if even {
            one.prop_map(move |size| vec![size; count]).boxed()
        } else {
            prop::collection::vec(one, count).boxed()
        };
        let edge = (0..count as u32, 0..count as u32).prop_map(|(a, b)| (a.min(b), a.max(b)));
        (sizes, prop::collection::vec(edge, 0..=edges))
    })
}

fn options() -> impl Strategy<Value = Options> {
    (
        any::<bool>(),
        0u16..4,
        0u16..3,
        0u16..4,
        0u16..3,
        0u32..30,
        1u16..200,
        1u16..60,
    )
        .prop_map(
            |(right, node_gap, edge_gap, layer_gap, leaving, sweeps, width, height)| {
                let direction = if right {
                    Direction::Right
                } else {
                    Direction::Down
                };
                Options {
                    node_gap,
                    edge_gap,
                    layer_gap,
                    leaving,
                    pitch: 1 + leaving,
                    sweeps,
                    wanted: Size { width, height },
                    ..Options::new(direction)
                }
            },
        )
}

proptest! {
    #[test]
    fn boxes_stand_apart_and_edges_are_whole((sizes, edges) in graphs(), options in options()) {
        let laid_out = layout(&Graph { sizes: &sizes, edges: &edges }, &options);
        check(&sizes, &laid_out);
        let drawn: HashSet<(u32, u32)> =
            laid_out.routes.iter().map(|route| (route.from, route.to)).collect();
        prop_assert_eq!(drawn.len(), laid_out.routes.len());
        prop_assert_eq!(drawn, sound(sizes.len(), &edges));
        let again = layout(&Graph { sizes: &sizes, edges: &edges }, &options);
        prop_assert_eq!(laid_out, again);
    }

    #[test]
    fn edges_follow_the_direction((sizes, edges) in graphs(), options in options()) {
        let laid_out = layout(&Graph { sizes: &sizes, edges: &edges }, &options);
        for route in &laid_out.routes {
            let (from, to) = (laid_out.nodes[route.from as usize], laid_out.nodes[route.to as usize]);
            match options.direction {
                Direction::Down => prop_assert!(from.bottom() < to.y),
                Direction::Right => prop_assert!(from.right() < to.x),
            }
            prop_assert!(laid_out.ranks[route.from as usize] < laid_out.ranks[route.to as usize]);
        }
    }

    #[test]
    fn any_list_of_pairs_is_laid_out(
        count in 0usize..20,
        edges in prop::collection::vec((0u32..24, 0u32..24), 0..60),
        options in options(),
    ) {
        let sizes = vec![Size { width: 9, height: 3 }; count];
        let laid_out = layout(&Graph { sizes: &sizes, edges: &edges }, &options);
        check(&sizes, &laid_out);
    }

    #[test]
    fn what_was_there_keeps_its_order(
        (sizes, edges) in graphs(),
        added in prop::collection::vec((0u32..60, 0u32..60), 0..12),
        gone in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let before = Ordered::new(sizes.len(), &edges, 60);
        let shown = before.layout(&sizes, &Options::new(Direction::Down));
        // Steps come, steps go, and those that stay have other numbers then.
        let mut stays: Vec<bool> = vec![true; sizes.len()];
        for at in gone {
            stays[at.index(sizes.len())] = false;
        }
        let kept: Vec<u32> = (0..sizes.len() as u32).filter(|&at| stays[at as usize]).collect();
        let new = |old: u32| kept.iter().position(|&at| at == old).map(|at| at as u32);
        let count = kept.len() as u32 + 8;
        let mut now: Vec<(u32, u32)> = edges
            .iter()
            .filter_map(|&(from, to)| Some((new(from)?, new(to)?)))
            .collect();
        now.extend(added.iter().map(|&(a, b)| (a % count, b % count)));
        let sequence = before.sequence();
        let numbers: Vec<Option<u32>> = (0..count as usize)
            .map(|at| kept.get(at).map(|&old| sequence[old as usize]))
            .collect();
        let after = Ordered::after(count as usize, &now, 60, &numbers);
        let sizes = vec![Size { width: 9, height: 3 }; count as usize];
        let laid_out = after.layout(&sizes, &Options::new(Direction::Down));
        check(&sizes, &laid_out);
        let old = |at: usize| kept[at] as usize;
        let component = components(shown.nodes.len(), &shown.routes);
        let own = components(count as usize, &laid_out.routes);
        for a in 0..kept.len() {
            for b in 0..kept.len() {
                let together = shown.ranks[old(a)] == shown.ranks[old(b)]
                    && component[old(a)] == component[old(b)]
                    && laid_out.ranks[a] == laid_out.ranks[b]
                    && own[a] == own[b];
                if together {
                    prop_assert_eq!(
                        shown.nodes[old(a)].x < shown.nodes[old(b)].x,
                        laid_out.nodes[a].x < laid_out.nodes[b].x,
                        "{} and {} changed places", a, b
                    );
                }
            }
        }
    }
}

/// The least node that each node is connected with.
fn components(nodes: usize, routes: &[Route]) -> Vec<u32> {
    let mut least: Vec<u32> = (0..nodes as u32).collect();
    loop {
        let mut changed = false;
        for route in routes {
            let (a, b) = (route.from as usize, route.to as usize);
            let low = least[a].min(least[b]);
            changed |= least[a] != low || least[b] != low;
            (least[a], least[b]) = (low, low);
        }
        if !changed {
            return least;
        }
    }
}
