//! Edges as cells: which directions a line leaves each cell in, and the glyph for that.

use crate::layout::{Point, Route};
use ratatui::layout::Rect;

/// A line leaves the cell upwards.
pub(super) const UP: u8 = 1;
/// A line leaves the cell to the right.
pub(super) const RIGHT: u8 = 2;
/// A line leaves the cell downwards.
pub(super) const DOWN: u8 = 4;
/// A line leaves the cell to the left.
pub(super) const LEFT: u8 = 8;

/// The glyph of a cell that lines leave in these directions.
pub(super) fn glyph(directions: u8, ascii: bool) -> &'static str {
    const LINES: [&str; 16] = [
        " ", "╵", "╶", "╰", "╷", "│", "╭", "├", "╴", "╯", "─", "┴", "╮", "┤", "┬", "┼",
    ];
    const ASCII: [&str; 16] = [
        " ", "|", "-", "+", "|", "|", "+", "+", "-", "+", "-", "+", "+", "+", "+", "+",
    ];
    let set = if ascii { &ASCII } else { &LINES };
    set[usize::from(directions & 15)]
}

/// The glyph of a cell of a double border that lines leave in these directions.
pub(super) fn double_glyph(border: u8, directions: u8, ascii: bool) -> &'static str {
    if ascii {
        return "#";
    }
    match (border, directions & !border) {
        (0b0110, _) => "╔",
        (0b1100, _) => "╗",
        (0b0011, _) => "╚",
        (0b1001, _) => "╝",
        (0b1010, DOWN) => "╤",
        (0b1010, UP) => "╧",
        (0b1010, _) => "═",
        (_, RIGHT) => "╟",
        (_, LEFT) => "╢",
        _ => "║",
    }
}

/// What lines do in one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Knot {
    /// The directions in which lines leave it.
    pub(super) directions: u8,
    /// Those in which lit lines leave it.
    pub(super) highlight: u8,
    /// Whether a line begins, ends or turns here, so that lines that meet are joined.
    pub(super) joined: bool,
}

impl Knot {
    /// Whether one line passes another here.
    pub(super) fn is_crossing(self) -> bool {
        self.directions == UP | RIGHT | DOWN | LEFT && !self.joined
    }
}

/// The lines in one part of the picture.
#[derive(Debug, Default)]
pub(super) struct Mesh {
    window: Window,
    cells: Vec<Knot>,
}

/// A part of the picture: `x`, `y` is its first cell.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

impl Window {
    pub(super) fn of(area: Rect, x: i32, y: i32) -> Self {
        Self {
            x,
            y,
            width: i32::from(area.width),
            height: i32::from(area.height),
        }
    }

    fn position(self, x: i32, y: i32) -> Option<usize> {
        let (column, row) = (x - self.x, y - self.y);
        (column >= 0 && row >= 0 && column < self.width && row < self.height)
            .then(|| row as usize * self.width as usize + column as usize)
    }
}

impl Mesh {
    /// Starts over with no lines.
    pub(super) fn clear(&mut self, window: Window) {
        self.window = window;
        self.cells.clear();
        self.cells.resize(
            window.width.max(0) as usize * window.height.max(0) as usize,
            Knot::default(),
        );
    }

    /// What lines do in a cell of the picture.
    pub(super) fn at(&self, x: i32, y: i32) -> Knot {
        self.window
            .position(x, y)
            .and_then(|at| self.cells.get(at))
            .copied()
            .unwrap_or_default()
    }

    /// Adds what is visible of a way.
    pub(super) fn add(&mut self, route: &Route, highlight: bool) {
        for pair in route.points.windows(2) {
            self.line(pair[0], pair[1], highlight);
        }
    }

    fn line(&mut self, a: Point, b: Point, highlight: bool) {
        let window = self.window;
        let (right, bottom) = (window.x + window.width - 1, window.y + window.height - 1);
        if a.y == b.y {
            let (from, to) = (a.x.min(b.x), a.x.max(b.x));
            if a.y < window.y || a.y > bottom {
                return;
            }
            for x in from.max(window.x)..=to.min(right) {
                let mut bits = 0;
                if x > from {
                    bits |= LEFT;
                }
                if x < to {
                    bits |= RIGHT;
                }
                self.mark(x, a.y, bits, highlight);
            }
        } else {
            let (from, to) = (a.y.min(b.y), a.y.max(b.y));
            if a.x < window.x || a.x > right {
                return;
            }
            for y in from.max(window.y)..=to.min(bottom) {
                let mut bits = 0;
                if y > from {
                    bits |= UP;
                }
                if y < to {
                    bits |= DOWN;
                }
                self.mark(a.x, y, bits, highlight);
            }
        }
    }

    fn mark(&mut self, x: i32, y: i32, directions: u8, highlight: bool) {
        if let Some(cell) = self
            .window
            .position(x, y)
            .and_then(|at| self.cells.get_mut(at))
        {
            cell.directions |= directions;
            cell.highlight |= if highlight { directions } else { 0 };
            let straight = matches!(directions, 5 | 10);
            cell.joined |= !straight;
        }
    }
}
