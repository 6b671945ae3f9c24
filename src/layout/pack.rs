//! Components beside each other, lone nodes in a grid.

use super::geometry::{Rect, Size};
use super::normalize::Normalized;
use super::route::Part;
use super::{Layout, Route};

/// Columns and rows between components.
const APART: (i32, i32) = (4, 1);
/// Columns between nodes of the grid.
const GRID_GAP: i32 = 2;

/// Puts the parts on shelves: beside each other until the wanted width is reached, then below.
pub(super) fn pack(
    normalized: &Normalized,
    mut parts: Vec<Part>,
    sizes: &[Size],
    wanted: Size,
) -> Layout {
    let mut whole = Layout {
        nodes: vec![Rect::default(); sizes.len()],
        routes: vec![
            Route {
                from: 0,
                to: 0,
                points: Vec::new(),
                nets: Vec::new(),
            };
            normalized.kept
        ],
        ranks: vec![0; sizes.len()],
        places: vec![0; sizes.len()],
        ..Layout::default()
    };
    let grid = Grid::new(&normalized.lone, sizes, wanted);
    let widest = parts
        .iter()
        .map(|part| part.width)
        .chain(grid.as_ref().map(|grid| grid.width))
        .max()
        .unwrap_or(0)
        .max(i32::from(wanted.width));
    let (gap_x, gap_y) = APART;
    let mut shelf = Shelf::default();
    for (component, part) in normalized.components.iter().zip(&mut parts) {
        let (x, y) = shelf.put(part.width, part.height, widest, gap_x, gap_y);
        part.shift(x, y);
        for (own, &node) in component.nodes.iter().enumerate() {
            whole.nodes[node as usize] = part.nodes[own];
            whole.ranks[node as usize] = part.ranks[own];
            whole.places[node as usize] = part.places[own];
        }
        for (route, &kept) in part.routes.drain(..).zip(&component.kept) {
            whole.routes[kept as usize] = Route {
                from: component.nodes[route.from as usize],
                to: component.nodes[route.to as usize],
                points: route.points,
                nets: route.nets,
            };
        }
        whole.crossings += part.crossings;
    }
    if let Some(grid) = grid {
        let (x, y) = shelf.put(grid.width, grid.height, widest, gap_x, gap_y);
        for (at, &node) in normalized.lone.iter().enumerate() {
            let (column, row) = (at as i32 % grid.columns, at as i32 / grid.columns);
            let size = sizes[node as usize];
            whole.nodes[node as usize] = Rect {
                x: x + column * grid.step_x,
                y: y + row * grid.step_y,
                width: i32::from(size.width),
                height: i32::from(size.height),
            };
            whole.ranks[node as usize] = row as u32;
            whole.places[node as usize] = column as u32;
        }
    }
    whole.width = shelf.right;
    whole.height = shelf.bottom;
    whole
}

#[derive(Default)]
struct Shelf {
    x: i32,
    y: i32,
    /// The height of the present shelf.
    height: i32,
    right: i32,
    bottom: i32,
}

impl Shelf {
    fn put(&mut self, width: i32, height: i32, widest: i32, gap_x: i32, gap_y: i32) -> (i32, i32) {
        if self.x > 0 && self.x + width > widest {
            self.x = 0;
            self.y += self.height + gap_y;
            self.height = 0;
        }
        let place = (self.x, self.y);
        self.x += width + gap_x;
        self.height = self.height.max(height);
        self.right = self.right.max(place.0 + width);
        self.bottom = self.bottom.max(place.1 + height);
        place
    }
}

/// Where nodes without edges go.
struct Grid {
    columns: i32,
    step_x: i32,
    step_y: i32,
    width: i32,
    height: i32,
}

impl Grid {
    fn new(lone: &[u32], sizes: &[Size], wanted: Size) -> Option<Self> {
        if lone.is_empty() {
            return None;
        }
        let most = |of: fn(&Size) -> u16| {
            let most = lone.iter().map(|&node| of(&sizes[node as usize])).max();
            i32::from(most.unwrap_or(1))
        };
        let (width, height) = (most(|size| size.width), most(|size| size.height));
        let gap_x = GRID_GAP;
        let (step_x, step_y) = (width + gap_x, height);
        let count = i32::try_from(lone.len()).unwrap_or(i32::MAX);
        let columns = ((i32::from(wanted.width) + gap_x) / step_x).clamp(1, count);
        let rows = (count + columns - 1) / columns;
        Some(Self {
            columns,
            step_x,
            step_y,
            width: columns * step_x - gap_x,
            height: rows * step_y,
        })
    }
}
