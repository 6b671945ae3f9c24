//! Places and sizes in cells.

/// A size in cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Size {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Size {
    /// Rows as columns and columns as rows.
    #[must_use]
    pub const fn turned(self) -> Self {
        Self {
            width: self.height,
            height: self.width,
        }
    }
}

/// One cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    /// Column, from the left.
    pub x: i32,
    /// Row, from the top.
    pub y: i32,
}

impl Point {
    /// Rows as columns and columns as rows.
    #[must_use]
    pub const fn turned(self) -> Self {
        Self {
            x: self.y,
            y: self.x,
        }
    }
}

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Its first column.
    pub x: i32,
    /// Its first row.
    pub y: i32,
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
}

impl Rect {
    /// The column after its last.
    pub const fn right(self) -> i32 {
        self.x + self.width
    }

    /// The row after its last.
    pub const fn bottom(self) -> i32 {
        self.y + self.height
    }

    /// Whether the cell is one of its own.
    pub const fn contains(self, point: Point) -> bool {
        point.x >= self.x && point.x < self.right() && point.y >= self.y && point.y < self.bottom()
    }

    /// Whether they have a cell in common.
    pub const fn overlaps(self, other: Self) -> bool {
        self.x < other.right()
            && other.x < self.right()
            && self.y < other.bottom()
            && other.y < self.bottom()
    }

    /// The cell in the middle, the upper left one of four.
    pub const fn centre(self) -> Point {
        Point {
            x: self.x + (self.width - 1) / 2,
            y: self.y + (self.height - 1) / 2,
        }
    }

    /// Rows as columns and columns as rows.
    #[must_use]
    pub const fn turned(self) -> Self {
        Self {
            x: self.y,
            y: self.x,
            width: self.height,
            height: self.width,
        }
    }
}
