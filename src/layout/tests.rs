//! What a layout promises, on small graphs and drawn ones.

use super::*;
use std::fmt::Write as _;

/// A plain drawing, to look at.
fn sketch(layout: &Layout) -> String {
    let width = layout.width.max(0) as usize;
    let mut mask = vec![0u8; width * layout.height.max(0) as usize];
    for route in &layout.routes {
        for pair in route.points.windows(2) {
            let (mut at, to) = (pair[0], pair[1]);
            let (dx, dy) = ((to.x - at.x).signum(), (to.y - at.y).signum());
            let (leave, enter) = match (dx, dy) {
                (1, _) => (2, 8),
                (-1, _) => (8, 2),
                (_, 1) => (4, 1),
                _ => (1, 4),
            };
            while at != to {
                mask[at.y as usize * width + at.x as usize] |= leave;
                at = Point {
                    x: at.x + dx,
                    y: at.y + dy,
                };
                mask[at.y as usize * width + at.x as usize] |= enter;
            }
        }
    }
    let glyphs: Vec<char> = " ╵╶╰╷│╭├╴╯─┴╮┤┬┼".chars().collect();
    let mut cells: Vec<char> = mask.iter().map(|&bits| glyphs[bits as usize]).collect();
    for (at, node) in layout.nodes.iter().enumerate() {
        let (x, y, r, b) = (
            node.x as usize,
            node.y as usize,
            node.right() as usize,
            node.bottom() as usize,
        );
        let (wide, tall) = (r - x > 2, b - y > 2);
        for row in y..b {
            for column in x..r {
                let cell = &mut cells[row * width + column];
                if !(wide && tall) {
                    *cell = '#';
                    continue;
                }
                let bits = mask[row * width + column];
                let border = match (row == y, row == b - 1, column == x, column == r - 1) {
                    (true, _, true, _) => 6,
                    (true, _, _, true) => 12,
                    (_, true, true, _) => 3,
                    (_, true, _, true) => 9,
                    (true, ..) | (_, true, ..) => 10,
                    (_, _, true, _) | (_, _, _, true) => 5,
                    _ => 0,
                };
                *cell = if border == 0 {
                    ' '
                } else {
                    glyphs[(border | bits) as usize]
                };
            }
        }
        if wide && tall {
            for (offset, letter) in at.to_string().chars().enumerate() {
                if x + 1 + offset < r - 1 {
                    cells[(y + 1) * width + x + 1 + offset] = letter;
                }
            }
        }
    }
    cells
        .chunks(width.max(1))
        .map(|row| row.iter().collect::<String>().trim_end().to_owned() + "\n")
        .collect()
}

type Case = (&'static str, usize, &'static [(u32, u32)]);

#[test]
fn small_graphs_look_as_they_should() {
    let cases: &[Case] = &[
        ("chain", 3, &[(0, 1), (1, 2)]),
        ("diamond", 4, &[(0, 1), (0, 2), (1, 3), (2, 3)]),
        (
            "stages",
            7,
            &[
                (0, 1),
                (1, 2),
                (1, 3),
                (1, 4),
                (2, 5),
                (3, 5),
                (4, 5),
                (5, 6),
            ],
        ),
        (
            "long edges",
            5,
            &[(0, 1), (1, 2), (2, 3), (0, 3), (0, 4), (1, 4), (3, 4)],
        ),
        ("bus", 5, &[(0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4)]),
        ("crossing", 4, &[(0, 2), (0, 3), (1, 2)]),
        ("components", 6, &[(0, 1), (0, 2), (3, 4)]),
    ];
    let mut seen = String::new();
    for (name, count, edges) in cases {
        for direction in [Direction::Down, Direction::Right] {
            let sizes = vec![
                Size {
                    width: 10,
                    height: 3
                };
                *count
            ];
            let layout = layout(
                &Graph {
                    sizes: &sizes,
                    edges,
                },
                &Options::new(direction),
            );
            let _ = writeln!(seen, "{name} {direction:?}\n{}", sketch(&layout));
        }
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn an_empty_graph_takes_no_cells() {
    let graph = Graph {
        sizes: &[],
        edges: &[(0, 1)],
    };
    assert_eq!(
        layout(&graph, &Options::new(Direction::Down)),
        Layout::default()
    );
}
