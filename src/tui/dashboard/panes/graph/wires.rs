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

/// How an edge is drawn. Where several share a cell the greatest is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stroke {
    /// There is none.
    #[default]
    None,
    /// It has nothing to do with the selected step.
    Plain,
    /// It is on a way to the selected step.
    Upstream,
    /// It is on a way from it.
    Downstream,
    /// It enters the selected step.
    Entering,
    /// It leaves it.
    Leaving,
}

impl Stroke {
    /// Whether it is drawn in heavy lines.
    const fn is_heavy(self) -> bool {
        matches!(self, Self::Entering | Self::Leaving)
    }

    /// What decides which of two crossing lines is seen.
    const fn weight(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Plain => 1,
            Self::Upstream | Self::Downstream => 2,
            Self::Entering | Self::Leaving => 3,
        }
    }
}

/// The glyph of a cell that lines leave in these directions, those of `heavy` in heavy lines.
pub(super) fn weighted(directions: u8, heavy: u8, ascii: bool) -> &'static str {
    // By the weights of the lines up, right, down and left; the last changes first.
    const LINES: [&str; 81] = [
        " ", "╴", "╸", "╷", "╮", "┑", "╻", "┒", "┓", "╶", "─", "╾", "╭", "┬", "┭", "┎", "┰", "┱",
        "╺", "╼", "━", "┍", "┮", "┯", "┏", "┲", "┳", "╵", "╯", "┙", "│", "┤", "┥", "╽", "┧", "┪",
        "╰", "┴", "┵", "├", "┼", "┽", "┟", "╁", "╅", "┕", "┶", "┷", "┝", "┾", "┿", "┢", "╆", "╈",
        "╹", "┚", "┛", "╿", "┦", "┩", "┃", "┨", "┫", "┖", "┸", "┹", "┞", "╀", "╃", "┠", "╂", "╉",
        "┗", "┺", "┻", "┡", "╄", "╇", "┣", "╊", "╋",
    ];
    const ASCII: [&str; 16] = [
        " ", "|", "-", "+", "|", "|", "+", "+", "-", "+", "-", "+", "+", "+", "+", "+",
    ];
    let directions = directions & 15;
    if ascii {
        return match (directions, heavy & directions) {
            (10, 1..) => "=",
            _ => ASCII[usize::from(directions)],
        };
    }
    let arm = |direction: u8| {
        usize::from(directions & direction != 0) + usize::from(directions & heavy & direction != 0)
    };
    LINES[arm(UP) * 27 + arm(RIGHT) * 9 + arm(DOWN) * 3 + arm(LEFT)]
}

/// The head of an arrow that points in a direction.
pub(super) const fn arrow(direction: u8, ascii: bool) -> &'static str {
    match (direction, ascii) {
        (RIGHT, false) => "▸",
        (RIGHT, true) => ">",
        (LEFT, false) => "◂",
        (LEFT, true) => "<",
        (UP, false) => "▴",
        (UP, true) => "^",
        (_, false) => "▾",
        (_, true) => "v",
    }
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
    /// The lines that leave it up, right, down and to the left.
    arms: [Stroke; 4],
    /// Whether a line begins, ends or turns here, so that lines that meet are joined.
    joined: bool,
    /// The direction of the head of an arrow, and its stroke.
    head: Option<(u8, Stroke)>,
}

impl Knot {
    /// The directions in which lines leave it.
    pub(super) fn directions(self) -> u8 {
        self.directions_where(|stroke| stroke != Stroke::None)
    }

    /// Those in which heavy lines leave it.
    pub(super) fn heavy(self) -> u8 {
        self.directions_where(Stroke::is_heavy)
    }

    fn directions_where(self, test: impl Fn(Stroke) -> bool) -> u8 {
        let arms = self.arms.iter().enumerate();
        arms.filter(|(_, stroke)| test(**stroke))
            .fold(0, |directions, (at, _)| directions | 1 << at)
    }

    /// The greatest stroke in it.
    pub(super) fn stroke(self) -> Stroke {
        let head = self.head.map_or(Stroke::None, |(_, stroke)| stroke);
        self.arms.into_iter().max().unwrap_or_default().max(head)
    }

    /// What is seen of it. Where one line crosses another, one of them passes behind: the lesser, else the vertical
    /// one. So what has four arms joins them, and a crossing never does.
    pub(super) fn shown(mut self) -> Self {
        if self.joined || self.directions() != UP | RIGHT | DOWN | LEFT {
            return self;
        }
        let [up, right, down, left] = self.arms;
        if up.max(down).weight() > right.max(left).weight() {
            (self.arms[1], self.arms[3]) = (Stroke::None, Stroke::None);
        } else {
            (self.arms[0], self.arms[2]) = (Stroke::None, Stroke::None);
        }
        self
    }

    /// Its glyph; nothing where nothing passes.
    pub(super) fn glyph(self, ascii: bool) -> Option<&'static str> {
        if let Some((direction, _)) = self.head {
            return Some(arrow(direction, ascii));
        }
        let directions = self.directions();
        (directions != 0).then(|| weighted(directions, self.heavy(), ascii))
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

    /// Adds what is visible of a way. With `arrow` it ends in a head in the cell before its target.
    pub(super) fn add(&mut self, route: &Route, stroke: Stroke, arrow: bool) {
        let [.., before, end] = route.points[..] else {
            return;
        };
        let (dx, dy) = ((end.x - before.x).signum(), (end.y - before.y).signum());
        let last = if arrow {
            Point {
                x: end.x - dx,
                y: end.y - dy,
            }
        } else {
            end
        };
        for pair in route.points.windows(2) {
            let to = if pair[1] == end { last } else { pair[1] };
            self.line(pair[0], to, stroke);
        }
        if arrow && let Some(cell) = self.cell(last.x, last.y) {
            let direction = match (dx, dy) {
                (1, _) => RIGHT,
                (-1, _) => LEFT,
                (_, -1) => UP,
                _ => DOWN,
            };
            let before = cell.head.map_or(Stroke::None, |(_, stroke)| stroke);
            cell.head = Some((direction, stroke.max(before)));
        }
    }

    fn cell(&mut self, x: i32, y: i32) -> Option<&mut Knot> {
        let at = self.window.position(x, y)?;
        self.cells.get_mut(at)
    }

    fn line(&mut self, a: Point, b: Point, stroke: Stroke) {
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
                self.mark(x, a.y, bits, stroke);
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
                self.mark(a.x, y, bits, stroke);
            }
        }
    }

    fn mark(&mut self, x: i32, y: i32, directions: u8, stroke: Stroke) {
        if let Some(cell) = self.cell(x, y) {
            for (at, arm) in cell.arms.iter_mut().enumerate() {
                if directions & 1 << at != 0 {
                    *arm = stroke.max(*arm);
                }
            }
            let straight = matches!(directions, 5 | 10);
            cell.joined |= !straight;
        }
    }
}
