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

/// Which ways end in the head of an arrow, in the cell before their target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heads {
    /// All of them.
    All,
    /// Those that come from a side.
    Sideways,
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
    /// The net of which a line begins, ends or turns here, so that lines of it that meet are joined.
    turning: Option<u32>,
    /// A line of another net that passes from side to side.
    behind: Stroke,
    /// The direction of the head of an arrow, and its stroke.
    head: Option<(u8, Stroke)>,
}

/// Whether a vertical line goes over a horizontal one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upright {
    /// Only where it is lit and the other is not.
    Never,
    /// Where the other is not lit more than it.
    Alike,
    Always,
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
    /// one (with `upright` the horizontal one); behind one that turns, always the other. So what has four arms joins
    /// them, and a crossing never does.
    fn shown(mut self, upright: Upright) -> Self {
        let directions = self.directions();
        if self.turning.is_some() {
            // A line that passes one which begins to run down here has the same source.
            if self.behind != Stroke::None && directions & UP == 0 {
                self.arms[1] = self.arms[1].max(self.behind);
                self.arms[3] = self.arms[3].max(self.behind);
            }
            return self;
        }
        if directions != UP | RIGHT | DOWN | LEFT {
            return self;
        }
        let [up, right, down, left] = self.arms;
        let (vertical, horizontal) = (up.max(down).weight(), right.max(left).weight());
        let over = match upright {
            Upright::Never => vertical > horizontal,
            Upright::Alike => vertical >= horizontal,
            Upright::Always => true,
        };
        if over {
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
    heads: Option<Heads>,
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

    /// What is seen in a cell of the picture.
    pub(super) fn shown(&self, x: i32, y: i32) -> Knot {
        let upright = match self.heads {
            Some(Heads::Sideways) if self.at(x, y - 1).turning.is_some() => Upright::Always,
            Some(Heads::Sideways) => Upright::Alike,
            _ => Upright::Never,
        };
        self.at(x, y).shown(upright)
    }

    /// Adds what is visible of these ways.
    pub(super) fn add<'a>(
        &mut self,
        ways: impl Iterator<Item = (&'a Route, Stroke)> + Clone,
        heads: Heads,
    ) {
        self.heads = Some(heads);
        for (route, stroke) in ways.clone() {
            self.turns(route, stroke, heads);
        }
        for (route, stroke) in ways {
            for (pair, net) in route.points.windows(2).zip(&route.nets) {
                self.between(pair[0], pair[1], stroke, *net);
            }
        }
    }

    /// Where a way begins, turns and ends.
    fn turns(&mut self, route: &Route, stroke: Stroke, heads: Heads) {
        let points = &route.points;
        let [.., before, end] = points[..] else {
            return;
        };
        let is_headed = match heads {
            Heads::All => true,
            Heads::Sideways => before.y == end.y,
        };
        // The head stands before the target, which no line touches then.
        let drawn = points.len() - usize::from(is_headed);
        for (at, &point) in points.iter().enumerate().take(drawn) {
            let before = at.checked_sub(1).map(|at| points[at]);
            let after = points.get(at + 1).copied();
            let arms = [before, after].into_iter().flatten();
            let arms = arms.fold(0, |arms, other| arms | towards(point, other));
            let net = route.nets.get(at).or(route.nets.last()).copied();
            self.mark(point, arms, stroke, net);
        }
        let back = towards(end, before);
        let (dx, dy) = step(back);
        if is_headed && let Some(cell) = self.cell(end.x + dx, end.y + dy) {
            let before = cell.head.map_or(Stroke::None, |(_, stroke)| stroke);
            cell.head = Some((opposite(back), stroke.max(before)));
        }
    }

    fn cell(&mut self, x: i32, y: i32) -> Option<&mut Knot> {
        let at = self.window.position(x, y)?;
        self.cells.get_mut(at)
    }

    /// The cells between two corners.
    fn between(&mut self, a: Point, b: Point, stroke: Stroke, net: u32) {
        let window = self.window;
        let (right, bottom) = (window.x + window.width - 1, window.y + window.height - 1);
        if a.y == b.y {
            let (from, to) = (a.x.min(b.x) + 1, a.x.max(b.x) - 1);
            if a.y < window.y || a.y > bottom {
                return;
            }
            for x in from.max(window.x)..=to.min(right) {
                self.pass(Point { x, y: a.y }, LEFT | RIGHT, stroke, net);
            }
        } else {
            let (from, to) = (a.y.min(b.y) + 1, a.y.max(b.y) - 1);
            if a.x < window.x || a.x > right {
                return;
            }
            for y in from.max(window.y)..=to.min(bottom) {
                self.pass(Point { x: a.x, y }, UP | DOWN, stroke, net);
            }
        }
    }

    fn pass(&mut self, at: Point, arms: u8, stroke: Stroke, net: u32) {
        let turning = self.cell(at.x, at.y).and_then(|cell| cell.turning);
        if turning.is_none_or(|turning| turning == net) {
            self.mark(at, arms, stroke, None);
        } else if arms & LEFT != 0
            && self.heads == Some(Heads::Sideways)
            && let Some(cell) = self.cell(at.x, at.y)
        {
            cell.behind = stroke.max(cell.behind);
        }
    }

    fn mark(&mut self, at: Point, arms: u8, stroke: Stroke, turning: Option<u32>) {
        if let Some(cell) = self.cell(at.x, at.y) {
            for (at, arm) in cell.arms.iter_mut().enumerate() {
                if arms & 1 << at != 0 {
                    *arm = stroke.max(*arm);
                }
            }
            cell.turning = cell.turning.or(turning);
        }
    }
}

/// The direction from one cell to another of its row or column.
pub(super) const fn towards(from: Point, to: Point) -> u8 {
    if to.x > from.x {
        RIGHT
    } else if to.x < from.x {
        LEFT
    } else if to.y > from.y {
        DOWN
    } else {
        UP
    }
}

/// The columns and rows to the next cell.
pub(super) const fn step(direction: u8) -> (i32, i32) {
    match direction {
        LEFT => (-1, 0),
        RIGHT => (1, 0),
        UP => (0, -1),
        _ => (0, 1),
    }
}

/// The other way.
pub(super) const fn opposite(direction: u8) -> u8 {
    match direction {
        UP => DOWN,
        DOWN => UP,
        LEFT => RIGHT,
        _ => LEFT,
    }
}
