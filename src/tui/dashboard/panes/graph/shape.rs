//! What nodes look like before they have a place: their sizes, the gaps between them, and the order in which the
//! shapes are tried.

use super::level::Level;
use super::metrics::{MARK, TIME, TIME_AND_COST};
use super::text;
use super::topology::Topology;
use crate::layout::{Direction, Options, Size};
use std::collections::HashMap;

/// Columns for `✔83 ●9 ✖1`, what a box says of the steps folded in it.
const COUNTS: usize = 16;
/// Columns for `1.2s of ~3.0s` in the border of a card.
const ELAPSED: usize = 14;
/// The widest name that is shown whole in a picture that is not asked for.
const WHOLE: usize = 40;

/// A shape of all nodes of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Pills, boxes or cards.
    pub(super) level: Level,
    /// Lines within the border; none for pills.
    pub(super) lines: u16,
    /// Fewest columns within the border.
    least: usize,
    /// Most columns of a name.
    name: usize,
}

/// The shapes that are tried, the fullest first.
const LADDER: [Shape; 8] = [
    shape(Level::Card, 4, 42, WHOLE),
    shape(Level::Card, 2, 28, WHOLE),
    shape(Level::Box, 1, 0, WHOLE),
    shape(Level::Box, 1, 0, 26),
    shape(Level::Box, 1, 0, 18),
    shape(Level::Pill, 0, 0, WHOLE),
    shape(Level::Pill, 0, 0, 24),
    shape(Level::Pill, 0, 0, 16),
];

const fn shape(level: Level, lines: u16, least: usize, name: usize) -> Shape {
    Shape {
        level,
        lines,
        least,
        name,
    }
}

/// How much room there is between nodes and between edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gaps {
    /// Two cells between tracks.
    Wide,
    /// As little as keeps things apart.
    Close,
}

/// Every way to draw in layers, in the order in which they are tried: smaller gaps before the other direction, the
/// other direction before a smaller shape.
pub(super) fn ladder() -> impl Iterator<Item = (Shape, Direction, Gaps)> {
    LADDER.into_iter().flat_map(|shape| {
        [Direction::Down, Direction::Right]
            .into_iter()
            .flat_map(move |direction| {
                [Gaps::Wide, Gaps::Close].map(|gaps| (shape, direction, gaps))
            })
    })
}

/// The distances of a picture.
pub(super) fn options(direction: Direction, gaps: Gaps, shape: Shape, pane: Size) -> Options {
    let mut options = Options::new(direction);
    options.wanted = pane;
    if direction == Direction::Down && shape.lines == 0 {
        // A pill has no border in which a line could be seen to begin.
        options.leaving = 1;
    }
    match (direction, gaps) {
        (Direction::Down, Gaps::Wide) => {
            options.pitch = 2;
            (options.node_gap, options.edge_gap) = (3, 2);
            options.layer_gap = 2;
        }
        (Direction::Down, Gaps::Close) => options.node_gap = if shape.lines == 0 { 1 } else { 2 },
        (Direction::Right, Gaps::Wide) => {
            options.pitch = 3;
            options.layer_gap = 6;
            (options.leaving, options.entering) = (2, 2);
            options.node_gap = u16::from(shape.lines == 0);
        }
        (Direction::Right, Gaps::Close) => {}
    }
    options
}

impl Shape {
    /// The shapes of a level with whole names, the fullest first, for when it is asked for.
    pub(super) fn of(level: Level) -> impl Iterator<Item = Self> {
        let mut shapes = LADDER.into_iter();
        std::iter::from_fn(move || shapes.find(|shape| shape.level == level && shape.name == WHOLE))
    }

    /// Whether a node of this shape shows no less than one of the other: the same level, and names as long. Cards may
    /// have fewer lines.
    pub(super) fn shows_as_much_as(&self, other: Self) -> bool {
        self.level == other.level && self.name >= other.name
    }

    /// The size of each node. Those of one layer are equally wide, as the longest name in it asks for, so that nothing
    /// moves when times change.
    pub(super) fn sizes(self, topology: &Topology, layers: &[Option<u32>]) -> Vec<Size> {
        let mut widest: HashMap<Option<u32>, usize> = HashMap::new();
        for (node, label) in topology.labels.iter().enumerate() {
            let mark = topology
                .members
                .get(&(node as u32))
                .map_or(0, |members| members.len().to_string().len() + 2);
            let name = text::width(label).min(self.name) + mark;
            let widest = widest
                .entry(layers.get(node).copied().flatten())
                .or_default();
            *widest = name.max(*widest);
        }
        let figures = if !topology.members.is_empty() {
            COUNTS
        } else if topology.cost {
            TIME_AND_COST
        } else {
            TIME + 4
        };
        (0..topology.labels.len())
            .map(|node| {
                let layer = layers.get(node).copied().flatten();
                let name = widest.get(&layer).copied().unwrap_or(0);
                // Beside a name stand its glyph, a space, and an empty column at either side.
                let width = match self.level {
                    Level::Card => (name + 2 + MARK + ELAPSED).max(self.least) + 4,
                    Level::Box => (name + 2 + MARK).max(figures) + 4,
                    _ => name + 2 + 1 + TIME + 2,
                };
                Size {
                    width: u16::try_from(width).unwrap_or(u16::MAX),
                    height: if self.lines == 0 { 1 } else { self.lines + 2 },
                }
            })
            .collect()
    }
}

/// Whether a picture of these sizes could fit a pane, edges left out.
pub(super) fn could_fit(
    sizes: &[Size],
    layers: &[Option<u32>],
    direction: Direction,
    options: &Options,
    pane: Size,
) -> bool {
    // Across the edges a layer needs the sum of its nodes, along them the largest.
    let mut by_layer: HashMap<u32, (u32, u32, u32)> = HashMap::new();
    let mut cells = 0u64;
    for (size, layer) in sizes.iter().zip(layers) {
        cells += u64::from(size.width) * u64::from(size.height);
        let Some(layer) = layer else { continue };
        let (across, along) = match direction {
            Direction::Down => (size.width, size.height),
            Direction::Right => (size.height, size.width),
        };
        let sums = by_layer.entry(*layer).or_default();
        sums.0 += u32::from(across);
        sums.1 = sums.1.max(u32::from(along));
        sums.2 += 1;
    }
    let across = by_layer
        .values()
        .map(|(sum, _, count)| sum + (count - 1) * u32::from(options.node_gap))
        .max()
        .unwrap_or(0);
    let (width, height) = (u64::from(pane.width), u64::from(pane.height));
    let room = if direction == Direction::Down {
        width
    } else {
        height
    };
    cells <= width * height && u64::from(across) <= room
}
